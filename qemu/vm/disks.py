# SPDX-License-Identifier: GPL-2.0-or-later
"""Logical units: --disk SIZE|FILE[,ro][,cd][,target=N] and --cd FILE."""

import dataclasses
import json
import os
import pathlib
import re

from vm.host import Failure, need_space

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclasses.dataclass
class Disk:
    """One logical unit, as it was asked for"""

    size: int = 0
    path: str = ""
    cd: bool = False
    read_only: bool = False
    target: int = 0


def parse(text: str, cd: bool = False) -> Disk:
    what, *options = text.split(",")
    disk = Disk(cd=cd)
    match = re.fullmatch(r"(\d+)([KMGT]?)", what)
    if match and not os.path.exists(what):
        disk.size = int(match[1]) * UNITS[match[2]]
        if not disk.size or disk.size % 512:
            raise Failure("a disk of %s is not a whole number of sectors" % what)
    elif not os.path.isfile(what) and not os.path.exists(what):
        raise Failure("--disk %s is neither a size such as 256M nor a file"
                      % what)
    else:
        disk.path = os.path.abspath(what)
        disk.cd = cd or what.endswith(".iso")
    for option in options:
        if option == "ro":
            disk.read_only = True
        elif option == "cd":
            disk.cd = True
        elif re.fullmatch(r"target=[0-9]", option):
            disk.target = int(option[-1])
        else:
            raise Failure("--disk %s: what is '%s'? There are ro, cd and "
                          "target=N" % (text, option))
    if disk.cd:
        disk.read_only = True
        if not disk.path:
            raise Failure("an optical drive needs a file, not a size: %s" % text)
    return disk


def lio_sizes(disks: list[Disk]) -> list[int]:
    """Of the logical units of Linux's own target, which are files in the guest"""
    if any(disk.path or disk.read_only or disk.target for disk in disks):
        raise Failure("with --target lio a --disk is a size, and nothing else")
    return [disk.size for disk in disks] or [128 << 20]


def arguments(disks: list[Disk], folder: pathlib.Path) -> list[str]:
    """Options for QEMU; files of disks that have none go to @folder"""
    result: list[str] = []
    units: dict[int, int] = {}
    temporary = sum(disk.size for disk in disks)
    if temporary:
        # They are sparse: the lab needs room for what is written
        need_space(folder, min(temporary, 256 << 20), "a disk")
    for number, disk in enumerate(disks):
        lun = units.get(disk.target, 0)
        units[disk.target] = lun + 1
        node = {"driver": "raw", "node-name": "d%d" % number,
                "read-only": disk.read_only, "file": {
                    "driver": "file", "filename": disk.path,
                    "aio": "threads"}}
        if not disk.path:
            path = folder / ("disk%d" % number)
            with open(path, "wb") as file:
                file.truncate(disk.size)
            node["file"] = {"driver": "file", "filename": str(path)}
            node["cache"] = {"no-flush": True}
        device = "%s,id=d%d-unit,bus=t%d.0,drive=d%d,scsi-id=0,lun=%d" % (
            "scsi-cd" if disk.cd else "scsi-hd", number, disk.target, number,
            lun)
        if not disk.cd:
            device += ",serial=lab%d" % number
        result += ["-blockdev", json.dumps(node), "-device", device]
    return result
