# SPDX-License-Identifier: GPL-2.0-or-later
"""The runner's own connection to QEMU's monitor."""

import json
import socket

from vm.host import Failure


class Monitor:
    """Commands and answers over one end of a socket pair"""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        self.file = connection.makefile("rwb")
        self._answer()
        self.call("qmp_capabilities")

    def _answer(self) -> dict[str, object]:
        try:
            line = self.file.readline()
        except OSError:
            line = b""
        if not line:
            raise Failure("QEMU did not start")
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def _call(self, command: str, arguments: dict[str, object]) -> dict[str, object]:
        self.file.write(json.dumps({"execute": command,
                                    "arguments": arguments}).encode() + b"\n")
        self.file.flush()
        answer = self._answer()
        while "return" not in answer and "error" not in answer:
            answer = self._answer()
        return answer

    def call(self, command: str, **arguments: object) -> str:
        """Returns the error's description, or nothing"""
        answer = self._call(command, arguments)
        error = answer.get("error")
        return str(error["desc"]) if isinstance(error, dict) else ""

    def get(self, path: str, name: str) -> int:
        """A property that is a number; 0 if there is none"""
        value = self._call("qom-get", {"path": path, "property": name}).get("return")
        return value if isinstance(value, int) else 0
