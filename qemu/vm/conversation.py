# SPDX-License-Identifier: GPL-2.0-or-later
"""What the nodes of a capture say to each other, step by step.

Nothing is guessed from how a packet looks. A write to a management agent tells
where a management ORB is, this where the response and the status go, the login
response where the agent is, ORB_POINTER where an ORB is, and so on.
"""

import dataclasses
import re
import struct
from collections.abc import Callable

from vm import sbp2_decode as sbp2
from vm.capture import Cable, Capture, Packet, PhyPacket, Reset, SelfIds
from vm.sbp2_decode import CommandOrb, LoginResponse, ManagementOrb, Status
from vm.transactions import Item, Stray, Transaction, pair, rcode_name

CSR = 0xfffff0000000
ROM = range(0x400, 0x800)
# Where the lab's target has it; others' is where their ROM says
MANAGEMENT_AGENT = CSR + 0x10000
KEY_MANAGEMENT_AGENT = 0x54
BROADCAST = 0x3f

CSRS = {0x000: "STATE_CLEAR", 0x004: "STATE_SET", 0x008: "NODE_IDS",
        0x00c: "RESET_START", 0x018: "SPLIT_TIMEOUT_HI", 0x01c: "SPLIT_TIMEOUT_LO",
        0x200: "CYCLE_TIME", 0x204: "BUS_TIME", 0x210: "BUSY_TIMEOUT",
        0x21c: "BUS_MANAGER_ID", 0x220: "BANDWIDTH_AVAILABLE",
        0x224: "CHANNELS_AVAILABLE_HI", 0x228: "CHANNELS_AVAILABLE_LO",
        0x234: "BROADCAST_CHANNEL"}

INTRUDER = re.compile(r"i\d+")    # the lab's name for one
LATE_NS = 1_000_000     # a response that took so long is told of
SHOWN_BYTES = 16


@dataclasses.dataclass
class Step:
    """One line: an arrow between two nodes, or an event"""

    time_ns: int
    kind: str
    text: str
    sender: int | None = None
    receiver: int | None = None     # None: all of them
    trouble: str = ""
    run: object = None              # steps with the same one are summed up
    sizes: list[int] = dataclasses.field(default_factory=list)
    count: int = 1
    end_ns: int = 0

    def __post_init__(self) -> None:
        self.end_ns = self.end_ns or self.time_ns

    def amount(self) -> str:
        if not self.sizes:
            return "" if self.count == 1 else "%d times" % self.count
        if len(set(self.sizes)) > 1:
            return "%d bytes in %d packets" % (sum(self.sizes), self.count)
        text = sbp2.plural(self.sizes[0], "byte")
        return text if self.count == 1 else "%d × %s" % (self.count, text)

    def label(self) -> str:
        text = self.text
        if self.amount():
            text += ": " + self.amount()
        if self.end_ns > self.time_ns:
            text += " in %.1f µs" % ((self.end_ns - self.time_ns) / 1000)
        return text

    def add(self, other: "Step") -> None:
        self.sizes += other.sizes
        self.count += 1
        self.end_ns = other.time_ns


@dataclasses.dataclass(frozen=True)
class Place:
    """An address in an initiator's memory that its target knows"""

    target: int
    handle: Callable[["Conversation", Transaction, "Place"], Step | None]
    orb: ManagementOrb | None = None


@dataclasses.dataclass(frozen=True)
class Region:
    """Memory of a command: its data, or its page table"""

    host: int
    start: int
    end: int
    orb: int
    command: CommandOrb
    table: bool

    def has(self, host: int | None, start: int, length: int) -> bool:
        return host == self.host and self.start <= start and start + length <= self.end


def management_agents(rom: dict[int, int]) -> set[int]:
    """Addresses, from as many quadlets of a ROM as are known"""
    found: set[int] = set()
    seen: set[int] = set()
    waiting = [(rom.get(0, 0) >> 24) + 1]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        for index in range(at + 1, at + 1 + (rom.get(at, 0) >> 16)):
            key, value = rom.get(index, 0) >> 24, rom.get(index, 0) & 0xffffff
            if key == KEY_MANAGEMENT_AGENT:
                found.add(CSR + 4 * value)
            elif key >> 6 == 3:
                waiting.append(index + value)
    return found


class Conversation:
    """Goes through the transactions in order, and remembers what they tell"""

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.roles: dict[int, str] = {}
        self.steps: list[Step] = []
        self.phys: dict[int, int] = {}          # number by physical ID
        self.roms: dict[int, dict[int, int]] = {}
        self.agents: dict[tuple[int, int], int] = {}    # login ID
        self.places: dict[tuple[int, int], Place] = {}
        self.regions: list[Region] = []
        self.commands: dict[tuple[int, int], str] = {}

    def name(self, node: int | None) -> str:
        return "nobody" if node is None else self.names.get(node, "node %d" % node)

    def title(self, node: int) -> str:
        """For a column: its role, where the capture shows one, and its name"""
        role = self.roles.get(node, "")
        if INTRUDER.fullmatch(self.name(node)):
            role = "intruder"
        return (role + " " + self.name(node)).strip()

    # Items

    def add(self, item: Item) -> None:
        if isinstance(item, Transaction):
            self.steps.append(self.transaction(item))
        elif isinstance(item, Stray):
            self.steps.append(self.stray(item))
        elif isinstance(item, Reset):
            self.steps.append(self.reset(item))
        elif isinstance(item, SelfIds):
            self.steps.append(self.self_ids(item))
        elif isinstance(item, PhyPacket):
            self.steps.append(Step(item.time_ns, "phy", phy_text(item.quadlet), item.sender))
        elif isinstance(item, Cable):
            text = "%s: the cable is %s" % (self.name(item.node),
                                            "in" if item.connected else "out")
            self.steps.append(Step(item.time_ns, "cable", text, item.node))

    def reset(self, item: Reset) -> Step:
        """Fetch agents forget their ORBs; logins wait to be reconnected"""
        self.regions.clear()
        self.places = {key: place for key, place in self.places.items()
                       if place.handle is not Conversation.command_orb}
        text = "%s bus reset" % ("short" if item.short else "long")
        if item.node is not None:
            text += " by " + self.name(item.node)
        return Step(item.time_ns, "reset", text)

    def self_ids(self, item: SelfIds) -> Step:
        self.phys.update(enumerate(item.nodes))
        nodes = ["%s %04x%s" % (self.name(node), 0xffc0 | phy,
                                " (root)" if phy == item.root else "")
                 for phy, node in enumerate(item.nodes)]
        return Step(item.time_ns, "reset", "generation %d: %s; gap count %d"
                    % (item.generation, ", ".join(nodes), item.gap))

    def stray(self, item: Stray) -> Step:
        packet = item.response
        text = "response that nobody waits for, tlabel %d" % packet.tlabel
        return Step(item.time_ns, "other", text, packet.sender, item.receiver,
                    rcode_name(packet.rcode) if packet.rcode else "unexpected")

    def transaction(self, t: Transaction) -> Step:
        step = (self.stream(t) or self.place(t) or self.management_agent(t) or self.agent(t) or
                self.region(t) or self.rom(t) or self.csr(t) or self.plain(t))
        step.time_ns = step.end_ns = t.time_ns
        step.sender, step.receiver = t.request.sender, t.receiver
        step.trouble = ", ".join(filter(None, (t.trouble(), self.spoof(t.request),
                                               step.trouble)))
        if t.response and t.response.time_ns - t.time_ns > LATE_NS:
            step.text += ", answered after %.1f ms" % (
                (t.response.time_ns - t.time_ns) / 1e6)
        if step.trouble:
            # What failed again and again in the same way is one line
            step.run = (t.request.sender, t.receiver, step.text, step.trouble)
        return step

    def stream(self, t: Transaction) -> Step | None:
        packet = t.request
        if not packet.is_stream:
            return None
        return step("other", "stream packet, channel %d, %s"
                    % (packet.channel, sbp2.plural(packet.length, "byte")))

    def spoof(self, packet: Packet) -> str:
        if packet.is_stream:
            return ""
        claimed = self.phys.get(packet.source & 0x3f)
        if claimed in (None, packet.sender):
            return ""
        return "says to be " + self.name(claimed)

    # Management

    def management_agent(self, t: Transaction) -> Step | None:
        host, target = t.request.sender, t.receiver
        if target is None or len(t.request.data) != 8:
            return None
        if t.request.offset not in {MANAGEMENT_AGENT,
                                    *management_agents(self.roms.get(target, {}))}:
            return None
        orb = pointer(t.request.data)
        self.roles[host], self.roles[target] = "host", "target"
        self.places[host, orb] = Place(target, Conversation.management_orb)
        return step("management", "MANAGEMENT_AGENT: ORB " + sbp2.address(orb))

    def place(self, t: Transaction) -> Step | None:
        if t.receiver is None:
            return None
        place = self.places.get((t.receiver, t.request.offset))
        return place.handle(self, t, place) if place else None

    def management_orb(self, t: Transaction, place: Place) -> Step | None:
        host = t.receiver
        if host is None or t.request.data or t.request.sender != place.target:
            return None
        if len(t.data) < 32:
            return step("management", "fetches management ORB")
        orb = ManagementOrb.parse(t.data)
        self.commands[host, t.request.offset] = orb.name
        self.places[host, orb.fifo] = Place(place.target, Conversation.status)
        if orb.response_length and orb.function in (sbp2.LOGIN, sbp2.QUERY_LOGINS):
            self.places[host, orb.response] = Place(
                place.target, Conversation.response, orb)
        return step("management", "fetches management ORB: " + orb.text())

    def response(self, t: Transaction, place: Place) -> Step | None:
        data = t.request.data
        if not data or not place.orb or len(data) < 4:
            return None
        if place.orb.function == sbp2.QUERY_LOGINS:
            logins = (struct.unpack_from(">H", data)[0] - 4) // 12
            return step("management", "QUERY LOGINS response: " + sbp2.plural(logins, "login"))
        response = LoginResponse.parse(data)
        if response.agent is not None:
            self.agents[place.target, response.agent] = response.login_id
        return step("management", response.text())

    # Commands

    def agent(self, t: Transaction) -> Step | None:
        """Registers of a command block agent"""
        target, offset, data = t.receiver, t.request.offset, t.request.data
        for (node, base), login in self.agents.items():
            name = sbp2.AGENT_REGISTERS.get(offset - base)
            if node == target and name:
                break
        else:
            return None
        text = "login %d %s" % (login, name)
        if not data:
            return step("agent", text + " read" + ("" if not t.data else
                                                   ": " + t.data.hex()))
        if offset - base == sbp2.ORB_POINTER and len(data) == 8:
            self.places[t.request.sender, pointer(data)] = Place(
                node, Conversation.command_orb)
            text += ": " + sbp2.address(pointer(data))
        return step("agent", text)

    def command_orb(self, t: Transaction, place: Place) -> Step | None:
        host, at = t.receiver, t.request.offset
        if host is None or t.request.data or t.request.sender != place.target:
            return None
        if t.request.length < 20:
            return self.next_orb(t, place)
        if len(t.data) < 20:
            return step("orb", "fetches ORB " + sbp2.address(at))
        orb = CommandOrb.parse(t.data)
        self.forget_regions(host, at)
        self.commands[host, at] = orb.name
        if orb.size and not orb.rq_fmt:
            length = orb.size * 8 if orb.page_table else orb.size
            self.regions.append(Region(host, orb.data, orb.data + length, at, orb,
                                       orb.page_table))
        if orb.next_orb is not None:
            self.places[host, orb.next_orb] = place
        return step("orb", "fetches ORB %s: %s" % (sbp2.address(at), orb.text()))

    def next_orb(self, t: Transaction, place: Place) -> Step:
        """After a doorbell the target looks at next_ORB once more"""
        text = "reads next_ORB of " + sbp2.address(t.request.offset)
        if len(t.data) < 8:
            return step("orb", text)
        if t.data[0] & 0x80:
            return step("orb", text + ": null")
        if t.receiver is not None:
            self.places[t.receiver, pointer(t.data)] = place
        return step("orb", "%s: %s" % (text, sbp2.address(pointer(t.data))))

    def forget_regions(self, host: int, orb: int) -> None:
        self.regions = [region for region in self.regions
                        if (region.host, region.orb) != (host, orb)]

    def status(self, t: Transaction, place: Place) -> Step | None:
        host, data = t.receiver, t.request.data
        if host is None or not data:
            return None
        if len(data) < 8:
            return step("status", "status of %s" % sbp2.plural(len(data), "byte"),
                        "too short")
        status = Status.parse(data)
        command = "" if status.src == 2 else self.commands.get(
            (host, status.orb), "unknown ORB " + sbp2.address(status.orb))
        if t.request.sender == place.target and status.src != 2:
            self.forget_regions(host, status.orb)
        result = step("status", status.text(command))
        if not status.good:
            result.kind = "bad-status"
        return result

    def region(self, t: Transaction) -> Step | None:
        request = t.request
        for region in self.regions:
            if region.has(t.receiver, request.offset, request.length):
                break
        else:
            return None
        if region.table and not request.data:
            return self.page_table(t, region)
        text = "data of " + region.command.name
        return Step(0, "data", text, run=("data", request.sender, region.host, region.orb),
                    sizes=[request.length])

    def page_table(self, t: Transaction, region: Region) -> Step:
        segments = sbp2.page_table(t.data)
        for segment in segments:
            new = dataclasses.replace(region, start=segment.base, table=False,
                                      end=segment.base + segment.length)
            if new not in self.regions:
                self.regions.append(new)
        if not segments:
            return step("orb", "reads page table")
        return step("orb", "reads " + sbp2.page_table_text(segments))

    # Everything else

    def rom(self, t: Transaction) -> Step | None:
        at = t.request.offset - CSR
        if at not in ROM or t.request.data or t.receiver is None:
            return None
        rom = self.roms.setdefault(t.receiver, {})
        for index, (quadlet,) in enumerate(struct.iter_unpack(
                ">I", t.data[:len(t.data) // 4 * 4])):
            rom[(at - ROM.start) // 4 + index] = quadlet
        return Step(0, "rom", "reads configuration ROM", sizes=[t.request.length],
                    run=("rom", t.request.sender, t.receiver))

    def csr(self, t: Transaction) -> Step | None:
        name = CSRS.get(t.request.offset - CSR)
        data = t.request.data
        if not name:
            return None
        if len(data) == 8:
            old = t.response.data.hex() if t.response else "?"
            return step("csr", "%s: swaps %s for %s, was %s" % (
                name, data[:4].hex(), data[4:].hex(), old))
        if data:
            return step("csr", "%s: %s" % (name, data.hex()))
        return step("csr", "reads %s%s" % (name, ": " + t.data.hex() if t.data else ""))

    def plain(self, t: Transaction) -> Step:
        request = t.request
        text = "%s %s at %s" % ("writes" if request.data else "reads",
                                sbp2.plural(request.length, "byte"),
                                sbp2.address(request.offset))
        if t.data:
            text += ": " + t.data[:SHOWN_BYTES].hex(" ", 4)
            text += " …" if len(t.data) > SHOWN_BYTES else ""
        return step("other", text)


def step(kind: str, text: str, trouble: str = "") -> Step:
    """Its time and its nodes are the transaction's"""
    return Step(0, kind, text, trouble=trouble)


def pointer(data: bytes) -> int:
    return int.from_bytes(data[2:8], "big")


def phy_text(quadlet: int) -> str:
    node = quadlet >> 24 & 0x3f
    if quadlet >> 30 == 1:
        return "PHY packet: link-on for %04x" % (0xffc0 | node)
    words = []
    if quadlet >> 30 == 0 and quadlet >> 23 & 1:
        words.append("root %04x" % (0xffc0 | node))
    if quadlet >> 30 == 0 and quadlet >> 22 & 1:
        words.append("gap count %d" % (quadlet >> 16 & 0x3f))
    return "PHY packet: " + (", ".join(words) or "%08x" % quadlet)


def summed_up(steps: list[Step]) -> list[Step]:
    """Runs of data are one step, also where commands take turns"""
    result: list[Step] = []
    runs: dict[object, Step] = {}
    for each in steps:
        if each.run is None:
            runs.clear()
        elif each.run in runs:
            runs[each.run].add(each)
            continue
        else:
            runs[each.run] = each = dataclasses.replace(each, sizes=list(each.sizes))
        result.append(each)
    return result


def of(capture: Capture) -> Conversation:
    conversation = Conversation(capture.names)
    for item in pair(capture):
        conversation.add(item)
    return conversation
