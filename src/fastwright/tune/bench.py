"""The bench that an app is put on: its world, filled to a size, under one tree or another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fastwright.lab.boot import App
from fastwright.lab.world import World
from fastwright.model.app import AppMap
from fastwright.tune.calling import READS, WRITES, Calls
from fastwright.tune.indexes import ROWS, Candidate, Measured
from fastwright.tune.seen import Observation, Visit, read_visit

SIZES = (6, 18, 500)
"""Rows in each table. Two sizes miss a list that is capped at 20."""

SMALL = 18
"""The size that writes are compared at, and that the control runs at."""

_PATIENCE = 600.0
"""Seconds for one observation at all sizes."""

Files = Mapping[PurePosixPath, bytes]


class NotSent(Exception):
    """A statement that was seen is not sent where it was to be measured."""


@dataclass(frozen=True, slots=True)
class Written:
    """What one write route did: its visit, and a digest of every table afterwards."""

    visit: Visit
    contents: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one route, run by run, in the order in which they were taken."""

    cpu: tuple[float, ...]
    wall: tuple[float, ...]


class Bench:
    """Runs trees of one app in one world.

    Args:
        world: The scratch world; its schema is prepared.
        app: The map of the tree that the world was opened with.
        at: The moment that the app's clock is held at, in seconds since 1970.
        sizes: Rows in each table, ascending.
        seed: ``path.py:function`` of the person, which makes values of rows, or a SQL dump of
            theirs; empty for none.
    """

    def __init__(
        self,
        world: World,
        app: AppMap,
        at: float,
        sizes: Sequence[int] = SIZES,
        *,
        seed: str = "",
    ) -> None:
        self._world = world
        self._target = app.app.target if app.app else None
        self._original = app.files
        self._laid: dict[PurePosixPath, bytes] = {}
        self._at = at
        self._seed = seed
        self.sizes = tuple(sizes)

    @property
    def world(self) -> World:
        """Where it runs."""
        return self._world

    def lay(self, files: Files) -> None:
        """Have the copy hold `files`, which differ from the person's own in some."""
        differing = {p: c for p, c in files.items() if self._original.get(p) != c}
        gone: Iterable[PurePosixPath] = self._laid.keys() - differing.keys()
        restored = {path: self._original.get(path) for path in gone}
        changed = {p: c for p, c in differing.items() if self._laid.get(p) != c}
        self._world.overlay({**restored, **changed})
        self._laid = differing

    @contextmanager
    def live(self) -> Iterator[App]:
        """The app of the tree that is laid, held still.

        Raises:
            DoesNotLoad: It does not start.
        """
        with self._world.boot(self._target) as app:
            app.tune("seed", place=self._seed)
            app.tune("ready", at=self._at)
            yield app

    def observe(
        self, *, sizes: Sequence[int] | None = None, only: Sequence[str] = ()
    ) -> tuple[Observation, ...]:
        """Every GET route, or `only` some, at every size, each size in a process of its own.

        Raises:
            DoesNotLoad: The app does not start, or dies.
        """
        wanted = tuple(sizes or self.sizes)
        with self._world.boot(self._target, lifespan=False) as app:
            app.tune("seed", place=self._seed)
            planned = app.tune("plan", sizes=wanted)
            calls = [Calls(app.description, first) for first in planned]
            routes = tuple(r for r in calls[0].routes(READS) if not only or r in only)
            runs = [
                {"size": size, "requests": [one.request(route) for route in routes]}
                for size, one in zip(wanted, calls, strict=True)
            ]
            told = app.tune("observe", at=self._at, runs=runs, timeout=_PATIENCE)
        return tuple(
            _observation(size, routes, one) for size, one in zip(wanted, told, strict=True)
        )

    def rows(self) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What a direct query gives of every table at the small size."""
        with self.live() as app:
            app.tune("fill", size=SMALL)
            found: dict[str, list[dict[str, Any]]] = app.tune("rows")
            return found

    def write(self, chosen: Callable[[str], bool] = lambda _route: True) -> Mapping[str, Written]:
        """Each write route that is `chosen`, on a database that is filled anew for it."""
        found: dict[str, Written] = {}
        with self.live() as app:
            routes = calls_of(app, app.tune("fill", size=SMALL)).routes(WRITES)
            for route in filter(chosen, routes):
                calls = calls_of(app, app.tune("fill", size=SMALL))
                told = app.tune("watch", requests=[{**calls.request(route), "entered": True}])
                found[route] = Written(read_visit(route, told[0]), app.tune("contents"))
        return found

    def index(self, candidate: Candidate) -> Measured:
        """Build an index on a large table, measure, and leave it there; `drop` takes it away.

        Raises:
            NotSent: There, no request sends the statement, or the table does not become large.
        """
        with self.live() as app:
            grown = app.tune("grow", table=candidate.table, size=ROWS, timeout=_PATIENCE)
            if grown["rows"] < ROWS / 2:
                raise NotSent(
                    f"it was not measured: `{candidate.table}` took {grown['rows']} of the "
                    f"{ROWS} rows that were made for it"
                )
            request = _request_for(app, grown, candidate)
            before = _looked_up(app, request, candidate)
            at = {"name": candidate.name, "table": candidate.table}
            app.tune("index", **at, columns=list(candidate.columns), timeout=_PATIENCE)
            after = _looked_up(app, request, candidate)
        log = (before[3], after[3])
        pages = (before[1], after[1])
        return Measured(
            grown["rows"],
            (before[0], after[0]),
            pages if None not in pages else None,
            log if None not in log else None,
            (before[2], after[2]),
        )

    def drop(self, candidate: Candidate) -> None:
        """Take an index away again."""
        with self.live() as app:
            app.tune("index", name=candidate.name, drop=True)

    def race(
        self,
        trees: Sequence[Files],
        routes: Sequence[str],
        *,
        rounds: int,
        until_clear: bool = False,
    ) -> tuple[Mapping[str, Timing], ...]:
        """Time `routes` on each of `trees`, alternating, on one database of the largest size.

        Args:
            trees: Whole trees; each runs in a process of its own, all at the same time.
            routes: What to call.
            rounds: Alternations; in each, every tree answers every route. One more comes first,
                warms up, and is not counted.
            until_clear: No further round where all other trees take less than half of the first.
        """
        with _Field(self, trees) as apps:
            filled = apps[0].tune("fill", size=self.sizes[-1])
            for app in apps[1:]:
                app.tune("fill", filled=filled)
            requests = [calls_of(apps[0], filled).request(route) for route in routes]
            rows: list[list[list[Mapping[str, Any]]]] = [[] for _ in apps]
            for number in range(rounds + 1):
                for app, into in zip(apps, rows, strict=True):
                    told = app.tune("time", requests=requests, rounds=1, timeout=300.0)
                    if number:
                        into.append(told)
                if until_clear and number and _is_clear(rows):
                    break
        return tuple(_timings(routes, one) for one in rows)

    def keep(
        self, routes: Sequence[str], *, rounds: int
    ) -> tuple[Mapping[str, Timing], Mapping[str, Timing]]:
        """Time `routes` of the tree that is laid as they are, and answered from memory."""
        with self.live() as app:
            filled = app.tune("fill", size=self.sizes[-1])
            requests = [calls_of(app, filled).request(route) for route in routes]
            told = [
                [
                    app.tune("time", requests=requests, rounds=1, kept=kept, timeout=300.0)
                    for _ in range(rounds + 1)
                ]
                for kept in (False, True)
            ]
        return _timings(routes, told[0][1:]), _timings(routes, told[1][1:])


class _Field:
    """Several trees running at the same time in one world."""

    def __init__(self, bench: Bench, trees: Sequence[Files]) -> None:
        self._bench, self._trees = bench, trees
        self._open: list[Any] = []

    def __enter__(self) -> list[App]:
        apps = []
        for tree in self._trees:
            self._bench.lay(tree)
            context = self._bench.live()
            apps.append(context.__enter__())
            self._open.append(context)
        return apps

    def __exit__(self, *error: object) -> None:
        for context in reversed(self._open):
            context.__exit__(None, None, None)


def _request_for(app: App, grown: Mapping[str, Any], candidate: Candidate) -> Mapping[str, object]:
    """The request that asks for the last row, if that sends the statement; else for the first.

    A scan that finds what it looks for at its beginning costs nothing.
    """
    first = grown["first"]
    for rows in ({**first, candidate.table: grown["last"]}, first):
        request = Calls(app.description, rows).request(candidate.routes[0])
        (visit,) = app.tune("watch", requests=[request], timeout=_PATIENCE)
        if any(group["sql"] == candidate.sql for group in visit["groups"]):
            break
    return request


def _looked_up(
    app: App, request: Mapping[str, object], candidate: Candidate
) -> tuple[float, Any, str, Any]:
    """Seconds of the statement, the pages that it reads, its plan, and the log of an insert."""
    (visit,) = app.tune("watch", requests=[request], timeout=_PATIENCE)
    groups = [g for g in visit["groups"] if g["sql"] == candidate.sql]
    if not groups:
        raise NotSent(f"no route sends the statement where `{candidate.table}` is large")
    plan = app.tune("explain", sql=groups[0]["raw"], timeout=_PATIENCE)
    log = app.tune("log", table=candidate.table, timeout=_PATIENCE)
    return plan["seconds"], plan["pages"], "\n".join(plan["lines"]), log


def _observation(size: int, routes: Sequence[str], told: Mapping[str, Any]) -> Observation:
    filled = told["filled"]
    visits = {r: read_visit(r, one) for r, one in zip(routes, told["visits"], strict=True)}
    rows = {name: one["rows"] for name, one in filled["tables"].items()}
    return Observation(size, visits, rows, filled["refused"], tuple(filled["admitted"]))


def calls_of(app: App, filled: Mapping[str, Any]) -> Calls:
    """The calls of an app whose database was `filled`."""
    return Calls(app.description, {name: one["first"] for name, one in filled["tables"].items()})


def _is_clear(rows: Sequence[Sequence[Sequence[Mapping[str, Any]]]]) -> bool:
    """Each tree after the first needs less than half of its CPU time, on every route."""
    first, *others = rows
    if len(first) < len(others):  # to tell several from each other takes more
        return False
    return bool(others) and all(
        2 * max(new["cpu"]) < min(old["cpu"])
        for other in others
        for was, now in zip(first, other, strict=True)
        for old, new in zip(was, now, strict=True)
    )


def _timings(
    routes: Sequence[str], rounds: Sequence[Sequence[Mapping[str, Any]]]
) -> Mapping[str, Timing]:
    return {
        route: Timing(
            tuple(x for told in rounds for x in told[at]["cpu"]),
            tuple(x for told in rounds for x in told[at]["wall"]),
        )
        for at, route in enumerate(routes)
    }
