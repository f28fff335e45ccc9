"""How each route is called: with values of the rows that stand in the scratch database."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastwright.review.requests import Contract, Ready

Row = Mapping[str, Any]
READS = ("GET",)
WRITES = ("POST", "PUT", "PATCH", "DELETE")
_ANSWERED_LATE = 60.0
STAND_IN = "fastwright-stands-for-the-first-user"
"""The credential that a route with a scheme gets, where what reads it has been replaced."""
_LEAVES = re.compile(r"log-?_?out|sign-?_?out|/(openapi\.json|docs|redoc)$")


class Calls:
    """Requests for the operations of one app, from row 1 of each table.

    Args:
        description: The document of `guest/describe.py`.
        first: Row 1 of each table, by the table's full name and the column's name.
    """

    def __init__(self, description: Mapping[str, Any], first: Mapping[str, Row]) -> None:
        document = description.get("openapi") or {}
        self._document = document if document.get("paths") else _made_up(description)
        self._contract = Contract(self._document)
        self._tables = tuple(description.get("tables") or ())
        self._first = first

    def routes(self, methods: tuple[str, ...]) -> tuple[str, ...]:
        """The operations with one of `methods`, as ``METHOD /path``, in the contract's order.

        What ends a login is left out: the calls behind it would be nobody's.
        """
        return tuple(
            f"{method} {path}"
            for method, path in self._contract.operations()
            if method in methods and not _LEAVES.search(path)
        )

    def request(self, route: str) -> dict[str, object]:
        """The request for `route` as the guest reads it."""
        method, _, path = route.partition(" ")
        ready = self._contract.request(method, path, self.known)
        told = wire(method, ready)
        if self._document["paths"].get(path, {}).get(method.lower(), {}).get("security"):
            told["headers"] = [*_pairs(ready), ["authorization", f"Bearer {STAND_IN}"]]
        return told

    def known(self, name: str, path: str) -> Any:
        """The value of row 1 that a parameter or field `name` on `path` speaks of, else None."""
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
        stem = re.sub(r"_?(id|uuid|pk)$", "", snake)
        segment = self._segment(name, path)
        for table in self._tables_of(stem if stem != snake else "", segment):
            row = self._row(table)
            chosen = snake if snake in row and snake != "id" else _key(table)
            if stem != snake or snake in row:
                return _plain(row.get(chosen))
        if stem != snake:
            return None
        found = self._spelt_out(snake)
        return found if found is not None else self._anywhere(snake, path)

    def _spelt_out(self, name: str) -> Any:
        """``tier_name``: the column ``name`` of the table of tiers."""
        for word, column in (_split(name, at) for at in range(1, name.count("_") + 1)):
            for table in self._tables_of(word):
                if column in self._row(table):
                    return _plain(self._row(table)[column])
        return None

    def _segment(self, name: str, path: str) -> str:
        before = re.search(rf"([\w-]+)/\{{{re.escape(name)}\b", path)
        return before[1].replace("-", "_").lower() if before else ""

    def _tables_of(self, *words: str) -> Iterator[Mapping[str, Any]]:
        for word in filter(None, words):
            for table in self._tables:
                if singular(word) in _names_of(table):
                    yield table
        if words[0] in ("user", "owner", "author", "account", "member"):
            yield from (t for t in self._tables if _names_of(t) & {"user", "account", "member"})

    def _anywhere(self, column: str, path: str) -> Any:
        """A column of that name: of a table that the path names, else unique, else the only one."""
        words = {singular(word) for word in re.findall(r"[a-z]+", path.lower())}
        for table in self._tables:
            if _names_of(table) & words and column in self._row(table):
                return _plain(self._row(table)[column])
        having = [
            (table, one)
            for table in self._tables
            for one in table["columns"]
            if one["name"] == column
        ]
        unique = [table for table, one in having if one.get("unique")]
        chosen = unique or ([having[0][0]] if len(having) == 1 else [])
        return _plain(self._row(chosen[0]).get(column)) if chosen else None

    def _row(self, table: Mapping[str, Any]) -> Row:
        schema = table.get("schema")
        name = f"{schema}.{table['name']}" if schema else table["name"]
        return self._first.get(name, {})


def _split(name: str, at: int) -> tuple[str, str]:
    """What stands before and behind underscore number `at` of `name`."""
    words = name.split("_")
    return "_".join(words[:at]), "_".join(words[at:])


def wire(method: str, ready: Ready) -> dict[str, object]:
    """A request as the guest reads it."""
    return {
        "method": method,
        "path": ready.path,
        "headers": _pairs(ready),
        "body": base64.b64encode(ready.body).decode("ascii"),
        "timeout": _ANSWERED_LATE,
    }


def _pairs(ready: Ready) -> list[list[str]]:
    return [list(pair) for pair in ready.headers]


def _made_up(description: Mapping[str, Any]) -> dict[str, Any]:
    """A contract of paths and parameters alone, for an app that hides or cannot make its own."""
    paths: dict[str, dict[str, Any]] = {}
    for route in description.get("routes") or ():
        if route.get("kind") == "api":
            parameters = [_parameter(p) for p in route["parameters"] if _is_sent(p)]
            path = re.sub(r":\w+}", "}", route["path"])
            paths.setdefault(path, {})[route["method"].lower()] = {"parameters": parameters}
    return {"paths": paths}


def _is_sent(parameter: Mapping[str, Any]) -> bool:
    return parameter.get("source") in ("path", "query", "header")


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    kind = "integer" if "int" in (parameter.get("annotation") or "") else "string"
    return {
        "name": parameter.get("alias") or parameter["name"],
        "in": parameter["source"],
        "required": parameter["source"] == "path" or bool(parameter.get("required")),
        "schema": {"type": kind},
    }


def singular(word: str) -> str:
    """``categories`` → ``category``, ``users`` → ``user``; other words stay."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _names_of(table: Mapping[str, Any]) -> set[str]:
    model = (table.get("model") or "").rpartition(".")[2]
    plain = table["name"].lower()
    spoken = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model).lower()
    return {singular(plain), singular(plain.rpartition("_")[2]), spoken, model.lower()} - {""}


def _key(table: Mapping[str, Any]) -> str:
    keys = [c["name"] for c in table["columns"] if c.get("primary_key")]
    return keys[0] if keys else ""


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) else None
