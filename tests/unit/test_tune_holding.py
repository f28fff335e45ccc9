"""What is pinned of a course: the gained routes whose statements grow no more."""

from __future__ import annotations

from fastwright.tune import holding
from fastwright.tune.idea import Gain, Idea, Variant
from fastwright.tune.seen import Group, Observation, Visit
from fastwright.tune.tuner import Course, Standing


def observed(counts: tuple[int, int, int]) -> tuple[Observation, ...]:
    """One route with so many statements at each size."""
    sql = 'SELECT a FROM posts JOIN "users" ON 1'
    return tuple(
        Observation(size, {"GET /a": visit(count, sql)}, {}, {})
        for size, count in zip((6, 18, 500), counts, strict=True)
    )


def visit(count: int, sql: str) -> Visit:
    """A visit that sent `sql` so often."""
    group = Group("root", sql, sql, [], count, count, 1, 0.1, "endpoint", (), (), None)
    return Visit("GET /a", 200, b"", None, 0.1, (group,), (), {}, frozenset())


def course(counts: tuple[int, int, int], gain: Gain) -> Course:
    """A course that kept one idea, and came to `counts`."""
    first, now = (Standing({}, observed(each)) for each in ((7, 19, 501), counts))
    made = Course(first, now, frozenset())
    idea = Idea("key", "cause", ("GET /a",), (), gain=gain)
    made.kept.append((idea, Variant("title", ())))
    return made


def test_a_route_that_was_gained_is_pinned_with_its_tables() -> None:
    """The most statements at the sizes that a test can make, and what they read."""
    (pin,) = holding.pins(course((2, 2, 2), Gain.STATEMENTS))
    assert (pin.route, pin.most, pin.tables) == ("GET /a", 2, {"posts", "users"})


def test_a_route_that_still_grows_has_no_number_to_hold() -> None:
    """One of two causes was mended when the run was interrupted."""
    assert holding.pins(course((4, 9, 258), Gain.STATEMENTS)) == ()


def test_what_was_gained_otherwise_is_not_counted_in_statements() -> None:
    """A handler that runs in a thread sends as many as before."""
    assert holding.pins(course((2, 2, 2), Gain.TURNS)) == ()
