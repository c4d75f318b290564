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

# firewire-ohci reads the node ID before the self IDs. Where another bus reset comes
# between them, as when the host keeps the processor from running, firewire-core does
# not find its own node in the tree that it has just built, and forgets all of it.
NO_TOPOLOGY = re.compile(r"^firewire_core .*: topology build failed$")
LEAK = "kmemleak report: "
SUSPECTED = re.compile(r"^kmemleak: \d+ new suspected memory leaks")
LOST_NODE = re.compile(LEAK + r".*, jiffies (\d+)$.*"
                       r"__kmalloc[^\n]*\n[^\n]* fw_core_handle_bus_reset\+[^\n]*\n"
                       r"[^\n]* bus_reset_work\+", re.MULTILINE | re.DOTALL)
HZ = 100    # of the kernel that has kmemleak; jiffies begin five minutes before 2^32
FIRST_JIFFIES = 2 ** 32 - 300 * HZ

EXCERPT = 60


def message(line: str) -> str:
    return STAMP.sub("", line, count=1)


def is_kernel_line(line: str) -> bool:
    return bool(STAMP.match(line))


def complains(line: str) -> bool:
    return is_kernel_line(line) and bool(COMPLAINT.search(message(line)))


def is_fatal(line: str) -> bool:
    return is_kernel_line(line) and bool(FATAL.search(message(line)))


def seconds(line: str) -> float:
    return float(line.partition("]")[0].rpartition("[")[2])


def leaks(lines: list[str]) -> list[tuple[int, int]]:
    """The lines of each object of kmemleak's report: the first, and the one after
    the last"""
    begins = [number for number, line in enumerate(lines)
              if message(line).startswith(LEAK + "unreferenced object")]
    result = []
    for begin in begins:
        end = begin + 1
        while end < len(lines) and message(lines[end]).startswith(LEAK + " "):
            end += 1
        result.append((begin, end))
    return result


def without_lost_nodes(text: str) -> tuple[list[str], int]:
    """The log without the leaks that are firewire-core's, and how many these were"""
    lines = text.splitlines()
    failed = [seconds(line) for line in lines
              if is_kernel_line(line) and NO_TOPOLOGY.search(message(line))]
    lost = 0
    for begin, end in reversed(leaks(lines) if failed else []):
        node = LOST_NODE.search("\n".join(map(message, lines[begin:end])))
        if node and any(abs((int(node[1]) - FIRST_JIFFIES) / HZ - time) < 1 for time in failed):
            del lines[begin:end]
            lost += 1
    if lost and not leaks(lines):
        lines = [line for line in lines if not SUSPECTED.search(message(line))]
    return lines, lost


def lost_nodes(text: str) -> int:
    return without_lost_nodes(text)[1]


def excuses(text: str) -> list[str]:
    """What would be a complaint, and is not"""
    lost = lost_nodes(text)
    return [f"firewire-core lost {lost} nodes of a topology that it did not build"] if lost else []


def complaint(text: str) -> list[str]:
    """The log from its first complaint on, shortened; empty if there is none"""
    lines, _ = without_lost_nodes(text)
    for number, line in enumerate(lines):
        if complains(line):
            return lines[number:number + EXCERPT]
    return []
