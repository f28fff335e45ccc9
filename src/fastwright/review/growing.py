"""Which tables grow with use, and which are laid once or by hand."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from fastwright.model.app import AppMap, Route
from fastwright.model.storage import Table
from fastwright.review.guarding import ADMINISTERS, is_for_administrators, speaks_of_administrators
from fastwright.review.once import once
from fastwright.review.reach import last
from fastwright.review.writing import writing_of

_FEW = re.compile(
    r"(categor(y|ie)|role|permission|group|kind|type|status(e)?|setting|config(uration)?|gateway|"
    r"countr(y|ie)|currenc(y|ie)|language|locale|plan|template|webhook|level|unit|node|tag|label|"
    r"genre|skill|cit(y|ie)|region|brand|colou?r|banner|preset|dashboard|polic(y|ie))s?$",
    re.IGNORECASE,
)
"""What a table of a few rows is called, which a client may need as a whole."""
_GROWING = re.compile(
    r"(^|_|audit|activity|chat)(logs?|events?|messages?|orders?|payments?|transactions?|"
    r"notifications?|histor(y|ies)|audits?|visits?|clicks?|readings?|measurements?)$",
    re.IGNORECASE,
)
"""What a table is called that gains rows as long as the app runs."""


def grows(app: AppMap, route: Route, table: Table) -> bool:
    """True where requests of others than administrators make rows, of what is no list of kinds.

    What is laid once stays as short as it was, and what administrators lay by hand nearly so.
    """
    if is_of_kinds(table):
        return False
    added = (r for r in app.routes if r.method == "POST" and r.reachable)
    path = route.path.removesuffix("/list").rstrip("/")
    makers = _made(app).get(table.name) or tuple(r for r in added if r.path.startswith(path))
    others = (maker for maker in makers if maker != route)
    by_all = any(not is_by_administrators(app, maker) for maker in others)
    return by_all or _GROWING.search(table.name) is not None


def is_of_kinds(table: Table) -> bool:
    """Whether a table is called as lists of kinds are, of which there is one page."""
    return _FEW.search(table.name) is not None


def is_by_administrators(app: AppMap, route: Route) -> bool:
    """Whether a route says, by a guard or by its words and a 403, that administrators call it."""
    nodes = route.every_dependency()
    asked = [last(node.call) for node in nodes]
    asked += [app.text(node.span) for node in nodes if node.span is not None]
    if is_for_administrators(route, app) or any(map(speaks_of_administrators, asked)):
        return True
    return 403 in route.refuses and bool(ADMINISTERS.search(f"{route.path} {route.handler}"))


@once
def _made(app: AppMap) -> Mapping[str, tuple[Route, ...]]:
    """The tables of which something that runs for a route makes rows, with those routes."""
    writing, found = writing_of(app), defaultdict[str, list[Route]](list)
    for root, routes in writing.reached.every_root().values():
        steps = writing.reached.below(root)
        functions = {f.span: f for f in (root, *(step.function for step in steps))}
        touches = (touch for f in functions.values() for touch in writing.touches(f))
        for name in {name for touch in touches for name in touch.makes}:
            found[name] += routes
    return {name: tuple(routes) for name, routes in found.items()}
