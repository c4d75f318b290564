# SPDX-License-Identifier: GPL-2.0-or-later
"""This machine: where things are, packages, the other set-up steps."""

import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
QEMU = ROOT / "qemu"


class Failure(Exception):
    """One sentence for the user"""


def cache() -> pathlib.Path:
    chosen = os.environ.get("SBP2X_CACHE")
    if chosen:
        return pathlib.Path(chosen).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base).absolute() / "sbp2x"


def step(script: str, *arguments: str) -> str:
    """The last line that a set-up step prints; it explains failure itself"""
    done = subprocess.run([str(QEMU / script), *arguments], check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          encoding="utf-8")
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise Failure("")
    return lines[-1]


def need(*packages: str) -> None:
    command = '. "$1/lib.sh"; shift; need "$@"'
    done = subprocess.run(["bash", "-c", command, "lab", str(QEMU), *packages],
                          check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise Failure("")


def need_guest_tools() -> None:
    """What the guest's start-up uses, from this machine's file system"""
    tools = {"busybox-static": "/bin/busybox", "udev": "/bin/udevadm",
             "kmod": "/sbin/modprobe", "util-linux": "/usr/bin/setsid"}
    missing = [package for package, path in tools.items()
               if not os.path.exists(path)]
    if missing:
        need(*missing)
    # Another busybox than that package's may need a dynamic linker
    busybox = shutil.which("busybox", path="/bin:/usr/bin") or ""
    if not busybox or is_dynamic(busybox):
        need("busybox-static")


def is_dynamic(path: str) -> bool:
    with open(path, "rb") as file:
        return b"/ld-linux" in file.read(4096)


def need_space(directory: pathlib.Path, size: int, what: str) -> None:
    free = shutil.disk_usage(directory).free
    if free < size:
        raise Failure("%s has %d MiB free and %s needs %d MiB: make room, or "
                      "set SBP2X_CACHE to a folder on a larger disk"
                      % (directory, free >> 20, what, size >> 20))
