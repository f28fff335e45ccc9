"""Tests that come out the same for everybody: what they guard is open, or shut, to all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.code import Block, Function
from fastwright.model.places import Span
from fastwright.review.plain_enums import members_held
from fastwright.review.reach import last
from fastwright.review.typed_names import class_of

_TEXT = r"(?:\"[^\"]*\"|'[^']*')"
_COMPARED = re.compile(
    rf"(?<![\w.])(?P<name>\w+)\.(?P<attribute>\w+)\s*(?P<sign>==|!=)\s*{_TEXT}|"
    rf"{_TEXT}\s*(?P<sign2>==|!=)\s*(?P<name2>\w+)\.(?P<attribute2>\w+)(?![\w.(])|"
    rf"(?<![\w.])(?P<name3>\w+)\.(?P<attribute3>\w+)\s+(?P<sign3>not\s+in|in)\s*"
    rf"[\[({{]\s*{_TEXT}(?:\s*,\s*{_TEXT})*\s*,?\s*[\])}}]"
)
_UNCALLED = re.compile(
    r"(?:^|\bnot\s+|\band\s+|\bor\s+|\()(?P<whole>(?P<name>\w+)\."
    r"(?P<method>(?:can|is|has|may|should|allows?|owns|check|verify)_?\w*))"
    r"(?=\s*(?:$|\)|\band\b|\bor\b))"
)
_TWICE_DENIED = re.compile(
    r"\bnot\s+\w+\.(?:user_?)?role\w*(?:\.(?:name|value))?\s*!=\s*"
    r"(?:[\w.]+\.|[\"'])\w*(?:admin|superuser|staff)\w*[\"']?",
    re.IGNORECASE,
)
_RIGHTS = re.compile(r"(?i)role|permission|privilege|account_type|user_type|access|scope|rank")


@dataclass(frozen=True, slots=True)
class Hollow:
    """One test in a function, and why it says nothing."""

    function: Function
    at: Span
    because: str


def hollow_tests(app: AppMap, function: Function) -> Iterator[Hollow]:
    """The tests of a function that come out the same for everybody."""
    for block in function.blocks:
        if block.kind == "arm" and block.words and "lambda" not in block.words:
            yield from _in_test(app, function, block)


def _in_test(app: AppMap, function: Function, block: Block) -> Iterator[Hollow]:
    refuses = any(s.kind == "raise" and block.start <= s.start < block.end for s in function.stops)
    for found in _COMPARED.finditer(block.words):
        told = _of_members(app, function, found, refuses=refuses)
        if told:
            yield Hollow(function, _place(app, function, block, found[0]), told)
            return
    for found in _UNCALLED.finditer(block.words):
        told = _of_method(app, function, found["name"], found["method"])
        if told:
            yield Hollow(function, _place(app, function, block, found["whole"]), told)
            return
    twice = _TWICE_DENIED.search(block.words)
    if twice and refuses:
        told = f"`{twice[0]}` is true for administrators alone, and they are refused"
        yield Hollow(function, _place(app, function, block, twice[0]), told)


def _of_members(
    app: AppMap, function: Function, found: re.Match[str], *, refuses: bool
) -> str:  # fmt: skip
    name = found["name"] or found["name2"] or found["name3"]
    attribute = found["attribute"] or found["attribute2"] or found["attribute3"]
    if not (refuses or _RIGHTS.search(attribute)):
        return ""
    owner = class_of(app, function, name)
    enum = members_held(app).get((owner or "", attribute))
    if owner is None or enum is None:
        return ""
    sign = found["sign"] or found["sign2"] or found["sign3"]
    outcome = "true" if "!" in sign or "not" in sign else "false"
    whose = f"{last(owner)}.{attribute}"
    return (
        f"`{found[0]}` is {outcome} for everybody: `{whose}` is a member of `{last(enum)}`, "
        "which equals no text"
    )


def _of_method(app: AppMap, function: Function, name: str, method: str) -> str:
    owner = class_of(app, function, name)
    meant = [f for f in app.functions if owner and f.class_name == owner and last(f.name) == method]
    table = app.table(owner) if owner else None
    if not meant or any(f.decorators for f in meant) or (table and table.column(method)):
        return ""
    return f"`{name}.{method}` is a method that is not called, and so it is true for everybody"


def _place(app: AppMap, function: Function, block: Block, words: str) -> Span:
    """Where a part of a test stands."""
    before = app.text(Span(function.span.path, block.group, block.start))
    inside = before.rfind(words)
    start = block.group + len(before[: max(inside, 0)].encode())
    return Span(function.span.path, start, start + len(words.encode()))
