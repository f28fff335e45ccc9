"""The judge's rules, and which routes a person means."""

from __future__ import annotations

import pytest

from fastwright.model.app import AppMap, Route
from fastwright.model.errors import UnknownName
from fastwright.tune import choosing, verdict
from fastwright.tune.bench import Timing, Written
from fastwright.tune.calling import Calls
from fastwright.tune.seen import Group, Observation, Visit


def visit(route: str, body: bytes, count: int, status: int = 200) -> Visit:
    """An answer with one statement, sent `count` times."""
    group = Group("core", "SELECT 1", "SELECT 1", [], count, 1, 0, 0.0, "endpoint", (), (), None)
    return Visit(route, status, body, None, 0.1, (group,), (), {}, frozenset())


def seen(*visits: Visit) -> Observation:
    """An observation with 18 rows."""
    return Observation(18, {one.route: one for one in visits}, {}, {})


def test_one_byte_is_a_change() -> None:
    """An answer that differs in a byte is told, and one in another order as such."""
    was = seen(visit("GET /a", b"[1, 2]", 9), visit("GET /b", b"{}", 1))
    now = seen(visit("GET /a", b"[2, 1]", 1), visit("GET /b", b"{ }", 1))
    told = list(verdict.changed_answers([was], [now], unsteady=()))
    assert told == [
        "GET /a: the answer in another order with 18 rows",
        "GET /b: the answer in another order with 18 rows",
    ]
    assert list(verdict.changed_answers([was], [now], unsteady=["GET /a", "GET /b"])) == []


def test_a_status_counts_even_for_what_differs_from_itself() -> None:
    """Outside the byte gate a route must still answer with its status."""
    was, now = seen(visit("GET /a", b"1", 1)), seen(visit("GET /a", b"2", 1, status=404))
    told = list(verdict.changed_answers([was], [now], unsteady=["GET /a"]))
    assert told == ["GET /a: 200 → 404 with 18 rows"]


def test_no_route_may_ask_more_and_the_target_must_ask_less() -> None:
    """A gain that another route pays for is none; a target that gains nothing is none."""
    was = seen(visit("GET /a", b"", 9), visit("GET /b", b"", 2))
    paid = seen(visit("GET /a", b"", 1), visit("GET /b", b"", 3))
    idle = seen(visit("GET /a", b"", 9), visit("GET /b", b"", 2))
    assert list(verdict.more_statements([was], [paid], ["GET /a"])) == [
        "GET /b: 2 → 3 statements with 18 rows"
    ]
    assert list(verdict.more_statements([was], [idle], ["GET /a"])) == [
        "GET /a: not fewer than 9 statements with 18 rows"
    ]


def test_a_write_is_judged_by_its_answer_its_statements_and_the_tables() -> None:
    """The same answer with another row behind it is a change."""
    one = visit("POST /a", b"{}", 2)
    was = {"POST /a": Written(one, {"posts": "18 rows, aa"})}
    assert list(verdict.changed_writes(was, was, ())) == []
    now = {"POST /a": Written(one, {"posts": "18 rows, bb"})}
    assert list(verdict.changed_writes(was, now, ())) == ["POST /a: leaves other rows in `posts`"]
    more = {"POST /a": Written(visit("POST /a", b"{}", 3), was["POST /a"].contents)}
    assert list(verdict.changed_writes(was, more, ())) == ["POST /a: 2 → 3 statements"]


def test_slower_needs_more_than_noise() -> None:
    """A tenth, and 0.4 ms beside it, by the median of the runs."""
    was = {"GET /a": Timing((0.010, 0.010, 0.050), (0.0,))}
    noise = {"GET /a": Timing((0.0112, 0.0113, 0.0113), (0.0,))}
    slow = {"GET /a": Timing((0.012, 0.012, 0.012), (0.0,))}
    assert list(verdict.slower(was, noise)) == []
    assert list(verdict.slower(was, slow)) == ["GET /a: 10.0 → 12.0 ms of CPU time"]


ROUTES = AppMap(
    {},
    None,
    routes=tuple(
        Route("GET", path, handler)
        for path, handler in (
            ("/users/{user_id}/profile", "app.users.user_profile"),
            ("/users/{user_id}", "app.users.read_user"),
            ("/orders", "app.orders.list_orders"),
        )
    ),
)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("My user profile endpoint is running slowly, can you help?", "/users/{user_id}/profile"),
        ("the list of orders is slow", "/orders"),
        ("speed up GET /users/{user_id}", "/users/{user_id}"),
    ],
)
def test_words_find_their_route(said: str, meant: str) -> None:
    """The route that has most of the words is meant; a path that is written out decides."""
    assert choosing.spoken_of(said, ROUTES) == (f"GET {meant}",)


def test_words_that_name_no_route_name_none() -> None:
    """A request about everything is about no route in particular."""
    assert choosing.spoken_of("my app is slow, optimize the queries", ROUTES) == ()


def test_a_route_that_is_not_there_is_answered_with_the_nearest() -> None:
    """A path, a handler's name and method with path are names; anything else is unknown."""
    assert choosing.named(["/orders"], ROUTES) == ("GET /orders",)
    assert choosing.named(["read_user"], ROUTES) == ("GET /users/{user_id}",)
    with pytest.raises(UnknownName) as caught:
        choosing.named(["GET /order"], ROUTES)
    assert "GET /orders" in caught.value.nearest


def test_parameters_take_the_values_of_row_one() -> None:
    """An id by its name or by the path before it, a slug by its column, a user by what he is."""
    tables = [
        {"name": "users", "schema": None, "model": "m.User",
         "columns": [{"name": "id", "primary_key": True}, {"name": "username", "unique": True}]},
        {"name": "blog_posts", "schema": None, "model": "m.Post",
         "columns": [{"name": "id", "primary_key": True}, {"name": "slug", "unique": True}]},
    ]  # fmt: skip
    first = {"users": {"id": 4, "username": "ann"}, "blog_posts": {"id": 7, "slug": "s-1"}}
    calls = Calls({"tables": tables}, first)
    assert calls.known("post_id", "/posts/{post_id}") == 7
    assert calls.known("postId", "/posts/{postId}") == 7
    assert calls.known("id", "/users/{id}") == 4
    assert calls.known("slug", "/posts/{slug}") == "s-1"
    assert calls.known("username", "/people/{username}") == "ann"
    assert calls.known("owner_id", "/x") == 4
    assert calls.known("limit", "/posts") is None
