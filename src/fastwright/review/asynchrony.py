"""What starts a task, and repairs of code that blocks the event loop."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.callers import callers_of
from fastwright.review.reach import last
from fastwright.source.imports import ensure_import

_SHARED = re.compile(r"(?i)\b(?:self\.)?_?(?:db|session|conn|connection|engine|uow)\w*\b")
_REGISTERS = frozenset({
    "get", "post", "put", "patch", "delete", "head", "options", "trace", "route", "api_route",
    "websocket", "staticmethod",
})  # fmt: skip
_SPAWNS = re.compile(
    r"asyncio\.(?:create_task|ensure_future|tasks\.create_task|"
    r"(?:get_event_loop|get_running_loop|new_event_loop)\.create_task)"
)
_DEFINED = re.compile(rb"^[ \t]*(async\s+)def\s", re.MULTILINE)


def spawns(call: Call) -> bool:
    """True for a call that starts a task of asyncio which no group waits for."""
    return _SPAWNS.fullmatch(call.callee or "") is not None


def plain_function(app: AppMap, function: Function) -> tuple[Fix, ...]:
    """Have an ``async`` function run in a thread, where that is the same to all who call it."""
    span = _async_word(app, function)
    if span is None or function.awaits or _is_called(app, function) or _is_wrapped(function):
        return ()
    why = f"`{function.name}` awaits nothing; FastAPI runs it in a thread once it is a plain `def`"
    title = f"Make `{function.name}` a plain `def`"
    return (Fix(title, Safety.SAFE, (Edit(span, "", why),)),)


def _async_word(app: AppMap, function: Function) -> Span | None:
    content = app.files[function.span.path]
    found = _DEFINED.search(content, function.span.start, function.span.end)
    if found is None or not function.is_async:
        return None
    return Span(function.span.path, found.start(1), found.end(1))


def _is_called(app: AppMap, function: Function) -> bool:
    """True where the app's own code calls it, and so would await what no longer can be."""
    return not all(map(_is_test, callers_of(app, function)))


def _is_wrapped(function: Function) -> bool:
    """True where a decorator takes the function, and may await what it gives."""
    return any(last(name) not in _REGISTERS for name in function.decorators)


def _is_test(dotted: str) -> bool:
    return any(part.startswith("test") for part in dotted.split("."))


def sleep_awaited(app: AppMap, call: Call) -> tuple[Fix, ...]:
    """Have ``time.sleep`` give the event loop back while it waits."""
    if _in_lambda(app, call):
        return ()
    bound = ensure_import(app, call.span.path, "asyncio", "")
    named = Span(call.span.path, call.span.start, call.span.start + len(call.text.encode()))
    why = "other requests run while this one sleeps"
    edits = (*bound.edits, Edit(named, f"await {bound.local}.sleep", why))
    return (Fix("Sleep without stopping the event loop", Safety.SAFE, edits),)


def in_thread(app: AppMap, function: Function, call: Call) -> tuple[Fix, ...]:
    """Hand a blocking call of an ``async`` function to a thread, and await it there."""
    given = " ".join((call.text, *call.arguments, *(value for _, value in call.keywords)))
    unsafe = call.awaited or _SHARED.search(given) or _in_lambda(app, call)
    unsafe = unsafe or str(call.callee).startswith("smtplib.")  # its connection blocks further on
    opening = _opening(app, call)
    if unsafe or opening is None or not function.is_async:
        return ()
    bound = ensure_import(app, call.span.path, "asyncio", "")
    start, end, path = call.span.start, call.span.end, call.span.path
    taken = app.files[path][end:].lstrip()[:1] in (b".", b"[", b"(")
    lead = f"{'(' if taken else ''}await {bound.local}.to_thread("
    comma = ", " if call.arguments or call.keywords else ""
    why = f"`{call.text}` blocks; in a thread it leaves the event loop to other requests"
    edits = (
        *bound.edits,
        Edit(Span(path, start, opening), f"{lead}{call.text}{comma}", why),
        *((Edit(Span(path, end, end), ")", why),) if taken else ()),
    )
    return (Fix(f"Run `{call.text}` in a thread", Safety.SAFE, edits),)


def _opening(app: AppMap, call: Call) -> int | None:
    """Where the arguments of a call begin, behind its bracket."""
    content, named = app.files[call.span.path], call.text.encode()
    after = call.span.start + len(named)
    if content[call.span.start : after] != named:
        return None
    place = content.find(b"(", after, call.span.end)
    return place + 1 if place >= 0 and not content[after:place].strip() else None


def _in_lambda(app: AppMap, call: Call) -> bool:
    content = app.files[call.span.path]
    line = content.rfind(b"\n", 0, call.span.start) + 1
    return b"lambda" in content[line : call.span.start]
