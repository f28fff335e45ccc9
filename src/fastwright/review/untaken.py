"""Raises that a route never comes to: what it passes, or the table that it writes, settles it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Block, Call, Function, Stop
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.built_indexes import built_on
from fastwright.review.course import around
from fastwright.review.reach import last, reach
from fastwright.review.refused_rows import is_sent_by
from fastwright.source import signatures

_STARRED = re.compile(r"(?<![\w*])(\*{1,2})(\w+)")
_NOT = re.compile(r"not\s+(\w+)")
_EITHER = re.compile(r"\bor\b|\bif\b")
_TAKES = r"\b{0}\.(?:pop|popitem|clear)\(|\bdel\s+{0}\["
_UNIQUE = re.compile(r"(?i)unique_?violation|23505|\bunique\b|duplicate[ _](?:key|entry)|\b1062\b")
_TURNED = re.compile(r"\bnot\b|\bor\b|!=")
_COUNTED = re.compile(r"(?i)\b(?:big|small)?int(?:eger)?\b|serial")
"""The type of a key that the database itself counts on."""


def is_untaken(app: AppMap, route: Route, root: Function, place: tuple[Function, Stop]) -> bool:
    """Whether a route that runs `root` never comes to a ``raise`` of a function below it."""
    return _is_settled(app, root, place) or _is_of_clash(app, route, place)


# -- by what is passed ---------------------------------------------------------------------------


def _is_settled(app: AppMap, root: Function, place: tuple[Function, Stop]) -> bool:
    """Whether each call below a root passes something that a test asks for the want of.

    ``if not filters and not filter_by: raise`` of ``*filters`` and ``**filter_by``.
    """
    function, stop = place
    arms = (b for b in around(function, stop.start) if b.kind == "arm")
    wanting = [name for arm in arms for name in _wanted(app, function, arm)]
    if not wanting:
        return False
    steps = reach(app).below(root)
    calls = [s.call for s in steps if reach(app).callee(s.call) == function]
    return bool(calls) and all(_fills(app, function, call, wanting) for call in calls)


def _wanted(app: AppMap, function: Function, arm: Block) -> Iterator[str]:
    """The parameters without which alone an arm is run; those aside that change on the way."""
    parts = re.split(r"\s+and\s+", arm.words) if not _EITHER.search(arm.words) else ()
    text = app.text(Span(function.span.path, function.span.start, arm.group))
    bound = {b.name for b in function.bindings if b.start < arm.group}
    for found in filter(None, map(_NOT.fullmatch, parts)):
        name = found[1]
        is_kept = name in function.parameters and name not in bound
        if is_kept and not re.search(_TAKES.format(re.escape(name)), text):
            yield name


def _fills(app: AppMap, function: Function, call: Call, wanting: list[str]) -> bool:
    """Whether a call gives something that is true to one of the parameters."""
    node = signatures.definition(app, function.span)
    given = node.child_by_field_name("parameters") if node is not None else None
    written = (given.text or b"").decode("utf-8", "replace") if given is not None else ""
    starred = {name: stars for stars, name in _STARRED.findall(written)}
    single = [p for p in function.parameters if p not in ("self", "cls")]
    place = next((n for n, p in enumerate(single) if starred.get(p) == "*"), len(single))
    plain = [text for text in call.arguments if not text.startswith("*") and text != "self"]
    keys = dict(call.keywords)
    more = {"*": len(plain) > place, "**": bool(keys.keys() - {*function.parameters, "**"})}
    return any(more.get(starred.get(n, ""), keys.get(n) == "True") for n in wanting)


# -- by what is written --------------------------------------------------------------------------


def _is_of_clash(app: AppMap, route: Route, place: tuple[Function, Stop]) -> bool:
    """Whether it is raised where a row is there already, and no column of the route's is unique.

    A general class asks of another table for each of its heirs.
    """
    function, stop = place
    held = around(function, stop.start)
    net = next((b for b in reversed(held) if b.kind == "except"), None)
    if net is None or not _says_unique(net, held):
        return False
    tried = next((b for b in function.blocks if b.kind == "try" and b.group == net.group), None)
    tables = _written(app, route, function, tried) if tried is not None else []
    return bool(tables) and not any(_may_clash(app, route, table) for table in tables)


def _says_unique(net: Block, held: tuple[Block, ...]) -> bool:
    """Whether an ``except``, or a test in it, is of rows that are there already and of no more."""
    tests = (b.words for b in held if b.kind == "arm" and b.start >= net.start)
    said = [*map(last, net.names[:1] if len(net.names) == 1 else ()), *tests]
    return any(_UNIQUE.search(words) and not _TURNED.search(words) for words in said)


def _written(app: AppMap, route: Route, function: Function, tried: Block) -> list[Table]:
    """The tables that a ``try`` writes for a route; with a commit, all that the route asks of.

    None where one of them is not known.
    """
    path = function.span.path
    inside = [q for q in route.queries if q.span.path == path
              and tried.start <= q.span.start < tried.end]  # fmt: skip
    writes = [q for q in inside if q.kind in ("insert", "update")]
    calls = reach(app).calls_in(function)
    sends = any(is_sent_by(c) for c in calls if tried.start <= c.span.start < tried.end)
    names = {n for q in (route.queries if sends else writes) for n in q.tables} if writes else ()
    tables = [app.table(name) for name in names]
    return [t for t in tables if t is not None] if None not in tables else []


def _may_clash(app: AppMap, route: Route, table: Table) -> bool:
    """Whether a row can be refused because another has one of its values."""
    keys = [c for c in table.columns if c.primary_key]
    counted = len(keys) == 1 and _COUNTED.search(keys[0].type or "") and not keys[0].foreign_key
    is_made = bool(counted) or (len(keys) == 1 and bool(keys[0].default))
    own = {name for c in keys for name in (c.name, c.attribute)}
    schema = next((s for s in app.schemas if s.name == route.body_model), None)
    if not is_made or any(f.name in own for f in (schema.fields if schema else ())):
        return True
    if any(c.unique and not c.primary_key for c in table.columns):
        return True
    every = (*table.indexes, *built_on(app, table))
    return any(index.unique and not (index.columns and own >= {*index.columns}) for index in every)
