"""Columns of an account that shut somebody out, and the code that asks for them or sets them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.routing import Route
from fastwright.review.guarding import guarding_of
from fastwright.review.logins import logins_of
from fastwright.review.once import once
from fastwright.review.ownership import ownership_of
from fastwright.review.reach import last, reach
from fastwright.review.uncommented import uncommented

_ON = re.compile(r"^(is_)?(active|enabled)$")
_OFF = re.compile(r"^(is_)?(disabled|deactivated|deleted|blocked|banned|suspended)(_at)?$")
_ELSEWHERE = re.compile(
    r"(?i)token_?version|security_?stamp|session_?(store|manager|token)|revoked|redis|cache"
)
"""What may end a token in another way than by the account."""


@dataclass(frozen=True, slots=True)
class Switch:
    """One column; `off` is the value, as written, that shuts its account out."""

    name: str
    off: str

    def is_named(self, text: str) -> bool:
        """Whether code speaks of it at all."""
        return re.search(rf"\b{self.name}\b", text) is not None

    def is_asked(self, text: str) -> bool:
        """Whether code reads it of an object (``user.is_active``), or looks for rows by it."""
        read = rf"\w\.{self.name}\b(?!\s*=[^=])"
        given = rf"\b(?:get|get_by\w*|filter_by|find\w*|first|one\w*)\([^()]*\b{self.name}\s*="
        return re.search(f"{read}|{given}", text) is not None

    def is_set(self, text: str) -> bool:
        """Whether code shuts an account out by it, in an assignment or an ``update``."""
        off = r"(?!None\b|False\b)\w" if self.name.endswith("_at") else rf"{self.off}\b"
        return re.search(rf"(?:\w\.|values\(\s*){self.name}\s*=\s*{off}", text) is not None


@dataclass(frozen=True)
class Switches:
    """The switches of the accounts of one map, and what speaks of them."""

    app: AppMap

    @cached_property
    def all(self) -> tuple[Switch, ...]:
        """The switches of accounts."""
        table = ownership_of(self.app).accounts
        names = [c.attribute for c in table.columns] if table is not None else []
        return tuple(
            Switch(name, "False" if _ON.match(name) else "True")
            for name in names
            if _ON.match(name) or _OFF.match(name)
        )

    def like(self, switch: Switch) -> tuple[Switch, ...]:
        """The switches that say the same: ``is_deleted`` beside ``deleted_at``."""
        return tuple(s for s in self.all if _stem(s.name) == _stem(switch.name))

    def words(self, switch: Switch) -> tuple[Switch, ...]:
        """The switch, and the methods and properties of an account that ask for it."""
        table = ownership_of(self.app).accounts
        own = (f for f in self.app.functions if table and f.class_name == table.model)
        names = (last(f.name) for f in own if switch.is_named(self._text(f)))
        return switch, *(Switch(name, switch.off) for name in names)

    def login(self, switch: Switch) -> Route | None:
        """A login that asks for the switch."""
        return next((r for r in logins_of(self.app).routes if self._asks(r, switch)), None)

    def setter(self, switch: Switch) -> Route | None:
        """A route that shuts an account out by the switch."""
        return next((r for r in guarding_of(self.app).served if self._sets(r, switch)), None)

    def is_asked_of_caller(self, route: Route, switch: Switch) -> bool:
        """Whether a dependency of `route` speaks of the switch, or the handler asks its caller."""
        words, reached = self.words(switch), reach(self.app)
        handler, caller = reached.answering(route), guarding_of(self.app).principal_of(route)
        asking = [f for f in reached.roots(route) if f is not handler]
        below = [s.function for root in asking for s in reached.below(root)]
        if any(w.is_named(self._text(f)) for f in (*asking, *below) for w in words):
            return True
        own = self._text(handler) if handler is not None else ""
        return any(f"{caller}.{w.name}" in own for w in words)

    def may_end_elsewhere(self, functions: Iterable[Function]) -> bool:
        """Whether a token may be ended by something else that is read with it."""
        return any(_ELSEWHERE.search(self._text(f)) for f in functions)

    def _asks(self, route: Route, switch: Switch) -> bool:
        words = self.words(switch)
        return any(w.is_asked(text) for text in self._texts(route) for w in words)

    def _sets(self, route: Route, switch: Switch) -> bool:
        return any(switch.is_set(text) for text in self._texts(route))

    def _texts(self, route: Route) -> Iterator[str]:
        return (self._text(function) for function in reach(self.app).running(route))

    def _text(self, function: Function) -> str:
        return uncommented(self.app, function)


def _stem(name: str) -> str:
    return name.removeprefix("is_").removesuffix("_at")


@once
def switches_of(app: AppMap) -> Switches:
    """The switches of the accounts of an app."""
    return Switches(app)
