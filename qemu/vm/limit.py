# SPDX-License-Identifier: GPL-2.0-or-later
"""What a timed bus carries at most, computed.

One medium is shared by all: a packet, its acknowledge, and the gap before the
packet cost time that nobody else has. So the limit follows from the packets
that a command cannot do without, and from how long each occupies the bus. It
knows no driver and no processor: no driver is faster.

usage: qemu/lab limit [--speed 400] [--gap 5] [--media-latency 100] ...
"""

import argparse
import dataclasses
import math

# IEEE 1394: the base rate, and what surrounds the bits; in Mbit/s and us
BASE_RATE = 98.304
DATA_PREFIX = 0.16
DATA_END = 0.26
ACK_GAP = 0.081
ACK_BYTES = 1

# Packets of transactions without their payload, with the CRC of the header. A
# payload, if there is one, is padded to quadlets and has a CRC of its own.
READ_BLOCK_REQUEST = 20
READ_BLOCK_RESPONSE = 20
WRITE_BLOCK_REQUEST = 20
WRITE_RESPONSE = 16
DATA_CRC = 4

PAGE_TABLE_ENTRY = 8
STATUS_GOOD = 8             # a status block without sense data
MAX_DIRECT = 0xffff         # data_size of an ORB has 16 bits


@dataclasses.dataclass(frozen=True)
class Bus:
    """@speed: 100 to 800; @gap: the gap count"""

    speed: int = 400
    gap: int = 5

    def bytes_us(self, count: float) -> float:
        return 8 * count / (BASE_RATE * self.speed / 100)

    def subaction_us(self, length: int) -> float:
        """A packet and the acknowledge to it"""
        return (DATA_PREFIX + self.bytes_us(length) + DATA_END +
                ACK_GAP + DATA_PREFIX + self.bytes_us(ACK_BYTES) + DATA_END)

    def subaction_gap_us(self) -> float:
        return (27 + 16 * self.gap) / BASE_RATE

    def arbitration_reset_gap_us(self) -> float:
        return (51 + 32 * self.gap) / BASE_RATE

    def request_us(self, length: int) -> float:
        """Of the target. It may send one per fairness interval, and the gap
        that ends the interval is the longer one"""
        return self.arbitration_reset_gap_us() + self.subaction_us(length)

    def response_us(self, length: int) -> float:
        return self.subaction_gap_us() + self.subaction_us(length)

    def read_us(self, length: int) -> float:
        """The target reads from the host: it asks, and the host answers"""
        return (self.request_us(READ_BLOCK_REQUEST) +
                self.response_us(READ_BLOCK_RESPONSE + padded(length)))

    def write_us(self, length: int) -> float:
        """The target writes to the host's memory: the controller acknowledges
        that with "complete", there is no response"""
        return self.request_us(WRITE_BLOCK_REQUEST + padded(length))

    def answered_write_us(self, length: int) -> float:
        """To an address that is not memory, or not opened to the target:
        software sees to it, so there is a response"""
        return self.write_us(length) + self.response_us(WRITE_RESPONSE)

    def status_us(self) -> float:
        return self.answered_write_us(STATUS_GOOD)


def padded(length: int) -> int:
    return math.ceil(length / 4) * 4 + DATA_CRC if length else 0


@dataclasses.dataclass(frozen=True)
class Target:
    """@payload: bytes in a packet of data; 0 is what the speed allows
    @orb: bytes of a command ORB
    @depth: commands that it does in parallel
    @command_us, @medium_us: added to each command"""

    payload: int = 0
    orb: int = 36
    depth: int = 8
    command_us: float = 0
    medium_us: float = 0

    def packet(self, bus: Bus) -> int:
        most = 512 * bus.speed // 100
        return min(self.payload, most) if self.payload else most


@dataclasses.dataclass(frozen=True)
class Load:
    """@size: bytes of one command
    @write: to the disk; the target reads the host's memory then
    @segment: bytes that lie together in the host's memory; a command whose
    data is in one segment needs no page table
    @depth: commands that are there at a time
    @guarded: software serves the target's requests, not the controller"""

    size: int
    write: bool = False
    segment: int = 4096
    depth: int = 1
    guarded: bool = False


def split(size: int, most: int) -> list[int]:
    return [most] * (size // most) + ([size % most] if size % most else [])


def page_table_us(bus: Bus, target: Target, load: Load) -> float:
    if load.size <= min(load.segment, MAX_DIRECT):
        return 0
    table = PAGE_TABLE_ENTRY * math.ceil(load.size / load.segment)
    return sum(map(bus.read_us, split(table, target.packet(bus))))


def data_us(bus: Bus, target: Target, load: Load) -> float:
    """No packet has data of two segments"""
    to_host = bus.answered_write_us if load.guarded else bus.write_us
    one = bus.read_us if load.write else to_host
    return sum(sum(map(one, split(segment, target.packet(bus))))
               for segment in split(load.size, load.segment))


def command_us(bus: Bus, target: Target, load: Load) -> float:
    """How long one command occupies the bus: the target fetches the ORB and
    the page table, moves the data, writes the status. What tells the target of
    the ORB is left out: one write can tell it of many."""
    return (bus.read_us(target.orb) + page_table_us(bus, target, load) +
            data_us(bus, target, load) + bus.status_us())


def commands_per_second(bus: Bus, target: Target, load: Load) -> float:
    """Whichever is less: what the bus has room for, and what so many commands
    give when each takes its time"""
    occupied = command_us(bus, target, load)
    latency = occupied + target.command_us + target.medium_us
    parallel = min(load.depth, target.depth)
    return 1e6 / max(occupied, latency / parallel)


def bytes_per_second(bus: Bus, target: Target, load: Load) -> float:
    return commands_per_second(bus, target, load) * load.size


def payload_rates(bus: Bus, payload: int = 0) -> tuple[float, float]:
    """Data alone, in MB/s: to the host, and from it"""
    size = Target(payload=payload).packet(bus)
    return size / bus.write_us(size), size / bus.read_us(size)


def table(bus: Bus, target: Target, depths: list[int],
          guarded: bool = False) -> list[str]:
    """The limits that a benchmark is held against"""
    lines = ["%5s %22s %18s %18s" % ("depth", "random 4 KiB reads",
                                     "1 MiB reads", "1 MiB writes")]
    for depth in depths:
        small = commands_per_second(bus, target,
                                    Load(4096, depth=depth, guarded=guarded))
        read, write = (bytes_per_second(bus, target,
                                        Load(1 << 20, way, depth=depth,
                                             guarded=guarded))
                       for way in (False, True))
        lines.append("%5d %17.0f IOPS %13.2f MB/s %13.2f MB/s"
                     % (depth, small, read / 1e6, write / 1e6))
    return lines


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--speed", type=int, default=400, choices=(100, 200, 400, 800))
    add("--gap", type=int, default=5, help="the gap count (5)")
    add("--payload", type=int, default=0, help="bytes in a packet of data")
    add("--orb-size", type=int, default=9, help="of the target, in quadlets (9)")
    add("--queue-depth", type=int, default=8, help="of the target (8)")
    add("--cmd-latency", type=float, default=0, metavar="US")
    add("--media-latency", type=float, default=0, metavar="US")
    add("--depth", default="1,2,4,8,16", help="commands at a time")
    add("--guarded", action="store_true",
        help="software serves the target's requests, not the controller")


def run(options: argparse.Namespace) -> int:
    bus = Bus(options.speed, options.gap)
    target = Target(options.payload, options.orb_size * 4, options.queue_depth,
                    options.cmd_latency, options.media_latency)
    print("S%d, gap count %d, %d bytes in a packet: %.2f MB/s to the host, "
          "%.2f MB/s from it" % (bus.speed, bus.gap, target.packet(bus),
                                 *payload_rates(bus, options.payload)))
    depths = [int(depth) for depth in options.depth.split(",")]
    for line in table(bus, target, depths, options.guarded):
        print(line)
    return 0
