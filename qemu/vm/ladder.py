# SPDX-License-Identifier: GPL-2.0-or-later
"""A conversation as a ladder diagram in text."""

from collections.abc import Iterator

from vm.conversation import Conversation, Step

WIDTH = 13      # of a column
EVENTS = ("reset",)


def centre(column: int) -> int:
    return column * WIDTH + WIDTH // 2


def lines_of_life(columns: int) -> list[str]:
    row = [" "] * (columns * WIDTH)
    for column in range(columns):
        row[centre(column)] = "│"
    return row


def arrow(row: list[str], sender: int, receiver: int) -> None:
    start, end = centre(sender), centre(receiver)
    towards = 1 if end > start else -1
    for at in range(start + towards, end, towards):
        row[at] = "┼" if row[at] == "│" else "─"
    row[start] = "├" if towards > 0 else "┤"
    row[end - towards] = "▶" if towards > 0 else "◀"


def event(row: list[str]) -> None:
    used = [at for at, mark in enumerate(row) if mark == "│"]
    for at in range(used[0], used[-1] + 1):
        row[at] = "╪" if row[at] == "│" else "═"


def picture(step: Step, column: dict[int, int]) -> str:
    row = lines_of_life(len(column))
    if step.kind in EVENTS and column:
        event(row)
    elif step.sender in column and step.receiver in column and step.sender != step.receiver:
        arrow(row, column[step.sender], column[step.receiver])
    elif step.sender in column:
        row[centre(column[step.sender])] = "●"
    return "".join(row)


def label(step: Step) -> str:
    return step.label() + (" ✗ " + step.trouble if step.trouble else "")


def columns_of(conversation: Conversation) -> dict[int, int]:
    return {node: index for index, node in enumerate(sorted(conversation.names))}


def header(conversation: Conversation, column: dict[int, int]) -> str:
    titles = "".join(conversation.title(node).center(WIDTH) for node in column)
    return "%12s %11s  %s" % ("s", "µs", titles.rstrip())


def lines(conversation: Conversation, steps: list[Step]) -> Iterator[str]:
    """In seconds since the guest began, in microseconds since the line before"""
    column = columns_of(conversation)
    yield header(conversation, column)
    before = steps[0].time_ns if steps else 0
    for step in steps:
        since = max(0, step.time_ns - before) / 1000
        before = step.end_ns
        yield "%12.6f %+11.1f  %s %s" % (step.time_ns / 1e9, since,
                                         picture(step, column), label(step))
