"""Of which class of ours a local name is, as far as annotations and plain calls tell."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.review.once import once
from fastwright.review.reach import reach

_WRAPPED = re.compile(r"(?:typing\.)?(?:Optional|Annotated)\[\s*(?P<inner>[\w.]+).*\]", re.DOTALL)
_MAYBE = re.compile(r"(?P<inner>[\w.]+)\s*\|\s*None|None\s*\|\s*(?P<other>[\w.]+)")


def class_of(app: AppMap, function: Function, name: str) -> str | None:
    """The dotted class of what `name` holds in a function; ``None`` where that is not plain."""
    bound = [row for row in function.bindings if row.name == name]
    given = dict(function.annotations).get(name)
    if name in function.parameters:
        filled = _filled(app).get((function.name, name))
        return None if bound else filled or _resolved(app, function, given or "")
    calls = [c for c in reach(app).calls_in(function) if c.target == name]
    found = set()
    for call in calls:
        inner = reach(app).callee(call)
        if call.text.endswith(".get") and inner is None and call.arguments:
            found.add(_resolved(app, function, call.arguments[0]))
        else:
            found.add(_resolved(app, inner, inner.returns or "") if inner is not None else None)
    return found.pop() if len(calls) == len(bound) and len(found) == 1 else None


@once
def _filled(app: AppMap) -> dict[tuple[str, str], str]:
    """What dependencies put into the parameters of handlers and of each other."""
    models = {p.dependency: p.model for p in app.principals if p.model}
    found: dict[tuple[str, str], str] = {}
    for route in app.routes:
        nodes = [(route.handler, route.dependencies)]
        nodes += [(node.call, node.children) for node in route.every_dependency()]
        for caller, children in nodes:
            for child in children:
                kind = models.get(child.call) or child.returns
                if child.name and kind and "." in kind:
                    found[caller, child.name] = kind
    return found


def _resolved(app: AppMap, function: Function, written: str) -> str | None:
    """The dotted name of an annotation, ``Optional`` seen through."""
    text = written.strip().strip("\"'")
    wrapped = _WRAPPED.fullmatch(text) or _MAYBE.fullmatch(text)
    if wrapped:
        text = next(filter(None, wrapped.groupdict().values()), "")
    module = app.module_at(function.span.path)
    if module is None or not re.fullmatch(r"[A-Za-z_][\w.]*", text):
        return None
    head, _, rest = text.partition(".")
    if head in module.imports:
        return ".".join(filter(None, (module.imports[head], rest)))
    return f"{module.name}.{text}" if head in module.names else text if rest else None
