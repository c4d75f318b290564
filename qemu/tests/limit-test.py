#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The computed limits: times of single packets by hand, and known rates."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402
from vm import limit  # noqa: E402
from vm.limit import Bus, Load, Target  # noqa: E402


class Packets(unittest.TestCase):
    """In microseconds"""

    def test_gaps(self) -> None:
        # (27 + 80) / 98.304, (51 + 160) / 98.304; (27 + 1008), (51 + 2016)
        self.assertAlmostEqual(Bus(gap=5).subaction_gap_us(), 1.0885, 4)
        self.assertAlmostEqual(Bus(gap=5).arbitration_reset_gap_us(), 2.1464, 4)
        self.assertAlmostEqual(Bus(gap=63).subaction_gap_us(), 10.5286, 4)
        self.assertAlmostEqual(Bus(gap=63).arbitration_reset_gap_us(), 21.0266, 4)

    def test_packet(self) -> None:
        # 2072 bytes at 393.216 Mbit/s are 42.155, 0.42 around them; the
        # acknowledge 0.081 + 0.42 + 8 bits, 0.020
        self.assertAlmostEqual(Bus().subaction_us(2072), 43.0964, 3)
        # At S100 the same bits take four times as long, the rest does not
        self.assertAlmostEqual(Bus(100).subaction_us(2072), 169.6225, 3)

    def test_padding(self) -> None:
        self.assertEqual([limit.padded(n) for n in (0, 1, 4, 5, 8)],
                         [0, 8, 8, 12, 12])

    def test_known_rates(self) -> None:
        near, far = Bus(gap=5), Bus(gap=63)
        self.assertAlmostEqual(limit.payload_rates(near)[0], 45.27, 1)
        self.assertTrue(31 < limit.payload_rates(far)[0] < 32)
        self.assertLess(limit.payload_rates(near)[1], limit.payload_rates(near)[0])
        # A card that takes 1024 bytes at most
        self.assertTrue(41 < limit.payload_rates(near, 1024)[0] < 42.5)


class Commands(unittest.TestCase):
    """What one costs"""

    def test_small_read(self) -> None:
        # ORB: 2.146 + 1.348, 1.088 + 2.161; data: 2 x 45.243;
        # status: 2.146 + 1.592, 1.088 + 1.267
        self.assertAlmostEqual(
            limit.command_us(Bus(), Target(), Load(4096)), 103.32, 1)

    def test_page_table(self) -> None:
        bus, target = Bus(), Target()
        self.assertEqual(limit.page_table_us(bus, target, Load(4096)), 0)
        self.assertEqual(limit.page_table_us(bus, target, Load(65532, segment=65532)), 0)
        # 2 entries, 16 bytes; 512 entries are two packets of 2048
        self.assertAlmostEqual(limit.page_table_us(bus, target, Load(8192)),
                               bus.read_us(16))
        self.assertAlmostEqual(limit.page_table_us(bus, target, Load(1 << 21)),
                               2 * bus.read_us(2048))

    def test_segments_end_packets(self) -> None:
        bus, target = Bus(), Target()
        whole = limit.data_us(bus, target, Load(4096, segment=4096))
        pieces = limit.data_us(bus, target, Load(4096, segment=1024))
        self.assertAlmostEqual(whole, 2 * bus.write_us(2048))
        self.assertAlmostEqual(pieces, 4 * bus.write_us(1024))

    def test_guarded(self) -> None:
        bus, target = Bus(), Target()
        self.assertAlmostEqual(
            limit.data_us(bus, target, Load(4096, guarded=True)),
            2 * (bus.write_us(2048) + bus.response_us(16)))
        # The target reads in any case, and is answered
        self.assertEqual(
            limit.data_us(bus, target, Load(4096, True, guarded=True)),
            limit.data_us(bus, target, Load(4096, True)))

    def test_latency_counts_until_commands_overlap(self) -> None:
        bus = Bus()
        target = Target(medium_us=100)
        rates = [limit.commands_per_second(bus, target, Load(4096, depth=d))
                 for d in (1, 2, 8, 16)]
        occupied = limit.command_us(bus, target, Load(4096))
        self.assertAlmostEqual(rates[0], 1e6 / (occupied + 100))
        self.assertAlmostEqual(rates[1], 1e6 / occupied)
        self.assertEqual(rates[1], rates[2])
        self.assertEqual(rates[2], rates[3])

    def test_depth_of_the_target(self) -> None:
        target = Target(depth=1, medium_us=100)
        rates = [limit.commands_per_second(Bus(), target, Load(4096, depth=d))
                 for d in (1, 16)]
        self.assertEqual(rates[0], rates[1])

    def test_sequential(self) -> None:
        target = Target(medium_us=100)
        for write, direction in ((False, 0), (True, 1)):
            rate = limit.bytes_per_second(
                Bus(), target, Load(1 << 20, write, depth=4)) / 1e6
            best = limit.payload_rates(Bus())[direction]
            self.assertTrue(0.99 * best < rate < best)


if __name__ == "__main__":
    sys.exit(tap.main())
