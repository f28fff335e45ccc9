"""A SQL dump as a source of values: what `pg_dump` or SQLite's `.dump` wrote, read as text.

Its rows are patterns. Row `number` of a table takes the values of the dump's row of that number;
behind the last one they begin again, save for what no two rows may share. Keys are made up.
"""

import datetime as dt
import importlib.util
import json
import os
import re
import types

from . import rows, seed

_INSERT = re.compile(
    r"INSERT\s+INTO\s+(?P<table>[\w.\"`]+)\s*(?:\((?P<names>[^)]*)\))?\s*VALUES\s*", re.I
)
_COPY = re.compile(
    r"^COPY\s+(?P<table>[\w.\"]+)\s*\((?P<names>[^)]*)\)\s+FROM\s+stdin.*;\n", re.I | re.M
)
_VALUE = re.compile(
    r"\s*(?:(?P<text>E?'(?:[^'\\]|''|\\.)*'|E?'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<word>NULL|TRUE|FALSE|DEFAULT)\b|(?P<other>[^,()]+(?:\([^()]*\))?))\s*"
    r"(?:::[\w\s\[\]]+)?\s*(?P<end>[,)])",
    re.I,
)
_ESCAPES = types.MappingProxyType({"t": "\t", "n": "\n", "r": "\r", "\\": "\\"})
_WORDS = types.MappingProxyType({"NULL": None, "TRUE": True, "FALSE": False})


def factory_at(root, place):
    """What makes values of rows: the person's function at ``path.py:name``, or a SQL dump.

    `place` is below `root`; None for no place.
    """
    path, _, name = place.rpartition(":") if ".py:" in place else (place, "", "")
    if not path:
        return None
    file = os.path.join(root, path)
    if not name:
        with open(file, encoding="utf-8", errors="replace") as dump:
            return load(dump.read())
    spec = importlib.util.spec_from_file_location("fastwright_seed", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def load(text):
    """A factory, as `rows.Maker` takes one, from the text of a dump."""
    found = {}
    for table, names, values in parsed(text):
        found.setdefault(table, []).append((names, values))

    def factory(table, number):
        patterns = found.get(table)
        if not patterns:
            return None
        names, values = patterns[(number - 1) % len(patterns)]
        return _row(seed.find_table(table), names, values, again=number > len(patterns))

    return factory


def parsed(text):
    """``(table, names, values)`` of each row; no names where the dump gives none.

    A value that only the database can tell, such as ``now()``, is an ellipsis.
    """
    yield from _inserted(text)
    yield from _copied(text)


def _row(table, names, values, again):
    columns = [table.c[n] for n in names if n in table.c] if names else list(table.columns)
    alone = {key for keys in rows.unique_sets(table) for key in keys}
    made = {}
    for column, value in zip(columns, values):
        keyed = column.primary_key or column.foreign_keys or (again and column.key in alone)
        if not keyed and value is not Ellipsis and not rows.is_generated(column):
            made[column.key] = _typed(column, value)
    return made


def _typed(column, value):
    """`value` as the column's Python type: a dump has it as text or as a number."""
    if value is None:
        return None
    kind = seed.python_type(column)
    if kind in (dict, list) and isinstance(value, str):
        return json.loads(value)
    if kind is bool:
        return value in (True, 1, "t", "true", "1")
    if kind in (int, float):
        return kind(value)
    if kind is dt.datetime and isinstance(value, str):  # Python below 3.11 wants the minutes
        return seed.typed(column, re.sub(r"([+-]\d\d)$", r"\1:00", value))
    return seed.typed(column, value)


def _named(table, names):
    plain = table.replace('"', "").replace("`", "").rpartition(".")[2]
    listed = [n.strip().strip('"`') for n in names.split(",")] if names else []
    return plain, listed


def _inserted(text):
    """``(table, names, values)`` of each row of each INSERT."""
    for found in _INSERT.finditer(text):
        table, names = _named(found["table"], found["names"])
        at = found.end()
        while text[at : at + 1] == "(":
            values, at = _listed(text, at + 1)
            yield table, names, values
            more = re.compile(r"\s*,\s*").match(text, at)
            at = more.end() if more else len(text)


def _listed(text, at):
    """The values up to the closing parenthesis, and where the text goes on."""
    values = []
    while True:
        found = _VALUE.match(text, at)
        if found is None:
            return values, len(text)
        values.append(_value(found))
        at = found.end()
        if found["end"] == ")":
            return values, at


def _value(found):
    if found["text"] is not None:
        raw = found["text"]
        inner = raw[raw.index("'") + 1 : -1].replace("''", "'")
        return _unescaped(inner) if raw[0] in "eE" else inner
    if found["number"] is not None:
        number = found["number"]
        return float(number) if "." in number else int(number)
    return _WORDS.get((found["word"] or "").upper(), Ellipsis)


def _copied(text):
    """Likewise of each COPY, whose rows are lines with tabs."""
    for found in _COPY.finditer(text):
        table, names = _named(found["table"], found["names"])
        for line in text[found.end() : text.find("\n\\.", found.end() - 1)].splitlines():
            cells = [None if c == "\\N" else _unescaped(c) for c in line.split("\t")]
            yield table, names, cells


def _unescaped(text):
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text)
