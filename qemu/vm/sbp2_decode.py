# SPDX-License-Identifier: GPL-2.0-or-later
"""What SBP-2 puts into memory and registers, and SCSI commands, in words.

Each structure is what it is read from: bytes as they stand on the bus.
"""

import dataclasses
import struct

ADDRESS = (1 << 48) - 1
NULL = 1 << 63

FUNCTIONS = {0: "LOGIN", 1: "QUERY LOGINS", 3: "RECONNECT", 4: "SET PASSWORD",
             7: "LOGOUT", 0xb: "ABORT TASK", 0xc: "ABORT TASK SET",
             0xe: "LOGICAL UNIT RESET", 0xf: "TARGET RESET"}
LOGIN, QUERY_LOGINS, ABORT_TASK = 0, 1, 0xb

RESP = ("request complete", "transport failure", "illegal request", "vendor dependent")
SRC = ("has a next", "is the last", "unsolicited", "src 3")
SBP_STATUS = {1: "request type not supported", 2: "speed not supported",
              3: "page size not supported", 4: "access denied",
              5: "logical unit not supported", 6: "max_payload too small",
              8: "resources unavailable", 9: "function rejected",
              0xa: "login ID not recognized", 0xb: "dummy ORB completed",
              0xc: "request aborted", 0xff: "unspecified error"}

# Registers of a command block agent, SBP-2 6.4
AGENT_STATE, AGENT_RESET, ORB_POINTER, DOORBELL, UNSOLICITED = 0, 4, 8, 0x10, 0x14
AGENT_REGISTERS = {AGENT_STATE: "AGENT_STATE", AGENT_RESET: "AGENT_RESET",
                   ORB_POINTER: "ORB_POINTER", DOORBELL: "DOORBELL",
                   UNSOLICITED: "UNSOLICITED_STATUS_ENABLE"}

SCSI_STATUS = {0: "GOOD", 2: "CHECK CONDITION", 4: "CONDITION MET", 8: "BUSY",
               0x18: "RESERVATION CONFLICT", 0x28: "TASK SET FULL",
               0x30: "ACA ACTIVE", 0x40: "TASK ABORTED"}
SENSE_KEYS = ("no sense", "recovered error", "not ready", "medium error",
              "hardware error", "illegal request", "unit attention",
              "data protect", "blank check", "vendor specific", "copy aborted",
              "aborted command", "equal", "volume overflow", "miscompare", "completed")

CDB_NAMES = {
    0x00: "TEST UNIT READY", 0x01: "REWIND", 0x03: "REQUEST SENSE",
    0x04: "FORMAT UNIT", 0x08: "READ(6)", 0x0a: "WRITE(6)", 0x10: "WRITE FILEMARKS",
    0x11: "SPACE", 0x12: "INQUIRY", 0x15: "MODE SELECT(6)", 0x16: "RESERVE(6)",
    0x17: "RELEASE(6)", 0x1a: "MODE SENSE(6)", 0x1b: "START STOP UNIT",
    0x1d: "SEND DIAGNOSTIC", 0x1e: "PREVENT ALLOW MEDIUM REMOVAL",
    0x25: "READ CAPACITY(10)", 0x28: "READ(10)", 0x2a: "WRITE(10)",
    0x2e: "WRITE AND VERIFY(10)", 0x2f: "VERIFY(10)",
    0x35: "SYNCHRONIZE CACHE(10)", 0x3b: "WRITE BUFFER", 0x3c: "READ BUFFER",
    0x41: "WRITE SAME(10)", 0x42: "UNMAP", 0x43: "READ TOC", 0x46: "GET CONFIGURATION",
    0x4a: "GET EVENT STATUS", 0x4d: "LOG SENSE", 0x51: "READ DISC INFORMATION",
    0x55: "MODE SELECT(10)", 0x5a: "MODE SENSE(10)", 0x85: "ATA PASS-THROUGH(16)",
    0x88: "READ(16)", 0x8a: "WRITE(16)", 0x91: "SYNCHRONIZE CACHE(16)",
    0x93: "WRITE SAME(16)", 0x9e: "SERVICE ACTION IN(16)", 0xa0: "REPORT LUNS",
    0xa1: "ATA PASS-THROUGH(12)", 0xa3: "MAINTENANCE IN", 0xa8: "READ(12)",
    0xaa: "WRITE(12)", 0xbd: "MECHANISM STATUS", 0xbe: "READ CD",
}

# Where address and length of those that have both lie
BLOCKS = {0x08: ">xxHB", 0x0a: ">xxHB", 0x28: ">xxIxH", 0x2a: ">xxIxH",
          0x2e: ">xxIxH", 0x2f: ">xxIxH", 0x35: ">xxIxH", 0x41: ">xxIxH",
          0xa8: ">xxII", 0xaa: ">xxII", 0x88: ">xxQI", 0x8a: ">xxQI",
          0x91: ">xxQI", 0x93: ">xxQI"}


def address(offset: int) -> str:
    return "%012x" % offset


def plural(count: int, noun: str) -> str:
    return "%d %s%s" % (count, noun, "" if count == 1 else "s")


@dataclasses.dataclass(frozen=True)
class ManagementOrb:
    """SBP-2 5.1.3"""

    function: int
    object_id: int          # LUN or login ID
    exclusive: bool
    reconnect: int          # 2^n seconds
    password: int           # or the ORB to abort
    response: int
    response_length: int
    fifo: int

    @classmethod
    def parse(cls, data: bytes) -> "ManagementOrb":
        password, response, control, length, fifo = struct.unpack(">QQIIQ", data[:32])
        return cls(control >> 16 & 15, control & 0xffff, bool(control >> 28 & 1),
                   control >> 20 & 15, password, response & ADDRESS,
                   length & 0xffff, fifo & ADDRESS)

    @property
    def name(self) -> str:
        return FUNCTIONS.get(self.function, "function %d" % self.function)

    def text(self) -> str:
        if self.function == LOGIN:
            return "LOGIN LUN %d, %shold %d s" % (
                self.object_id, "exclusive, " if self.exclusive else "",
                1 << self.reconnect)
        if self.function == QUERY_LOGINS:
            return "QUERY LOGINS LUN %d" % self.object_id
        text = "%s login %d" % (self.name, self.object_id)
        if self.function == ABORT_TASK:
            text += ", ORB " + address(self.password & ADDRESS)
        return text


@dataclasses.dataclass(frozen=True)
class LoginResponse:
    """SBP-2 5.1.3.1; a short one has no hold, or not even an agent"""

    login_id: int
    agent: int | None
    hold: int | None

    @classmethod
    def parse(cls, data: bytes) -> "LoginResponse":
        length, login_id = struct.unpack_from(">HH", data)
        data = data[:length]
        agent = hold = None
        if len(data) >= 12:
            agent = struct.unpack_from(">Q", data, 4)[0] & ADDRESS
        if len(data) >= 16:
            hold = struct.unpack_from(">H", data, 14)[0] + 1
        return cls(login_id, agent, hold)

    def text(self) -> str:
        text = "login response: login %d" % self.login_id
        if self.agent is not None:
            text += ", agent at " + address(self.agent)
        if self.hold is not None:
            text += ", hold %d s" % self.hold
        return text


@dataclasses.dataclass(frozen=True)
class CommandOrb:
    """SBP-2 5.1.2, or a dummy ORB"""

    next_orb: int | None
    rq_fmt: int
    data: int
    from_target: bool       # the direction of the data
    page_table: bool
    size: int               # bytes, or entries
    cdb: bytes

    @classmethod
    def parse(cls, data: bytes) -> "CommandOrb":
        following, descriptor, control = struct.unpack_from(">QQI", data)
        return cls(None if following & NULL else following & ADDRESS,
                   control >> 29 & 3, descriptor & ADDRESS,
                   bool(control >> 27 & 1), bool(control >> 19 & 1),
                   control & 0xffff, data[20:])

    @property
    def name(self) -> str:
        if self.rq_fmt == 3:
            return "dummy ORB"
        if self.rq_fmt:
            return "ORB of rq_fmt %d" % self.rq_fmt
        return cdb_text(self.cdb)

    def text(self) -> str:
        text = self.name
        if self.size and not self.rq_fmt:
            text += "; %s %s" % (plural(self.size, "segment" if self.page_table else "byte"),
                                 "in" if self.from_target else "out")
        if self.next_orb is not None:
            text += "; next_ORB " + address(self.next_orb)
        return text


@dataclasses.dataclass(frozen=True)
class Segment:
    """An entry of an unrestricted page table, SBP-2 5.2.1"""

    base: int
    length: int


def page_table(data: bytes) -> list[Segment]:
    entries = struct.iter_unpack(">HHI", data[:len(data) // 8 * 8])
    return [Segment(high << 32 | low, length) for length, high, low in entries]


def page_table_text(segments: list[Segment]) -> str:
    return "page table: %s, %s" % (plural(len(segments), "segment"),
                                   plural(sum(s.length for s in segments), "byte"))


@dataclasses.dataclass(frozen=True)
class Status:
    """SBP-2 5.3 and annex B"""

    src: int
    resp: int
    dead: bool
    sbp_status: int
    orb: int
    command_set: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Status":
        word, low = struct.unpack_from(">II", data)
        length = 4 * ((word >> 24 & 7) + 1)
        return cls(word >> 30, word >> 28 & 3, bool(word >> 27 & 1),
                   word >> 16 & 0xff, (word & 0xffff) << 32 | low, data[8:length])

    @property
    def good(self) -> bool:
        return not (self.resp or self.dead or self.sbp_status or
                    (self.command_set and self.command_set[0] & 0x3f))

    def outcome(self) -> str:
        """As the target means it: resp, then sbp_status, then SCSI's own"""
        if self.resp:
            return "%s, sbp_status %#04x" % (RESP[self.resp], self.sbp_status)
        if self.sbp_status:
            return SBP_STATUS.get(self.sbp_status, "sbp_status %#04x" % self.sbp_status)
        if not self.command_set:
            return "good"
        return sense_text(self.command_set)

    def text(self, command: str) -> str:
        text = "status" if self.src != 2 else "unsolicited status"
        if command:
            text += " of " + command
        text += ": " + self.outcome()
        if self.src in (0, 3):
            text += ", src %d" % self.src
        return text + (", agent dead" if self.dead else "")


def sense_text(data: bytes) -> str:
    status = data[0] & 0x3f
    text = SCSI_STATUS.get(status, "SCSI status %#04x" % status)
    if len(data) >= 4 and (status == 2 or data[1] & 15):
        text += ", %s, ASC %02x/%02x" % (SENSE_KEYS[data[1] & 15], data[2], data[3])
    return text


def blocks_text(cdb: bytes) -> str:
    where, count = struct.unpack_from(BLOCKS[cdb[0]], cdb)
    if cdb[0] in (0x08, 0x0a):
        where |= (cdb[1] & 0x1f) << 16
        count = count or 256
    return " LBA %d, %s" % (where, plural(count, "block"))


def cdb_text(cdb: bytes) -> str:
    if not cdb:
        return "no command"
    code = cdb[0]
    text = CDB_NAMES.get(code, "command %02x" % code)
    cdb = cdb.ljust(16, b"\0")
    if code in BLOCKS:
        return text + blocks_text(cdb)
    if code == 0x12 and cdb[1] & 1:
        return text + " page %02x" % cdb[2]
    if code in (0x1a, 0x5a):
        return text + " page %02x" % (cdb[2] & 0x3f)
    if code == 0x1b:
        return text + (" start" if cdb[4] & 1 else " stop")
    if code == 0x9e and cdb[1] & 0x1f == 0x10:
        return "READ CAPACITY(16)"
    return text
