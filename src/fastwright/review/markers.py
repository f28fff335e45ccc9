"""Parameters whose default is a marker that FastAPI fills, and what their functions do with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.course import always
from fastwright.review.once import once
from fastwright.review.reach import holds, last, reach
from fastwright.source import layout, signatures, syntax
from fastwright.source.syntax import Node

_MARKERS = frozenset({
    "Depends", "Security", "Query", "Path", "Header", "Cookie", "Body", "Form", "File",
})  # fmt: skip
_USES = MappingProxyType({
    "attribute": "object", "call": "function", "subscript": "value", "interpolation": "expression",
    "keyword_argument": "value", "if_statement": "condition",
})  # fmt: skip
"""What a name stands in that is used there, and as which part of it."""
_WHOLLY = frozenset({
    "argument_list", "comparison_operator", "binary_operator", "boolean_operator", "not_operator",
    "await", "for_statement",
})  # fmt: skip


class Markers:
    """Finds the markers of functions; a function is read once."""

    def __init__(self, app: AppMap) -> None:
        self._app = app
        self._calls: dict[PurePosixPath, list[Call]] = defaultdict(list)
        self._of: dict[Span, Mapping[str, Call]] = {}
        for call in app.calls:
            dotted = call.callee or ""
            if dotted.startswith("fastapi.") and last(dotted) in _MARKERS:
                self._calls[call.span.path].append(call)

    def of(self, function: Function) -> Mapping[str, Call]:
        """The parameters of a function whose default is a marker, with the marker."""
        if function.span not in self._of:
            inside = [c for c in self._calls[function.span.path] if holds(function.span, c.span)]
            named = ((_filled(self._app, function, call), call) for call in inside)
            self._of[function.span] = {name: call for name, call in named if name}
        return self._of[function.span]


@once
def markers_of(app: AppMap) -> Markers:
    """The markers of an app."""
    return Markers(app)


def _filled(app: AppMap, function: Function, marker: Call) -> str:
    """The parameter that has a marker as its default; empty for a marker elsewhere."""
    node = signatures.definition(app, function.span)
    parameters = node.child_by_field_name("parameters") if node is not None else None
    for parameter in parameters.named_children if parameters is not None else ():
        value = parameter.child_by_field_name("value")
        if value is not None and value.start_byte == marker.span.start:
            return layout.text_of(parameter.child_by_field_name("name"))
    return ""


def is_asked_for(app: AppMap, function: Function, name: str) -> bool:
    """True where a function asks what kind of thing a parameter is, so that it may be a marker."""
    calls = reach(app).calls_in(function)
    return any(c.text in ("isinstance", "hasattr", "type") and name in c.arguments for c in calls)


def uses(app: AppMap, function: Function, name: str) -> bool | None:
    """Whether each run of a function uses a parameter as what it should be; ``None`` for no run."""
    node = signatures.definition(app, function.span)
    body = node.child_by_field_name("body") if node is not None else None
    named = (
        [n for n in syntax.find(body, "identifier") if layout.text_of(n) == name] if body else []
    )
    places = [n.start_byte for n in named if _is_use(n) or _is_kept(app, function, n)]
    if not places:
        return None
    rebound = any(binding.name == name for binding in function.bindings)
    inner = [f.span for f in app.functions if f is not function and holds(function.span, f.span)]
    own = (at for at in places if not any(s.start <= at < s.end for s in inner))
    return not rebound and any(always(function, at) for at in own)


def _is_use(name: Node) -> bool:
    parent = name.parent
    if parent is None or parent.type in _WHOLLY:
        return parent is not None
    return parent.child_by_field_name(_USES.get(parent.type, "")) == name


def _is_kept(app: AppMap, function: Function, name: Node) -> bool:
    """True for ``self.session = session`` where methods of the class use what is kept."""
    parent = name.parent
    left = parent.child_by_field_name("left") if parent and parent.type == "assignment" else None
    kept = layout.text_of(left)
    if parent is None or not kept.startswith("self.") or function.class_name is None:
        return False
    if parent.child_by_field_name("right") != name:
        return False
    methods = (f for f in app.functions if f.class_name == function.class_name)
    return any(
        call.text.startswith(f"{kept}.") or kept in (call.text, *call.arguments)
        for method in methods
        for call in reach(app).calls_in(method)
    )
