# SPDX-License-Identifier: GPL-2.0-or-later
"""Results of a script's unit tests as TAP."""

import sys
import unittest


class Tap(unittest.TestResult):
    """A line for each test"""

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.failed = len(self.failures) + len(self.errors)

    def stopTest(self, test: unittest.TestCase) -> None:
        bad = self.failures + self.errors
        word = "ok" if len(bad) == self.failed else "not ok"
        print(f"{word} {self.testsRun} - {test.id().removeprefix('__main__.')}")
        for line in (bad[-1][1] if word != "ok" else "").splitlines():
            print("#", line)
        super().stopTest(test)


def main() -> int:
    result = Tap()
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]).run(result)
    print(f"1..{result.testsRun}")
    return 0 if result.wasSuccessful() else 1
