# SPDX-License-Identifier: GPL-2.0-or-later
"""One run: starts QEMU, passes on what the guest prints, judges the end."""

import argparse
import ctypes
import fcntl
import os
import pathlib
import secrets
import select
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

from vm import disks, host, initramfs, kernel_log, limit, machine, qmp
from vm.host import Failure

COMPLAINED = 99     # the kernel log has a complaint
TIMED_OUT = 124
NO_STATUS = 125     # the guest ended without telling the command's status

# From an oops to the end of the run, if the command hangs on it
GRACE_SECONDS = 15
KEPT_LOGS = 50

# A kernel that says nothing for so long before its first process runs hangs:
# an emulator whose processors share too few real ones can lose an interrupt
# between them. Nothing of the lab's has run in the guest by then.
BOOT_SILENCE_SECONDS = 90


class Stopped(Exception):
    """A signal asks for the end"""


def on_signal(number: int, _frame: object) -> None:
    raise Stopped(number)


def die_with_parent() -> None:
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Folder:
    """The run's own folder: gone afterwards, whatever happens"""

    def __init__(self) -> None:
        base = host.cache() / "run"
        try:
            base.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure("cannot write to %s (%s): set SBP2X_CACHE to a "
                          "folder that you can write to"
                          % (host.cache(), error.strerror)) from error
        self.remove_stale(base)
        host.need_space(base, 64 << 20, "a run")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="lab-", dir=base))
        self.lock = os.open(self.path, os.O_RDONLY)
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @staticmethod
    def remove_stale(base: pathlib.Path) -> None:
        """Of runs that were killed: nobody holds their lock"""
        for path in base.iterdir():
            try:
                if time.time() - path.stat().st_mtime < 60:
                    continue
                descriptor = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
            except OSError:
                pass
            finally:
                os.close(descriptor)

    def keep_log(self, name: str) -> str:
        logs = host.cache() / "log"
        logs.mkdir(exist_ok=True)
        for old in sorted(logs.iterdir(), key=os.path.getmtime)[:-KEPT_LOGS]:
            old.unlink(missing_ok=True)
        kept = logs / ("%s-%s" % (time.strftime("%Y%m%d-%H%M%S"),
                                  self.path.name + "-" + name))
        shutil.copyfile(self.path / name, kept)
        return str(kept)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self.lock)


class Stream:
    """A port whose data goes to a file of ours, up to the guest's end mark"""

    def __init__(self, port: socket.socket, output: int, mark: bytes) -> None:
        self.port = port
        self.output = output
        self.mark = mark
        self.held = b""
        self.ended = False

    def receive(self) -> bool:
        data = self.port.recv(65536)
        text = self.held + data
        self.held = b""
        if self.mark in text:
            text = text[:text.index(self.mark)]
            self.ended = True
        elif data:
            # The beginning of the mark may be the end of the data
            for size in range(min(len(self.mark) - 1, len(text)), 0, -1):
                if text.endswith(self.mark[:size]):
                    text, self.held = text[:-size], text[-size:]
                    break
        self.write(text)
        return bool(data)

    def write(self, text: bytes) -> None:
        while text:
            text = text[os.write(self.output, text):]


class LogWatch:
    """Reads the kernel log as it grows, to notice what no command survives"""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.offset = 0
        self.partial = ""
        self.fatal = False
        self.grew = time.monotonic()

    def look(self) -> None:
        try:
            with open(self.path, encoding="utf-8", errors="replace") as file:
                file.seek(self.offset)
                news = file.read()
                self.offset = file.tell()
        except OSError:
            return
        if news:
            self.grew = time.monotonic()
        text = self.partial + news
        *lines, self.partial = text.split("\n")
        self.fatal = self.fatal or any(map(kernel_log.is_fatal, lines))


def shell_variables(values: dict[str, str]) -> str:
    return "".join("%s=%s\n" % (name, shlex.quote(value))
                   for name, value in values.items())


class Run:
    """Everything about one guest"""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.shell = not options.command
        # The guest gets to see it, so it must be the same with --icount
        self.token = "0" * 32 if options.icount else secrets.token_hex(16)
        self.process: subprocess.Popen[bytes] | None = None
        self.monitor: qmp.Monitor | None = None
        self.status: int | None = None
        self.ready = False
        self.hung = False
        self.timed_out = False
        self.folder = Folder()
        self.link: socket.socket | None = None
        self.target: TargetGuest | None = None

    # Preparation

    def environment(self, kernel: pathlib.Path, ours: str,
                    units: list[disks.Disk]) -> str:
        options = self.options
        size = shutil.get_terminal_size()
        lio = disks.lio_sizes(units) if options.target != "emulated" else []
        leaks = options.kmemleak
        if leaks is None:
            leaks = options.kernel == "debug" and options.driver != "none"
        return shell_variables({
            "LAB_ROOT": str(host.ROOT), "LAB_MODULES": str(kernel / "modules"),
            "LAB_OUR_MODULES": ours, "LAB_DRIVER": options.driver,
            "LAB_KERNEL": options.kernel, "LAB_DISKS": str(len(lio or units)),
            "LAB_TARGET": options.target,
            "LAB_LIO_SIZES": " ".join(map(str, lio)),
            "LAB_LIO_GUID": "%016x" % machine.SECOND_GUID, "LAB_CWD": os.getcwd(),
            "LAB_NO_LOAD": "1" if options.no_load else "",
            "LAB_BARE": "1" if options.bare else "",
            "LAB_WAIT": str(options.wait), "LAB_TOKEN": self.token,
            "LAB_SHARE": "1" if options.share else "",
            "LAB_KMEMLEAK": "1" if leaks else "",
            "LAB_ROWS": str(size.lines), "LAB_COLUMNS": str(size.columns),
            "TERM": os.environ.get("TERM", "linux")})

    def prepare(self) -> tuple[str, pathlib.Path, list[disks.Disk]]:
        options = self.options
        units = [disks.parse(text, cd) for text, cd in options.disks]
        host.need_guest_tools()
        binary = host.step("build")
        kernel = pathlib.Path(host.step("kernel", options.kernel))
        ours = host.step("module", options.kernel) if options.driver == "sbp2x" else ""
        release = (kernel / "release").read_text().strip()
        files = {"environment": self.environment(kernel, ours, units)}
        if not self.shell:
            files["command"] = ("cd %s 2>/dev/null || cd /\nexec %s\n" % (
                shlex.quote(os.getcwd()), shlex.join(options.command)))
        image = initramfs.build(kernel / "modules" / release, files)
        (self.folder.path / "initramfs").write_bytes(image)
        return binary, kernel, units

    # The guest

    def start_target(self) -> None:
        """Linux's own target, in a guest of its own"""
        for first in (True, False):
            if self.target:
                self.target.clean_up()
            target = self.target = TargetGuest(self.options)
            self.link = target.near
            target.start()
            if target.comes_up():
                break
            if not (first and target.once_more()):
                target.tell_why()

    def start(self) -> None:
        if self.options.target == "lio-guest":
            self.start_target()
        binary, kernel, units = self.prepare()
        ports = machine.Ports()
        if self.link:
            ports.link(self.link)
        self.control = ports.add("lab.control")
        mark = b"\0" + self.token.encode() + b"\n"
        self.streams = [] if self.shell else [
            Stream(ports.add("lab.stdout"), 1, mark),
            Stream(ports.add("lab.stderr"), 2, mark)]
        ports.monitor_port("lab.monitor")
        if self.shell:
            ports.console()
        properties = machine.bus_properties(self.options)
        monitor = ports.monitor() if properties else None
        command = machine.arguments(self.options, binary, kernel,
                                    self.folder.path, units)
        command += ports.arguments + (["-S"] if monitor else [])
        if self.options.verbose:
            print("lab:", shlex.join(command), file=sys.stderr)
        with open(self.folder.path / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=None if self.shell else subprocess.DEVNULL,
                stdout=None if self.shell else log, stderr=log,
                pass_fds=[end.fileno() for end in ports.passed],
                start_new_session=not self.shell, preexec_fn=die_with_parent)
        ports.close_passed()
        if monitor:
            self.monitor = qmp.Monitor(monitor)
            self.set_bus_properties(self.monitor, properties)

    def set_bus_properties(self, monitor: qmp.Monitor,
                           properties: list[tuple[str, object]]) -> None:
        for name, value in properties:
            error = monitor.call("qom-set", path=machine.BUS, property=name,
                                 value=value)
            if "not found" in error:
                raise Failure("the lab's bus has no property '%s' yet" % name)
            if error:
                raise Failure("cannot set the bus's property %s: %s"
                              % (name, error))
        monitor.call("cont")

    def tell_limit(self) -> None:
        """What the bus, as it was in the end, carries at most"""
        if not self.options.timing or not self.monitor:
            return
        speed = 100 << self.monitor.get(machine.CONTROLLER, "speed")
        gap = self.monitor.get(machine.BUS, "gap-count")
        busy = self.monitor.get(machine.BUS, "busy-ns") / 1e9
        print("lab: S%d and gap count %d: at most %.2f MB/s to the host and "
              "%.2f MB/s from it; the bus was busy for %.3f s"
              % (speed, gap, *limit.payload_rates(limit.Bus(speed, gap)), busy),
              file=sys.stderr)

    def hear(self, text: str) -> None:
        for line in text.splitlines():
            if line == "ready":
                self.ready = True
            elif line.startswith("exit "):
                self.status = int(line.split()[1])

    def may_power_off(self) -> bool:
        return self.status is not None and all(s.ended for s in self.streams)

    def watch(self) -> None:
        """Until QEMU has ended, or has to"""
        assert self.process
        selector = selectors.DefaultSelector()
        selector.register(self.control, selectors.EVENT_READ, None)
        for stream in self.streams:
            selector.register(stream.port, selectors.EVENT_READ, stream)
        log = LogWatch(self.folder.path / "kernel.log")
        limit = self.options.timeout
        deadline = time.monotonic() + limit if limit else None
        answered = False
        while selector.get_map():
            for key, _ in selector.select(0.5):
                if not self.read(key.fileobj, key.data):
                    selector.unregister(key.fileobj)
            if self.may_power_off() and not answered:
                answered = True
                self.tell_limit()
                self.control.send(b"off\n")
            if self.process.poll() is not None and not selector.select(0):
                break
            was_fatal = log.fatal
            log.look()
            if log.fatal and not was_fatal:
                grace = time.monotonic() + GRACE_SECONDS
                deadline = min(deadline, grace) if deadline else grace
            if deadline and time.monotonic() > deadline:
                self.timed_out = not log.fatal
                return
            self.hung = (not self.ready and not log.fatal and
                         time.monotonic() - log.grew > BOOT_SILENCE_SECONDS)
            if self.hung:
                return
        self.process.wait()

    def read(self, port: object, stream: Stream | None) -> bool:
        try:
            if stream:
                return stream.receive()
            assert isinstance(port, socket.socket)
            data = port.recv(4096)
        except ConnectionError:
            return False
        self.hear(data.decode(errors="replace"))
        return bool(data)

    # The end

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def read_log(self, name: str) -> str:
        try:
            return (self.folder.path / name).read_text("utf-8", "replace")
        except OSError:
            return ""

    def explain(self, sentence: str, lines: list[str]) -> None:
        print("lab:", sentence, file=sys.stderr)
        for line in lines:
            print("    " + line, file=sys.stderr)
        for guest in [self, *([self.target] if self.target else [])]:
            if guest.read_log("kernel.log"):
                print("lab: the whole kernel log is in %s"
                      % guest.folder.keep_log("kernel.log"), file=sys.stderr)

    def judge(self) -> int:
        log = self.read_log("kernel.log")
        complaint = kernel_log.complaint(log)
        last = [line for line in log.splitlines() if line.strip()][-20:]
        for excuse in kernel_log.excuses(log):
            print("lab:", excuse, file=sys.stderr)
        if complaint:
            self.explain("the guest's kernel complained:", complaint)
            return COMPLAINED
        if self.hung:
            self.explain("the guest does not boot; its last words:", last)
            return TIMED_OUT
        if self.timed_out:
            self.explain("no end after %g seconds; the guest's last words:"
                         % self.options.timeout, last)
            return TIMED_OUT
        if self.status is None and not log:
            errors = self.read_log("qemu.log").strip()
            raise Failure(self.qemu_error(errors))
        if self.status is None:
            self.explain("the guest ended before the command did; its last "
                         "words:", last)
            print(self.read_log("qemu.log"), end="", file=sys.stderr)
            return NO_STATUS
        return self.status

    def qemu_error(self, errors: str) -> str:
        if "not found" in errors and "sbp2-target." in errors:
            return "the lab's target cannot do that yet (%s)" % errors
        return "QEMU did not start: %s" % (errors or "no reason given")

    def copy_logs(self) -> None:
        for name, path in (("kernel.log", self.options.log),
                           ("qemu.log", self.options.qemu_log)):
            if path and (self.folder.path / name).exists():
                shutil.copyfile(self.folder.path / name, path)

    def once_more(self) -> bool:
        """Whether to start it again, which is told: the emulator hung, before anything
        of ours was run"""
        if self.hung:
            print("lab: the emulator hung while the kernel booted; starting it once more",
                  file=sys.stderr)
        return self.hung

    def attempt(self) -> None:
        self.start()
        self.watch()
        self.stop()

    def go(self) -> int:
        self.attempt()
        if self.once_more():
            self.attempt()
        return self.judge()

    def clean_up(self) -> None:
        if self.target:
            self.target.clean_up()
        self.stop()
        self.copy_logs()
        self.folder.remove()
        if self.options.monitor:
            pathlib.Path(self.options.monitor).unlink(missing_ok=True)


class TargetGuest(Run):
    """Another guest on the same bus, whose kernel is the target. What that
    kernel complains of is not judged."""

    def __init__(self, options: argparse.Namespace) -> None:
        values: dict[str, object] = {
            **vars(options), "target": "lio-server", "driver": "none",
            "mem": "512M", "share": None, "monitor": None, "log": None,
            "qemu_log": None, "bus_prop": [], "timing": False, "iommu": False,
            "qemu_arg": [], "capture": None,
            "command": ["sh", "-c", "echo up; exec sleep infinity"]}
        super().__init__(argparse.Namespace(**values))
        self.near, self.link = socket.socketpair()

    def comes_up(self) -> bool:
        """Wait until the target can be logged in to"""
        log = LogWatch(self.folder.path / "kernel.log")
        stdout = self.streams[0].port
        words = b""
        while b"up" not in words:
            readable, _, _ = select.select([stdout, self.control], [], [], 0.5)
            if stdout in readable:
                words += stdout.recv(4096)
            if self.control in readable:
                self.read(self.control, None)
            log.look()
            if self.is_lost(log):
                return False
        return True

    def is_lost(self, log: LogWatch) -> bool:
        assert self.process
        silent = time.monotonic() - log.grew > BOOT_SILENCE_SECONDS
        self.hung = silent and not self.ready
        return (self.process.poll() is not None or log.fatal or
                self.status is not None or self.hung)

    def tell_why(self) -> None:
        print(self.read_log("qemu.log"), end="", file=sys.stderr)
        raise Failure("the target's guest does not come up; its kernel log is "
                      "in %s" % self.folder.keep_log("kernel.log"))


def run(options: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    terminal = termios.tcgetattr(0) if os.isatty(0) else None
    this = None
    try:
        this = Run(options)
        return this.go()
    except Stopped as stopped:
        return 128 + int(stopped.args[0])
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if this:
            this.clean_up()
        if terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, terminal)
