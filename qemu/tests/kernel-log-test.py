#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel log says of the guest."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402
from vm import kernel_log  # noqa: E402

GOOD = "[    1.622001] smp: Brought up 1 node, 2 CPUs\n"
BREAKPOINT = {
    "6.12": "[    2.365263] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n",
    "6.1": "[    2.365263] int3: 0000 [#1] PREEMPT SMP NOPTI\n",
    "debug": "[    2.365263][    C0] Oops: int3: 0000 [#1] PREEMPT SMP KASAN NOPTI\n",
}
REFCOUNT = "[   42.474958] refcount_t: underflow; use-after-free.\n"

FAILED = "[   69.393025] firewire_core 0000:00:02.0: topology build failed\n"


def leak(jiffies: int, caller: str) -> str:
    """As kmemleak tells of it"""
    lines = ("unreferenced object 0xffff8880009d1680 (size 64):",
             f'  comm "kworker/0:0", pid 9, jiffies {jiffies}',
             "  hex dump (first 32 bytes):",
             "    c0 ff 37 03 13 00 00 00 01 00 00 00 00 00 00 00  ..7.............",
             "  backtrace (crc f2ba5adc):",
             "    kmemleak_alloc+0x4c/0x80",
             "    __kmalloc_noprof+0x273/0x430",
             f"    {caller}+0x1618/0x3050 [firewire_core]",
             "    bus_reset_work+0xeaf/0x2500 [firewire_ohci]")
    return "".join(f"[  151.271987] kmemleak report: {line}\n" for line in lines)


SUSPECTED = ("[  150.1] kmemleak: 2 new suspected memory leaks "
             "(see /sys/kernel/debug/kmemleak)\n")
NODE = leak(4294944242, "fw_core_handle_bus_reset")      # at 69.46 s


class KernelLog(unittest.TestCase):
    """Of each kernel"""

    def test_complaints(self) -> None:
        self.assertFalse(kernel_log.complaint(GOOD))
        self.assertEqual(kernel_log.complaint(GOOD + REFCOUNT), [REFCOUNT.rstrip()])
        for kernel, line in BREAKPOINT.items():
            with self.subTest(kernel):
                self.assertTrue(kernel_log.complaint(GOOD + line))

    def test_nodes_of_a_failed_topology(self) -> None:
        for log in (GOOD + FAILED + NODE + NODE, FAILED + SUSPECTED + NODE + NODE):
            self.assertFalse(kernel_log.complaint(log))
            self.assertEqual(kernel_log.lost_nodes(log), 2)

    def test_other_leaks(self) -> None:
        late = leak(4294944242 + 200, "fw_core_handle_bus_reset")
        other = leak(4294944242, "fw_device_init")
        for text in (GOOD + NODE, GOOD + FAILED + late, GOOD + FAILED + other):
            self.assertTrue(kernel_log.complaint(text))
            self.assertFalse(kernel_log.lost_nodes(text))

    def test_a_leak_beside(self) -> None:
        other = leak(4294944242, "fw_device_init")
        for text in (FAILED + NODE + other, FAILED + other + NODE):
            self.assertEqual(kernel_log.complaint(text), other.splitlines())
        self.assertTrue(kernel_log.complaint(FAILED + NODE + REFCOUNT))
        self.assertEqual(kernel_log.complaint(FAILED + SUSPECTED + NODE + other),
                         (SUSPECTED + other).splitlines())
        self.assertTrue(kernel_log.complaint(FAILED + SUSPECTED))


if __name__ == "__main__":
    sys.exit(tap.main())
