"""What a route does to the row that a statement of its finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.model.routing import Query, Route
from fastwright.review.narrowing import within
from fastwright.review.reach import last, reach

_OF_METHOD = MappingProxyType({"GET": "reads", "DELETE": "deletes"})
_OF_KIND = MappingProxyType({"update": "changes", "delete": "deletes"})
_GIVING = r"(?:scalar\w*|first|one\w*|all|unique|fetch\w*|mappings|unwrap)"
_BUILDING = r"(?:options|where|filter\w*|limit|order_by|with_for_update|join|outerjoin|select_from)"
_ASKING = r"(?:execute|scalars?|exec|query|fetch\w*)"
_READING = re.compile(
    rf"{_GIVING}|{_BUILDING}|{_ASKING}|refresh|expunge|get|keys|values|items|model_validate|"
    r"from_orm|parse_obj|validate|model_dump|dict|json|to_dict|as_dict|to_json|len|str|bool|int|"
    r"list|print|isinstance|vars|dir|repr|jsonable_encoder|info|debug|warning|error|hasattr|getattr"
)
"""Calls that change nothing of what they are given, or are made on."""
_STAGING = r"(?:append|extend|remove|add|clear|discard|pop|insert|update|setdefault)"
_DEEPEST = 3


def deed(app: AppMap, route: Route, query: Query) -> str:
    """``reads``, ``changes`` or ``deletes``.

    A route that writes may only look at the row, and make one of another table below it. Where the
    row goes on to code that cannot be read, the method of the route tells.
    """
    told = _OF_METHOD.get(route.method, "changes")
    if told != "changes" or query.kind != "select":
        return _OF_KIND.get(query.kind, told)
    same = [q for q in route.queries if q.tables[:1] == query.tables[:1]]
    if any(q.kind in _OF_KIND for q in same):
        return told
    asked = (q for q in (query, *same) if q.kind == "select")
    return told if any(_is_changed(app, route, q) for q in asked) else "reads"


def _is_changed(app: AppMap, route: Route, query: Query) -> bool:
    """Whether the row goes where something is written to it, from the statement outwards.

    Every function that runs for the route and is given the row back is read.
    """
    running = tuple({f.name: f for f in reach(app).running(route)}.values())
    first = innermost(app, query)
    if first is None or first.name not in {f.name for f in running}:
        return True
    waiting, seen = [(first, query.span)], set()
    while waiting:
        function, place = waiting.pop()
        names = _carried(app, function, place)
        after = Span(function.span.path, place.end, function.span.end)
        if any(_is_written(app, function, name, after, 0) for name in names):
            return True
        if function.name not in seen and _is_given_back(function, place, names):
            waiting += [(f, at) for f in running for at in _calls_of(app, f, function)]
        seen.add(function.name)
    return False


def _calls_of(app: AppMap, caller: Function, inner: Function) -> Iterator[Span]:
    """Where a function calls another."""
    for call in reach(app).calls_in(caller):
        if reach(app).callee(call) is inner:
            yield call.span


def _carried(app: AppMap, function: Function, place: Span) -> tuple[str, ...]:
    """The names that hold what is found at a place, or the statement that finds it."""
    names: dict[str, None] = {}
    for row in sorted(function.bindings, key=lambda row: row.start):
        text = app.text(Span(function.span.path, row.start, row.end))
        inside = row.start <= place.start and place.end <= row.end
        if inside or any(_is_passed(text, name) for name in names):
            names[row.name] = None
    return tuple(names)


def _is_passed(text: str, name: str) -> bool:
    """``row``, ``result.scalars().first()`` or ``await db.scalar(statement)``."""
    chain = rf"{re.escape(name)}(?:\s*\.{_GIVING}\(\s*\)|\s*\.{_BUILDING}\(.*\)|\[0\])*"
    asked = rf"(?:await\s+)?\(?(?:[\w.]+\.{_ASKING}\(\s*)?(?:await\s+)?{chain}\s*\)*"
    return (
        re.fullmatch(rf"{asked}(?:\s*\.{_GIVING}\(\s*\))*\)*", text.strip(), re.DOTALL) is not None
    )


def _is_written(app: AppMap, function: Function, name: str, after: Span, depth: int) -> bool:
    """Whether something is stored in what a name holds, or it goes where that cannot be told."""
    text = re.sub(r"#[^\n]*", "", app.text(after))
    own = rf"(?<![\w.]){re.escape(name)}"
    if re.search(rf"{own}(?:\.\w+)+\s*(?:[-+*/|&%]|//|\*\*)?=(?!=)", text):
        return True
    if re.search(rf"{own}(?:\.\w+)+\.{_STAGING}\(|setattr\(\s*{own}\b", text):
        return True
    methods = re.findall(rf"{own}\.(\w+)\(", text)
    if any(not _READING.fullmatch(method) for method in methods):
        return True
    return any(_hands_on(app, c, name, depth) for c in _calls(app, function, name, after))


def _calls(app: AppMap, function: Function, name: str, after: Span) -> Iterator[Call]:
    """The calls that are given what a name holds, behind a place."""
    for call in reach(app).calls_in(function):
        values = (*call.arguments, *(value for _, value in call.keywords))
        if call.span.start >= after.start and any(v.lstrip("*") == name for v in values):
            yield call


def _hands_on(app: AppMap, call: Call, name: str, depth: int) -> bool:
    """Whether a call may write to one of its arguments; what makes another row of it does not."""
    verb = last(call.text)
    if _READING.fullmatch(verb) or verb[:1].isupper():
        return False
    inner = reach(app).callee(call)
    if inner is None or depth >= _DEEPEST:
        return True
    free = [p for p in inner.parameters if p not in ("self", "cls")]
    given = [p for p, value in zip(free, call.arguments, strict=False) if value == name]
    given += [keyword for keyword, value in call.keywords if value == name]
    return any(_is_written(app, inner, p, inner.span, depth + 1) for p in given) or not given


def _is_given_back(function: Function, place: Span, names: tuple[str, ...]) -> bool:
    """Whether a function returns what it has found, or yields it."""
    for stop in function.stops:
        if stop.kind in ("return", "yield") and stop.start <= place.start < stop.end:
            return True
        if stop.kind != "raise" and any(_is_held(stop.value, name) for name in names):
            return True
    return False


def _is_held(value: str, name: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(name)}\b(?!\.(?!{_GIVING}\())", value) is not None


def innermost(app: AppMap, query: Query) -> Function | None:
    """The function that makes a statement."""
    holding = [f for f in app.functions if within(query.span, f.span)]
    return min(holding, key=lambda f: f.span.end - f.span.start, default=None)


def holder(function: Function, query: Query) -> str:
    """The name that what a statement finds is bound to there; empty for none."""
    held = [b for b in function.bindings if b.start <= query.span.start < b.end]
    return max(held, key=lambda b: b.start).name if held else ""
