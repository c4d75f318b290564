# SPDX-License-Identifier: GPL-2.0-or-later
"""The initramfs: busybox, modules that reach the root file system, files."""

import gzip
import lzma
import pathlib
import stat

from vm.host import QEMU, Failure

# What a kernel may have built in
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")


class Archive:
    """A cpio archive in the kernel's "newc" format"""

    def __init__(self) -> None:
        self.data = bytearray()
        self.count = 0
        self.folders: set[str] = set()

    def _entry(self, name: str, mode: int, content: bytes,
               device: tuple[int, int] = (0, 0)) -> None:
        self.count += 1
        encoded = name.encode() + b"\0"
        fields = (self.count, mode, 0, 0, 1, 0, len(content), 0, 0,
                  device[0], device[1], len(encoded), 0)
        self.data += b"070701" + b"".join(b"%08x" % field for field in fields)
        self.data += encoded
        self._align()
        self.data += content
        self._align()

    def _align(self) -> None:
        self.data += bytes(-len(self.data) % 4)

    def folder(self, name: str) -> None:
        if name in self.folders or name in ("", "."):
            return
        self.folder(str(pathlib.PurePosixPath(name).parent))
        self.folders.add(name)
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name: str, content: bytes, mode: int = 0o644) -> None:
        self.folder(str(pathlib.PurePosixPath(name).parent))
        self._entry(name, stat.S_IFREG | mode, content)

    def symlink(self, name: str, target: str) -> None:
        self.folder(str(pathlib.PurePosixPath(name).parent))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def console(self) -> None:
        self.folder("dev")
        self._entry("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))

    def finish(self) -> bytes:
        self._entry("TRAILER!!!", 0, b"")
        return bytes(self.data)


def module_name(path: str) -> str:
    return path.rsplit("/", 1)[-1].split(".ko")[0].replace("-", "_")


def read_module(path: pathlib.Path) -> bytes:
    content = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(content)
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".ko":
        return content
    raise Failure("the lab cannot read a module compressed as %s" % path.name)


def modules_in_order(tree: pathlib.Path) -> list[pathlib.Path]:
    """MODULES and what they depend on, in the order to load them"""
    depends: dict[str, list[str]] = {}
    for line in (tree / "modules.dep").read_text().splitlines():
        path, needed = line.split(":", 1)
        depends[module_name(path)] = [*reversed(needed.split()), path]
    builtin = {module_name(line) for line
               in (tree / "modules.builtin").read_text().splitlines()}
    order: list[str] = []
    for name in MODULES:
        if name in depends:
            order += [path for path in depends[name] if path not in order]
        elif name not in builtin:
            raise Failure("the kernel in %s has no module %s, which the lab "
                          "boots with" % (tree.parent.parent, name))
    return [tree / path for path in order]


def build(tree: pathlib.Path, files: dict[str, str]) -> bytes:
    """@tree: the kernel's modules; @files: more, to be found in /lab"""
    archive = Archive()
    archive.console()
    archive.file("bin/busybox", pathlib.Path("/bin/busybox").read_bytes(), 0o755)
    for applet in ("sh", "mount", "mkdir", "insmod", "cp", "switch_root",
                   "poweroff"):
        archive.symlink("bin/" + applet, "busybox")
    archive.file("init", (QEMU / "guest" / "initramfs").read_bytes(), 0o755)
    order = modules_in_order(tree)
    names = [module_name(path.name) + ".ko" for path in order]
    for name, path in zip(names, order):
        archive.file("lab/modules/" + name, read_module(path))
    archive.file("lab/modules/order", "".join(n + "\n" for n in names).encode())
    for name, text in files.items():
        archive.file("lab/" + name, text.encode())
    return archive.finish()
