"""Rows below rows: which table each parameter of a path names, and which row is below which."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.storage import Column, Table
from fastwright.review.naming import alike
from fastwright.review.once import once

PEOPLE = frozenset({"user", "owner", "author", "account"})
"""What a parameter may call the account that it names, whatever its table is called."""

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_KEY = re.compile(r"_?(id|uuid|uid|pk|slug)$")


def named_tables(app: AppMap, path: str, accounts: Table | None) -> list[tuple[str, Table | None]]:
    """The parameters of a path, each with the table whose row it names, where that is known.

    ``/orders/{id}`` and ``/of/{order_id}`` name a row of `orders`, ``/of/{owner_id}`` one of
    `accounts`.
    """
    found = re.finditer(r"(?:([\w-]+)/)?\{(\w+)(?::\w+)?\}", path)
    return [(part[2], _named(app, part[2], part[1] or "", accounts)) for part in found]


def _named(app: AppMap, parameter: str, segment: str, accounts: Table | None) -> Table | None:
    stem = _KEY.sub("", parameter)
    words = (stem if stem != parameter else "", segment.replace("-", "_"))
    table = next((t for word in words if (t := table_named(app, word)) is not None), None)
    return accounts if table is None and stem in PEOPLE else table


def table_named(app: AppMap, word: str) -> Table | None:
    """The table of things that a word speaks of, or the last part of it (``db_post``)."""
    known = _known(app)
    if word not in known:
        names = dict.fromkeys((word, word.rpartition("_")[2]))
        found = (t for name in names for t in app.tables if is_row_of(t, name))
        known[word] = next(found, None)
    return known[word]


@once
def _known(app: AppMap) -> dict[str, Table | None]:  # noqa: ARG001 - one for each map
    """The words that were asked so far: the paths of an app have few, and rules ask for all."""
    return {}


def is_row_of(table: Table, word: str) -> bool:
    """Whether a word speaks of a row of a table: by its name, or by that of its class."""
    kind = (table.model or "").rpartition(".")[2]
    return alike(table.name, word) or alike(_CAPITAL.sub("_", kind), word)


def target_of(column: Column) -> str:
    """The table that a column points at; empty for none."""
    return (column.foreign_key or "").rpartition(".")[0].rpartition(".")[2]
