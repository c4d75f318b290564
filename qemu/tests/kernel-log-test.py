#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel log says of the guest, and what of the emulator."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import tap  # noqa: E402
from vm import kernel_log  # noqa: E402

GOOD = "[    1.622001] smp: Brought up 1 node, 2 CPUs\n"
STRAY = {
    "6.12": "[    2.365263] Oops: int3: 0000 [#1] PREEMPT SMP NOPTI\n",
    "6.1": "[    2.365263] int3: 0000 [#1] PREEMPT SMP NOPTI\n",
    "debug": "[    2.365263][    C0] Oops: int3: 0000 [#1] PREEMPT SMP KASAN NOPTI\n",
}
REFCOUNT = "[   42.474958] refcount_t: underflow; use-after-free.\n"


class KernelLog(unittest.TestCase):
    """Of each kernel"""

    def test_stray_breakpoints(self) -> None:
        for kernel, line in STRAY.items():
            with self.subTest(kernel):
                self.assertTrue(kernel_log.complaint(GOOD + line))
                self.assertTrue(kernel_log.stray_breakpoint(GOOD + line + REFCOUNT))

    def test_none(self) -> None:
        self.assertFalse(kernel_log.complaint(GOOD))
        for text in ("", GOOD, REFCOUNT):
            self.assertFalse(kernel_log.stray_breakpoint(text))

    def test_something_else_came_first(self) -> None:
        self.assertFalse(kernel_log.stray_breakpoint(REFCOUNT + STRAY["6.12"]))


if __name__ == "__main__":
    sys.exit(tap.main())
