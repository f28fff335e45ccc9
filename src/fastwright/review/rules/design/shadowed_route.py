"""FW105 shadowed-route."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.rule import rule
from fastwright.review.shadowing import answers, scope, shadowed
from fastwright.source import layout

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
    for first, later in shadowed(app):
        yield _finding(app, first, later)


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
        structural=scope(first) == scope(later),
    )


def _fixes(app: AppMap, first: Route, later: Route) -> tuple[Fix, ...]:
    up, down = first.span, later.span
    if up is None or down is None or answers(later, first) or up.end > down.start:
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
