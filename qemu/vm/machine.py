# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's command line."""

import argparse
import os
import pathlib
import socket

from vm import disks
from vm.host import Failure

CONTROLLER = "/machine/peripheral/fw0"
BUS = CONTROLLER + "/fw0.0"

# Of the second controller, which Linux's own target is published on
SECOND_GUID = 0x00525400C0DE1100


def comma(text: str) -> str:
    """As a value in QEMU's option syntax"""
    return text.replace(",", ",,")


def kernel_parameters(options: argparse.Namespace) -> str:
    words = ["console=ttyS0,115200", "loglevel=7", "panic=-1",
             "mitigations=off", "random.trust_cpu=on", "tsc=reliable",
             "no_timer_check", "nokaslr", "audit=0", "apparmor=0",
             "rcupdate.rcu_expedited=1", "cryptomgr.notests",
             "printk.devkmsg=on", "nmi_watchdog=0"]
    if options.iommu:
        words += ["intel_iommu=on", "iommu.strict=1"]
    return " ".join(words + options.append)


class Ports:
    """Virtio-serial ports, each with the runner's end of a socket pair"""

    def __init__(self) -> None:
        self.arguments = ["-device", "virtio-serial-pci,max_ports=8"]
        self.passed: list[socket.socket] = []
        self.count = 1      # port 0 is kept for a console

    def _pass(self) -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair()
        self.passed.append(theirs)
        return ours, theirs.fileno()

    def _port(self, name: str, fd: int) -> None:
        self.arguments += [
            "-chardev", "socket,id=%s,fd=%d" % (name, fd),
            "-device", "virtserialport,nr=%d,chardev=%s,name=%s"
            % (self.count, name, name)]
        self.count += 1

    def add(self, name: str) -> socket.socket:
        ours, fd = self._pass()
        self._port(name, fd)
        return ours

    def monitor(self) -> socket.socket:
        """For the runner itself"""
        ours, fd = self._pass()
        self.arguments += ["-chardev", "socket,id=runner,fd=%d" % fd,
                           "-mon", "chardev=runner,mode=control"]
        return ours

    def monitor_port(self, name: str) -> None:
        """A monitor that the guest talks to through a port"""
        near, fd = self._pass()
        self.passed.append(near)
        self.arguments += ["-chardev", "socket,id=guestmon,fd=%d" % fd,
                           "-mon", "chardev=guestmon,mode=control"]
        self._port(name, near.fileno())

    def link(self, end: socket.socket) -> None:
        """To the other guest on the bus"""
        self.passed.append(end)
        self.arguments += ["-chardev", "socket,id=link,fd=%d" % end.fileno()]

    def console(self) -> None:
        self.arguments += ["-chardev", "stdio,id=tty,signal=off",
                           "-device", "virtconsole,nr=0,chardev=tty"]

    def close_passed(self) -> None:
        for end in self.passed:
            end.close()


def processor(options: argparse.Namespace) -> list[str]:
    smp = 1 if options.icount else options.smp
    result = ["-smp", str(smp), "-m", options.mem or "1G"]
    if options.kvm:
        return [*result, "-accel", "kvm", "-cpu", "host"]
    result += ["-accel", "tcg,thread=%s" % ("single" if options.icount else "multi"),
               "-cpu", "qemu64,+rdrand"]
    return result + (deterministic() if options.icount else [])


def deterministic() -> list[str]:
    """One instruction is one nanosecond, and nothing of this machine's time
    or chance gets into the guest: two runs are the same"""
    result = ["-icount", "shift=0,sleep=off", "-seed", "1",
              "-rtc", "base=2026-01-01,clock=vm"]
    for device in ("virtio-9p-pci", "virtio-serial-pci"):
        # Served by the processor that asks, not by another thread
        result += ["-global", device + ".ioeventfd=off"]
    return result


def firewire(options: argparse.Namespace, units: list[disks.Disk],
             folder: pathlib.Path) -> list[str]:
    if options.target == "lio-server":
        return ["-device", "ohci1394,id=fw0,guid=%d" % SECOND_GUID,
                "-device", "fw-link,id=l0,bus=fw0.0,chardev=link,far=on"]
    cardbus = options.persona == "cardbus"
    persona = "oxford" if cardbus else options.persona
    result = ["-device", "ohci1394,id=fw0" + (",max-rec=9" if cardbus else "")]
    if options.intruder:
        result += ["-device", "fw-intruder,id=i0,bus=fw0.0"]
    if options.controllers == 2 or options.target == "lio":
        result += ["-device", "ohci1394,id=fw1,fwbus=%s,guid=%d" % (BUS, SECOND_GUID)]
    if options.target == "lio":
        return result
    if options.target == "lio-guest":
        return [*result, "-device", "fw-link,id=l0,bus=fw0.0,chardev=link"]
    wanted = {unit.target for unit in units}
    if options.target_prop:
        wanted.add(0)
    for number in sorted(wanted):
        device = "sbp2-target,id=t%d,bus=fw0.0,persona=%s" % (number, persona)
        for prop in options.target_prop:
            device += "," + prop
        result += ["-device", device]
    return result + disks.arguments(units, folder)


def arguments(options: argparse.Namespace, binary: str, kernel: pathlib.Path,
              folder: pathlib.Path, units: list[disks.Disk]) -> list[str]:
    if "," in str(folder):
        raise Failure("QEMU takes no folder with a comma in its name: %s" % folder)
    machine = "q35,sata=off,smbus=off,vmport=off"
    if options.iommu:
        machine += ",kernel-irqchip=off"
    result = [binary, "-L", str(pathlib.Path(binary).parent / "pc-bios"),
              "-nodefaults", "-no-user-config", "-no-reboot",
              "-display", "none", "-name", "sbp2x-lab",
              "-machine", machine, *processor(options)]
    if options.iommu:
        result += ["-device", "intel-iommu,intremap=on"]
    result += ["-kernel", str(kernel / "vmlinuz"),
               "-initrd", str(folder / "initramfs"),
               "-append", kernel_parameters(options),
               "-chardev", "file,id=log,path=%s" % comma(str(folder / "kernel.log")),
               "-serial", "chardev:log",
               "-fsdev", "local,id=root,path=/,security_model=none,"
               "readonly=on,multidevs=remap",
               "-device", "virtio-9p-pci,fsdev=root,mount_tag=lab-root"]
    if options.share:
        result += ["-fsdev", "local,id=share,path=%s,security_model=none,"
                   "multidevs=remap" % comma(options.share),
                   "-device", "virtio-9p-pci,fsdev=share,mount_tag=lab-share"]
    if options.monitor:
        result += ["-qmp", "unix:%s,server=on,wait=off"
                   % comma(options.monitor)]
    return result + firewire(options, units, folder) + options.qemu_arg


def bus_properties(options: argparse.Namespace) -> list[tuple[str, object]]:
    result: list[tuple[str, object]] = []
    for text in options.bus_prop + (["timing=on"] if options.timing else []):
        name, mark, value = text.partition("=")
        if not mark:
            raise Failure("--bus-prop wants NAME=VALUE, not %s" % text)
        named: dict[str, object] = {"on": True, "off": False}
        parsed = named.get(value, int(value) if value.isdigit() else value)
        result.append((name, parsed))
    if options.capture:
        result.append(("capture", os.path.abspath(options.capture)))
    return result
