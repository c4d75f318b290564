# SPDX-License-Identifier: GPL-2.0-or-later
"""lab trace: shows a capture of the bus."""

import argparse
import pathlib
import sys

from vm import capture, conversation, ladder, svg
from vm.conversation import Step
from vm.host import Failure


def add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", help="what 'lab run --capture' wrote")
    add("-o", "--svg", metavar="FILE.svg", help="write a picture there instead")
    add("--from", dest="begin", type=float, metavar="SECONDS",
        help="leave out what was before")
    add("--to", dest="end", type=float, metavar="SECONDS",
        help="leave out what came later")
    add("--last", type=int, metavar="N", help="only the last N lines")
    add("--packets", action="store_true",
        help="each data packet on a line of its own")


def selected(steps: list[Step], options: argparse.Namespace) -> list[Step]:
    begin = -1 if options.begin is None else options.begin * 1e9
    end = float("inf") if options.end is None else options.end * 1e9
    steps = [step for step in steps if begin <= step.time_ns <= end]
    if not options.packets:
        steps = conversation.summed_up(steps)
    if options.last is not None:
        steps = steps[max(0, len(steps) - options.last):]
    return steps


def show(text: str, options: argparse.Namespace) -> None:
    if not options.svg:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    try:
        pathlib.Path(options.svg).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Failure("cannot write %s: %s" % (options.svg, error.strerror)) from error


def run(options: argparse.Namespace) -> int:
    captured = capture.read(options.file)
    talk = conversation.of(captured)
    steps = selected(talk.steps, options)
    if options.svg:
        text = svg.picture(talk, steps)
    else:
        text = "\n".join(ladder.lines(talk, steps)) + "\n"
    try:
        show(text, options)
    except BrokenPipeError:
        sys.stderr.close()      # the reader has seen enough
        return 0
    if captured.cut:
        print("lab: %s ends in the middle of a record; this is what is there"
              % options.file, file=sys.stderr)
    return 0
