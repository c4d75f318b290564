# SPDX-License-Identifier: GPL-2.0-or-later
"""In the guest: the disks that came over FireWire."""

import glob
import os
import pathlib
import subprocess
import sys
import time

PATIENCE = 60.0     # seconds


def found() -> list[str]:
    """Their device nodes, in the order of their SCSI addresses"""
    devices = sorted(glob.glob("/sys/bus/scsi/devices/*/ieee1394_id"))
    names = [name for device in devices
             for name in glob.glob(os.path.dirname(device) + "/block/*")]
    return ["/dev/" + os.path.basename(name) for name in names]


def wait_for(count: int) -> list[str]:
    """All of them, when there are so many and they can be opened"""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        nodes = found()
        if len(nodes) == count and all(map(os.path.exists, nodes)):
            return nodes
        time.sleep(0.1)
    sys.exit(f"{os.path.basename(sys.argv[0])}: not all disks appeared, only {found()}")


def of_driver(driver: str) -> pathlib.Path:
    return pathlib.Path("/sys/bus/firewire/drivers", driver.replace("-", "_"))


def bind(driver: str, unit: str) -> None:
    (of_driver(driver) / "bind").write_text(unit, "ascii")


def unbind(driver: str) -> list[str]:
    """The names of the units that were the driver's"""
    units = [path.name for path in of_driver(driver).glob("fw*")]
    for unit in units:
        (of_driver(driver) / "unbind").write_text(unit, "ascii")
    return units


def unload(driver: str) -> None:
    """With no unit in its hands: while its module is going firewire-sbp2 does not
    find its SCSI devices, and frees what sd still uses"""
    unbind(driver)
    subprocess.run(["modprobe", "-r", driver], check=True)
