# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests of a capture with their responses."""

import dataclasses

from vm.capture import Cable, Capture, Packet, PhyPacket, Reset, SelfIds

# Acknowledges, IEEE 1394-1995 table 6-13; the last two are the model's
ACK_COMPLETE, ACK_PENDING = 1, 2
ACKS = {4: "ack_busy_X", 5: "ack_busy_A", 6: "ack_busy_B", 13: "ack_data_error",
        14: "ack_type_error", 0x100: "no acknowledge", 0x101: "lost in the bus reset"}

# Response codes, table 6-11
RCODES = {4: "conflict_error", 5: "data_error", 6: "type_error", 7: "address_error"}


@dataclasses.dataclass
class Transaction:
    """One request, and what came of it"""

    request: Packet
    receiver: int | None            # None: nobody, or everybody
    response: Packet | None = None
    expects: bool = False           # a response
    response_acks: list[int] = dataclasses.field(default_factory=list)

    @property
    def time_ns(self) -> int:
        return self.request.time_ns

    @property
    def done(self) -> bool:
        """The request was carried out, as far as the bus tells"""
        if self.response:
            return self.response.rcode == 0
        return self.request.ack == ACK_COMPLETE

    @property
    def data(self) -> bytes:
        """What was written, or what was read"""
        if self.request.data:
            return self.request.data
        return self.response.data if self.response and self.done else b""

    def trouble(self) -> str:
        """What is out of the ordinary, in words; empty if nothing"""
        ack = self.request.ack
        words = [] if ack in (ACK_COMPLETE, ACK_PENDING) else [ack_name(ack)]
        if self.response and self.response.rcode:
            words.append(rcode_name(self.response.rcode))
        words += ["response: " + ack_name(ack) for ack in self.response_acks
                  if ack != ACK_COMPLETE]
        if self.expects and not self.response:
            words.append("no response")
        return ", ".join(words)


@dataclasses.dataclass(frozen=True)
class Stray:
    """A response that nobody waits for"""

    response: Packet
    receiver: int | None

    @property
    def time_ns(self) -> int:
        return self.response.time_ns


Item = Transaction | Stray | PhyPacket | Reset | SelfIds | Cable


def ack_name(ack: int) -> str:
    return ACKS.get(ack, "ack %#x" % ack)


def rcode_name(rcode: int) -> str:
    return RCODES.get(rcode, "rcode %d" % rcode)


class Pairing:
    """Finds the request of each response: node IDs and transaction label"""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.nodes: dict[int, int] = {}         # number by physical ID
        self.open: dict[tuple[int, int, int], Transaction] = {}

    def add(self, record: Packet | PhyPacket | Reset | SelfIds | Cable) -> None:
        if isinstance(record, Packet):
            if record.is_stream:
                self.items.append(Transaction(record, None))
            elif record.is_request:
                self.request(record)
            else:
                self.response(record)
            return
        if isinstance(record, Reset):
            self.open.clear()
        if isinstance(record, SelfIds):
            # Of several trees, others keep their nodes
            self.nodes.update(enumerate(record.nodes))
        self.items.append(record)

    def request(self, packet: Packet) -> None:
        transaction = Transaction(packet, self.nodes.get(packet.dest & 0x3f))
        self.items.append(transaction)
        if packet.ack == ACK_PENDING:
            transaction.expects = True
            self.open[packet.source, packet.dest, packet.tlabel] = transaction

    def response(self, packet: Packet) -> None:
        key = packet.dest, packet.source, packet.tlabel
        transaction = self.open.get(key)
        if not transaction:
            self.items.append(Stray(packet, self.nodes.get(packet.dest & 0x3f)))
            return
        transaction.response = packet
        transaction.response_acks.append(packet.ack)
        if packet.ack == ACK_COMPLETE:
            del self.open[key]


def pair(capture: Capture) -> list[Item]:
    pairing = Pairing()
    for record in capture.records:
        pairing.add(record)
    return pairing.items
