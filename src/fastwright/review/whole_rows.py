"""Names that hold whole rows of a table, and neither single columns nor counts of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.reach import last, reach
from fastwright.review.row_tables import mapped_by_name

_DEEPEST = 5
_ASKED = re.compile(r"\b(?:select|query)\(\s*(?P<class>[\w.]+)\s*\)")
_GOT = re.compile(r"[\w.]+\.(?:get|get_one)\(\s*(?P<class>[\w.]+)\s*,.*\)", re.DOTALL)
_TAKEN = re.compile(
    r".*\.(?:first|one|one_or_none|scalar_one|scalar_one_or_none|scalar|all|unique)\(\s*\)|"
    r"[\w.]+\.scalar\(.*\)",
    re.DOTALL,
)
_NAME = re.compile(r"(?<![\w.\"'])[a-z_]\w*")
_SPELT = re.compile(r"\b(?:Optional|List|list|Sequence|Union|None)\b|[\[\]|,\s\"']")
_VALUE = re.compile(r"[\"']\w+[\"']\s*:\s*(?P<name>[a-z_]\w*)\s*(?=[,}])")


def rows_in(app: AppMap, function: Function, value: str, at: int) -> Iterator[tuple[str, Table]]:
    """The rows that an answer is, or holds in a dictionary, each with its name there."""
    value = value.strip()
    names = [value] if value.isidentifier() else []
    if value.startswith("{"):
        names = [hit["name"] for hit in _VALUE.finditer(value)]
    for name in names:
        table = _of_name(app, function, name, at, _DEEPEST)
        if table is not None:
            yield name, table


def _of_name(app: AppMap, function: Function, name: str, at: int, depth: int) -> Table | None:
    bound = [b for b in function.bindings if b.name == name and b.end <= at]
    if not bound or depth <= 0:
        said = next((text for known, text in function.annotations if known == name), "")
        return _spelt(app, said) if not bound else None
    nearest = max(bound, key=lambda b: b.start)
    return _of(app, function, Span(function.span.path, nearest.start, nearest.end), depth)


def _of(app: AppMap, function: Function, span: Span, depth: int) -> Table | None:
    text = app.text(span).strip().removeprefix("await ").strip()
    classes = mapped_by_name(app)
    made = re.match(r"(?:\w+\.)*(\w+)\(", text)
    if made and made[1] in classes and text.endswith(")"):
        return classes[made[1]] if text.count("(") == 1 or text.endswith("))") else None
    got = _GOT.fullmatch(text)
    if got is not None:
        return classes.get(last(got["class"]))
    if _TAKEN.fullmatch(text):
        return _asked(app, function, text, span.start, depth)
    return _of_call(app, function, span, depth)


def _asked(app: AppMap, function: Function, text: str, at: int, depth: int) -> Table | None:
    """The one class that a statement is about, followed through the names that it is kept in."""
    for _ in range(depth):
        found = {last(hit["class"]) for hit in _ASKED.finditer(text)}
        if found or re.search(r"\b(?:select|query)\(", text):
            return mapped_by_name(app).get(found.pop()) if len(found) == 1 else None
        names = set(_NAME.findall(text))
        bound = [b for b in function.bindings if b.name in names and b.end <= at]
        if not bound:
            return None
        nearest = max(bound, key=lambda b: b.start)
        text, at = app.text(Span(function.span.path, nearest.start, nearest.end)), nearest.start
    return None


def _of_call(app: AppMap, function: Function, span: Span, depth: int) -> Table | None:
    """What a function of ours gives, as it says itself, or as all its answers are."""
    for call in reach(app).calls_in(function):
        inner = reach(app).callee(call) if call.span.end == span.end else None
        if inner is None or not span.start <= call.span.start <= span.start + len("await "):
            continue
        if inner.returns:
            return _spelt(app, inner.returns)
        given = [s for s in inner.stops if s.kind == "return" and s.value not in ("", "None")]
        if any(not stop.value.isidentifier() for stop in given):
            return None
        found = {_of_name(app, inner, stop.value, stop.start, depth - 1) for stop in given}
        return found.pop() if len(found) == 1 else None
    return None


def _spelt(app: AppMap, annotation: str) -> Table | None:
    """The table of ``User``, ``User | None`` and ``list[User]``."""
    return mapped_by_name(app).get(last(_SPELT.sub("", annotation)))
