#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The scenario runner behind qemu/scenario: prints KTAP."""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time

from vm import faults, results

QEMU = pathlib.Path(__file__).resolve().parent
SCENARIOS = QEMU / "scenarios"
RESULT = re.compile(r"^(not )?ok \d+\b")
FAILED = re.compile(r"^not ok \d+ - (.*)")
LACKING = re.compile(r"^# \S+ does not meet this: (.*)")
PLAN = re.compile(r"^1\.\.(\d+)$")

# A guest may take this long to boot: slow machine, all instruments on
BOOT_SECONDS = 180


@dataclasses.dataclass
class Scenario:
    """A guest script, and what its head says of how to run it."""

    name: str
    lab: list[str] = dataclasses.field(default_factory=list)
    drivers: list[str] = dataclasses.field(default_factory=list)
    reported: list[str] = dataclasses.field(default_factory=list)
    kernels: list[str] = dataclasses.field(default_factory=list)
    personas: list[str] = dataclasses.field(default_factory=lambda: [""])
    timeout: int = 300
    check: list[str] = dataclasses.field(default_factory=list)
    check_personas: list[str] = dataclasses.field(default_factory=list)
    check_drivers: list[str] = dataclasses.field(default_factory=list)
    trouble: bool = False


@dataclasses.dataclass
class Run:
    """One scenario with one driver on one kernel."""

    scenario: Scenario
    driver: str
    kernel: str
    persona: str
    lines: list[str] = dataclasses.field(default_factory=list)
    passed: bool = False
    seconds: float = 0.0
    processor: float = 0.0

    @property
    def in_check(self) -> bool:
        """Judged, and on a kernel, with a driver and with a persona that its head
        names for that: all, if it says nothing"""
        scenario = self.scenario
        return (self.kernel in (scenario.check or scenario.kernels)
                and self.driver in (scenario.check_drivers or scenario.drivers)
                and self.persona in (scenario.check_personas or scenario.personas))

    @property
    def only_reported(self) -> bool:
        """A driver that need not survive this: its outcome is told, not judged"""
        return self.driver in self.scenario.reported

    @property
    def title(self) -> str:
        persona = f", persona {self.persona}" if self.persona else ""
        return f"{self.scenario.name}, driver {self.driver}, kernel {self.kernel}{persona}"

    @property
    def slug(self) -> str:
        parts = (self.scenario.name, self.persona, self.driver, self.kernel)
        return "-".join(part for part in parts if part)

    @property
    def outcome(self) -> results.Outcome:
        row = " ".join(part for part in (self.scenario.name, self.persona) if part)
        return results.Outcome(row, self.kernel, self.driver, self.told(FAILED),
                               self.told(LACKING))

    def told(self, pattern: re.Pattern[str]) -> tuple[str, ...]:
        matches = (pattern.match(line) for line in self.lines)
        return tuple(dict.fromkeys(match.group(1) for match in matches if match))


def read_scenario(path: pathlib.Path) -> Scenario:
    scenario = Scenario(path.name)
    text = path.read_text(encoding="utf-8")
    scenario.trouble = faults.makes_trouble(text)
    for line in text.splitlines():
        if line.startswith("# lab: "):
            scenario.lab = shlex.split(line.removeprefix("# lab: "))
        elif line.startswith("# scenario: "):
            for word in line.removeprefix("# scenario: ").split():
                key, value = word.split("=", 1)
                if key == "timeout":
                    scenario.timeout = int(value)
                elif key in ("drivers", "reported", "kernels", "personas", "check",
                             "check-drivers", "check-personas"):
                    setattr(scenario, key.replace("-", "_"), value.split(","))
                else:
                    sys.exit(f"scenario: {path}: what is '{key}'?")
    if not scenario.drivers or not scenario.kernels:
        sys.exit(f"scenario: {path} names no drivers or no kernels")
    return scenario


def all_scenarios() -> list[Scenario]:
    return [
        read_scenario(path)
        for path in sorted(SCENARIOS.iterdir())
        if path.is_file() and os.access(path, os.X_OK)
    ]


def judge(output: str, status: int) -> list[str]:
    """What the guest printed, as TAP, with a result of our own at its end."""
    lines: list[str] = []
    count = failed = 0
    plan = None
    for line in output.splitlines():
        line = line.rstrip()
        result = RESULT.match(line)
        if result:
            count += 1
            failed += bool(result.group(1))
        elif match := PLAN.match(line):
            plan = int(match.group(1))
            continue
        elif not line.startswith("#"):
            line = f"# {line}"
        lines.append(line)

    if plan is None:
        problem = "the scenario did not come to its end"
    elif plan != count:
        problem = f"{plan} results were planned and {count} came"
    elif status != 0 and failed == 0:
        problem = "the lab found something wrong that the scenario did not"
    else:
        problem = ""
    text = "it ran to its end, and the kernel log is clean"
    lines.append(f"{'not ' if problem else ''}ok {count + 1} - {problem or text}")
    if problem:
        lines.append(f"# exit status {status}")
    return [f"1..{count + 1}"] + lines


def processor_time(pid: int) -> float:
    """Seconds of a process that ends, and of all that it has waited for"""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def execute(run: Run, options: argparse.Namespace) -> Run:
    capture = str(pathlib.Path(options.logs).absolute() / f"{run.slug}.pcapng")
    lab = [word.replace("@iso@", options.iso).replace("@capture@", capture)
           for word in run.scenario.lab]
    if run.persona:
        lab += ["--persona", run.persona]
    variables = options.variables
    if options.disarmed:
        lab = faults.disarmed(lab)
        variables = ["LAB_DISARMED=1", *variables]
    command = [str(QEMU / "lab"), "run", "--kernel", run.kernel]
    command += ["--driver", run.driver, "--timeout"]
    command += [str(run.scenario.timeout + BOOT_SECONDS)] + lab
    command += ["--", "env", f"SCENARIO_DRIVER={run.driver}", *variables]
    command += [str(SCENARIOS / run.scenario.name)]
    start = time.monotonic()
    log = pathlib.Path(options.logs) / f"{run.slug}.log"
    with open(log, "w", encoding="utf-8") as errors, \
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors,
                             stdin=subprocess.DEVNULL, encoding="utf-8",
                             errors="replace") as done:
        assert done.stdout
        output = done.stdout.read()
        run.processor = processor_time(done.pid)
    run.seconds = time.monotonic() - start
    run.lines = judge(output, done.returncode)
    run.passed = not any(line.startswith("not ok") for line in run.lines)
    if options.disarmed:
        invert(run)
    if not run.passed:
        with open(log, encoding="utf-8", errors="replace") as errors:
            last = errors.read().splitlines()[-25:]
        run.lines += [f"# lab: {line}" for line in last]
        run.lines.append(f"# all of it: {log}")
    return run


def invert(run: Run) -> None:
    """Without its trouble a scenario has to fail"""
    noticed = [line for line in run.lines if line.startswith("not ok")]
    run.passed = bool(noticed)
    verdict = "ok" if noticed else "not ok"
    run.lines = [f"# {line}" for line in noticed]
    run.lines += ["1..1", f"{verdict} 1 - it fails when nothing goes wrong"]


def set_up(runs: list[Run]) -> None:
    """Build once, before guests run side by side."""
    commands = [[str(QEMU / "build")]]
    commands += [[str(QEMU / "kernel"), kernel] for kernel in sorted({r.kernel for r in runs})]
    for command in commands:
        if subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode:
            sys.exit(1)


def show(run: Run, number: int) -> None:
    print("    KTAP version 1")
    print(f"    # Subtest: {run.title}")
    for line in run.lines:
        print(f"    {line}")
    verdict = "ok" if run.passed else "not ok"
    print(f"{verdict} {number} - {run.title} # {run.seconds:.0f} s, "
          f"{run.processor:.0f} s of processor time", flush=True)


def report(run: Run) -> None:
    """Its figures in any case, and its results when one of them is bad"""
    print(f"# {run.title}, reported only: {'passes' if run.passed else 'fails'}")
    for line in run.lines:
        if not run.passed or line.startswith("#"):
            print(f"#   {line}")


def tell(runs: list[Run], every_run: list[Run], options: argparse.Namespace) -> None:
    """Who survives what; the page has what ran earlier, too, and nothing that was
    asked for with a variable: that is another test"""
    outcomes = [run.outcome for run in runs]
    for line in results.grid(results.cells(outcomes)):
        print("#", line)
    if options.disarmed or options.variables:
        return
    kept = results.keep(pathlib.Path(options.logs) / "outcomes.json", outcomes)
    if options.results:
        keys = [run.outcome.key for run in every_run]
        results.write(options.results, [kept[key] for key in keys if key in kept])


def is_wanted(run: Run, options: argparse.Namespace) -> bool:
    if options.check and not run.in_check:
        return False
    if options.disarmed and (run.only_reported or not run.scenario.trouble):
        return False
    return ((not options.names or run.scenario.name in options.names)
            and options.kernel in (None, run.kernel)
            and options.driver in (None, run.driver)
            and options.persona in (None, run.persona))


def main() -> int:
    parser = argparse.ArgumentParser(prog="qemu/scenario", description="Run guest scenarios.")
    parser.add_argument("--kernel", help="only on this kernel")
    parser.add_argument("--driver", help="only with this driver")
    parser.add_argument("--persona", help="only with this persona of the target")
    parser.add_argument("--disarmed", action="store_true",
                        help="nothing goes wrong: scenarios with trouble in them must fail")
    parser.add_argument("--check", action="store_true",
                        help="leave out what is only reported, and what takes long")
    parser.add_argument("--results", type=pathlib.Path, metavar="FILE",
                        help="write the table into that page, with what ran earlier")
    # As many as processors: where there are more, commands time out
    jobs = os.cpu_count() or 1
    parser.add_argument("--jobs", type=int, default=jobs, help=f"guests side by side ({jobs})")
    parser.add_argument("--list", action="store_true", help="say what there is, run nothing")
    parser.add_argument("--logs", help=argparse.SUPPRESS)
    parser.add_argument("--iso", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="NAME",
                        help="a scenario, or NAME=VALUE for its environment")
    options = parser.parse_args()
    options.variables = [word for word in options.names if "=" in word]
    options.names = [word for word in options.names if "=" not in word]

    scenarios = all_scenarios()
    unknown = set(options.names) - {s.name for s in scenarios}
    if unknown:
        sys.exit(f"scenario: no such scenario: {', '.join(sorted(unknown))}; try --list")
    # The slow kernel first, so that it does not end long after all others
    kernels = sorted({k for s in scenarios for k in s.kernels}, reverse=True)
    every_run = [
        Run(scenario, driver, kernel, persona)
        for kernel in kernels
        for scenario in scenarios
        for persona in scenario.personas
        for driver in scenario.reported + scenario.drivers
        if kernel in scenario.kernels
    ]
    runs = [run for run in every_run if is_wanted(run, options)]
    if options.list:
        for run in runs:
            print(run.title)
        return 0
    if not runs:
        sys.exit("scenario: nothing to run with that driver on that kernel")

    set_up(runs)
    judged = sum(not run.only_reported for run in runs)
    print("KTAP version 1")
    print(f"1..{judged}", flush=True)
    failed = number = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = [pool.submit(execute, run, options) for run in runs]
        try:
            for future in futures:
                run = future.result()
                if run.only_reported:
                    report(run)
                    continue
                number += 1
                failed += not run.passed
                show(run, number)
        except KeyboardInterrupt:
            for future in futures:
                future.cancel()
            return 130
    tell(runs, every_run, options)
    print(f"# scenarios: {judged - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
