"""FW103 unlimited-page-size."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Parameter, Route
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.bounding import MARKED, bounded
from fastwright.review.growing import grows, is_by_administrators, is_of_kinds
from fastwright.review.paging import Courses, is_size
from fastwright.review.rule import rule

MOST = 100
_BOUNDS = frozenset({"le", "lt"})
_NO_SIZE = re.compile(r"None|\w*\(\s*(?:default\s*=\s*)?None\b.*", re.DOTALL)


@rule(code="FW103", severity=Severity.MEDIUM)
def unlimited_page_size(app: AppMap) -> Iterator[Finding]:
    """A page size that the client may choose as large as it likes.

    ## Why is this bad?
    `?limit=1000000000` makes the page as large as the table: one request reads, validates and
    serialises all of it, and a few of them take the process down (OWASP API4:2023 unrestricted
    resource consumption, CWE-770). Negative sizes reach the database as well, where they are an
    error or mean "everything".

    ## Example
    ```python
    @app.get("/items")
    def list_items(session: SessionDep, limit: int = 50) -> list[ItemOut]:
        return session.scalars(select(Item).order_by(Item.id).limit(limit)).all()
    ```

    Use instead:
    ```python
    @app.get("/items")
    def list_items(
        session: SessionDep, limit: Annotated[int, Query(ge=1, le=100)] = 50
    ) -> list[ItemOut]:
        return session.scalars(select(Item).order_by(Item.id).limit(limit)).all()
    ```

    ## Fix safety
    Changes behaviour: whoever asked for more than 100 rows, or for less than one, is answered with
    422 from then on. The bound is the default where that is larger than 100.

    ## Known limits
    A size counts where it is followed by its name into a `limit`. One that is tested or clamped on
    the way is taken to be bounded. One that a library is told by a keyword is only possible, for
    the library or its server may bound it; so is one that is none by default, where all rows are
    given to whoever names no size, and one of what administrators alone make, where they alone
    read it or it is called as lists of kinds are (`roles`).
    """
    courses = Courses(app)
    seen: set[Span | None] = set()
    for route in app.routes:
        gives = route.reachable and route.method != "DELETE"
        for function, parameter in _sizes(app, route) if gives else ():
            if parameter.span in seen or _is_bounded(parameter):
                continue
            seen.add(parameter.span)
            if courses.limits(function, parameter.name):
                sure = courses.limits(function, parameter.name, surely=True)
                sure = sure and not (_is_all_by_default(parameter) or _is_short(app, route))
                yield _finding(app, route, parameter, sure=sure)


def _sizes(app: AppMap, route: Route) -> Iterator[tuple[str, Parameter]]:
    """The page sizes that the handler takes, and those that its dependencies take."""
    for name in dict.fromkeys((route.handler, *(d.call for d in route.every_dependency()))):
        given = route.parameters if name == route.handler else app.signatures.get(name, ())
        yield from ((name, parameter) for parameter in given if is_size(parameter))


def _is_bounded(parameter: Parameter) -> bool:
    named = {name for name, _ in parameter.constraints}
    written = f"{parameter.annotation} {parameter.default}"
    return bool(named & _BOUNDS) or bool(re.search(r"\b(le|lt)=|\bconint\b|\bLe\(|\bLt\(", written))


def _has_least(parameter: Parameter) -> bool:
    written = f"{parameter.annotation} {parameter.default}"
    return any(n in ("ge", "gt") for n, _ in parameter.constraints) or bool(
        re.search(r"\b(ge|gt)=|\bGe\(|\bGt\(", written)
    )


def _is_all_by_default(parameter: Parameter) -> bool:
    """True where no size means all rows, so that a bound on sizes bounds nothing."""
    return bool(_NO_SIZE.fullmatch(parameter.default or ""))


def _is_short(app: AppMap, route: Route) -> bool:
    """True for what administrators alone lay, where it is a list of kinds or they alone read it."""
    tables = {app.table(name) for query in route.queries if query.many for name in query.tables[:1]}
    short = [t for t in tables if t is not None and not grows(app, route, t)]
    is_theirs = is_by_administrators(app, route) or (bool(short) and all(map(is_of_kinds, short)))
    return len(short) == len(tables) and is_theirs


def _finding(app: AppMap, route: Route, parameter: Parameter, *, sure: bool) -> Finding:
    assert parameter.span is not None
    told = f"the value of `{parameter.name}` reaches the statement's limit as the client sent it"
    return Finding(
        "unlimited-page-size",
        parameter.span,
        f"`{route}` gives as many rows as `{parameter.name}` asks for",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=_fixes(app, parameter),
        symbol=route.handler,
        structural=sure,
    )


def _fixes(app: AppMap, parameter: Parameter) -> tuple[Fix, ...]:
    most = _most(parameter)
    le, why = f"le={most}", f"a client chooses `{parameter.name}` up to {most}"
    missing = (le,) if _has_least(parameter) else ("ge=1", le)
    changes = bounded(app, parameter, ("ge=1", le), missing, why)
    if not changes or most is None:
        return ()
    return (Fix(f"Bound `{parameter.name}` to {most}", Safety.CHANGES_BEHAVIOUR, changes),)


def _most(parameter: Parameter) -> int | None:
    """The bound to set; ``None`` where the default is not known and may lie above it."""
    written = parameter.default or ""
    inside = MARKED.search(written)
    first = re.match(r"\s*(?:default\s*=\s*)?([\w.]+)", inside["given"] if inside else written)
    default = first[1] if first else ""
    if not default.isdigit():
        return MOST if default in ("", "None") else None
    return max(MOST, int(default))
