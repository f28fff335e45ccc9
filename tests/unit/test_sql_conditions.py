"""Of SQL that is written as text it is known which columns decide which rows are meant."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.source.sql_conditions import conditions
from fastwright.survey import static


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("SELECT * FROM notes WHERE id = :id AND owner_id = $2", {".id", ".owner_id"}),
        ('DELETE FROM "notes" AS n WHERE n."id" = %(id)s::uuid', {"notes.id"}),
        ("SELECT a FROM notes n, items i WHERE lower(n.a) LIKE ? AND i.b", {"notes.a", "items.b"}),
        ("SELECT owner_id FROM notes WHERE a = 'owner_id = 1' -- owner_id", {".a"}),
        ("UPDATE notes SET owner_id = :o WHERE id = :id RETURNING owner_id", {".id"}),
        ("SELECT a FROM notes WHERE b IN (SELECT c FROM d WHERE e = 1)", {".b", ".e"}),
        ("SELECT DISTINCT ON (a) b FROM notes WHERE c IS NOT DISTINCT FROM :c", {".c"}),
        ("INSERT INTO notes (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1", set()),
        ("SELECT a FROM notes WHERE b = 1 ORDER BY c FOR UPDATE OF notes", {".b"}),
    ],
)
def test_columns_of_conditions_are_read(text: str, columns: set[str]) -> None:
    """Columns count in conditions alone: not what is chosen, set, ordered by, or in quotes."""
    found = conditions(text)
    assert {f"{table}.{name}" for table, name in found.columns} == columns
    assert found.whole


def test_what_joins_tables_is_no_condition() -> None:
    """Two columns with ``=`` between them choose no row, what stands beside them does."""
    found = conditions("SELECT 1 FROM a JOIN b ON a.id = b.a_id AND b.user_id = :me WHERE a.id = 1")
    assert found.columns == (("b", "user_id"), ("a", "id"))
    assert found.tables == ("a", "b")


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("SELECT {columns} FROM {schema}.notes WHERE id = {key} ORDER BY {order}", True),
        ("SELECT * FROM notes WHERE id IN ({keys})", True),
        ("SELECT * FROM notes {where}", False),
        ("SELECT * FROM notes WHERE id = :id {and_more}", False),
        ("SELECT * FROM notes WHERE id = :id AND {more}", False),
    ],
)
def test_an_unknown_part_may_be_a_condition(text: str, whole: bool) -> None:
    """A part that is put in elsewhere may limit the rows, unless it is a value or a name."""
    assert conditions(text).whole is whole


APP = """
import asyncpg
from databases import Database
from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, Table
key = Column("id", Integer, primary_key=True)
notes = Table("notes", MetaData(), key, Column("owner", Integer))
database = Database("postgresql://")
app = FastAPI()
@app.get("/databases/{key}")
async def with_databases(key: int):
    query = "SELECT * FROM public.notes WHERE id = :id"
    return await database.fetch_one(query=query, values={"id": key})
@app.get("/asyncpg/{key}")
async def with_asyncpg(key: int):
    connection = await asyncpg.connect()
    return await connection.fetchrow("SELECT * FROM notes n WHERE n.id = $1 AND owner = $2", key, 1)
@app.get("/core/{key}")
async def with_core(key: int):
    return await database.execute(notes.delete().where(notes.c.id == key))
@app.get("/parts/{key}")
async def with_parts(key: int, where: str):
    return await database.fetch_one(f"SELECT * FROM notes WHERE id = :id {where}", {"id": key})
"""


def test_statements_of_each_driver_say_what_they_compare() -> None:
    """The text of `databases` and asyncpg is read, and so are the methods of a ``Table``."""
    app = static.read({PurePosixPath("main.py"): APP.encode()})
    found = {route.path.split("/")[1]: route.queries[0] for route in app.routes}
    assert {name: query.filters for name, query in found.items()} == {
        "databases": ("notes.id",),
        "asyncpg": ("notes.id", "notes.owner"),
        "core": ("notes.id",),
        "parts": ("notes.id", "?"),
    }
    assert {query.tables for query in found.values()} == {("notes",)}
    assert found["core"].kind == "delete"
