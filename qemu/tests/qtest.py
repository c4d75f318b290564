# SPDX-License-Identifier: GPL-2.0-or-later
"""A machine without a guest: QEMU's qtest protocol, and a controller in it."""

import pathlib
import socket
import struct
import subprocess
import tempfile

from vm import host, qmp

BUS = "/machine/peripheral/fw0/fw0.0"
MS = 1_000_000

# OHCI 1.1; of a pair the set address
VERSION, GUID_ROM, AT_RETRIES = 0x000, 0x004, 0x008
CSR_DATA, CSR_COMPARE, CSR_CONTROL = 0x00c, 0x010, 0x014
CONFIG_ROM_HDR, BUS_ID, BUS_OPTIONS, GUID_HI, GUID_LO = 0x018, 0x01c, 0x020, 0x024, 0x028
CONFIG_ROM_MAP, HC_CONTROL = 0x034, 0x050
SELF_ID_BUFFER, SELF_ID_COUNT = 0x064, 0x068
INT_EVENT, INT_MASK = 0x080, 0x088
INITIAL_BANDWIDTH, INITIAL_CHANNELS_HI, INITIAL_CHANNELS_LO = 0x0b0, 0x0b4, 0x0b8
FAIRNESS, LINK_CONTROL, NODE_ID, PHY_CONTROL, CYCLE_TIMER = 0x0dc, 0x0e0, 0x0e8, 0x0ec, 0x0f0
AS_FILTER_HI, AS_FILTER_LO, PHYS_FILTER_HI, PHYS_FILTER_LO = 0x100, 0x108, 0x110, 0x118
AT_REQUEST, AT_RESPONSE, AR_REQUEST, AR_RESPONSE = 0x180, 0x1a0, 0x1c0, 0x1e0
COMMAND_PTR = 0x0c

RUN, DEAD, ACTIVE = 1 << 15, 1 << 11, 1 << 10
LPS, POSTED_WRITE, LINK_ENABLE, SOFT_RESET = 1 << 19, 1 << 18, 1 << 17, 1 << 16
BIB_VALID = 1 << 31
BUS_RESET = 1 << 17
RCV_SELF_ID, RCV_PHY = 1 << 9, 1 << 10
CYCLE_TIMER_ENABLE = 1 << 20

# Descriptors, OHCI 1.1 3.1 and 7.1
OUTPUT_MORE_IMMEDIATE, OUTPUT_LAST_IMMEDIATE = 0x0200, 0x1200
OUTPUT_LAST, INPUT_MORE = 0x1000, 0x2000
INTERRUPT, BRANCH = 0x0030, 0x000c


class Machine:
    """A q35 with these devices; time passes in step() only"""

    def __init__(self, binary: str, *devices: str) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = self.folder.name + "/qtest"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            server.listen(1)
            ours, theirs = socket.socketpair()
            command = [binary, "-L", str(pathlib.Path(binary).parent / "pc-bios"),
                       "-nodefaults", "-no-user-config", "-display", "none",
                       "-machine", "q35,sata=off,smbus=off", "-m", "64M",
                       "-accel", "qtest", "-qtest", "unix:" + path,
                       "-chardev", "socket,id=qmp,fd=%d" % theirs.fileno(),
                       "-mon", "chardev=qmp,mode=control"]
            for device in devices:
                command += ["-device", device]
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()],
                                            stderr=subprocess.PIPE)
            theirs.close()
            server.settimeout(60)
            self.connection = server.accept()[0]
            self.connection.settimeout(60)
        self.file = self.connection.makefile("rwb")
        self.monitor = qmp.Monitor(ours)
        self.asked = ours

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr
        self.process.stderr.close()
        self.file.close()
        self.connection.close()
        self.monitor.file.close()
        self.asked.close()
        self.folder.cleanup()

    def call(self, *words: object) -> str:
        self.file.write(" ".join(str(word) for word in words).encode() + b"\n")
        self.file.flush()
        while True:
            answer = self.file.readline().decode().split()
            if not answer or answer[0] not in ("OK", "IRQ"):
                raise AssertionError("%s: %s" % (words, answer))
            if answer[0] == "OK":
                return answer[1] if len(answer) > 1 else ""

    def step(self, ns: int = MS) -> None:
        self.call("clock_step", ns)

    def now(self) -> int:
        return int(self.call("clock_step", 0))

    def read(self, address: int, length: int) -> bytes:
        if not length:
            return b""
        return bytes.fromhex(self.call("read", hex(address), length)[2:])

    def write(self, address: int, data: bytes) -> None:
        self.call("write", hex(address), len(data), "0x" + data.hex())

    def config_read(self, slot: int, offset: int) -> int:
        self.call("outl", 0xcf8, 1 << 31 | slot << 11 | offset & ~3)
        return int(self.call("inl", 0xcfc), 16)

    def config_write(self, slot: int, offset: int, value: int) -> None:
        self.call("outl", 0xcf8, 1 << 31 | slot << 11 | offset & ~3)
        self.call("outl", 0xcfc, value)

    def reset_bus(self, kind: str = "short") -> None:
        """One that no node initiates"""
        error = self.monitor.call("qom-set", path=BUS, property="reset", value=kind)
        assert not error, error
        self.step()


def descriptor(control: int, count: int, data: int = 0, branch: int = 0) -> bytes:
    return struct.pack("<HHIIHH", count, control, data, branch, count, 0)


class Controller:
    """One ohci1394; memory from @memory on is its own"""

    def __init__(self, machine: Machine, slot: int, memory: int) -> None:
        self.machine = machine
        self.slot = slot
        self.base = 0xe0000000 + slot * 0x1000
        self.memory = memory
        machine.config_write(slot, 0x10, self.base)
        machine.config_write(slot, 0x04, 0x06)      # memory, bus master

    def __getitem__(self, offset: int) -> int:
        return int(self.machine.call("readl", hex(self.base + offset)), 16)

    def __setitem__(self, offset: int, value: int) -> None:
        self.machine.call("writel", hex(self.base + offset), value)

    # Memory, by part: descriptors, packets' data, self-IDs, receive buffers

    def at(self, part: int) -> int:
        return self.memory + part * 0x10000

    @property
    def self_id_buffer(self) -> int:
        return self.at(2)

    def start(self) -> None:
        """As a driver does it: link on, self-IDs and requests wanted"""
        self[HC_CONTROL] = LPS
        self[SELF_ID_BUFFER] = self.self_id_buffer
        self[LINK_CONTROL] = RCV_SELF_ID | RCV_PHY | CYCLE_TIMER_ENABLE
        self[AS_FILTER_HI] = 1 << 31
        self.receive(AR_REQUEST, self.at(3))
        self.receive(AR_RESPONSE, self.at(4))
        self[HC_CONTROL] = LINK_ENABLE

    def clear_events(self) -> None:
        self[INT_EVENT + 4] = 0xffffffff

    def receive(self, context: int, buffer: int, size: int = 0x1000) -> None:
        """One buffer, its descriptor behind it"""
        self.machine.call("memset", hex(buffer), size, 0)
        self.machine.write(buffer + size, descriptor(INPUT_MORE | BRANCH, size, buffer))
        self[context + COMMAND_PTR] = (buffer + size) | 1
        self[context] = RUN

    def received(self, context: int, size: int = 0x1000) -> bytes:
        """All that came since receive()"""
        buffer = self.at(3 if context == AR_REQUEST else 4)
        left, = struct.unpack_from("<H", self.machine.read(buffer + size + 12, 2))
        return self.machine.read(buffer, size - left)

    def send(self, header: list[int], data: bytes = b"", context: int = AT_REQUEST) -> int:
        """One packet; returns the event code of its descriptor"""
        at, length = self.at(0), 4 * len(header)
        control = INTERRUPT | BRANCH
        packed = struct.pack("<%dI" % len(header), *header).ljust(16, b"\0")
        if data:
            self.machine.write(self.at(1), data)
            self.machine.write(at, descriptor(OUTPUT_MORE_IMMEDIATE, length) + packed +
                               descriptor(OUTPUT_LAST | control, len(data), self.at(1)))
            last, z = at + 32, 3
        else:
            self.machine.write(at, descriptor(OUTPUT_LAST_IMMEDIATE | control, length) + packed)
            last, z = at, 2
        self[context + 4] = RUN
        self[context + COMMAND_PTR] = at | z
        self[context] = RUN
        self.machine.step()
        return struct.unpack("<H", self.machine.read(last + 14, 2))[0] & 0x1f

    # The PHY

    def phy_read(self, register: int) -> int:
        self[PHY_CONTROL] = 1 << 15 | register << 8
        value = self[PHY_CONTROL]
        assert value >> 31 and value >> 24 & 15 == register, hex(value)
        return value >> 16 & 0xff

    def phy_write(self, register: int, value: int) -> None:
        self[PHY_CONTROL] = 1 << 14 | register << 8 | value
        assert not self[PHY_CONTROL] & 1 << 14

    def reset_bus(self) -> None:
        """A short one, by this node"""
        self.phy_write(5, 0x40)
        self.machine.step()
        self.clear_events()

    @property
    def node(self) -> int:
        return self[NODE_ID] & 0xffff

    def self_ids(self) -> list[int]:
        """Checks the header and the inverses; returns the self-ID packets"""
        count = self[SELF_ID_COUNT]
        length = (count >> 2 & 0x1ff) * 4
        data = struct.unpack("<%dI" % (length // 4),
                             self.machine.read(self.self_id_buffer, length))
        assert not count >> 31 and data[0] >> 16 & 0xff == count >> 16 & 0xff
        assert all(q ^ inverse == 0xffffffff for q, inverse in zip(data[1::2], data[2::2]))
        return list(data[1::2])


def binary() -> str:
    return host.step("build")
