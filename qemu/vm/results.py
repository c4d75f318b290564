# SPDX-License-Identifier: GPL-2.0-or-later
"""Who survives what: outcomes of many runs as one table."""

import dataclasses
import json
import pathlib

Key = tuple[str, str, str]

NONE = "\u2013"

HEAD = """\
.. SPDX-License-Identifier: GPL-2.0-or-later
.. Written by "make results"; do not edit

=======
Results
=======

What each driver does in the lab, on Debian's unmodified kernels and on the one
with all instruments on (``debug``). A scenario passes when all that it expects
came true and the kernel had nothing to complain about; :doc:`lab` tells how to
run one, and each begins with what it shows. {none} stands where a scenario is
not for that driver, a star where the driver passes and does not do all that
sbp2x does. ``make results`` runs everything and writes this page.
"""

@dataclasses.dataclass(frozen=True)
class Outcome:
    """One scenario with one driver on one kernel

    @failed: what did not come true
    @lacking: what did not come true either, and need not for this driver"""

    row: str
    kernel: str
    driver: str
    failed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.row, self.kernel, self.driver

    @property
    def word(self) -> str:
        if self.failed:
            return "**fails**"
        return "passes \\*" if self.lacking else "passes"


def keep(path: pathlib.Path, outcomes: list[Outcome]) -> dict[Key, Outcome]:
    """The latest outcome of everything that ever ran; this is what ran now"""
    kept: dict[Key, Outcome] = {}
    if path.exists():
        for row, kernel, driver, failed, lacking in json.loads(path.read_text("utf-8")):
            kept[row, kernel, driver] = Outcome(row, kernel, driver, tuple(failed), tuple(lacking))
    kept.update({outcome.key: outcome for outcome in outcomes})
    new = path.with_suffix(".new")
    new.write_text(json.dumps([dataclasses.astuple(o) for o in kept.values()]), "utf-8")
    new.replace(path)
    return kept


def cells(outcomes: list[Outcome]) -> list[list[str]]:
    """A head and a line for each scenario on each kernel"""
    drivers = sorted({outcome.driver for outcome in outcomes} - {"none"})
    words = {(o.row, o.kernel, o.driver): o.word for o in outcomes}
    lines = [["Scenario", "Kernel", *drivers]]
    for row, kernel in sorted({(o.row, o.kernel) for o in outcomes}):
        alone = words.get((row, kernel, "none"), NONE)
        lines.append([row, kernel, *(words.get((row, kernel, driver), alone)
                                     for driver in drivers)])
    return lines


def grid(lines: list[list[str]], rule: str = "=") -> list[str]:
    """As a simple table of reStructuredText"""
    widths = [max(map(len, column)) for column in zip(*lines)]
    bar = " ".join(rule * width for width in widths)
    text = [" ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
            for line in lines]
    return [bar, text[0], bar, *text[1:], bar]


def section(title: str, told: list[tuple[Outcome, tuple[str, ...]]]) -> list[str]:
    """What a driver did not do, if there is any of it"""
    told = sorted(((o, what) for o, what in told if what),
                  key=lambda pair: (pair[0].driver, pair[0].row, pair[0].kernel))
    lines = ["", title, "=" * len(title)] if told else []
    for outcome, what in told:
        lines += ["", f"{outcome.driver}, {outcome.row}, {outcome.kernel}", ""]
        lines += [f"- {text}" for text in what]
    return lines


def write(path: pathlib.Path, outcomes: list[Outcome]) -> None:
    lines = [HEAD.format(none=NONE), *grid(cells(outcomes)),
             *section("What failed", [(o, o.failed) for o in outcomes]),
             *section("What passed and lacks something",
                      [(o, o.lacking) for o in outcomes if not o.failed])]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
