# SPDX-License-Identifier: GPL-2.0-only
"""The guest's part of tests that go in rounds: tools/soak and tools/fuzz.

On the kernel that watches memory, locks and timers a system call costs a good
part of a millisecond and a process some tens of them: so there is one process,
and it does not look again before the kernel has said that something changed.
"""

import collections.abc
import ctypes
import errno
import glob
import importlib.machinery
import importlib.util
import math
import mmap
import os
import pathlib
import queue
import random
import re
import select
import socket
import sys
import threading
import time
import types

PATIENCE = 60.0         # seconds for anything that must come to an end
LOOK = 1.0              # seconds until another look though nothing was said
POLL = 0.01             # seconds, for what the kernel says nothing of
LOG_LINES = 400
REGION = 4 << 20        # of the disk, for each worker

SYS_INIT_MODULE = 175   # x86_64, as the lab's guests are
SYS_DELETE_MODULE = 176
libc = ctypes.CDLL(None, use_errno=True)

# Warnings and worse go to the console, where each character costs; tell_log()
# has the rest
QUIET, LOUD = "5", "8"
ROUND_LEVEL = 4

# A warning (0x200), an oops (0x80), KASAN (0x20): reasons to go no further
TAINT = 0x200 | 0x80 | 0x20

# Whose part this is, as its lines in the kernel log say: soak, fuzz
NAME = pathlib.Path(sys.argv[0]).name.removesuffix("-guest")

NETLINK_KOBJECT_UEVENT = 15     # not in Python's socket module
SO_RCVBUFFORCE = 33


class Failure(Exception):
    """What went wrong, in one sentence"""


def say(text: str) -> None:
    print(text, flush=True)


def write(path: str, text: str) -> None:
    """Nothing but the system calls, and never a new file"""
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode("ascii"))
    finally:
        os.close(descriptor)


def log(text: str) -> None:
    """So that a complaint in the kernel log can be given its round"""
    write("/dev/kmsg", f"<{ROUND_LEVEL}>{NAME}: {text}")


def read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(descriptor, 65536).decode("ascii", "replace").strip()
    except OSError:
        return ""
    finally:
        os.close(descriptor)


class Lab:
    """labctl, in this process"""

    def __init__(self) -> None:
        path = pathlib.Path(__file__).resolve().parent.parent / "guest/labctl"
        loader = importlib.machinery.SourceFileLoader("labctl", str(path))
        spec = importlib.util.spec_from_loader("labctl", loader)
        assert spec
        self.labctl: types.ModuleType = importlib.util.module_from_spec(spec)
        loader.exec_module(self.labctl)
        self.monitor = self.labctl.Monitor()

    def set(self, device: str, name: str, value: object) -> None:
        self.monitor.call("qom-set", {"path": self.labctl.qom_path(device),
                                      "property": name, "value": value})

    def text(self, device: str, name: str) -> str:
        return str(self.monitor.call("qom-get", {"path": self.labctl.qom_path(device),
                                                 "property": name}))

    def get(self, device: str, name: str) -> int:
        return int(self.text(device, name))

    def reset(self, kind: str) -> None:
        self.set(self.labctl.BUS, "reset", kind)


class Uevents:
    """What the kernel says of devices. It is a hint to look, no more: a look
    too many does no harm, and one a second is had in any case."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM,
                                    NETLINK_KOBJECT_UEVENT)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 20)
        self.socket.bind((0, 1))

    def wait(self, pattern: re.Pattern[bytes], seconds: float) -> bool:
        """For one that tells of such a device: was there one?"""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.socket], [], [], left)[0]:
                return False
            try:
                if pattern.search(self.socket.recv(8192).split(b"\0", 1)[0]):
                    return True
            except OSError:     # there were too many
                return True
        return False

    def forget(self) -> None:
        """What was said so far"""
        while select.select([self.socket], [], [], 0)[0]:
            try:
                self.socket.recv(8192)
            except OSError:
                pass


uevents = Uevents()
ANY = re.compile(b"")
NODE = re.compile(rb"/fw\d+$")
UNIT = re.compile(rb"/fw\d+\.\d+$")
DISK = re.compile(rb"^add@.*/block/sd[a-z]+$")
HOST = re.compile(rb"^remove@.*/host\d+$")


# What there is


def unit() -> str:
    """No node but the target has units"""
    return next((name for name in os.listdir("/sys/bus/firewire/devices") if "." in name), "")


class Disk:
    """The guest has no other SCSI disk"""

    def __init__(self, path: str) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_DIRECT)

    def close(self) -> None:
        os.close(self.descriptor)


def disk() -> Disk | None:
    """The node is there before the kernel has done with the disk"""
    for name in os.listdir("/sys/block"):
        if name.startswith("sd"):
            try:
                return Disk("/dev/" + name)
            except OSError:
                pass
    return None


def wait_for(what: str, condition: collections.abc.Callable[[], object],
             sign: re.Pattern[bytes] | None = None) -> object:
    """Look again whenever there is such a uevent, or, without one, often"""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {PATIENCE:.0f} s in vain: {what}")
        if sign:
            uevents.wait(sign, LOOK)
        else:
            time.sleep(POLL)
    return result


def gone() -> bool:
    return not os.listdir("/sys/bus/scsi/devices")


# The module, without starting a program for it


class Module:
    """sbp2x, or firewire-sbp2: loaded, and unloaded, by the system calls"""

    def __init__(self, name: str = "sbp2x") -> None:
        modules = pathlib.Path("/lib/modules") / os.uname().release
        self.image = next(modules.rglob(f"{name}.ko")).read_bytes()
        self.name = name.replace("-", "_")
        self.driver = f"/sys/bus/firewire/drivers/{self.name}"
        self.loaded = False

    def load(self) -> None:
        if libc.syscall(SYS_INIT_MODULE, self.image, len(self.image), b""):
            raise Failure(f"loading failed: {os.strerror(ctypes.get_errno())}")
        self.loaded = True

    def is_bound(self) -> bool:
        return any(name.startswith("fw") for name in os.listdir(self.driver))

    def tell(self, what: str, unit_name: str) -> None:
        """bind or unbind"""
        try:
            write(f"{self.driver}/{what}", unit_name)
        except OSError as error:
            # Just now firewire-core itself may bind, or take the unit away, or
            # rmmod the driver
            if error.errno not in (errno.ENODEV, errno.EBUSY, errno.ENOENT):
                raise

    def try_unload(self) -> bool:
        if not libc.syscall(SYS_DELETE_MODULE, self.name.encode(), os.O_NONBLOCK):
            self.loaded = False
            return True
        if ctypes.get_errno() not in (errno.EAGAIN, errno.EBUSY):
            raise Failure(f"unloading failed: {os.strerror(ctypes.get_errno())}")
        return False

    def unload(self) -> None:
        if self.loaded:
            wait_for("rmmod", self.try_unload)


# I/O


class Job:
    """Writes a part of the disk, and reads and compares what it wrote"""

    def __init__(self, place: Disk | None, number: int, seed: str,
                 most: float = math.inf) -> None:
        self.most = most
        self.disk = place
        self.start_at = number * REGION
        self.random = random.Random(f"{seed}.{number}")
        self.stopping = False
        self.ended = threading.Event()
        self.blocks = 0
        self.error: OSError | None = None
        self.wrong = ""

    def one_block(self, buffer: mmap.mmap) -> None:
        assert self.disk
        descriptor = self.disk.descriptor
        size = 4096 << self.random.randrange(6)
        offset = self.start_at + self.random.randrange(REGION // size) * size
        pattern = self.random.randbytes(64) * (size // 64)
        with memoryview(buffer) as view, view[:size] as part:
            part[:] = pattern
            written = os.pwritev(descriptor, [part], offset)
            part[:] = bytes(size)
            # A disk that was taken away has no blocks: its end is everywhere
            if written < size or os.preadv(descriptor, [part], offset) < size:
                raise OSError(errno.ENODEV, "the disk ends here")
            if part != pattern:
                self.wrong = f"{size} bytes at {offset} came back different"
        self.blocks += 1

    def moved_since(self, blocks: int) -> collections.abc.Callable[[], bool]:
        return lambda: bool(self.error) or self.blocks > blocks

    def run(self, buffer: mmap.mmap) -> None:
        try:
            while not (self.stopping or self.wrong or self.blocks >= self.most):
                self.one_block(buffer)
        except OSError as error:
            self.error = error
        finally:
            self.ended.set()


class Worker(threading.Thread):
    """Does one job after the other: a new thread for each costs as much as
    some blocks"""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()

    def run(self) -> None:
        buffer = mmap.mmap(-1, 4096 << 5)   # aligned as O_DIRECT wants it
        while True:
            self.jobs.get().run(buffer)


class Memory:
    """What is in use when nothing is going on"""

    NAMES = ("MemAvailable", "Slab", "SUnreclaim", "KernelStack", "Percpu", "VmallocUsed",
             "AnonPages")

    def __init__(self) -> None:
        write("/proc/sys/vm/drop_caches", "3")
        # KASAN holds freed memory back, until a cache is shrunk. Caches have
        # more than one name.
        for path in {os.path.realpath(path) for path in glob.glob("/sys/kernel/slab/*")}:
            try:
                write(path + "/shrink", "1")
            except OSError:
                pass
        time.sleep(0.5)
        self.kib = {line.split(":")[0]: int(line.split()[1])
                    for line in read("/proc/meminfo").splitlines()}
        comms = [read(path) for path in glob.glob("/proc/[0-9]*/comm")]
        self.count = {
            "workqueue rescuers of sbp2x": sum(comm.startswith("kworker/R-sbp2x")
                                               for comm in comms),
            "SCSI error handlers": sum(comm.startswith("scsi_eh") for comm in comms),
            "SCSI hosts": len(glob.glob("/sys/class/scsi_host/*")),
            "firewire units": len(glob.glob("/sys/bus/firewire/devices/fw*.*")),
        }

    def as_dict(self) -> dict[str, int]:
        return {name: self.kib[name] for name in self.NAMES} | self.count


def still() -> None:
    """Nothing shall take the processors from the driver, kmemleak's thread
    least of all: it scans when asked to, at the end"""
    write("/proc/sys/kernel/printk", QUIET)
    write("/sys/kernel/debug/kmemleak", "scan=off")
    write("/proc/sys/kernel/hung_task_timeout_secs", "60")


def complained() -> bool:
    return bool(int(read("/proc/sys/kernel/tainted")) & TAINT)


def tell_log() -> None:
    """All that the kernel said of late, the console's part and the other"""
    descriptor = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    lines = []
    while True:
        try:
            lines.append(os.read(descriptor, 8192).decode("ascii", "replace"))
        except BrokenPipeError:
            continue
        except OSError:
            break
    for line in lines[-LOG_LINES:]:
        head, _, text = line.split("\n")[0].partition(";")
        say(f"log [{int(head.split(',')[2]) / 1e6:12.6f}] {text}")


def tell_sessions() -> None:
    """What the driver says of its logins"""
    for path in sorted(glob.glob("/sys/class/sbp2x/*/*")):
        if os.path.isfile(path) and (text := read(path)):
            say(f"log {path}: {' | '.join(text.splitlines())}")


def show_tasks(keys: str) -> None:
    log("failed, and this is what tasks do")
    write("/proc/sys/kernel/printk", LOUD)
    for key in keys:
        write("/proc/sysrq-trigger", key)


def instruments() -> list[str]:
    """Those that are not at work: lockdep ends with its first complaint, and
    kmemleak when it runs out of memory"""
    problems = []
    if ["debug_locks:", "1"] not in map(str.split, read("/proc/lockdep_stats").splitlines()):
        problems.append("lockdep is off")
    if not os.access("/sys/kernel/debug/kmemleak", os.W_OK):
        problems.append("kmemleak is off")
    if "pool_used" not in read("/sys/kernel/debug/debug_objects/stats"):
        problems.append("debug objects are off")
    return problems


class Watchdog(threading.Thread):
    """A round that hangs in the kernel is told of, and the guest ends"""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.round = ""
        self.begin = time.monotonic()

    def enter(self, text: str) -> None:
        self.round, self.begin = text, time.monotonic()

    def run(self) -> None:
        while time.monotonic() - self.begin < 4 * PATIENCE:
            time.sleep(1)
        show_tasks("wlt")
        say(f"failed {self.round}: it hangs")
        tell_log()
        time.sleep(3)
        show_tasks("o")


def run(body: collections.abc.Callable[[Watchdog], None]) -> int:
    """The whole of a guest's part: says how it ended, and why"""
    still()
    watchdog = Watchdog()
    watchdog.start()
    try:
        body(watchdog)
    except (Failure, OSError) as failure:
        say(f"failed {watchdog.round}: {failure}")
        tell_log()
        tell_sessions()
        show_tasks("wl")
        return 1
    problems = instruments()
    for problem in problems:
        say(f"end {problem}")
    say("done")
    return bool(problems)
