"""FW105 shadowed-route."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.rule import rule
from fastwright.source import layout

_CONVERTED = re.compile(r"\{\w+:(?P<converter>\w+)\}")
_WHOLE = re.compile(r"\{\w+\}")
_BINDING = re.compile(r"(?m)^(?:async def|def|class) (\w+)|^(\w+) *[:=]|^(?:from|import) .*$")


@rule(code="FW105", severity=Severity.HIGH)
def shadowed_route(app: AppMap) -> Iterator[Finding]:
    """A route that no request can reach, because one above it answers first.

    ## Why is this bad?
    Routes are tried in the order in which they were declared. `/items/{item_id}` also matches
    `/items/latest`, so a handler for the latter that stands below it never runs: clients get a 422,
    or another handler's answer. No test of the dead handler's function shows it.

    ## Example
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int) -> ItemOut:
        raise HTTPException(404)


    @app.get("/items/latest")
    def latest_item() -> ItemOut:
        raise HTTPException(404)
    ```

    Use instead:
    ```python
    @app.get("/items/latest")
    def latest_item() -> ItemOut:
        raise HTTPException(404)


    @app.get("/items/{item_id}")
    def read_item(item_id: int) -> ItemOut:
        raise HTTPException(404)
    ```

    ## Fix safety
    Moving the handler up is safe where the parameter above is a number or a UUID: the path could
    only be refused so far. Where it is text, the other handler answered the path, and no longer
    does. None is offered where names are bound between the two that the moved handler uses.

    ## Known limits
    Two routes are compared where one file declares both on one router; the order of routers that
    are included after each other is not. Routes that two functions declare are only possible: the
    app may call one of them.
    """
    seen: dict[tuple[object, ...], list[Route]] = {}
    told: set[tuple[str, str]] = set()  # a router that is included twice shadows once
    for route in app.routes:
        if route.span is None or not route.reachable or "{?}" in route.path:
            continue
        above = seen.setdefault((route.app, route.router, route.method, route.span.path), [])
        first = next((r for r in above if _answers(r, route)), None)
        pair = (first.handler if first is not None else "", route.handler)
        if first is not None and pair not in told and not _is_versioned(app, first, route):
            told.add(pair)
            yield _finding(app, first, route)
        above.append(route)


def _answers(first: Route, later: Route) -> bool:
    """True where every path of `later` is one of `first`, which stands above it."""
    if first.condition or first.span is None or first.span == later.span:
        return False
    ours, theirs = first.path.split("/"), later.path.split("/")
    if re.search(r"\{\w+:path\}$", first.path) and "{" not in first.path[: first.path.rfind("{")]:
        return later.path.startswith(first.path[: first.path.rfind("{")])
    return len(ours) == len(theirs) and all(map(_covers, ours, theirs))


def _covers(part: str, other: str) -> bool:
    if _WHOLE.fullmatch(part):
        return bool(other) and not other.endswith(":path}")
    ours, theirs = _CONVERTED.fullmatch(part), _CONVERTED.fullmatch(other)
    if ours and theirs:
        return ours["converter"] == theirs["converter"]
    return part == other and "{" not in part


def _is_versioned(app: AppMap, *routes: Route) -> bool:
    """True where a further decorator may give one path to several handlers on purpose."""
    handlers = {route.handler for route in routes}
    decorators = (f.decorators for f in app.functions if f.name in handlers)
    return any("version" in name for names in decorators for name in names)


def _finding(app: AppMap, first: Route, later: Route) -> Finding:
    assert first.span is not None
    assert later.span is not None
    told = f"`{first}` is declared above it, and matches each of its paths"
    return Finding(
        "shadowed-route",
        later.span,
        f"`{later}` is never reached: `{first}` above it answers first",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(first.span,),
        fixes=_fixes(app, first, later),
        symbol=later.handler,
        structural=_scope(first) == _scope(later),
    )


def _scope(route: Route) -> str:
    """The function that declares a route; of two, it is not known that both run on one router."""
    return route.handler.rpartition(".<locals>.")[0]


def _fixes(app: AppMap, first: Route, later: Route) -> tuple[Fix, ...]:
    up, down = first.span, later.span
    if up is None or down is None or _answers(later, first) or up.end > down.start:
        return ()
    registered = [r for r in app.routes if r.span == down]
    content = app.files[down.path]
    if len({(r.method, r.path) for r in registered}) > 1 or _needs_between(content, up, down):
        return ()
    indent = layout.indentation(content, up.start)
    if layout.indentation(content, down.start) != indent:
        return ()
    gap = f"\n\n{indent}" if indent else "\n\n\n"
    rest = len(content) - len(content[down.end :].lstrip(b"\n"))
    begin = layout.line_start(content, down.start)
    cut = Span(down.path, begin, rest if rest < len(content) else down.end)
    why = f"`{later}` must stand above `{first}`, which matches its paths too"
    moved = (
        Edit(Span(up.path, up.start, up.start), f"{app.text(down)}{gap}", why),
        Edit(cut, "", why),
    )
    safety = Safety.SAFE if _refused_so_far(first, later) else Safety.CHANGES_BEHAVIOUR
    return (Fix(f"Declare `{later}` above `{first}`", safety, moved),)


def _needs_between(content: bytes, up: Span, down: Span) -> bool:
    """True where the lower handler uses a name that is bound between the two."""
    used = set(re.findall(r"\w+", down.text(content)))
    indent = layout.indentation(content, up.start)
    lines = content[up.start : down.start].decode("utf-8", "replace").splitlines()
    between = "\n".join(line.removeprefix(indent) for line in lines if line.startswith(indent))
    bound = ((m[1] or m[2], m[0]) for m in _BINDING.finditer(between))
    return any(name in used if name else True for name, _ in bound)


def _refused_so_far(first: Route, later: Route) -> bool:
    types = {f"{{{p.name}}}": p.annotation for p in first.parameters}
    pairs = zip(first.path.split("/"), later.path.split("/"), strict=False)
    return any(
        types.get(part) in ("int", "UUID", "uuid.UUID") for part, other in pairs if "{" not in other
    )
