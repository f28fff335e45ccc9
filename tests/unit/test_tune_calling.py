"""Which value of which row a parameter speaks of."""

from __future__ import annotations

from typing import Any

import pytest

from fastwright.tune.calling import Calls


def column(name: str, **facts: Any) -> dict[str, Any]:
    """A column as the running app describes it."""
    return {"name": name, "primary_key": name == "id", "unique": False, **facts}


TIERS = {"name": "tier", "schema": None, "model": "app.Tier", "columns": [
    column("id"), column("name"),
]}  # fmt: skip
USERS = {"name": "users", "schema": None, "model": "app.User", "columns": [
    column("id"), column("username"), column("email", unique=True),
]}  # fmt: skip
FIRST = {
    "tier": {"id": 1, "name": "name-1"},
    "users": {"id": 7, "username": "user1", "email": "user1@example.com"},
}


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("tier_name", "/limits/{tier_name}", "name-1"),
        ("tier_id", "/limits/{tier_id}", 1),
        ("id", "/users/{id}", 7),
        ("username", "/profiles/{username}", "user1"),
        ("email", "/lookup/{email}", "user1@example.com"),
        ("colour", "/lookup/{colour}", None),
        ("name_of_nothing", "/lookup/{name_of_nothing}", None),
    ],
)
def test_a_parameter_names_a_column_of_a_table(name: str, path: str, value: object) -> None:
    """By its table and column, by the segment before it, or where one table alone has it."""
    calls = Calls({"openapi": None, "tables": [TIERS, USERS], "routes": []}, FIRST)
    assert calls.known(name, path) == value
