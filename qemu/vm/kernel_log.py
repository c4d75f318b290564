# SPDX-License-Identifier: GPL-2.0-or-later
"""Complaints in a kernel log."""

import re

# Time stamp, and the caller where the kernel prints it
STAMP = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")

COMPLAINT = re.compile(r"""
    ^WARNING: | ^BUG: | ^INFO:\ (?!NMI\ handler) | ^UBSAN: | ^general\ protection
  | ^Oops: | \bOops\b | ^int3: | ^Kernel\ panic | ^Call\ Trace: | ^------------\[\ cut
  | \bKASAN: | \bODEBUG: | ^watchdog:\ BUG | ^unchecked\ MSR
  | ^kmemleak:\ \d+\ new\ suspected | unreferenced\ object
  | \brcu:\ INFO:.*stall | self-detected\ stall | detected\ stalls
  | blocked\ for\ more\ than | scheduling\ while\ atomic
  | ^sysfs:\ cannot\ create\ duplicate | ^kobject:.*(?:error|tried\ to\ init)
  | DMA-API:\ (?!preallocated|debugging\ enabled|preallocating)
  | ^refcount_t: | ^list_(?:add|del)\ corruption | ^irq\ \d+:\ nobody\ cared
  | ^[<>=\ ]*Freepointer
  | \bAR\ error:\ .*DMA\ stopped
""", re.VERBOSE)

# After one of these nothing useful follows
FATAL = re.compile(r"\bOops\b|^general protection|^Kernel panic|^BUG: unable")

# What the kernel says of a breakpoint that it did not set
BREAKPOINT = re.compile(r"^(?:Oops: )?int3: 0000 \[#1\]")

EXCERPT = 60


def message(line: str) -> str:
    return STAMP.sub("", line, count=1)


def is_kernel_line(line: str) -> bool:
    return bool(STAMP.match(line))


def complains(line: str) -> bool:
    return is_kernel_line(line) and bool(COMPLAINT.search(message(line)))


def is_fatal(line: str) -> bool:
    return is_kernel_line(line) and bool(FATAL.search(message(line)))


def stray_breakpoint(text: str) -> bool:
    """Is that its first complaint?"""
    first = complaint(text)[:1]
    return bool(first) and bool(BREAKPOINT.search(message(first[0])))


def complaint(text: str) -> list[str]:
    """The log from its first complaint on, shortened; empty if there is none"""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if complains(line):
            return lines[number:number + EXCERPT]
    return []
