"""Who calls a function, and which of them nothing calls at all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.review.once import once
from fastwright.review.reach import last, reach


def is_dead(app: AppMap, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """True for a function that nothing but others like it calls or hands on.

    A method is dead where its class is: what has one may call any of its methods.
    """
    function = reach(app).functions.get(name)
    if function is None or set(function.decorators) - {"staticmethod", "classmethod", "property"}:
        return False
    if _makes(app, name) or (function.class_name and _is_inherited(app, last(function.class_name))):
        return False
    users = frozenset(_users(app, function)) - seen - {name}
    return all(is_dead(app, user, seen | {name}) for user in users)


def callers_of(app: AppMap, function: Function) -> frozenset[str]:
    """The functions with a call of this one; none of another by the same name."""
    known = reach(app).functions.get(function.name) is function
    return _callers(app).get(function.name, frozenset()) if known else frozenset()


def _users(app: AppMap, function: Function) -> Iterator[str]:
    yield from _callers(app).get(function.name, ())
    owner = function.class_name or function.name
    own = f"{function.name.rpartition('.')[0]}." if function.class_name else ""
    for user in _handing_on(app, last(owner)):
        if not own or not user.startswith(own):
            yield user


@once
def _callers(app: AppMap) -> Mapping[str, frozenset[str]]:
    """Which functions call each."""
    found: dict[str, set[str]] = defaultdict(set)
    for call in app.calls:
        if call.callee is not None:
            found[call.callee].add(call.caller)
    return {name: frozenset(callers) for name, callers in found.items()}


def _handing_on(app: AppMap, plain: str) -> Iterator[str]:
    """The functions that have a call of `plain`, or of another that is handed it."""
    word, written = re.compile(rf"\b{re.escape(plain)}\b"), plain.encode()
    for path in (module.path for module in app.modules.values()):
        if written in app.files[path]:
            yield from (c.caller for c in reach(app).calls_of(path) if _names(c, plain, word))


def _is_inherited(app: AppMap, plain: str) -> bool:
    """True where a class has others made of it: what is theirs may be called there."""
    made_of = re.compile(rb"(?m)^[ \t]*class \w+\([^)]*\b%b\b" % re.escape(plain.encode()))
    return any(made_of.search(app.files[module.path]) for module in app.modules.values())


def _makes(app: AppMap, name: str) -> bool:
    """True for the function that builds the app."""
    made = app.app
    return made is not None and made.factory and made.target.replace(":", ".") == name


def _names(call: Call, plain: str, word: re.Pattern[str]) -> bool:
    """True where the call is of `plain`, or hands it on."""
    given = "\n".join((call.text, *call.arguments, *[value for _, value in call.keywords]))
    return plain in given and bool(word.search(given))
