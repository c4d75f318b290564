#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""From the bytes of a capture to the lines of a ladder."""

import pathlib
import struct
import sys
import unittest
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402
from vm import capture, conversation, ladder, sbp2_decode, svg  # noqa: E402
from vm.host import Failure  # noqa: E402

HEAD = ("0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffffffffffff 1c000000"
        "01000000 34000000 93000000 00000000 03000d00 49454545203133393420627573000000"
        "09000100 09000000 00000000 34000000")

NAMES = ["0105 0000 667730", "0105 0001 7430", "0105 0002 6930"]     # fw0, t0, i0
SELF_IDS = ("0104 ffff 00000003 02023f03 0000 0001 0002 0000"
            "807f8880 817f0080 827f08f0")

# Node 0 writes the address of a management ORB, 0x0000_00012340, to node 1's agent
MANAGEMENT_AGENT = "0101 0000 0002 0001 ffc10410 ffc0ffff f0010000 00080000 00000000 00012340"
# Node 1 reads 32 bytes there; ack_pending, and the response: LOGIN
READ_LOGIN = "0101 0001 0002 0002 ffc00850 ffc10000 00012340 00200000"
LOGIN = ("0101 0000 0002 0001 ffc10870 ffc00000 00000000 00200000"
         "0000000000000000 0000000000012400 90200000 00000010 0000001000000000")
LOGIN_RESPONSE = ("0101 0001 0002 0001 ffc00c10 ffc10000 00012400 00100000"
                  "00100005 ffc1ffff f0020000 00000003")
LOGIN_STATUS = ("0101 0001 0002 0001 ffc01010 ffc10010 00000000 00080000"
                "4100000000012340")

# A READ(10) of 16 blocks at 0x800, 8192 bytes by two segments, at 0x50000
ORB_POINTER = "0101 0000 0002 0001 ffc11410 ffc0ffff f0020008 00080000 0000000000050000"
READ_ORB = "0101 0001 0002 0002 ffc01850 ffc10000 00050000 00240000"
ORB = ("0101 0000 0002 0001 ffc11870 ffc00000 00000000 00240000"
       "8000000000000000 ffc0000000051000 8a980002 28000000080000001000 000000000000")
READ_TABLE = "0101 0001 0002 0002 ffc01c50 ffc10000 00051000 00100000"
TABLE = ("0101 0000 0002 0001 ffc11c70 ffc00000 00000000 00100000"
         "1000000000060000 1000000000080000")
ORB_STATUS = ("0101 0001 0002 0001 ffc02010 ffc10010 00000000 00080000"
              "4100000000050000")


def block(time_ns: int, text: str) -> bytes:
    data = bytes.fromhex(text.replace(" ", ""))
    body = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xffffffff,
                       len(data), len(data)) + data + bytes(-len(data) % 4)
    return struct.pack("<II", 6, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def capture_of(*records: str) -> bytes:
    """10 us between two of them"""
    return bytes.fromhex(HEAD.replace(" ", "")) + b"".join(
        block(10000 * number, text) for number, text in enumerate(records))


def conversation_of(*records: str) -> conversation.Conversation:
    return conversation.of(capture.parse(capture_of(*NAMES, SELF_IDS, *records)))


def texts(*records: str) -> list[str]:
    steps = conversation.summed_up(conversation_of(*records).steps[1:])
    return [ladder.label(step) for step in steps]


def data_write(address: int, tlabel: int, ack: str = "0001", length: int = 2048) -> str:
    return "0101 0001 0002 %s ffc0%04x ffc10000 %08x %04x0000" % (
        ack, tlabel << 10 | 0x10, address, length) + "5a" * length


DATA = [data_write(base + at, at // 2048) for base in (0x60000, 0x80000)
        for at in (0, 2048)]
LOGGED_IN = [MANAGEMENT_AGENT, READ_LOGIN, LOGIN, LOGIN_RESPONSE, LOGIN_STATUS]
COMMAND = [ORB_POINTER, READ_ORB, ORB, READ_TABLE, TABLE, *DATA, ORB_STATUS]


class Ladder(unittest.TestCase):
    """Literal bytes, literal lines"""

    maxDiff = None

    def test_login_and_read(self) -> None:
        talk = conversation_of(*LOGGED_IN, *COMMAND)
        lines = list(ladder.lines(talk, conversation.summed_up(talk.steps)))
        self.assertEqual(lines, [
            "           s          µs     host fw0    target t0   intruder i0",
            "    0.000030        +0.0        ╪════════════╪════════════╪       generation 3: fw0 ffc0, t0 ffc1, i0 ffc2 (root); gap count 63",
            "    0.000040       +10.0        ├───────────▶│            │       MANAGEMENT_AGENT: ORB 000000012340",
            "    0.000050       +10.0        │◀───────────┤            │       fetches management ORB: LOGIN LUN 0, exclusive, hold 4 s",
            "    0.000070       +20.0        │◀───────────┤            │       login response: login 5, agent at fffff0020000, hold 4 s",
            "    0.000080       +10.0        │◀───────────┤            │       status of LOGIN: good",
            "    0.000090       +10.0        ├───────────▶│            │       login 5 ORB_POINTER: 000000050000",
            "    0.000100       +10.0        │◀───────────┤            │       fetches ORB 000000050000: READ(10) LBA 2048, 16 blocks; 2 segments in",
            "    0.000120       +20.0        │◀───────────┤            │       reads page table: 2 segments, 8192 bytes",
            "    0.000140       +20.0        │◀───────────┤            │       data of READ(10) LBA 2048, 16 blocks: 4 × 2048 bytes in 30.0 µs",
            "    0.000180       +10.0        │◀───────────┤            │       status of READ(10) LBA 2048, 16 blocks: good",
        ])

    def test_each_packet(self) -> None:
        talk = conversation_of(*LOGGED_IN, *COMMAND)
        data = [step for step in talk.steps if step.kind == "data"]
        self.assertEqual([step.label() for step in data],
                         ["data of READ(10) LBA 2048, 16 blocks: 2048 bytes"] * 4)

    def test_odd_sizes(self) -> None:
        self.assertIn("data of READ(10) LBA 2048, 16 blocks: 2052 bytes in 2 packets in 10.0 µs",
                      texts(*LOGGED_IN, *COMMAND[:5], data_write(0x60000, 1),
                            data_write(0x60800, 2, length=4)))


class Learning(unittest.TestCase):
    """What is told is what was learnt, and nothing else"""

    def test_without_the_login_an_orb_is_memory(self) -> None:
        self.assertEqual(texts(*COMMAND)[:2], [
            "writes 8 bytes at fffff0020008: 00000000 00050000",
            "reads 36 bytes at 000000050000: 80000000 00000000 ffc00000 00051000 …"])

    def test_data_end_with_the_status(self) -> None:
        self.assertEqual(texts(*LOGGED_IN, *COMMAND, DATA[0])[-1],
                         "writes 2048 bytes at 000000060000: 5a5a5a5a 5a5a5a5a "
                         "5a5a5a5a 5a5a5a5a …")

    def test_a_bus_reset_ends_commands_and_not_logins(self) -> None:
        after = texts(*LOGGED_IN, *COMMAND[:3], "0103 0001 00000001", SELF_IDS,
                      READ_ORB, ORB, ORB_POINTER, READ_ORB, ORB)
        self.assertEqual(after[-5], "short bus reset by t0")
        self.assertTrue(after[-3].startswith("reads 36 bytes at 000000050000"))
        self.assertTrue(after[-1].startswith("fetches ORB 000000050000: READ(10)"))

    def test_chained_orb(self) -> None:
        chained = ORB.replace("8000000000000000", "0000000000070000")
        reads = [r.replace("00050000 00240000", "00070000 00240000") for r in (READ_ORB, ORB)]
        self.assertEqual(texts(*LOGGED_IN, ORB_POINTER, READ_ORB, chained, *reads)[-2:], [
            "fetches ORB 000000050000: READ(10) LBA 2048, 16 blocks; 2 segments in; "
            "next_ORB 000000070000",
            "fetches ORB 000000070000: READ(10) LBA 2048, 16 blocks; 2 segments in"])

    def test_management_agent_from_the_rom(self) -> None:
        # Bus information block of 4, root directory of one entry: a unit
        # directory, which says 0x54: 0x8000
        rom = ["04040000", "0", "0", "0", "0", "00010000", "d1000001",
               "00010000", "54008000"]
        reads = []
        for index, quadlet in enumerate(rom):
            reads += ["0101 0000 0002 0002 ffc10040 ffc0ffff f0000%03x" % (0x400 + 4 * index),
                      "0101 0001 0002 0001 ffc00060 ffc10000 00000000" + quadlet.rjust(8, "0")]
        write = MANAGEMENT_AGENT.replace("f0010000", "f0020000")
        self.assertEqual(texts(*reads, write), [
            "reads configuration ROM: 9 × 4 bytes in 160.0 µs",
            "MANAGEMENT_AGENT: ORB 000000012340"])
        self.assertTrue(texts(write)[0].startswith("writes 8 bytes at fffff0020000"))

    def test_rom_with_a_circle(self) -> None:
        self.assertEqual(conversation.management_agents(
            {0: 0x04000000, 5: 0x00020000, 6: 0xd1fffff0, 7: 0xd1000000}), set())


class Trouble(unittest.TestCase):
    """Whatever is not plain complete or pending"""

    def test_busy_is_summed_up(self) -> None:
        busy = MANAGEMENT_AGENT.replace("0002 0001", "0002 0004")
        self.assertEqual(texts(busy, busy, busy, MANAGEMENT_AGENT), [
            "MANAGEMENT_AGENT: ORB 000000012340: 3 times in 20.0 µs ✗ ack_busy_X",
            "MANAGEMENT_AGENT: ORB 000000012340"])

    def test_no_acknowledge(self) -> None:
        self.assertEqual(texts(MANAGEMENT_AGENT.replace("0002 0001", "0002 0100")),
                         ["MANAGEMENT_AGENT: ORB 000000012340 ✗ no acknowledge"])

    def test_conflict_error(self) -> None:
        self.assertEqual(texts(MANAGEMENT_AGENT.replace("0002 0001", "0002 0002"),
                               "0101 0001 0002 0001 ffc00420 ffc14000 00000000"),
                         ["MANAGEMENT_AGENT: ORB 000000012340 ✗ conflict_error"])

    def test_no_response(self) -> None:
        self.assertEqual(texts(MANAGEMENT_AGENT, READ_LOGIN)[-1],
                         "fetches management ORB ✗ no response")

    def test_stray_response(self) -> None:
        self.assertEqual(texts(LOGIN), ["response that nobody waits for, tlabel 2 ✗ unexpected"])

    def test_lying_about_the_sender(self) -> None:
        forged = ORB_STATUS.replace("0101 0001", "0101 0002")
        self.assertEqual(texts(*LOGGED_IN, *COMMAND[:3], forged)[-1],
                         "status of READ(10) LBA 2048, 16 blocks: good ✗ says to be t0")

    def test_sense(self) -> None:
        status = ORB_STATUS.replace("00080000", "00100000").replace("41000000", "43000000")
        self.assertEqual(
            texts(*LOGGED_IN, *COMMAND[:3], status + "02030c02 00000000")[-1],
            "status of READ(10) LBA 2048, 16 blocks: CHECK CONDITION, medium error, ASC 0c/02")

    def test_transport_failure(self) -> None:
        self.assertEqual(
            texts(*LOGGED_IN, *COMMAND[:3], ORB_STATUS.replace("41000000", "19ff0000"))[-1],
            "status of READ(10) LBA 2048, 16 blocks: transport failure, "
            "sbp_status 0xff, src 0, agent dead")


class Events(unittest.TestCase):
    """What is no packet"""

    def test_cables_and_phy_packets(self) -> None:
        self.assertEqual(
            texts("0106 0001 00000000", "0106 0001 00000001", "0103 ffff 00000000",
                  "0102 0000 00c50000 ff3affff", "0102 0000 42000000 bdffffff"),
            ["t0: the cable is out", "t0: the cable is in", "long bus reset",
             "PHY packet: root ffc0, gap count 5", "PHY packet: link-on for ffc2"])

    def test_stream(self) -> None:
        self.assertEqual(texts("0101 0000 0002 0001 0004dfa0 cafebabe"),
                         ["stream packet, channel 31, 4 bytes"])

    def test_lock(self) -> None:
        self.assertEqual(
            texts("0101 0000 0002 0002 ffc20490 ffc0ffff f000021c 00080002 0000003f 00000000",
                  "0101 0002 0002 0001 ffc004b0 ffc20000 00000000 00040002 0000003f"),
            ["BUS_MANAGER_ID: swaps 0000003f for 00000000, was 0000003f"])


class Words(unittest.TestCase):
    """Single structures"""

    def test_cdb(self) -> None:
        for data, text in (("1a0008000400", "MODE SENSE(6) page 08"),
                           ("0801020304", "READ(6) LBA 66051, 4 blocks"),
                           ("0800000000", "READ(6) LBA 0, 256 blocks"),
                           ("8800000000010000000000000008", "READ(16) LBA 4294967296, 8 blocks"),
                           ("1b000000", "START STOP UNIT stop"),
                           ("ff", "command ff"), ("", "no command")):
            self.assertEqual(sbp2_decode.cdb_text(bytes.fromhex(data)), text)

    def test_short_login_response(self) -> None:
        for data, text in (("00040007", "login response: login 7"),
                           ("000c0007 ffc1fffff0020000",
                            "login response: login 7, agent at fffff0020000")):
            data = data.replace(" ", "")
            self.assertEqual(sbp2_decode.LoginResponse.parse(bytes.fromhex(data)).text(), text)

    def test_abort_task(self) -> None:
        data = bytes.fromhex("0000000000050000" + "00" * 8 + "800b0005" + "00" * 12)
        self.assertEqual(sbp2_decode.ManagementOrb.parse(data).text(),
                         "ABORT TASK login 5, ORB 000000050000")


class Files(unittest.TestCase):
    """Bad input"""

    def test_no_capture(self) -> None:
        other = capture_of()
        for data in (b"", b"#!/bin/sh\n", bytes(100),
                     other.replace(b"\x93\0\0\0", b"\x01\0\0\0")):
            with self.assertRaisesRegex(Failure, "^x is no capture of the lab's bus$"):
                capture.parse(data, "x")

    def test_cut_anywhere(self) -> None:
        data = capture_of(*NAMES, SELF_IDS, *LOGGED_IN, *COMMAND)
        whole = len(capture.parse(data).records)
        for size in range(80, len(data)):
            read = capture.parse(data[:size])
            steps = conversation.of(read).steps
            self.assertLess(len(read.records), whole)
            self.assertLessEqual(len(steps), len(read.records))
        self.assertTrue(capture.parse(data[:-1]).cut)
        self.assertFalse(capture.parse(data).cut)

    def test_other_version(self) -> None:
        self.assertTrue(capture.parse(capture_of("0205 0000 667730")).cut)


class Picture(unittest.TestCase):
    """SVG"""

    def test_labels_are_in_it(self) -> None:
        talk = conversation_of(*LOGGED_IN, *COMMAND, "0103 ffff 00000000",
                               "0106 0001 00000000")
        steps = conversation.summed_up(talk.steps)
        root = xml.etree.ElementTree.fromstring(svg.picture(talk, steps))
        found = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        for step in steps:
            self.assertIn(ladder.label(step), found)
        self.assertIn("target t0", found)


if __name__ == "__main__":
    sys.exit(tap.main())
