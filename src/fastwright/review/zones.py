"""Times that carry a zone, as far as the expressions tell that make them."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.once import once
from fastwright.review.reach import reach
from fastwright.review.sent_values import given_by
from fastwright.survey.codebase import of_tests

_ZONE = (
    r"(?:(?:\w+\.)*(?:timezone\.utc|UTC|utc)|(?:\w+\.)*ZoneInfo\([^()]*\)|"
    r"(?:\w+\.)*timezone\((?:[^()]|\([^()]*\))*\))"
)
_GIVEN = rf"(?:\s*(?:tz\s*=\s*)?{_ZONE}\s*,?\s*)"
_NOW = re.compile(rf"(?:\w+\.)*datetime\.now\({_GIVEN}\)|(?:\w+\.)*datetime\.fromtimestamp\("
                  rf"[^()]+,\s*(?:tz\s*=\s*)?{_ZONE}\s*\)")  # fmt: skip
_ZONED = re.compile(rf".+(?:\.replace\(\s*tzinfo\s*=\s*{_ZONE}\s*\)|\.astimezone\([^()]*\))",
                    re.DOTALL)  # fmt: skip
_SAME = re.compile(r"(.+)\.replace\(\s*(?:(?:hour|minute|second|microsecond|day)\s*=\s*\d+\s*,?"
                   r"\s*)+\)", re.DOTALL)  # fmt: skip
_SHIFTED = re.compile(
    r"(?P<head>.+?)\s*[-+]\s*(?:(?:\w+\.)*timedelta\((?:[^()]|\([^()]*\))*\)|"
    r"\w*(?:delta|expires|expiry|lifetime|ttl)\w*)",
    re.DOTALL,
)
_LAMBDA = re.compile(r"lambda\s*:\s*(.+)", re.DOTALL)
_CALL = re.compile(r"(?P<name>\w+(?:\.\w+)*)\(\s*\)")
_DEEPEST = 4


def is_aware(app: AppMap, function: Function, text: str, at: int, depth: int = _DEEPEST) -> bool:
    """Whether the expression `text`, at the offset `at` of a function, is a time with a zone."""
    text = _bare(text)
    inner = _SHIFTED.fullmatch(text) or _SAME.fullmatch(text)
    if inner is not None:
        return is_aware(app, function, inner[1], at, depth)
    if _NOW.fullmatch(text) or _ZONED.fullmatch(text):
        return True
    if depth <= 0:
        return False
    if text.isidentifier():
        return _is_bound(app, function, text, at, depth)
    called = _CALL.fullmatch(text)
    return called is not None and _gives_aware(app, function.span, called["name"], depth)


def is_made_aware(app: AppMap, at: Span, text: str) -> bool:
    """Whether a default, written in the class at `at`, gives a time with a zone."""
    text = _bare(text)
    written = _LAMBDA.fullmatch(text)
    text = _bare(written[1]) if written is not None else text
    if _NOW.fullmatch(text):
        return True
    called = _CALL.fullmatch(text)
    name = called["name"] if called is not None else text if written is None else ""
    return bool(re.fullmatch(r"\w+(?:\.\w+)*", name)) and _gives_aware(app, at, name, _DEEPEST)


def _bare(text: str) -> str:
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and text.count("(") == text.count(")"):
        if not _is_pair(text):
            break
        text = text[1:-1].strip()
    return text


def _is_pair(text: str) -> bool:
    """True where the last bracket closes the first."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return place == len(text) - 1
    return False


def _is_bound(app: AppMap, function: Function, name: str, at: int, depth: int) -> bool:
    """Whether all that a name was bound to before is such a time."""
    bound = [b for b in function.bindings if b.name == name and b.end <= at]
    path = function.span.path
    if not bound and name in function.parameters:
        return _is_handed(app, function, name, depth)
    return bool(bound) and all(
        is_aware(app, function, app.text(Span(path, b.start, b.end)), b.start, depth - 1)
        for b in bound
    )


def _is_handed(app: AppMap, function: Function, name: str, depth: int) -> bool:
    """Whether every call of a function gives such a time for its parameter `name`."""
    calls = _calls(app).get(function.name, ())
    pairs = [(reach(app).functions.get(c.caller), c, given_by(function, c)) for c in calls]
    return bool(pairs) and all(
        caller is not None
        and name in given
        and is_aware(app, caller, given[name], call.span.start, depth - 1)
        for caller, call, given in pairs
    )


@once
def _calls(app: AppMap) -> dict[str, list[Call]]:
    """The calls of each function of ours, those of tests left out."""
    found: dict[str, list[Call]] = {}
    functions = reach(app).functions
    for call in app.calls:
        if call.callee in functions and not of_tests(call.span.path):
            found.setdefault(call.callee, []).append(call)
    return found


def _gives_aware(app: AppMap, at: Span, name: str, depth: int) -> bool:
    """Whether each answer of the function of ours that `name` is in a file is such a time."""
    module = app.module_at(at.path)
    if module is None:
        return False
    head, _, rest = name.partition(".")
    dotted = module.imports.get(head, f"{module.name}.{head}" if module.name else head)
    function = reach(app).functions.get(f"{dotted}.{rest}" if rest else dotted)
    if function is None:
        return False
    key = function.name
    known = _known(app)
    if key not in known:
        known[key] = False  # one that calls itself ends here
        given = [stop for stop in function.stops if stop.kind == "return"]
        known[key] = bool(given) and all(
            is_aware(app, function, stop.value, stop.start, depth - 1) for stop in given
        )
    return known[key]


@once
def _known(app: AppMap) -> dict[str, bool]:  # noqa: ARG001 - one for each map
    """What the functions of ours give, by name."""
    return {}
