"""What a value holds of the parameters of the function that it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from fastwright.survey.facts import Term

SOMETHING = "\0"
"""Stands in a lead for text that is not known."""
EACH = "[*]"
"""Any item of a list, or the value of any key of a dictionary."""
KEY, VALUE = "<key>", "<value>"
"""The keys and the values of what a dictionary or model of a request holds."""


class Held(NamedTuple):
    """A part of a value, and the part of a parameter that it is.

    The part of the value at `at` (attribute names and keys; empty for the whole) is the part of
    the parameter `root` at `path`. `passed` names what it went through on its way, a doubtful
    function with a ``?`` in front; `lead` is the text that stands before it in a larger string.
    """

    root: str
    path: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    lead: str = ""

    def through(self, *names: str) -> Held:
        """The same part after it went through something more."""
        fresh = [name for name in names if name not in self.passed]
        if not fresh:
            return self
        return Held(self.root, self.path, self.at, (*self.passed, *fresh), self.lead)


Helds: TypeAlias = tuple[Held, ...]
_MOST = 24


def unique(found: Iterable[Held]) -> Helds:
    """`found` in their order, each once, and not without end."""
    values = tuple(found)
    return tuple(dict.fromkeys(values))[:_MOST] if len(values) > 1 else values


def taken(values: Iterable[Held], name: str) -> Helds:
    """What attribute, key or item `name` of a value holds."""
    return unique(part for held in values if (part := _taken(held, name)) is not None)


def _taken(held: Held, name: str) -> Held | None:
    if not held.at:
        deep = len(held.path) > 6
        return held if deep else Held(held.root, (*held.path, name), (), held.passed)
    first = held.at[0]
    same = name in (first, EACH) or first[:1] == "*" or (first == EACH and name.startswith("["))
    return held._replace(at=held.at[1:]) if same else None


def elements(values: Iterable[Held]) -> Helds:
    """What going over a value gives, one after the other; constant keys hold nothing."""
    return taken(gathered(values), EACH)


def gathered(values: Iterable[Held]) -> Helds:
    """What a list, set or tuple of a value has in it: of a dictionary its keys, not its values."""
    return unique(h for h in values if not h.at or h.at[0][0] in "[*")


def placed(values: Iterable[Held], *at: str) -> Helds:
    """Values put at a place of a larger one."""
    return unique(held._replace(at=(*at, *held.at)) for held in values)


def whole(values: Iterable[Held], lead: str = "") -> Helds:
    """Values that became text behind `lead`."""
    return unique(held._replace(at=(), lead=_shortened(lead + held.lead)) for held in values)


def _shortened(lead: str) -> str:
    """A long lead by its beginning, which names the host, and its end, which says what follows."""
    return lead if len(lead) <= 500 else f"{lead[:250]} {lead[-250:]}"


def through(values: Iterable[Held], *names: str) -> Helds:
    """Values that went through something."""
    return unique(held.through(*names) for held in values)


def numbered(values: Iterable[Held]) -> Helds:
    """What ``enumerate`` of a value gives: numbers, which hold nothing, before the elements."""
    return placed(elements(values), EACH, "[1]")


def pairs(values: Iterable[Held]) -> Helds:
    """What ``.items()`` of a value gives: keys first, values second."""
    return unique(pair for held in values for pair in _pairs(held))


def _pairs(held: Held) -> Iterator[Held]:
    if held.at:
        yield held._replace(at=(EACH, "[1]", *held.at[1:]))
    else:
        yield held._replace(at=(EACH, "[0]"), path=(*held.path, KEY))
        yield held._replace(at=(EACH, "[1]"), path=(*held.path, VALUE))


def key_of(term: Term) -> str:
    """The place that a subscript names."""
    match term:
        case ["s", str(key)]:
            return key
        case ["k", int(number)]:
            return f"[{number}]"
    return EACH


def destructured(target: object, name: str, values: Helds) -> Helds:
    """What `name` gets where `values` are assigned to `target`."""
    if isinstance(target, str):
        return values if target == name else ()
    found: list[Held] = []
    for place, inner in enumerate(target if isinstance(target, list) else ()):
        found += destructured(inner, name, taken(values, f"[{place}]"))
    return unique(found)


def substituted(held: Held, given: Callable[[str], Helds]) -> Iterator[Held]:
    """`held` of a called function in words of the caller; `given` answers for a parameter."""
    if held.root.startswith("<"):
        yield held
        return
    values = given(held.root)
    for name in held.path:
        values = taken(values, name)
    for value in values:
        lead = held.lead + value.lead
        passed = value.through(*held.passed).passed
        yield Held(value.root, value.path, (*held.at, *value.at), passed, lead)
