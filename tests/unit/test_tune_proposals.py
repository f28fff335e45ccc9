"""What is said of a route and not done, since callers would notice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fastwright.model.app import AppMap, Parameter, Route
from fastwright.tune import proposals
from fastwright.tune.seen import Group, Observation, Visit
from fastwright.tune.symptoms import find

PLAIN = Group("root", "SELECT a FROM b", "", [], 1, 1, 0, 0.1, "endpoint", (), (), None)
APP = AppMap({}, None, routes=(Route("GET", "/a", "m.a", response_model="m.A"),))


def causes(items: int, group: Group = PLAIN, app: AppMap = APP, **facts: Any) -> list[str]:
    """The causes that are named where the answer has `items` at the largest size."""
    seen = [
        Observation(size, {"GET /a": replace(visit(min(size, items), group), **facts)}, {}, {})
        for size in (6, 18, 500)
    ]
    return [idea.cause for idea in proposals.proposals(app, find(seen), seen)]


def visit(items: int, group: Group) -> Visit:
    """An answer with a list of `items`."""
    body = json.dumps(["an item of some length" * 3] * items).encode()
    return Visit("GET /a", 200, body, None, 0.1, (group,), (), {}, frozenset())


def test_a_list_that_grows_with_its_table_has_no_limit() -> None:
    """A page of twenty is none; the whole table is one."""
    assert causes(20) == []
    assert causes(500) == [proposals.UNBOUNDED]


def test_what_a_statement_shows_is_named() -> None:
    """OFFSET, and a count of everything."""
    offset = replace(PLAIN, sql="SELECT a FROM b LIMIT ? OFFSET ?")
    paged = Route(
        "GET", "/a", "m.a", parameters=(Parameter("skip", source="query"),), response_model="m.A"
    )
    assert causes(20, offset, AppMap({}, None, routes=(paged,))) == [proposals.DEEP]
    assert causes(20, offset) == []  # a legacy `.first()` sends one, and nobody can ask for more
    assert causes(20, replace(PLAIN, sql="SELECT count(*) FROM b")) == [proposals.COUNTED]
    assert causes(20, replace(PLAIN, sql='SELECT count(b.id) AS "n" FROM b')) == [proposals.COUNTED]
    assert causes(20, replace(PLAIN, sql="SELECT count(*) FROM b WHERE c = ?")) == []
    assert causes(20, replace(PLAIN, sql="SELECT count(b.id) FROM b JOIN c ON c.d = ?")) == []


def test_a_statement_that_takes_longer_for_the_same_page_is_named() -> None:
    """Fifty times longer with thirty times the rows, and twenty items as before."""

    def seen(late: float, items: int) -> list[str]:
        times, sizes = (0.001, 0.001, late), (6, 18, 500)
        observed = [
            Observation(n, {"GET /a": visit(items if n == 500 else 6, group)}, {}, {})
            for n, group in zip(sizes, (replace(PLAIN, seconds=s) for s in times), strict=True)
        ]
        return [idea.cause for idea in proposals.proposals(APP, (), observed)]

    assert seen(0.05, 6) == [proposals.SLOW]
    assert seen(0.005, 6) == []
    assert proposals.SLOW not in seen(0.05, 500)


def test_a_repeated_statement_is_named_and_none_is_rewritten() -> None:
    """The same statement with the same parameters, thrice in one request."""
    assert causes(20, replace(PLAIN, count=3)) == ["the same statement again"]


def test_a_large_answer_without_a_model_is_named() -> None:
    """Small ones are let be: the encoding costs nothing there."""
    bare = AppMap({}, None, routes=(Route("GET", "/a", "m.a"),))
    assert causes(20, app=bare) == []
    assert causes(500, app=bare) == [proposals.UNBOUNDED, proposals.UNTYPED]


def test_what_has_other_requests_wait_is_named() -> None:
    """A second connection while the first is held."""
    assert causes(20, held=2) == [proposals.NESTED]
    assert causes(20, held=1) == []
