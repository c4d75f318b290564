# SPDX-License-Identifier: GPL-2.0-only
"""Tests that go in rounds, on the kernel that watches memory, locks and timers:
shares them out among guests, and says what came of them.

A round that fails is told of, with what repeats it, and the rounds after it go
on in a new guest.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

from vm import host, kernel_log

BOOT_SECONDS = 400      # on a busy machine
COMPLAINED = 99         # the lab's exit status for a complaint in the kernel log
FAILURES = 10           # then it is enough
MEMORY = "768M"         # KASAN holds back, and kmemleak scans, in proportion to it

# A disk of before SPC-2, as most behind FireWire are: it has no VPD pages, for
# which sd would send more commands than for all the rest
SCSI = "scsi-hd.scsi_version=3"

# What caches of the kernel and of the test itself may come to in one guest. A
# leak of one object in each round is found by kmemleak; this is for what is
# still pointed at.
GROWTH_KIB = {"MemAvailable": -12288, "SUnreclaim": 8192, "KernelStack": 512}

KIB = ("MemAvailable", "Slab", "SUnreclaim", "KernelStack", "Percpu", "VmallocUsed",
       "AnonPages")


def told(values: dict[str, int]) -> str:
    return ", ".join(f"{value} {name}" for name, value in values.items())


@dataclasses.dataclass
class Chunk:
    """Rounds that one guest is to do, and what came of them"""

    first: int
    count: int
    status: int | None = None
    seconds: float = 0.0
    before: dict[str, int] = dataclasses.field(default_factory=dict)
    after: dict[str, int] = dataclasses.field(default_factory=dict)
    figures: dict[str, int] = dataclasses.field(default_factory=dict)
    target: dict[str, int] = dataclasses.field(default_factory=dict)
    failed: str = ""
    ended: list[str] = dataclasses.field(default_factory=list)
    done: bool = False
    rest: int = 0       # rounds that were not come to
    log: list[str] = dataclasses.field(default_factory=list)

    @property
    def title(self) -> str:
        return f"rounds {self.first} to {self.first + self.count - 1}"


class Results:
    """KTAP of one chunk after the other, and the sums"""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = self.chunks = 0
        self.count = self.bad = 0
        self.lines: list[str] = []

    def add(self, good: bool, text: str, notes: list[str] | None = None) -> None:
        self.count += 1
        self.bad += not good
        self.lines.append(f"{'' if good else 'not '}ok {self.count} - {text}")
        self.lines += [f"# {note}" for note in notes or []]
        self.passed += good
        self.failed += not good

    def finish(self, title: str, seconds: float) -> None:
        self.chunks += 1
        print("    KTAP version 1")
        print(f"    # Subtest: {title}")
        for line in self.lines:
            print("    " + line)
        print(f"    1..{self.count}")
        verdict = "not ok" if self.bad else "ok"
        print(f"{verdict} {self.chunks} - {title} # {seconds:.0f} s", flush=True)
        self.lines, self.count, self.bad = [], 0, 0


class Rounds:
    """All of it. Who has such rounds says what their guest runs, and what its
    figures mean."""

    NAME = ""               # of the test, and of its target in the Makefile
    PER_GUEST = 1250        # rounds; more are spread over more guests
    ROUND_SECONDS = 10      # far more than one takes
    driver = "sbp2x"

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.logs = host.cache() / self.NAME
        self.logs.mkdir(parents=True, exist_ok=True)
        self.results = Results()
        self.sums: dict[str, int] = collections.Counter()
        self.seconds = 0.0
        self.failures = 0
        self.lock = threading.Lock()
        self.guests: set[subprocess.Popen[str]] = set()
        self.stopping = False

    def stop(self, _number: int, _frame: object) -> None:
        """Leave no guest behind"""
        self.stopping = True
        for lab in self.guests.copy():
            lab.terminate()

    # One guest

    def log(self, chunk: Chunk, what: str) -> pathlib.Path:
        return self.logs / f"{self.options.seed}-{chunk.first}.{what}"

    def hear(self, chunk: Chunk, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word in ("before", "after", "figures", "target"):
            setattr(chunk, word, json.loads(rest))
        elif word == "seconds":
            chunk.seconds = float(rest)
        elif word == "failed":
            chunk.failed = rest
        elif word == "end":
            chunk.ended.append(rest)
        elif word == "log":
            chunk.log.append(rest)
        elif word == "done":
            chunk.done = True
        else:
            with self.lock:
                print(f"# {chunk.title}: {line}", flush=True)

    def lab_options(self) -> list[str]:
        raise NotImplementedError

    def arguments(self, chunk: Chunk) -> list[str]:
        """Of the guest's part"""
        return [str(self.options.seed), str(chunk.first), str(chunk.count)]

    def kinds(self, chunk: Chunk) -> str:
        """What was done in its rounds"""
        raise NotImplementedError

    def run(self, chunk: Chunk) -> Chunk:
        command = [str(host.QEMU / "lab"), "run", "--kernel", "debug",
                   "--driver", self.driver, "--no-load", "--bare", "--mem", MEMORY,
                   "--qemu-arg=-global", f"--qemu-arg={SCSI}",
                   "--log", str(self.log(chunk, "kernel.log")),
                   "--timeout", str(BOOT_SECONDS + chunk.count * self.ROUND_SECONDS),
                   *self.lab_options(), "--",
                   str(host.ROOT / f"tools/{self.NAME}-guest"), *self.arguments(chunk)]
        self.log(chunk, "kernel.log").unlink(missing_ok=True)
        begin = time.monotonic()
        with open(self.log(chunk, "log"), "w", encoding="utf-8") as errors, \
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors,
                                 stdin=subprocess.DEVNULL, encoding="utf-8",
                                 errors="replace") as lab:
            self.guests.add(lab)
            assert lab.stdout
            for line in lab.stdout:
                self.hear(chunk, line.rstrip())
            chunk.status = lab.wait()
            self.guests.discard(lab)
        chunk.seconds = chunk.seconds or time.monotonic() - begin
        if chunk.log:
            self.log(chunk, "dmesg").write_text("\n".join(chunk.log) + "\n", "utf-8")
        if not chunk.done:
            self.find_failure(chunk)
        return chunk

    def find_failure(self, chunk: Chunk) -> None:
        """The round in which it ended; the kernel log knows if the guest could
        not tell"""
        begun = self.rounds_in_log(chunk)
        if not chunk.failed and begun:
            chunk.failed = f"{begun[-1]}: the guest ended"
        number = int(chunk.failed.split(":")[0]) if chunk.failed else chunk.first - 1
        chunk.rest = chunk.first + chunk.count - 1 - number

    def kernel_log(self, chunk: Chunk) -> str:
        """Up to where the guest asked for traces that are no complaint"""
        try:
            text = self.log(chunk, "kernel.log").read_text("utf-8", "replace")
        except OSError:
            return ""
        return text.split(f"{self.NAME}: failed", 1)[0]

    def rounds_in_log(self, chunk: Chunk) -> list[str]:
        return re.findall(self.NAME + r": round (\d+: .*)", self.kernel_log(chunk))

    # What it means

    def judge(self, chunk: Chunk) -> None:
        results = self.results
        done = chunk.count - chunk.rest - bool(chunk.failed)
        if chunk.done:
            results.add(True, f"{done} rounds: {self.kinds(chunk)}", [
                f"{chunk.seconds:.0f} s, {done / chunk.seconds:.2f} rounds a second",
                f"the target: {told(chunk.target)}", told(chunk.figures)])
            self.judge_figures(chunk)
        else:
            results.add(False, f"{chunk.count} rounds: ended after {done}", self.reasons(chunk))
        self.judge_log(chunk)
        if chunk.after and chunk.before:
            self.judge_memory(chunk)
        self.sums.update(chunk.figures)
        self.sums.update(chunk.target)
        self.sums["rounds"] += done
        results.finish(chunk.title, chunk.seconds)

    def judge_figures(self, chunk: Chunk) -> None:
        """Of a guest whose rounds are all done"""

    def reasons(self, chunk: Chunk) -> list[str]:
        reasons = [f"round {chunk.failed}"] if chunk.failed else ["no round was begun"]
        number = chunk.failed.split(":")[0] or str(chunk.first)
        return reasons + chunk.ended + [
            f"again: {self.again(int(number), 1)}",
            f"with those before it: {self.again(chunk.first, int(number) - chunk.first + 1)}",
            f"exit status {chunk.status}, logs: {self.log(chunk, '*')}"]

    def again(self, first: int, count: int) -> str:
        return f"make {self.NAME} SEED={self.options.seed} FIRST={first} N={count}"

    def judge_log(self, chunk: Chunk) -> None:
        text = self.kernel_log(chunk)
        complaint = kernel_log.complaint(text)
        if not (chunk.done or complaint):
            return      # kmemleak has its say at the end only
        good = not complaint and bool(text) and chunk.status != COMPLAINED and \
            not (chunk.done and chunk.ended)
        notes = list(chunk.ended) if chunk.done else []
        if complaint:
            before = text[:text.index(complaint[0])]
            rounds = re.findall(self.NAME + r": round (.*)", before)
            notes.append(f"in round {rounds[-1] if rounds else '?'}")
            notes += complaint[:30]
        notes += kernel_log.excuses(text)
        self.results.add(good, "no report from lockdep, KASAN, kmemleak, DEBUG_OBJECTS", notes)

    def judge_memory(self, chunk: Chunk) -> None:
        before, after = chunk.before, chunk.after
        notes = [f"{name}: {before[name]} KiB before, {after[name]} KiB after "
                 f"({after[name] - before[name]:+d})" for name in KIB]
        good = all((after[name] - before[name]) * (1 if limit > 0 else -1) <= abs(limit)
                   for name, limit in GROWTH_KIB.items())
        self.results.add(good, "memory at the end as at the start", notes)
        counts = [name for name in before if name not in KIB]
        self.results.add(all(before[name] == after[name] for name in counts),
                         "no thread, workqueue or SCSI host is left over",
                         [f"{name}: {before[name]} before, {after[name]} after"
                          for name in counts])

    # All

    def chunks(self) -> list[Chunk]:
        """As many for each of those side by side, so that all end at about one time"""
        options = self.options
        turns = -(-options.rounds // (self.PER_GUEST * options.jobs))
        size = -(-options.rounds // (turns * options.jobs))
        end = options.first + options.rounds
        return [Chunk(first, min(size, end - first)) for first in range(options.first, end, size)]

    def go(self) -> None:
        """As guests end; what a failing round left undone goes to the end"""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        waiting = self.chunks()
        running: set[concurrent.futures.Future[Chunk]] = set()
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            while waiting or running:
                while waiting and len(running) < self.options.jobs:
                    running.add(pool.submit(self.run, waiting.pop(0)))
                done, running = concurrent.futures.wait(
                    running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    chunk = future.result()
                    with self.lock:
                        self.judge(chunk)
                    waiting = self.after(chunk, waiting)

    def after(self, chunk: Chunk, waiting: list[Chunk]) -> list[Chunk]:
        if self.stopping:
            self.results.skipped += len(waiting)
            return []
        if chunk.done:
            return waiting
        self.failures += 1
        if chunk.failed and chunk.rest and self.failures < FAILURES:
            return [*waiting, Chunk(chunk.first + chunk.count - chunk.rest, chunk.rest)]
        if self.failures < FAILURES:
            return waiting
        for left in waiting:
            self.results.skipped += 1
            print(f"# {left.title}: not begun after {FAILURES} failures")
        return []

    def tell(self, seconds: float) -> None:
        """The sums"""
        raise NotImplementedError


def parser(name: str, description: str | None, rounds: int, jobs: int) -> argparse.ArgumentParser:
    """What all such tests can be asked for"""
    result = argparse.ArgumentParser(prog=f"tools/{name}", description=description)
    result.add_argument("--rounds", type=int, default=rounds, help=f"how many ({rounds})")
    result.add_argument("--seed", type=int, default=1, help="what chooses (1)")
    result.add_argument("--first", type=int, default=0, help="the number of the first round (0)")
    result.add_argument("--jobs", type=int, default=jobs, help=f"guests side by side ({jobs})")
    return result


def parse(arguments: argparse.ArgumentParser) -> argparse.Namespace:
    options = arguments.parse_args()
    if options.rounds < 1 or options.jobs < 1 or options.first < 0:
        arguments.error("a number is too small")
    return options


def set_up(name: str) -> bool:
    try:
        host.need("python3", "kmod", "udev", "gcc", "make")
        for step in (("build",), ("kernel", "debug"), ("module", "debug")):
            host.step(*step)
    except host.Failure as failure:
        print(f"{name}:", failure or "the lab could not be set up", file=sys.stderr)
        return False
    return True
