#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The model of the controller against what OHCI 1.1 says, without a guest.

Expectations are the standard's (clauses in the tests), and what firewire-ohci
relies on; never what the model was seen to do.
"""

import functools
import pathlib
import struct
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import qtest  # noqa: E402
import tap  # noqa: E402
from qtest import (AR_REQUEST, AR_RESPONSE, AS_FILTER_HI, AS_FILTER_LO,  # noqa: E402
                   AT_REQUEST, BIB_VALID, BUS_ID, BUS_OPTIONS, BUS_RESET, CONFIG_ROM_HDR,
                   CONFIG_ROM_MAP, CSR_COMPARE, CSR_CONTROL, CSR_DATA, CYCLE_TIMER,
                   CYCLE_TIMER_ENABLE, FAIRNESS, GUID_HI, GUID_LO, GUID_ROM, HC_CONTROL,
                   INITIAL_BANDWIDTH, INITIAL_CHANNELS_HI, INITIAL_CHANNELS_LO,
                   INT_EVENT, INT_MASK, LINK_CONTROL, LINK_ENABLE, LPS, NODE_ID,
                   PHYS_FILTER_HI, PHYS_FILTER_LO, POSTED_WRITE, SELF_ID_BUFFER,
                   SELF_ID_COUNT, SOFT_RESET, VERSION, Controller, Machine)

GUID = 0x0011223344556677
CSR = 0xfffff0000000

# Event codes, OHCI 1.1 table 3-2
MISSING_ACK, DESCRIPTOR_READ, FLUSHED = 0x03, 0x06, 0x0f
ACK_COMPLETE, ACK_PENDING = 0x11, 0x12


class Alone(unittest.TestCase):
    """One controller on its bus"""

    def setUp(self) -> None:
        self.machine = Machine(binary(), "ohci1394,id=fw0,addr=5,guid=%#x" % GUID)
        self.addCleanup(self.machine.close)
        self.ohci = Controller(self.machine, 5, 1 << 20)


@functools.cache
def binary() -> str:
    return qtest.binary()


class Pci(Alone):
    """OHCI 1.1 annex A.3"""

    def test_identity(self) -> None:
        self.assertEqual(self.machine.config_read(5, 0x08) >> 8, 0x0c0010)
        self.assertEqual(self.machine.config_read(5, 0x3c) >> 8 & 0xff, 1)     # INTA#

    def test_registers_are_memory(self) -> None:
        self.machine.config_write(5, 0x10, 0xffffffff)
        bar = self.machine.config_read(5, 0x10)
        self.assertEqual(bar & 0xf, 0)          # memory, 32 bits
        self.assertEqual(bar & 0x7ff, 0)        # 2 KiB at least
        self.assertNotEqual(bar, 0)

    def interrupt_pin(self) -> int:
        return self.machine.config_read(5, 0x04) >> 19 & 1

    def test_interrupt(self) -> None:
        ohci = self.ohci
        ohci[INT_EVENT] = BUS_RESET
        self.assertEqual(self.interrupt_pin(), 0)
        ohci[INT_MASK] = BUS_RESET
        self.assertEqual(self.interrupt_pin(), 0)       # masterIntEnable is off
        ohci[INT_MASK] = 1 << 31
        self.assertEqual(self.interrupt_pin(), 1)
        ohci[INT_EVENT + 4] = BUS_RESET
        self.assertEqual(self.interrupt_pin(), 0)

    def capability(self, wanted: int) -> int:
        at = self.machine.config_read(5, 0x34) & 0xff
        while at:
            word = self.machine.config_read(5, at)
            if word & 0xff == wanted:
                return at
            at = word >> 8 & 0xff
        raise AssertionError("no capability %#x" % wanted)

    def test_msi(self) -> None:
        at, memory = self.capability(5), 0x300000
        self.machine.write(memory, bytes(4))
        self.machine.config_write(5, at + 4, memory)
        wide = self.machine.config_read(5, at) >> 23 & 1
        self.machine.config_write(5, at + (12 if wide else 8), 0x4321)
        self.machine.config_write(5, at, 1 << 16)
        self.ohci[INT_MASK] = 1 << 31 | BUS_RESET
        self.ohci[INT_EVENT] = BUS_RESET
        self.assertEqual(self.machine.read(memory, 4), struct.pack("<I", 0x4321))
        self.assertEqual(self.interrupt_pin(), 0)


class Registers(Alone):
    """OHCI 1.1 clauses 4 to 6"""

    def test_reset_values(self) -> None:
        expected = {VERSION: 0x00010010, GUID_ROM: 0, BUS_ID: 0x31333934,
                    CONFIG_ROM_HDR: 0, GUID_HI: GUID >> 32, GUID_LO: GUID & 0xffffffff,
                    INITIAL_BANDWIDTH: 0x1333, INITIAL_CHANNELS_HI: 0xffffffff,
                    INITIAL_CHANNELS_LO: 0xffffffff, AS_FILTER_HI: 0,
                    AS_FILTER_LO: 0, PHYS_FILTER_HI: 0, PHYS_FILTER_LO: 0, FAIRNESS: 0}
        for offset, value in expected.items():
            self.assertEqual(self.ohci[offset], value, hex(offset))
        self.assertEqual(self.ohci[INT_MASK] >> 31, 0)
        self.assertEqual(self.ohci[NODE_ID] & 0xc000ffc0, 0xffc0)   # not valid, bus 3ff
        self.assertEqual(self.ohci[HC_CONTROL] & (LPS | LINK_ENABLE | POSTED_WRITE), 0)
        # S400; 2048 bytes
        self.assertEqual(self.ohci[BUS_OPTIONS] & 0xf007, 0xa002)
        for context in range(0x180, 0x200, 0x20):
            self.assertEqual(self.ohci[context] & 0x9c00, 0, hex(context))

    def test_masks(self) -> None:
        """Ones that stay, for registers that software alone changes"""
        masks = {GUID_ROM: 0, BUS_ID: 0, VERSION: 0, CONFIG_ROM_HDR: 0xffffffff,
                 CONFIG_ROM_MAP: 0xfffffc00, SELF_ID_BUFFER: 0xfffff800,
                 FAIRNESS: 0xff, INITIAL_BANDWIDTH: 0x1fff}
        for offset, mask in masks.items():
            before = self.ohci[offset]
            self.ohci[offset] = 0xffffffff
            self.assertEqual(self.ohci[offset], mask or before, hex(offset))
            self.ohci[offset] = 0
            self.assertEqual(self.ohci[offset], 0 if mask else before, hex(offset))

    def test_guid_cannot_be_written(self) -> None:
        self.ohci[GUID_HI] = self.ohci[GUID_LO] = 0xffffffff
        self.assertEqual(self.ohci[GUID_HI] << 32 | self.ohci[GUID_LO], GUID)

    def test_link_speed_cannot_be_written(self) -> None:
        self.ohci[BUS_OPTIONS] = 0xffffffff
        self.assertEqual(self.ohci[BUS_OPTIONS] & 7, 2)

    def test_set_and_clear(self) -> None:
        for offset in (AS_FILTER_HI, AS_FILTER_LO, PHYS_FILTER_HI, PHYS_FILTER_LO):
            self.ohci[offset] = 0x0f0f0f0f
            self.ohci[offset] = 0x10101010
            self.assertEqual(self.ohci[offset], 0x1f1f1f1f, hex(offset))
            self.ohci[offset + 4] = 0x0000ffff
            self.assertEqual(self.ohci[offset], 0x1f1f0000, hex(offset))
            self.assertEqual(self.ohci[offset + 4], 0x1f1f0000, hex(offset))

    def test_events(self) -> None:
        """6.1, 6.2: reserved bits are zero; the clear address shows what is enabled"""
        self.ohci.clear_events()
        self.ohci[INT_MASK + 4] = 0xffffffff
        self.ohci[INT_EVENT] = self.ohci[INT_MASK] = 0xffffffff
        reserved = 0x10007c00
        self.assertEqual(self.ohci[INT_EVENT] & (reserved | 1 << 31), 0)
        self.assertEqual(self.ohci[INT_MASK] & reserved, 0)
        self.ohci[INT_MASK + 4] = 0xffffffff
        self.ohci[INT_MASK] = 0x30000
        self.assertEqual(self.ohci[INT_EVENT + 4], 0x30000)
        self.ohci[INT_EVENT + 4] = 0x10000
        self.assertEqual(self.ohci[INT_EVENT + 4], 0x20000)

    def test_soft_reset(self) -> None:
        """5.7: contexts, filters and masks are as after power-up, and the bit is zero"""
        ohci = self.ohci
        ohci.start()
        self.machine.step()
        ohci[INT_MASK] = 1 << 31
        ohci[HC_CONTROL] = SOFT_RESET
        self.machine.step()
        self.assertEqual(ohci[HC_CONTROL] & (SOFT_RESET | LINK_ENABLE), 0)
        self.assertEqual(ohci[INT_MASK] >> 31, 0)
        self.assertEqual(ohci[AS_FILTER_HI], 0)
        self.assertEqual(ohci[AR_REQUEST] & qtest.RUN, 0)
        self.assertEqual(ohci[GUID_LO], GUID & 0xffffffff)

    def swap(self, select: int, compare: int, value: int) -> int:
        self.ohci[CSR_DATA] = value
        self.ohci[CSR_COMPARE] = compare
        self.ohci[CSR_CONTROL] = select
        self.assertEqual(self.ohci[CSR_CONTROL] >> 31, 1)       # csrDone
        return self.ohci[CSR_DATA]

    def test_compare_swap(self) -> None:
        """5.5.1, 5.8; after a bus reset as the Initial registers say"""
        self.ohci[INITIAL_BANDWIDTH] = 0x1000
        self.ohci.start()
        self.ohci.reset_bus()
        for select, initial in enumerate((0x3f, 0x1000, 0xffffffff, 0xffffffff)):
            self.assertEqual(self.swap(select, 0x12345, 7), initial)
            self.assertEqual(self.swap(select, initial, 7), initial)
            self.assertEqual(self.swap(select, 7, 8), 7)
        self.ohci.reset_bus()
        self.assertEqual(self.swap(0, 0, 0), 0x3f)

    def test_isochronous_contexts_are_absent(self) -> None:
        """A context that is started tells that it will not work"""
        self.ohci.clear_events()
        self.ohci[0x200] = qtest.RUN
        self.assertTrue(self.ohci[INT_EVENT] & 1 << 24)         # unrecoverableError


class CycleTimer(Alone):
    """5.13"""

    def ticks(self) -> int:
        value = self.ohci[CYCLE_TIMER]
        self.assertLess(value >> 12 & 0x1fff, 8000)
        self.assertLess(value & 0xfff, 3072)
        return ((value >> 25) * 8000 + (value >> 12 & 0x1fff)) * 3072 + (value & 0xfff)

    def test_rate(self) -> None:
        self.ohci[LINK_CONTROL] = CYCLE_TIMER_ENABLE
        before = self.ticks()
        self.machine.step(1_000_000_000)
        self.assertAlmostEqual(self.ticks() - before, 24_576_000, delta=1)
        self.machine.step(125_000)
        self.assertAlmostEqual(self.ticks() - before, 24_579_072, delta=1)

    def test_written(self) -> None:
        self.ohci[LINK_CONTROL] = CYCLE_TIMER_ENABLE
        self.ohci[CYCLE_TIMER] = 127 << 25 | 7999 << 12
        self.assertEqual(self.ohci[CYCLE_TIMER] >> 12, 127 << 13 | 7999)
        self.machine.step(125_000)
        self.assertEqual(self.ohci[CYCLE_TIMER] >> 12, 0)       # all of it wraps

    def test_64_seconds(self) -> None:
        """6.1: cycle64Seconds is set when bit 6 of the seconds changes"""
        self.ohci[LINK_CONTROL] = CYCLE_TIMER_ENABLE
        self.ohci[CYCLE_TIMER] = 63 << 25
        self.ohci.clear_events()
        self.machine.step(900_000_000)
        self.assertFalse(self.ohci[INT_EVENT] & 1 << 21)
        self.machine.step(200_000_000)
        self.assertTrue(self.ohci[INT_EVENT] & 1 << 21)

    def test_stands_still(self) -> None:
        """5.10: cycleTimerEnable is off after a reset"""
        before = self.ohci[CYCLE_TIMER]
        self.machine.step(1_000_000)
        self.assertEqual(self.ohci[CYCLE_TIMER], before)


class Phy(Alone):
    """5.12, and IEEE 1394a-2000 5B.1"""

    def test_registers(self) -> None:
        self.assertEqual(self.ohci.phy_read(2), 0xe3)           # extended, 3 ports
        self.assertEqual(self.ohci.phy_read(3) >> 5, 2)         # S400
        self.ohci.phy_write(4, 0xc4)                            # L, contender, power class
        self.assertEqual(self.ohci.phy_read(4) & 0xc7, 0xc4)

    def test_received_event(self) -> None:
        self.ohci.clear_events()
        self.ohci.phy_read(2)
        self.assertTrue(self.ohci[INT_EVENT] & 1 << 26)         # phyRegRcvd

    def test_gap_count_and_reset(self) -> None:
        self.ohci.start()
        self.machine.step()
        self.ohci.clear_events()
        self.ohci.phy_write(1, 0x40 | 5)                        # IBR
        self.machine.step()
        self.assertTrue(self.ohci[INT_EVENT] & BUS_RESET)
        self.assertEqual(self.ohci.phy_read(1) & 0x3f, 5)
        self.assertEqual([q >> 16 & 0x3f for q in self.ohci.self_ids()], [5])
        self.ohci.reset_bus()       # holds through one bus reset only
        self.assertEqual(self.ohci.phy_read(1) & 0x3f, 63)

    def test_own_self_id(self) -> None:
        """1394a 4.3.4.1: type, ID, L, gap, speed, contender, power, three ports, i"""
        self.ohci.start()
        self.ohci.phy_write(4, 0xc4)
        self.ohci.reset_bus()
        self.assertEqual(self.ohci.self_ids(), [0x807f8c56])
        self.assertEqual(self.ohci[NODE_ID] & 0xc000ffff, 0xc000ffc0)   # valid, root


class SelfIds(unittest.TestCase):
    """The stream of many nodes, OHCI 11.3 and 1394a-2000 4.3.4"""

    def start(self, *nodes: str, ports: int = 3) -> Controller:
        machine = Machine(binary(), "ohci1394,id=fw0,addr=5,ports=%d" % ports,
                          *("sbp2-target,bus=fw0.0," + node for node in nodes))
        self.addCleanup(machine.close)
        ohci = Controller(machine, 5, 1 << 20)
        ohci.start()
        machine.step()          # the reset that plugging them in caused
        ohci.reset_bus()
        return ohci

    @staticmethod
    def ports_of(packets: list[int]) -> list[int]:
        """Of one node: 2 bits each, from packet 0 and the extended ones"""
        codes = [packets[0] >> shift & 3 for shift in (6, 4, 2)]
        for packet in packets[1:]:
            codes += [packet >> shift & 3 for shift in range(16, 0, -2)]
        return codes

    def nodes(self, quadlets: list[int]) -> list[list[int]]:
        """Packets by node; each but a node's last one has the m bit"""
        nodes: list[list[int]] = []
        more = False
        for quadlet in quadlets:
            self.assertEqual(quadlet >> 30, 2)
            if not more:
                self.assertEqual(quadlet >> 23 & 1, 0)
                nodes.append([])
            else:
                self.assertEqual(quadlet >> 23 & 1, 1)
                self.assertEqual(quadlet >> 20 & 7, len(nodes[-1]) - 1)
            nodes[-1].append(quadlet)
            self.assertEqual(quadlet >> 24 & 0x3f, len(nodes) - 1)
            more = bool(quadlet & 1)
        self.assertFalse(more)
        return nodes

    def parents(self, nodes: list[list[int]]) -> list[int | None]:
        """As firewire-core builds the tree: children come before parents"""
        parent: list[int | None] = [None] * len(nodes)
        waiting: list[int] = []
        for number, packets in enumerate(nodes):
            codes = self.ports_of(packets)
            for _ in range(codes.count(3)):
                parent[waiting.pop()] = number
            self.assertEqual(codes.count(2), 0 if number == len(nodes) - 1 else 1)
            waiting.append(number)
        self.assertEqual(waiting, [len(nodes) - 1])
        return parent

    def depth(self, parent: list[int | None], node: int) -> int:
        above = parent[node]
        return 0 if above is None else 1 + self.depth(parent, above)

    def test_two(self) -> None:
        ohci = self.start("ports=1")
        # The target is root: one port, which leads to a child; link on, S400
        self.assertEqual([q & 0xfffff8fe for q in ohci.self_ids()],
                         [0x807f8096, 0x817f80c0])

    def test_chain(self) -> None:
        ohci = self.start(*["ports=2"] * 4, ports=1)
        parent = self.parents(self.nodes(ohci.self_ids()))
        self.assertEqual(parent, [1, 2, 3, 4, None])

    def test_tree(self) -> None:
        """Three at the controller, then two at each of these"""
        ohci = self.start(*["ports=3"] * 9)
        parent = self.parents(self.nodes(ohci.self_ids()))
        self.assertEqual(len(parent), 10)
        children = sorted(parent.count(node) for node in range(10))
        # The root is a leaf of the cabling: one neighbour and no parent
        self.assertEqual(children, [0] * 5 + [1, 2, 2, 2, 2])

    def test_speeds(self) -> None:
        ohci = self.start("speed=0", "speed=3")
        speeds = {q >> 24 & 0x3f: q >> 14 & 3 for q in ohci.self_ids()}
        # Physical IDs: the controller's neighbours first, the last one is root
        self.assertEqual(sorted(speeds.values()), [0, 2, 3])

    def test_63_nodes(self) -> None:
        ohci = self.start(*["ports=3"] * 62)
        nodes = self.nodes(ohci.self_ids())
        self.assertEqual(len(nodes), 63)
        parent = self.parents(nodes)
        self.assertLessEqual(max(self.depth(parent, node) for node in range(63)), 16)
        self.assertEqual(ohci[SELF_ID_COUNT] & 0x7fc, 4 + 63 * 8)

    def test_many_ports(self) -> None:
        """Eleven ports take two packets, twelve three: 3, 8 and 8 in each"""
        for ports, packets in ((3, 1), (11, 2), (12, 3)):
            ohci = self.start("ports=1", ports=ports)
            nodes = self.nodes(ohci.self_ids())
            mine = nodes[ohci.node & 0x3f]
            self.assertEqual(len(mine), packets)
            codes = self.ports_of(mine)
            self.assertEqual(len(codes) - codes.count(0), ports)
            self.assertEqual(codes.count(2), 1)

    def test_generation(self) -> None:
        ohci = self.start("ports=1")
        before = ohci[SELF_ID_COUNT] >> 16 & 0xff
        for _ in range(3):
            ohci.machine.reset_bus()
        self.assertEqual(ohci[SELF_ID_COUNT] >> 16 & 0xff, (before + 3) & 0xff)
        self.assertTrue(ohci[INT_EVENT] & 1 << 16)      # selfIDcomplete

    def test_not_wanted(self) -> None:
        """rcvSelfID is off: nothing is written"""
        ohci = self.start("ports=1")
        ohci[LINK_CONTROL + 4] = qtest.RCV_SELF_ID
        ohci.machine.write(ohci.self_id_buffer, bytes(16))
        ohci.reset_bus()
        self.assertEqual(ohci.machine.read(ohci.self_id_buffer, 16), bytes(16))


class Two(unittest.TestCase):
    """Two controllers on one bus: what one sends the other gets"""

    def setUp(self) -> None:
        self.machine = Machine(binary(), "ohci1394,id=fw0,addr=5,guid=%#x" % GUID,
                               "ohci1394,id=fw1,addr=6,fwbus=" + qtest.BUS)
        self.addCleanup(self.machine.close)
        self.here = Controller(self.machine, 5, 1 << 20)
        self.there = Controller(self.machine, 6, 2 << 20)
        for ohci in (self.here, self.there):
            ohci.start()
        self.here.reset_bus()
        self.there.clear_events()
        self.start_receiving()

    def start_receiving(self) -> None:
        for ohci in (self.here, self.there):
            for context, part in ((AR_REQUEST, 3), (AR_RESPONSE, 4)):
                ohci[context + 4] = qtest.RUN
                ohci.receive(context, ohci.at(part))

    def header(self, tcode: int, offset: int, last: int | None = None,
               tlabel: int = 0x2a, speed: int = 2) -> list[int]:
        """To here, as it lies in memory, 7.8"""
        words = [speed << 16 | tlabel << 10 | 1 << 8 | tcode << 4,
                 self.here.node << 16 | offset >> 32, offset & 0xffffffff]
        return words if last is None else [*words, last]

    def trailer(self, data: bytes) -> tuple[int, int]:
        """Event and speed, 8.4.2"""
        status, = struct.unpack("<I", data[-4:])
        return status >> 16 & 0x1f, status >> 21 & 7

    def test_write_quadlet(self) -> None:
        quadlet, = struct.unpack("<I", b"\x12\x34\x56\x78")
        self.assertEqual(self.there.send(self.header(0, 0x123400005678, quadlet)), ACK_PENDING)
        data = self.here.received(AR_REQUEST)
        self.assertEqual(len(data), 20)
        q0, q1, q2 = struct.unpack_from("<3I", data)
        self.assertEqual(q0 >> 16, self.here.node)
        self.assertEqual(q0 & 0xfff0, 0x2a << 10 | 1 << 8 | 0 << 4)
        self.assertEqual(q1, self.there.node << 16 | 0x1234)
        self.assertEqual(q2, 0x5678)
        self.assertEqual(data[12:16], b"\x12\x34\x56\x78")
        self.assertEqual(self.trailer(data), (ACK_PENDING, 2))
        self.assertTrue(self.here[INT_EVENT] & 1 << 4)          # RQPkt
        self.assertTrue(self.there[INT_EVENT] & 1 << 0)         # reqTxComplete

    def test_write_block(self) -> None:
        body = bytes(range(250)) * 8
        event = self.there.send(self.header(1, 0x200000000000, len(body) << 16), body)
        self.assertEqual(event, ACK_PENDING)
        data = self.here.received(AR_REQUEST)
        self.assertEqual(struct.unpack_from("<I", data, 12), (len(body) << 16,))
        self.assertEqual(data[16:-4], body)

    def test_padding(self) -> None:
        """8.4.2: what is no whole quadlet is padded"""
        self.there.send(self.header(1, 0x200000000000, 5 << 16), b"abcde")
        self.assertEqual(self.here.received(AR_REQUEST)[16:-4], b"abcde\0\0\0")

    def test_two_buffers(self) -> None:
        """8.1: a packet goes on in the next buffer; both tell what is left"""
        buffers, table = self.here.at(5), self.here.at(6)
        self.here[AR_REQUEST + 4] = qtest.RUN
        self.machine.write(table, qtest.descriptor(qtest.INPUT_MORE | qtest.BRANCH, 32,
                                                   buffers, (table + 16) | 1) +
                           qtest.descriptor(qtest.INPUT_MORE | qtest.BRANCH, 64, buffers + 256))
        self.here[AR_REQUEST + qtest.COMMAND_PTR] = table | 1
        self.here[AR_REQUEST] = qtest.RUN
        body = bytes(range(1, 29))
        self.there.send(self.header(1, 0x200000000000, len(body) << 16), body)
        left = [struct.unpack("<H", self.machine.read(table + at, 2))[0] for at in (12, 28)]
        self.assertEqual(left, [0, 64 - 16])
        self.assertEqual(self.machine.read(buffers + 16, 16), body[:16])
        self.assertEqual(self.machine.read(buffers + 256, 12), body[16:])

    def test_no_room(self) -> None:
        """The sender tries as often as ATRetries says, and is told of busy"""
        self.here[AR_REQUEST + 4] = qtest.RUN
        self.there[qtest.AT_RETRIES] = 3
        event = self.there.send(self.header(0, 0x200000000000, 0))
        self.assertIn(event, (0x14, 0x15, 0x16))

    def test_nobody(self) -> None:
        header = self.header(4, CSR + 0x400)
        header[1] = 0xffc5 << 16 | header[1] & 0xffff
        self.assertEqual(self.there.send(header), MISSING_ACK)

    def test_response(self) -> None:
        words = [2 << 16 | 0x2a << 10 | 1 << 8 | 2 << 4, self.here.node << 16 | 4 << 12, 0]
        self.assertEqual(self.there.send(words, context=qtest.AT_RESPONSE), ACK_COMPLETE)
        data = self.here.received(AR_RESPONSE)
        self.assertEqual(struct.unpack_from("<2I", data)[1],
                         self.there.node << 16 | 4 << 12)
        self.assertTrue(self.here[INT_EVENT] & 1 << 5)          # RSPkt

    def test_bad_program(self) -> None:
        """3.1.2: a block that is none leaves the context dead"""
        self.there.clear_events()
        self.there[AT_REQUEST + qtest.COMMAND_PTR] = self.there.at(0) | 1   # Z is 2 to 8
        self.there[AT_REQUEST] = qtest.RUN
        self.machine.step()
        self.assertTrue(self.there[AT_REQUEST] & qtest.DEAD)
        self.assertTrue(self.there[INT_EVENT] & 1 << 24)
        self.there[AT_REQUEST + 4] = qtest.RUN
        self.assertFalse(self.there[AT_REQUEST] & qtest.DEAD)

    def test_flushed_until_the_reset_is_handled(self) -> None:
        """7.2.3.1"""
        self.machine.reset_bus()
        self.assertTrue(self.there[INT_EVENT] & BUS_RESET)
        self.assertEqual(self.there.send(self.header(4, CSR + 0x400)), FLUSHED)
        self.there.clear_events()
        self.assertEqual(self.there.send(self.header(0, 0x200000000000, 0)), ACK_PENDING)

    def test_bus_reset_packet(self) -> None:
        """8.4.2.3: synthesized for the request context, with the generation"""
        self.machine.reset_bus()
        data = self.here.received(AR_REQUEST)
        self.assertEqual(len(data), 16)
        q0, _, q2 = struct.unpack_from("<3I", data)
        self.assertEqual(q0 >> 4 & 15, 0xe)
        self.assertEqual(q2 >> 16 & 0xff, self.here[SELF_ID_COUNT] >> 16 & 0xff)
        self.assertEqual(self.trailer(data)[0], 9)              # evt_bus_reset

    def test_phy_packet(self) -> None:
        """7.8.1.4, 8.4.2.2: all that want them get them, the sender too"""
        words = [0xe << 4, 0x00c50000, 0xff3affff]
        self.assertEqual(self.there.send(words), ACK_COMPLETE)
        for ohci in (self.here, self.there):
            data = ohci.received(AR_REQUEST)
            self.assertEqual(struct.unpack_from("<2I", data, 4), (0x00c50000, 0xff3affff))

    # What the controller answers by itself

    def answer(self) -> tuple[int, bytes]:
        """rcode and data of the response"""
        data = self.there.received(AR_RESPONSE)
        self.assertTrue(data, "no response")
        tcode, rcode = data[0] >> 4, struct.unpack_from("<I", data, 4)[0] >> 12 & 15
        return rcode, data[12:16] if tcode == 6 else data[16:-4]

    def set_rom(self) -> list[int]:
        rom = [0x04040000, 0x31333934, 0x0000a002, GUID >> 32, GUID & 0xffffffff,
               0x00010000, 0x0c0083c0]
        self.machine.write(self.here.at(7), struct.pack(">%dI" % len(rom), *rom))
        self.here[CONFIG_ROM_MAP] = self.here.at(7)
        self.here[CONFIG_ROM_HDR] = rom[0]
        self.here[HC_CONTROL] = BIB_VALID
        self.here.reset_bus()
        self.there.clear_events()
        self.start_receiving()
        return rom

    def test_config_rom(self) -> None:
        """5.5: served without software, whatever the filter says"""
        rom = self.set_rom()
        self.here[AS_FILTER_HI + 4] = 0xffffffff
        for index, quadlet in enumerate(rom):
            self.start_receiving()
            event = self.there.send(self.header(4, CSR + 0x400 + 4 * index))
            self.assertEqual(event, ACK_PENDING)
            self.assertEqual(self.answer(), (0, struct.pack(">I", quadlet)))

    def test_next_rom_waits_for_the_reset(self) -> None:
        """5.5.6"""
        self.set_rom()
        self.machine.write(self.here.at(8), struct.pack(
            ">7I", 0x04040001, 0x31333934, 0x0000a012, 0, 0, 0, 0x55555555))
        self.here[CONFIG_ROM_MAP] = self.here.at(8)
        self.there.send(self.header(4, CSR + 0x418))
        self.assertEqual(self.answer()[1], b"\x0c\x00\x83\xc0")
        self.here.reset_bus()
        self.there.clear_events()
        self.start_receiving()
        self.there.send(self.header(4, CSR + 0x418))
        self.assertEqual(self.answer()[1], b"UUUU")
        self.assertEqual(self.here[CONFIG_ROM_HDR], 0x04040001)

    def lock(self, old: int, new: int) -> tuple[int, bytes]:
        self.start_receiving()
        event = self.there.send(self.header(9, CSR + 0x21c, 8 << 16 | 2),
                                struct.pack(">II", old, new))
        self.assertEqual(event, ACK_PENDING)
        return self.answer()

    def test_bus_manager_lock(self) -> None:
        self.assertEqual(self.lock(0x3f, 1), (0, b"\0\0\0\x3f"))
        self.assertEqual(self.lock(0x3f, 0), (0, b"\0\0\0\x01"))
        self.here[CSR_COMPARE] = 0
        self.here[CSR_CONTROL] = 0
        self.assertEqual(self.here[CSR_DATA], 1)        # one register, from both sides

    # Physical requests, clause 12

    MEMORY = 0x380000

    def physical_read(self) -> int:
        self.machine.write(self.MEMORY, b"\xde\xad\xbe\xef")
        return self.there.send(self.header(4, self.MEMORY))

    def let_in(self) -> None:
        self.here[PHYS_FILTER_LO] = 1 << (self.there.node & 0x3f)

    def test_physical_read(self) -> None:
        self.let_in()
        self.assertEqual(self.physical_read(), ACK_PENDING)
        self.assertEqual(self.answer(), (0, b"\xde\xad\xbe\xef"))
        self.assertEqual(self.here.received(AR_REQUEST), b"")

    def test_physical_filter(self) -> None:
        """5.14.2: without its bit software gets the request"""
        self.here[PHYS_FILTER_LO] = ~(1 << (self.there.node & 0x3f)) & 0xffffffff
        self.assertEqual(self.physical_read(), ACK_PENDING)
        self.assertEqual(self.there.received(AR_RESPONSE), b"")
        self.assertEqual(len(self.here.received(AR_REQUEST)), 16)

    def test_bus_reset_clears_the_filters(self) -> None:
        """5.14: but not asynReqResourceAll"""
        self.let_in()
        self.here[PHYS_FILTER_HI] = 0xffffffff
        self.here[AS_FILTER_HI] = self.here[AS_FILTER_LO] = 0xffffffff
        self.machine.reset_bus()
        for offset, value in ((PHYS_FILTER_LO, 0), (AS_FILTER_LO, 0),
                              (AS_FILTER_HI, 1 << 31)):
            self.assertEqual(self.here[offset], value, hex(offset))
        self.assertEqual(self.here[PHYS_FILTER_HI] & 0x7fffffff, 0)

    def test_request_filter(self) -> None:
        """5.14.1: no acknowledge for who is not let in"""
        self.here[AS_FILTER_HI + 4] = 0xffffffff
        header = self.header(0, 0x200000000000, 0)
        self.assertEqual(self.there.send(header), MISSING_ACK)
        self.here[AS_FILTER_LO] = 1 << (self.there.node & 0x3f)
        self.assertEqual(self.there.send(header), ACK_PENDING)

    def test_physical_requests_pass_both_filters(self) -> None:
        """5.14.2"""
        self.let_in()
        self.here[AS_FILTER_HI + 4] = 0xffffffff
        self.assertEqual(self.physical_read(), MISSING_ACK)
        self.here[AS_FILTER_LO] = 1 << (self.there.node & 0x3f)
        self.assertEqual(self.physical_read(), ACK_PENDING)

    def test_posted_write(self) -> None:
        """12.2: ack_complete if they are enabled, else a response"""
        self.let_in()
        header = self.header(0, self.MEMORY, struct.unpack("<I", b"abcd")[0])
        self.assertEqual(self.there.send(header), ACK_PENDING)
        self.assertEqual(self.answer()[0], 0)
        self.assertEqual(self.machine.read(self.MEMORY, 4), b"abcd")
        self.here[HC_CONTROL] = POSTED_WRITE
        header[3], = struct.unpack("<I", b"efgh")
        self.assertEqual(self.there.send(header), ACK_COMPLETE)
        self.assertEqual(self.machine.read(self.MEMORY, 4), b"efgh")

    def test_above_the_bound(self) -> None:
        """5.15: PhysicalUpperBound is not implemented, so 4 GiB"""
        self.let_in()
        self.here[HC_CONTROL] = POSTED_WRITE
        header = self.header(0, 1 << 32, 0)
        self.assertEqual(self.there.send(header), ACK_PENDING)
        self.assertEqual(len(self.here.received(AR_REQUEST)), 20)

    def test_lock_in_memory(self) -> None:
        """12.1: only reads and writes are physical, software gets locks"""
        self.let_in()
        event = self.there.send(self.header(9, self.MEMORY, 8 << 16 | 2), bytes(8))
        self.assertEqual(event, ACK_PENDING)
        self.assertEqual(len(self.here.received(AR_REQUEST)), 28)


if __name__ == "__main__":
    sys.exit(tap.main())
