"""Code that nothing runs: what is objected to there harms nobody today, so it is only possible."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.mentions import mentions
from fastwright.review.once import once
from fastwright.review.reach import holds, last
from fastwright.review.shadowing import shadowed
from fastwright.review.stopped import stopped
from fastwright.review.unimportable import unimportable
from fastwright.review.unrun import is_behind_failure, never_run

_JOINING = re.compile(r"include|mount|\broutes?\b")
_NEVER = re.compile(r"(?:if\s+)?(?:False|0)(?:\s+and\b|\s*$)")
_DEVELOPMENT = re.compile(
    r"(?:^|_)(?:dev|debug|development|local)(?:_mode)?_only(?:_|$)|"
    r"(?:^|_)only_(?:in_|for_)?(?:dev|debug|development|local)(?:_|$)"
)
_OF_THE_TEXT = frozenset(
    {"shadowed-route", "failing-route", "allow-of-nothing", "allow-without-reason"}
)
"""What is objected to is what stands there, run or not."""
_WITHOUT_THE_APP = frozenset({
    "unimportable-app", "allow-of-nothing", "allow-without-reason", "broken-revision-chain",
    "empty-downgrade", "multiple-heads",
})  # fmt: skip
"""What is so whether the application can be imported or not."""
_OWN_DECORATORS = frozenset({"staticmethod", "classmethod", "property"})
_STOPPED = "a dependency of each of its routes raises before"


def weighed(app: AppMap, finding: Finding) -> Finding:
    """`finding`, no longer certain where it stands in code that nothing runs.

    What stands in a class, as the field of a schema does, counts by the code that it is told with.
    """
    if finding.structural and finding.rule not in _WITHOUT_THE_APP and unimportable(app):
        return _only_possible(finding, "the application cannot be imported")
    if finding.structural and finding.rule == "failing-route" and finding.symbol in _hidden(app):
        return _only_possible(finding, "a route above answers each of its paths")
    if finding.structural and finding.rule == "failing-route" and finding.symbol in stopped(app):
        return _only_possible(finding, _STOPPED)
    if not finding.structural or finding.rule in _OF_THE_TEXT:
        return finding
    places = [finding.at] if _around(app, finding.at) else [
        place for place in finding.related if _around(app, place)
    ]  # fmt: skip
    whys = [_unrun(app, place) for place in places]
    return _only_possible(finding, whys[0]) if whys and whys[0] and all(whys) else finding


def _around(app: AppMap, at: Span) -> list[Function]:
    """The functions in whose text a place stands."""
    return [f for f in _functions(app).get(at.path, ()) if holds(f.span, at)]


def _unrun(app: AppMap, at: Span) -> str | None:
    """Why nothing runs what stands at a place in a function, in words."""
    inside = _around(app, at)
    why = next(filter(None, (_idle(app, function) for function in inside)), None)
    if why is None and any(_is_skipped(function, at.start) for function in inside):
        why = "it stands under a test that is never true"
    if why is None and any(is_behind_failure(app, f, at.start) for f in inside):
        why = "the function raises before"
    return why


def _only_possible(finding: Finding, why: str) -> Finding:
    evidence = (*finding.evidence, Evidence(EvidenceKind.SOURCE, why))
    return replace(finding, structural=False, evidence=evidence)


def _idle(app: AppMap, function: Function) -> str | None:
    """Why nothing runs `function`, in words."""
    name = last(function.name)
    if (why := _never_begun(app, function.name)) is not None:
        return why
    if any(_DEVELOPMENT.search(last(written)) for written in function.decorators):
        return f"a decorator keeps `{name}` for development"
    if set(function.decorators) - _OWN_DECORATORS:
        return None
    if _is_replaced(app, function):
        return f"a later definition of `{name}` takes the place of this one"
    if not function.class_name and not name.startswith("__") and mentions(app).is_alone(name):
        return f"nothing names `{name}` but its own definition"
    return None


def _never_begun(app: AppMap, name: str) -> str | None:
    """Why no call and no route runs the function of that name, in words."""
    if name in never_run(app):
        return f"no call of `{last(name)}` runs it"
    if name in _unserved(app):
        return f"no application includes the router of `{last(name)}`"
    if name in stopped(app):
        return _STOPPED
    return "a route above this one answers each of its paths" if name in _hidden(app) else None


def _is_skipped(function: Function, offset: int) -> bool:
    """True for a place under ``if False``, alone or with ``and``."""
    held = (block for block in around(function, offset) if block.kind == "arm")
    return any(_NEVER.match(block.words) for block in held)


@once
def _hidden(app: AppMap) -> frozenset[str]:
    """Handlers all of whose routes are answered by routes above them, in other files too."""
    hidden = {later.handler for _, later in shadowed(app)}
    first: dict[tuple[str | None, str, str], Route] = {}
    for route in app.routes:
        if route.reachable and "{?}" not in route.path and route.condition is None:
            above = first.setdefault((route.app, route.method, route.path), route)
            hidden |= {route.handler} if above.handler != route.handler else set()
    counted = Counter(route.handler for route in app.routes if route.reachable)
    return frozenset(handler for handler in hidden if counted[handler] == 1)


@once
def _unserved(app: AppMap) -> frozenset[str]:
    """Handlers on routers that no application includes, where each inclusion could be followed."""
    served = {route.handler for route in app.routes if route.reachable}
    if not served or any(_JOINING.search(lost.what) for lost in app.unresolved):
        return frozenset()
    return frozenset(route.handler for route in app.routes if not route.reachable) - served


def _is_replaced(app: AppMap, function: Function) -> bool:
    """True where the same block defines the name again, plainly, further down."""
    content = app.files[function.span.path]
    return any(
        other.name == function.name
        and other.span.start > function.span.end
        and not other.decorators
        and _is_one_block(content, function.span.start, other.span.start)
        for other in _functions(app)[function.span.path]
    )


def _is_one_block(content: bytes, start: int, end: int) -> bool:
    """True where no line between two statements of the same indent stands further left."""
    indent = start - content.rfind(b"\n", 0, start) - 1
    if indent != end - content.rfind(b"\n", 0, end) - 1:
        return False
    lines = content[start:end].split(b"\n")[1:-1]
    return all(not line.strip() or not line[:indent].strip() for line in lines)


@once
def _functions(app: AppMap) -> Mapping[PurePosixPath, Sequence[Function]]:
    """The functions of each file."""
    found: dict[PurePosixPath, list[Function]] = defaultdict(list)
    for function in app.functions:
        found[function.span.path].append(function)
    return found
