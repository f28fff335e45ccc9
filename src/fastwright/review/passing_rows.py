"""Rows that one request makes and deletes again: no other request ever finds any."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.course import always, around, follows
from fastwright.review.offspring import is_read_from_body
from fastwright.review.reach import Step, reach

_SOME = re.compile(r"[<>]|!=|\bnot_?in_?\b|\bbetween\b|\boffset\b|~")
"""Conditions that pick the rows that are too old or too many, and leave the new ones."""
_NEAR = 400
"""Bytes behind the beginning of a statement in which its conditions stand."""


def do_not_stay(app: AppMap, table: Table) -> bool:
    """True where whatever makes rows of a table deletes them too, further on in the same run.

    What no route runs may do as it likes, and so may a route that deletes first: it puts new rows
    in place of old ones.
    """
    made = set() if is_read_from_body(app, table) else _makings(app, table)
    seen: set[Span] = set()
    for route in app.routes if made else ():
        for step in _steps(app, route) if route.reachable else ():
            if step.call.span in made:
                seen.add(step.call.span)
                if not _is_undone(app, route, table, step):
                    return False
    return bool(made) and seen == made


def _makings(app: AppMap, table: Table) -> set[Span]:
    """Where rows are made, by a statement or as objects."""
    queries = (query for route in app.routes for query in route.queries)
    asked = {q.span for q in queries if q.kind == "insert" and table.name in q.tables[:1]}
    built = {call.span for call in app.calls if call.callee == table.model}
    return asked | built


def _steps(app: AppMap, route: Route) -> Iterator[Step]:
    root = reach(app).answering(route)
    yield from reach(app).below(root) if root is not None else ()


def _is_undone(app: AppMap, route: Route, table: Table, made: Step) -> bool:
    """Whether a statement further on in the same run deletes what a step makes."""
    gone = {q.span for q in route.queries if q.kind == "delete" and q.tables == (table.name,)}
    after = (step for step in _steps(app, route) if step.call.span in gone)
    return any(_follows(made, step) and not _is_of_some(app, step.call.span) for step in after)


def _follows(first: Step, second: Step) -> bool:
    """Whether each run that comes to the first call comes, further on, to the second one."""
    ours, theirs = (*first.via, first.call), (*second.via, second.call)
    apart = (n for n, (one, two) in enumerate(zip(ours, theirs, strict=False)) if one != two)
    depth = next(apart, None)
    if depth is None or first.functions[depth] is not second.functions[depth]:
        return False
    below = zip(second.functions[depth + 1 :], theirs[depth + 1 :], strict=True)
    begins, comes = ours[depth].span.end, theirs[depth].span.start
    return _comes_to(second.functions[depth], begins, comes) and all(
        always(function, call.span.start) for function, call in below
    )


def _comes_to(function: Function, first: int, second: int) -> bool:
    """Whether nothing between two places of a function, a test or an end, parts them."""
    held = set(around(function, first))
    is_ended = any(
        s.kind == "return" and first < s.start and s.end <= second for s in function.stops
    )
    return (
        follows(function, first, second)
        and not is_ended
        and all(
            block in held or block.kind in ("try", "with", "finally")
            for block in around(function, second)
        )
    )


def _is_of_some(app: AppMap, deletion: Span) -> bool:
    """Whether a statement deletes those that are too old or too many alone."""
    content = app.files[deletion.path]
    row = content[deletion.start : deletion.end + _NEAR].partition(b"\n\n")[0]
    return _SOME.search(row.decode("utf-8", "replace")) is not None
