"""A test for each route that was tuned pins how often it asks its database, at two sizes. Pure.

The test stands on its own: an SQLite file, rows of its own, and in place of the app's session one
on that file. It needs nothing of the app's settings, and cannot reach its database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fastwright.model.app import AppMap, Route
from fastwright.model.storage import SessionProvider
from fastwright.tune.calling import Calls
from fastwright.tune.cells import CannotWrite, Rows, rows_of
from fastwright.tune.pin_text import Around, module

FEW, MANY = 6, 18
FILE = "test_query_counts.py"
_INDENT, _WIDTH = 8, 100


@dataclass(frozen=True, slots=True)
class Pin:
    """One route with the most statements that it may send at either size.

    `full` fills what may be empty in the rows as well.
    """

    route: str
    most: int
    tables: frozenset[str]
    full: bool = False


@dataclass(frozen=True, slots=True)
class Pinned:
    """A test file, the routes that it has a test for by the test's name, and what has none."""

    path: PurePosixPath
    text: str
    tests: Mapping[str, str]
    without: tuple[str, ...] = ()


def write(
    app: AppMap, description: Mapping[str, Any], pins: Sequence[Pin], admitted: Sequence[str]
) -> Pinned:
    """The test file for `pins`; those that none can be written for are named with the reason.

    Args:
        app: The map of the tuned tree.
        description: What the running app says of itself.
        pins: What is to hold.
        admitted: Dotted dependencies that yield who is calling.
    """
    writer = _Writer(app, description, tuple(admitted))
    tests: dict[str, str] = {}
    bodies, without = [], []
    for pin in pins:
        try:
            name = _test_name(pin.route, tests)
            bodies.append(writer.test(name, pin))
            tests[name] = pin.route
        except CannotWrite as error:
            without.append(f"{pin.route} has no test: {error}")
    text = writer.module(bodies) if bodies else ""
    return Pinned(_path(app), text, tests, tuple(without))


def _test_name(route: str, taken: Mapping[str, str]) -> str:
    words = re.sub(r"\W+", "_", route.partition(" ")[2].lower()).strip("_") or "root"
    name = f"test_{words}_asks_as_often_for_many_rows_as_for_few"
    return name if name not in taken else f"{name}_{len(taken)}"


def _path(app: AppMap) -> PurePosixPath:
    """Beside the app's tests, where it has some."""
    tests = sorted(p for p in app.files if re.fullmatch(r"test_.*\.py|.*_test\.py", p.name))
    folder = min((p.parent for p in tests), key=lambda f: len(f.parts), default=None)
    place = (folder if folder is not None else app.roots.imports / "tests") / FILE
    number = 2
    while place in app.files:
        place = place.with_name(f"test_query_counts_{number}.py")
        number += 1
    return place


class _Writer:
    """Writes tests of one app."""

    def __init__(
        self, app: AppMap, description: Mapping[str, Any], admitted: tuple[str, ...]
    ) -> None:
        self._app, self._description, self._admitted = app, description, admitted
        self._imports: dict[str, set[str]] = {}
        self._tables = tuple(description.get("tables") or ())
        self._session: SessionProvider | None = None
        self._key = "1"

    def test(self, name: str, pin: Pin) -> str:
        """The text of one test function.

        Raises:
            CannotWrite: There is no session dependency, no user, or a row that cannot be made up.
        """
        method, _, path = pin.route.partition(" ")
        route = self._app.route(method, path)
        if route is None:
            raise CannotWrite("it is not in the source as it is in the running app")
        provider = self._provider(route)
        principals = [d.call for d in route.every_dependency() if d.call in self._admitted]
        users = self._user_table() if principals else ""
        wanted = pin.tables | ({users} if users else set())
        rows = rows_of(self._tables, wanted, full=pin.full)
        self._key = self._key_of(users, rows) if users else self._key
        first = {r.table: {c.name: c.first for c in r.cells} for r in rows}
        called = str(Calls(self._description, first).request(pin.route)["path"])
        self._session = provider
        return "\n".join((
            f"def {name}(tmp_path: Path) -> None:",
            f'    """`{pin.route}` never needs more than {pin.most} statements."""',
            "",
            "    def count(size: int) -> int:",
            *(f"        {line}" for line in self._count(rows, called, principals, users)),
            "",
            f"    assert max(count({FEW}), count({MANY})) <= {pin.most}",
        ))  # fmt: skip

    def _count(
        self, rows: Sequence[Rows], path: str, principals: Sequence[str], users: str
    ) -> Iterator[str]:
        yield "rows: dict[str, list[dict[str, object]]] = {"
        for one in rows:
            yield from _made(one)
        yield "}"
        overridden = [
            f"{self._local(p)}: {self._local(self._model(users))}"
            for p in dict.fromkeys(principals)
        ]
        callers = f", {{{', '.join(overridden)}}}" if overridden else ""
        line = f'return statements(tmp_path / f"{{size}}.db", rows, "{path}"{callers})'
        if len(line) + _INDENT <= _WIDTH:
            yield line
            return
        yield "return statements("
        given = ('tmp_path / f"{size}.db"', "rows", f'"{path}"', callers.removeprefix(", "))
        yield from (f"    {one}," for one in given if one)
        yield ")"

    def _provider(self, route: Route) -> SessionProvider:
        called = {d.call for d in route.every_dependency()}
        found = [s for s in self._app.sessions if s.symbol in called]
        fitting = [s for s in found if s.api in ("sqlalchemy", "sqlmodel")]
        if not fitting:
            raise CannotWrite("its session does not come from a dependency that can be replaced")
        if self._session is not None and fitting[0] != self._session:
            raise CannotWrite(f"its session is another one than `{self._session.symbol}`")
        return fitting[0]

    def _user_table(self) -> str:
        model = next(
            (p.model for p in self._app.principals if p.dependency in self._admitted), None
        )
        for table in self._tables:
            if table["model"] and table["model"] == model:
                return str(table["name"])
        named = [t["name"] for t in self._tables if re.search(r"(^|_)users?$", t["name"].lower())]
        if not named:
            raise CannotWrite("it is not known which table holds the users")
        return str(min(named, key=len))

    def _key_of(self, table: str, rows: Sequence[Rows]) -> str:
        """The key of row 1 of `table`, as an expression."""
        told = next(t for t in self._tables if t["name"] == table)
        keys = [column["name"] for column in told["columns"] if column["primary_key"]]
        cells = next((one.cells for one in rows if one.table == table), ())
        found = [cell.at("1") for cell in cells if cell.name in keys]
        if len(found) != 1:
            raise CannotWrite(f"`{table}` has no single key")
        return found[0]

    def _model(self, table: str) -> str:
        return next(str(t["model"]) for t in self._tables if t["name"] == table)

    def _local(self, dotted: str) -> str:
        module, _, name = dotted.rpartition(".")
        self._imports.setdefault(module, set()).add(name)
        return name

    def module(self, bodies: Sequence[str]) -> str:
        """The whole file."""
        assert self._app.app is not None
        assert self._session is not None
        target, _, variable = self._app.app.target.partition(":")
        self._imports.setdefault(target, set()).add(variable)
        model = self._local(next(str(t["model"]) for t in self._tables if t["model"]))
        around = Around(
            f"{variable}()" if self._app.app.factory else variable,
            self._local(self._session.symbol),
            self._session.is_async,
            self._session.api,
            model,
            self._key,
            self._imports,
        )
        return module(around, bodies)


def _with_one(rows: Rows, key: str) -> str:
    """The pairs of a row whose `key` points to row 1."""
    return ", ".join(
        f'"{cell.name}": {cell.at("1") if cell.name == key else cell.text}' for cell in rows.cells
    )


def _made(rows: Rows) -> Iterator[str]:
    pairs = ", ".join(f'"{cell.name}": {cell.text}' for cell in rows.cells)
    line = f'    "{rows.table}": [{{{pairs}}} for i in range(1, size + 1)],'
    if rows.both_ways:
        one, other = rows.both_ways
        yield f'    "{rows.table}": ['
        yield f"        *({{{_with_one(rows, other)}}} for i in range(1, size + 1)),"
        yield f"        *({{{_with_one(rows, one)}}} for i in range(2, size + 1)),"
        yield "    ],"
    elif len(line) + 8 <= 100:
        yield line
    else:
        yield f'    "{rows.table}": ['
        yield "        {"
        yield from (f'            "{cell.name}": {cell.text},' for cell in rows.cells)
        yield "        }"
        yield "        for i in range(1, size + 1)"
        yield "    ],"
