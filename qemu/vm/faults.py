# SPDX-License-Identifier: GPL-2.0-or-later
"""Which properties of the models are trouble: those that have a counter.

Their names are in the models' sources, beside their counters' names.
"""

import functools
import pathlib
import re

MODELS = pathlib.Path(__file__).resolve().parents[1] / "hw" / "firewire"

COUNTER = re.compile(r'"([a-z0-9-]+)-done"')

# What makes trouble, in a scenario's words
SET = re.compile(r"\b(?:fault|set t0) ([a-z0-9-]+)\b(?! (?:0|off|-1)\b)")
TARGET_PROP = re.compile(r"--target-prop ([a-z0-9-]+)=")
ATTACK = re.compile(r"\bset i0\b|\bintrude\b")
CABLE = re.compile(r"(?:\b(?:labctl|back_after)|,) (?:reset|unplug|replug)\b|reset-interval")
MEMORY = re.compile(r"\bfailslab\b")

# And in its own functions: one that sets "$N" and looks at its counter
FUNCTION = re.compile(r"^(\w+)\(\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
SETS_ARGUMENT = re.compile(r'\bset t0 "\$|\bfault "\$')
LOOKS_AT_ARGUMENT = re.compile(r'-done"|\bhappened "\$')

# A counter that has another name than NAME-done
COUNTED_BY = {
    "login-refuse-count": "login-refuse", "not-ready-count": "not-ready",
    "reconnect-refuse-count": "reconnect-refuse",
    "logout-refuse-count": "logout-refuse", "spin-up-ms": "spin-up",
    "management-late-ms": "management-late", "status-late-ms": "status-late",
    "busy-ms": "ack-busy",
}


@functools.cache
def counters() -> frozenset[str]:
    found: set[str] = set()
    for path in MODELS.glob("*.c"):
        found.update(COUNTER.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)


def counter_of(prop: str) -> str:
    """The name of what counts how often @prop happened; empty if it is no
    fault"""
    name = COUNTED_BY.get(prop, prop)
    return name if name in counters() else ""


def by_functions(script: str) -> set[str]:
    """What is asked for, and looked at, through a scenario's own functions"""
    props: set[str] = set()
    for name, body in FUNCTION.findall(script):
        if SETS_ARGUMENT.search(body) and LOOKS_AT_ARGUMENT.search(body):
            for call in re.findall(r"(?m)^\s*%s\b(.*)" % name, script):
                props.update(re.findall(r"[a-z][a-z0-9-]+", call))
    return {counter_of(prop) for prop in props} - {""}


def directly(script: str) -> set[str]:
    props = set(SET.findall(script)) | set(TARGET_PROP.findall(script))
    return {counter_of(prop) for prop in props} - {""}


def used(script: str) -> set[str]:
    """Counters of the faults that a scenario asks for"""
    return directly(script) | by_functions(script)


def not_proved(script: str) -> list[str]:
    """Faults that a scenario asks for, and never looks whether they happened"""
    return sorted(name for name in directly(script) - by_functions(script)
                  if not re.search(r"\bhappened %s\b|\b%s-done\b" % (name, name),
                                   script))


def makes_trouble(script: str) -> bool:
    return bool(used(script) or any(kind.search(script) for kind in (ATTACK, CABLE, MEMORY)))


def disarmed(words: list[str]) -> list[str]:
    """A scenario's options for the lab, without the trouble in them"""
    result: list[str] = []
    for word in words:
        if result and result[-1] == "--target-prop" and counter_of(word.split("=")[0]):
            result.pop()
        else:
            result.append(word)
    return result
