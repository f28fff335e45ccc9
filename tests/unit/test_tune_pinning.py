"""The tests that pin a gain: what is written, and when none can be."""

from __future__ import annotations

import ast

import pytest

from fastwright.tune.cells import CannotWrite, rows_of
from fastwright.tune.pin_text import Around, module


def column(name: str, kind: str, **facts: object) -> dict[str, object]:
    """A column as the running app describes it."""
    plain = {"nullable": False, "primary_key": False, "unique": False, "foreign_key": None}
    return {"name": name, "type": kind, "default": None, "length": None, **plain, **facts}


USERS = {"name": "users", "schema": None, "columns": [
    column("id", "Integer", primary_key=True), column("email", "String(50)", length=50),
    column("made_at", "DateTime"), column("note", "Text", nullable=True),
]}  # fmt: skip
POSTS = {"name": "posts", "schema": None, "columns": [
    column("id", "Integer", primary_key=True),
    column("author_id", "Integer", foreign_key="users.id"),
]}  # fmt: skip
TAGGED = {"name": "tagged", "schema": None, "columns": [
    column("post_id", "Integer", primary_key=True, foreign_key="posts.id"),
    column("user_id", "Integer", primary_key=True, foreign_key="users.id"),
]}  # fmt: skip
TABLES = (USERS, POSTS, TAGGED)


def test_rows_come_with_the_rows_that_they_point_to() -> None:
    """Parents first; every other row belongs to row 1; what may be empty is left empty."""
    users, posts = rows_of(TABLES, frozenset({"posts"}))
    assert [cell.name for cell in users.cells] == ["id", "email", "made_at"]
    assert {cell.name: cell.first for cell in users.cells}["email"] == "user1@example.com"
    assert {cell.name: cell.text for cell in posts.cells}["author_id"] == "1 if i % 2 else i"


def test_a_table_that_joins_two_is_filled_both_ways() -> None:
    """Whichever of the two a route starts from, row 1 has as many as there are rows."""
    ways = [r.both_ways for r in rows_of(TABLES, frozenset({"tagged"}))]
    assert ways == [(), (), ("post_id", "user_id")]


def test_what_points_to_a_row_has_its_key_whatever_that_is_made_of() -> None:
    """Text and UUIDs as well as numbers; one that is unique points to a row of its own."""
    users = {"name": "users", "schema": None, "columns": [
        column("id", "String", primary_key=True),
    ]}  # fmt: skip
    profiles = {"name": "profiles", "schema": None, "columns": [
        column("id", "Uuid", primary_key=True),
        column("user_id", "String", foreign_key="users.id", unique=True),
    ]}  # fmt: skip
    posts = {"name": "posts", "schema": None, "columns": [
        column("by", "String", foreign_key="users.id"),
        column("of", "Uuid", foreign_key="profiles.id"),
    ]}  # fmt: skip
    _, theirs, made = rows_of((users, profiles, posts), frozenset({"posts"}))
    assert {c.name: (c.text, c.first) for c in theirs.cells}["user_id"] == ('f"id-{i}"', "id-1")
    by, of = made.cells
    assert by.text == 'f"id-{1 if i % 2 else i}"'
    assert of.text == "UUID(int=1 if i % 2 else i)"
    assert theirs.cells[1].at("1") == '"id-1"'


def test_what_may_be_empty_is_filled_where_the_answer_needs_it() -> None:
    """A column without a value of its own gets one in rows that are to be full."""
    (users,) = rows_of((USERS,), frozenset({"users"}), full=True)
    assert [cell.name for cell in users.cells] == ["id", "email", "made_at", "note"]


def test_a_column_that_nothing_is_known_of_is_refused() -> None:
    """A required value of an unknown type is named, not made up."""
    odd = {"name": "odd", "schema": None, "columns": [column("shape", "Geometry")]}
    with pytest.raises(CannotWrite, match=r"`odd.shape` is a Geometry"):
        rows_of((odd,), frozenset({"odd"}))


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("callers", ["", ", {who: User}"], ids=["nobody", "somebody"])
def test_the_file_is_python_with_the_imports_that_it_uses(*, is_async: bool, callers: str) -> None:
    """Nothing is imported in vain, nothing is missing, and no line is too long."""
    body = (
        f'def test_a(tmp_path: Path) -> None:\n    assert statements(tmp_path, {{}}, "/"{callers})'
    )
    imports = {"app.main": ["app", "get_db", "User", *(["who"] if callers else [])]}
    around = Around("app", "get_db", is_async, "sqlalchemy", "User", "1", imports)
    text = module(around, [body])
    tree = ast.parse(text)
    bound = {a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    builtin = {"str", "int", "object", "dict", "list", "type", "len"}
    own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert bound <= used
    functions = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    functions |= {n.name for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef)}
    arguments = {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    assert used <= bound | builtin | own | functions | arguments
    assert max(map(len, text.splitlines())) <= 100
