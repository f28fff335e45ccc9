"""The indexes and unique constraints that stand beside the models: in revisions, and in SQL."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap
from fastwright.model.code import Call
from fastwright.model.places import Span
from fastwright.model.storage import Index, Table
from fastwright.review.course import around
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.source.sql_indexes import column_of, indexes

_LITERAL = re.compile(r"['\"]([^'\"]+)['\"]")
_BUILDS = re.compile(r"(?i)(?!.*(?:drop|has|exist|get|rename)).*(?:index|unique)")
_BATCH = re.compile(r"\bbatch_alter_table\([^'\"]*['\"](?P<table>[^'\"]+)['\"]")
_KEY = re.compile(r"\b(?P<kind>UniqueConstraint|PrimaryKeyConstraint|Index)\((?P<given>[^()]*)")
_COLUMN = re.compile(r"\bColumn\((?P<given>.*)", re.DOTALL)
_SAYS = re.compile(r"\b(?P<kind>unique|index|primary_key)\s*=\s*True\b")
_ATTRIBUTE = re.compile(r"(?P<of>\w+)\.(?:c\.)?(?P<column>\w+)(?:\.\w+\(\))?")
_SQL = re.compile(rb"\b(?:unique|index)\b")
_OBJECTS = ("Index", "UniqueConstraint")
_JOINT = re.compile(r"(['\"])\s+[rfRF]{0,2}\1")
"""Where one string of Python goes on in the next."""


def built_on(app: AppMap, table: Table) -> tuple[Index, ...]:
    """The indexes of a table that its model does not tell of; a partial one counts as whole."""
    return _built(app).get(_plain(table.name), ())


@once
def _built(app: AppMap) -> Mapping[str, tuple[Index, ...]]:
    steps = tuple(_steps(app))
    gone = {_literal(c.arguments[0]) for c in steps if "drop_" in c.text and c.arguments}
    found: dict[str, list[Index]] = defaultdict(list)
    for name, index in (*_of_revisions(app, steps), *_of_objects(app), *_of_sql(app)):
        if index.columns and (index.name is None or index.name not in gone):
            found[_plain(name)].append(index)
    return {name: tuple(those) for name, those in found.items()}


def _plain(name: str) -> str:
    """A table's name without its schema, in small letters, as databases compare them."""
    return last(name).lower()


def _literal(written: str) -> str:
    """The first text in quotes, as in ``op.f('ix_items_name')``."""
    found = _LITERAL.search(written)
    return found[1] if found is not None else ""


def _steps(app: AppMap) -> Iterator[Call]:
    """The calls of revisions that a database goes through, forwards."""
    folders = [environment.versions for environment in app.migrations]
    for path in (module.path for module in app.modules.values()):
        if not folders or any(path.is_relative_to(folder) for folder in folders):
            rows = reach(app).calls_of(path)
            yield from (call for call in rows if last(call.caller) != "downgrade")


def _of_revisions(app: AppMap, steps: tuple[Call, ...]) -> Iterator[tuple[str, Index]]:
    for call in steps:
        name, batch = last(call.text), _batch(app, call)
        given = (repr(batch), *call.arguments) if batch else call.arguments
        if name in ("create_table", "add_column") and given:
            made = _of_parts(given[1:])
            yield from ((_literal(given[0]), index) for index in made)
        elif _BUILDS.match(name):
            yield from _of_step(call, batch)


def _batch(app: AppMap, call: Call) -> str:
    """The table of the ``with op.batch_alter_table(…)`` that a call is made in."""
    function = reach(app).functions.get(call.caller)
    held = around(function, call.span.start) if function is not None else ()
    named = (_BATCH.search(block.words) for block in reversed(held) if block.kind == "with")
    return next((found["table"] for found in named if found is not None), "")


def _of_step(call: Call, batch: str) -> Iterator[tuple[str, Index]]:
    """The index of ``create_index(name, table, columns)`` and of what is called alike."""
    given, named = call.arguments, dict(call.keywords)
    listed = [*given, named.get("columns", "")]
    columns = next((text for text in listed if text.startswith(("[", "("))), "")
    table = batch or _literal(named.get("table_name", given[1] if len(given) > 1 else ""))
    unique = "unique" in call.text.lower() or named.get("unique") == "True"
    name = _literal(named.get("index_name", given[0] if given else "")) or None
    if table and columns:
        yield table, Index(name, tuple(map(column_of, _LITERAL.findall(columns))), unique=unique)


def _of_parts(parts: tuple[str, ...]) -> Iterator[Index]:
    """What the columns and constraints of ``create_table`` and ``add_column`` make."""
    for part in parts:
        column, key = _COLUMN.search(part), _KEY.search(part)
        if column is not None:
            says = {said["kind"] for said in _SAYS.finditer(part)}
            if says:
                yield Index(None, (_literal(column["given"]),), unique=says != {"index"})
        elif key is not None:
            texts = _LITERAL.findall(re.sub(r"\bname\s*=\s*\S+", "", key["given"]))
            is_index = key["kind"] == "Index"
            yield Index(None, tuple(texts[is_index:]), unique=not is_index or "unique=True" in part)


def _of_objects(app: AppMap) -> Iterator[tuple[str, Index]]:
    """The ``Index("name", Item.title)`` that stand behind a class or a ``Table``."""
    tables = {last(table.model): table.name for table in app.tables if table.model}
    made = (c for c in app.calls if c.text.endswith("Table") and last(c.text) == "Table")
    tables |= {c.target: _literal(c.arguments[0]) for c in made if c.arguments and c.target}
    keys = (c for c in app.calls if c.text.endswith(_OBJECTS) and last(c.text) in _OBJECTS)
    for call in keys:
        found = [m for m in map(_ATTRIBUTE.fullmatch, call.arguments) if m is not None]
        owners = {m["of"] for m in found}
        if len(owners) == 1 and owners <= tables.keys():
            is_key = last(call.text) != "Index" or dict(call.keywords).get("unique") == "True"
            columns = tuple(m["column"] for m in found)
            yield tables[owners.pop()], Index(None, columns, unique=is_key)


def _of_sql(app: AppMap) -> Iterator[tuple[str, Index]]:
    backwards = defaultdict(list)
    for function in app.functions:
        if last(function.name) == "downgrade":
            backwards[function.span.path].append(function.span)
    for path, content in app.files.items():
        if path.suffix in (".py", ".sql") and _speaks(content):
            yield from indexes(_JOINT.sub("", _without(content, backwards.get(path, []))))


def _speaks(content: bytes) -> bool:
    """True where a text may make an index; most have neither word, which is seen at once."""
    lowered = content.lower()
    return (b"index" in lowered or b"unique" in lowered) and _SQL.search(lowered) is not None


def _without(content: bytes, spans: list[Span]) -> str:
    for span in spans:
        content = content[: span.start] + b" " * (span.end - span.start) + content[span.end :]
    return content.decode("utf-8", "replace")
