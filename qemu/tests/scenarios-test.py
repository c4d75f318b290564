#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No scenario asks for a fault and does not look whether it happened."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402
from vm import faults  # noqa: E402

SCENARIOS = pathlib.Path(__file__).resolve().parents[1] / "scenarios"


def scripts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8")
            for path in SCENARIOS.iterdir() if path.suffix != ".sh"}


class Lint(unittest.TestCase):
    """That it finds what it is to find"""

    def test_counters_are_read_from_the_models(self) -> None:
        self.assertLessEqual({"status-lost", "ack-busy", "spin-up", "login-hold"},
                             faults.counters())
        self.assertEqual(faults.counter_of("spin-up-ms"), "spin-up")
        self.assertEqual(faults.counter_of("media-latency"), "")

    def test_unproved(self) -> None:
        for script in ("fault status-lost 3", "labctl set t0 status-lost 3",
                       "labctl reset , set t0 status-lost 1",
                       "# lab: --disk 16M --target-prop status-lost=1"):
            self.assertEqual(faults.not_proved(script), ["status-lost"], script)

    def test_proved(self) -> None:
        for proof in ('check "it happened" happened status-lost 3',
                      "labctl get t0 status-lost-done"):
            self.assertEqual(faults.not_proved("fault status-lost 3\n" + proof), [])
        self.assertEqual(faults.not_proved("fault status-lost 0"), [])

    def test_proved_by_a_function(self) -> None:
        function = ('trouble() {\n\tlabctl set t0 "$2" "$3"\n'
                    '\tlabctl wait t0 "$2-done" "$3"\n}\n')
        blind = 'trouble() {\n\tlabctl set t0 "$2" "$3"\n}\n'
        self.assertEqual(faults.used(function + "trouble check status-twice 5\n"),
                         {"status-twice"})
        self.assertEqual(faults.used(blind + "trouble check status-twice 5\n"), set())

    def test_trouble(self) -> None:
        for script in ("labctl reset short", "back_after replug t0 300",
                       "labctl set t0 x 1 , reset", "labctl set i0 flood 5",
                       "labctl set $bus reset-interval 5", "fault agent-dies 1"):
            self.assertTrue(faults.makes_trouble(script), script)
        self.assertFalse(faults.makes_trouble("labctl get fw0.0 reset-count"))

    def test_disarmed(self) -> None:
        words = ["--disk", "16M", "--target-prop", "max-target-logins=2",
                 "--target-prop", "mgt-orb-timeout=4"]
        self.assertEqual(faults.disarmed(words), words[:2] + words[4:])


class Scenarios(unittest.TestCase):
    """The scenarios that there are"""

    def test_all_faults_are_proved(self) -> None:
        found = {name: faults.not_proved(script)
                 for name, script in scripts().items()}
        self.assertEqual({name: what for name, what in found.items() if what}, {})


if __name__ == "__main__":
    sys.exit(tap.main())
