#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page that tells which driver survives what."""

import pathlib
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402
from vm import results  # noqa: E402
from vm.results import Outcome  # noqa: E402

OUTCOMES = [
    Outcome("two-luns", "6.1", "firewire-sbp2", (), ("both at once",)),
    Outcome("two-luns", "6.1", "sbp2x"),
    Outcome("bus-reset", "6.12", "sbp2x"),
    Outcome("bus-reset", "6.12", "firewire-sbp2", ("no I/O error", "online")),
    Outcome("login", "6.12", "sbp2x"),
    Outcome("enumerate", "6.1", "none"),
]

TABLE = """\
========= ====== ============= ======
Scenario  Kernel firewire-sbp2 sbp2x
========= ====== ============= ======
bus-reset 6.12   **fails**     passes
enumerate 6.1    passes        passes
login     6.12   \u2013             passes
two-luns  6.1    passes \\*     passes
========= ====== ============= ======

What failed
===========

firewire-sbp2, bus-reset, 6.12

- no I/O error
- online

What passed and lacks something
===============================

firewire-sbp2, two-luns, 6.1

- both at once
"""


class Page(unittest.TestCase):
    """What it says of some outcomes"""

    def text(self, outcomes: list[Outcome]) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "results.rst"
            results.write(path, outcomes)
            return path.read_text(encoding="utf-8")

    def test_all_kinds_of_outcome(self) -> None:
        self.assertTrue(self.text(OUTCOMES).endswith("\n\n" + TABLE))

    def test_outcomes_are_kept(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "outcomes.json"
            results.keep(path, OUTCOMES)
            again = Outcome("bus-reset", "6.12", "firewire-sbp2")
            kept = results.keep(path, [again])
            self.assertEqual(results.keep(path, []), kept)
        self.assertEqual(list(kept.values()), [*OUTCOMES[:3], again, *OUTCOMES[4:]])

    def test_nothing_failed(self) -> None:
        text = self.text([Outcome("login", "6.12", "sbp2x")])
        self.assertIn("login    6.12   passes", text)
        self.assertNotIn("\nWhat ", text.partition("page.\n")[2])


if __name__ == "__main__":
    sys.exit(tap.main())
