"""Calls of ``async`` functions that nobody awaits: what they call never runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.source import signatures
from fastwright.survey.codebase import of_tests

_OWN = r"close|send|throw|cr_\w+|__\w+__"
"""Attributes that a coroutine has itself."""


@dataclass(frozen=True, slots=True)
class Unawaited:
    """A call in `caller` whose coroutine is let go, answered, or taken for the result of `called`.

    `read` is where an attribute or element of the coroutine is read, which raises.
    """

    call: Call
    caller: Function
    called: Function
    read: Span | None = None


@once
def unawaited(app: AppMap) -> Sequence[Unawaited]:
    """Every such call of a function of the app, in the order of its calls."""
    return tuple(_found(app))


def _found(app: AppMap) -> Iterator[Unawaited]:
    reached = reach(app)
    handlers = {route.handler for route in app.routes if route.reachable}
    written = Counter(function.name for function in app.functions)
    for call in app.calls:
        if call.awaited or of_tests(call.span.path):
            continue
        caller, called = reached.functions.get(call.caller), reached.callee(call)
        if caller is None or called is None or not _makes_a_coroutine(called):
            continue
        if written[called.name] > 1 or _is_one_of_several(app, call, called):
            continue  # one of several by that name may be no coroutine
        if _is_what_runs(app, called):
            yield from _judged(app, Unawaited(call, caller, called), handlers)


def _judged(app: AppMap, one: Unawaited, handlers: set[str]) -> Iterator[Unawaited]:
    if one.call.dropped or (one.caller.name in handlers and is_answer(app, one.caller, one.call)):
        yield one
    elif one.call.target and (use := _first_use(app, one.caller, one.call)) is not None:
        yield Unawaited(one.call, one.caller, one.called, use.read)


def is_answer(app: AppMap, caller: Function, call: Call) -> bool:
    """True for what an ``async`` handler returns: FastAPI awaits the handler, and no more."""
    written = app.text(call.span)
    return caller.is_async and any(
        stop.kind == "return" and stop.value.strip() == written
        and stop.start <= call.span.start < stop.end
        for stop in caller.stops
    )  # fmt: skip


def _makes_a_coroutine(function: Function) -> bool:
    is_plain = not set(function.decorators) - {"staticmethod", "classmethod"}
    return function.is_async and not function.yields and is_plain


def _is_what_runs(app: AppMap, called: Function) -> bool:
    """True where the method itself runs, or any that can stand for one that is declared alone."""
    if called.class_name is None or not signatures.is_declared_alone(app, called.span):
        return True
    named = (f for f in app.functions if last(f.name) == last(called.name) and f is not called)
    written = [f for f in named if not signatures.is_declared_alone(app, f.span)]
    return bool(written) and all(_makes_a_coroutine(f) for f in written)


def _is_one_of_several(app: AppMap, call: Call, called: Function) -> bool:
    """True where a variable is called, which may stand for something else the next time."""
    name = last(call.text)
    if name == last(called.name):
        return False
    renamed = rf"\b{re.escape(last(called.name))}\s+as\s+{re.escape(name)}\b"
    return re.search(renamed, app.files[call.span.path].decode("utf-8", "replace")) is None


@dataclass(frozen=True, slots=True)
class _Use:
    """The first use of a name, of a kind that a coroutine is no good for."""

    read: Span | None


def read_of(app: AppMap, caller: Function, call: Call) -> Span | None:
    """Where an attribute or element of a coroutine is read first of all, by its name."""
    use = _first_use(app, caller, call)
    return use.read if use is not None else None


def _first_use(app: AppMap, caller: Function, call: Call) -> _Use | None:
    """How the name of a coroutine is first used, where that takes it for the result."""
    text = app.files[caller.span.path][call.span.end : caller.span.end]
    name = re.escape(call.target.encode())
    if re.search(rb"\bawait\s+\(?\s*%b\b(?!\s*[.(\[])" % name, text):
        return None
    found = re.search(rb"(?<![\w.'\"])%b\b" % name, text)
    if found is None or b"\n" not in text[: found.start()]:
        return None
    before = text[: found.start()].rpartition(b"\n")[2]
    is_tested = re.search(rb"\b(?:if|while|and|or)\s+(?:not\s+)?$", before)
    is_given = re.search(rb"\b(?:session|db)\w*\.(?:add|delete|refresh|merge)\($", before)
    read = re.search(rb"(?<![\w.'\"])%b(?:\.(?!(?:%b)\b)\w+|\[)" % (name, _OWN.encode()), text)
    is_read = read is not None and read.start() == found.start()
    if not (is_tested or is_given or is_read):
        return None
    if read is None:
        return _Use(None)
    start, end = (call.span.end + place for place in read.span())
    return _Use(Span(caller.span.path, start, end))
