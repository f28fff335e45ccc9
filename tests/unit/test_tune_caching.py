"""Answers that could be kept: which routes change what they are made of."""

from __future__ import annotations

from fastwright.tune.bench import Written
from fastwright.tune.caching import writers_of
from fastwright.tune.seen import Visit


def test_those_write_whose_tables_are_not_as_after_most_others() -> None:
    """Of three routes one leaves other tags; what nobody changes has no writers."""
    visit = Visit("", 200, b"", None, 0.1, (), (), {}, frozenset())
    digests = {"POST /a": "1", "POST /b": "1", "POST /tags": "2"}
    writes = {r: Written(visit, {"tags": d, "users": "1"}) for r, d in digests.items()}
    assert list(writers_of(frozenset({"tags"}), writes)) == ["POST /tags"]
    assert list(writers_of(frozenset({"users", "unknown"}), writes)) == []
