# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads a capture of the bus, as qemu/hw/firewire/fw-capture.c writes it."""

import dataclasses
import pathlib
import struct
from collections.abc import Iterator

from vm.host import Failure

SECTION = 0x0a0d0d0a
INTERFACE = 1
PACKET = 6
LINKTYPE_USER0 = 147
RECORD_VERSION = 1
NOBODY = 0xffff

# Transaction codes, IEEE 1394-1995 table 6-9
WRITE_QUADLET, WRITE_BLOCK, WRITE_RESPONSE = 0, 1, 2
READ_QUADLET, READ_BLOCK, READ_QUADLET_RESPONSE, READ_BLOCK_RESPONSE = 4, 5, 6, 7
LOCK_REQUEST, STREAM, LOCK_RESPONSE = 9, 10, 11

REQUESTS = (WRITE_QUADLET, WRITE_BLOCK, READ_QUADLET, READ_BLOCK, LOCK_REQUEST)
SHORT_HEADERS = (READ_QUADLET, WRITE_RESPONSE)
QUADLETS = (WRITE_QUADLET, READ_QUADLET_RESPONSE)


@dataclasses.dataclass(frozen=True)
class Packet:
    """A primary packet. Nodes are numbers here, node IDs are dest and source"""

    time_ns: int
    sender: int
    speed: int
    ack: int
    tcode: int
    tlabel: int
    dest: int
    source: int
    offset: int = 0
    rcode: int = 0
    ext_tcode: int = 0
    length: int = 0         # of the data, or what a read asks for
    data: bytes = b""
    channel: int = 0        # of a stream packet, which has no addresses

    @property
    def is_stream(self) -> bool:
        return self.tcode == STREAM

    @property
    def is_request(self) -> bool:
        return self.tcode in REQUESTS


@dataclasses.dataclass(frozen=True)
class PhyPacket:
    """Heard by all"""

    time_ns: int
    sender: int
    quadlet: int


@dataclasses.dataclass(frozen=True)
class Reset:
    """A bus reset begins; node is None if it was the bus's own"""

    time_ns: int
    node: int | None
    short: bool


@dataclasses.dataclass(frozen=True)
class SelfIds:
    """And ends: nodes has the number of each node by its physical ID"""

    time_ns: int
    generation: int
    root: int
    irm: int
    gap: int
    nodes: tuple[int, ...]
    quadlets: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Cable:
    """Plugged in or pulled"""

    time_ns: int
    node: int
    connected: bool


Record = Packet | PhyPacket | Reset | SelfIds | Cable


@dataclasses.dataclass
class Capture:
    """What a file holds; cut: it ends in the middle of something"""

    names: dict[int, str] = dataclasses.field(default_factory=dict)
    records: list[Record] = dataclasses.field(default_factory=list)
    cut: bool = False


class Damaged(Exception):
    """A record that is none"""


def stream(time_ns: int, sender: int, body: bytes) -> Packet:
    speed, ack, length, label = struct.unpack_from(">4H", body)
    return Packet(time_ns, sender, speed, ack, STREAM, 0, 0, 0, length=length,
                  data=body[8:], channel=label >> 8 & 0x3f)


def packet(time_ns: int, sender: int, body: bytes) -> Packet:
    if body[7] >> 4 == STREAM:
        return stream(time_ns, sender, body)
    speed, ack, dest, label, source, high = struct.unpack_from(">6H", body)
    low, = struct.unpack_from(">I", body, 12)
    tcode = label >> 4 & 15
    result = Packet(time_ns, sender, speed, ack, tcode, label >> 10, dest, source)
    if result.is_request:
        result = dataclasses.replace(result, offset=high << 32 | low)
    else:
        result = dataclasses.replace(result, rcode=high >> 12)
    if tcode in SHORT_HEADERS:
        return dataclasses.replace(result, length=4 if tcode == READ_QUADLET else 0)
    if tcode in QUADLETS:
        return dataclasses.replace(result, length=4, data=body[16:20])
    length, ext_tcode = struct.unpack_from(">2H", body, 16)
    return dataclasses.replace(result, length=length, ext_tcode=ext_tcode,
                               data=body[20:])


def self_ids(time_ns: int, body: bytes) -> SelfIds:
    generation, root, irm, gap, count = struct.unpack_from(">I4B", body)
    nodes = struct.unpack_from(">%dH" % count, body, 8)
    rest = body[8 + (2 * count + 3) // 4 * 4:]
    quadlets = struct.unpack(">%dI" % (len(rest) // 4), rest)
    return SelfIds(time_ns, generation, root, irm, gap, nodes, quadlets)


def record(capture: Capture, time_ns: int, data: bytes) -> None:
    version, kind, node = struct.unpack_from(">BBH", data)
    body = data[4:]
    if version != RECORD_VERSION:
        raise Damaged
    if kind == 1:
        capture.records.append(packet(time_ns, node, body))
    elif kind == 2:
        capture.records.append(PhyPacket(time_ns, node, *struct.unpack_from(">I", body)))
    elif kind == 3:
        capture.records.append(Reset(time_ns, None if node == NOBODY else node,
                                     body[3] == 1))
    elif kind == 4:
        capture.records.append(self_ids(time_ns, body))
    elif kind == 5:
        capture.names[node] = body.decode("ascii", "replace")
    elif kind == 6:
        capture.records.append(Cable(time_ns, node, body[3] == 1))


def blocks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each pcapng block that is whole"""
    at = 0
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or length % 4 or at + length > len(data):
            break
        yield kind, data[at + 8:at + length - 4]
        at += length
    if at < len(data):
        raise Damaged


def add_blocks(capture: Capture, data: bytes) -> None:
    for kind, body in blocks(data):
        if kind != PACKET:
            continue
        high, low, length = struct.unpack_from("<III", body, 4)
        record(capture, high << 32 | low, body[20:20 + length])


def parse(data: bytes, name: str = "the file") -> Capture:
    """Raises Failure for what is no capture; shows what there is of a cut one"""
    head = struct.pack("<IIIHH", SECTION, 28, 0x1a2b3c4d, 1, 0)
    interface = data[28:38]
    if data[:16] != head or (len(interface) == 10 and (
            interface[:4] + interface[8:] != struct.pack("<IH", INTERFACE, LINKTYPE_USER0))):
        raise Failure("%s is no capture of the lab's bus" % name)
    capture = Capture()
    try:
        add_blocks(capture, data)
    except (Damaged, struct.error, IndexError):
        capture.cut = True
    return capture


def read(path: str) -> Capture:
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise Failure("cannot read %s: %s" % (path, error.strerror)) from error
    return parse(data, path)
