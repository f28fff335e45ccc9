"""Liveness and readiness endpoints, bound to the app's own database session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from fastwright.model.app import AppMap, Route
from fastwright.model.change import (
    Change,
    ChangeSet,
    Decision,
    Mutation,
    NewFile,
    Operation,
    Promise,
)
from fastwright.model.plan import Presence, State
from fastwright.recipes.ensure.drafting import Words, change_set, nothing_to_do
from fastwright.recipes.ensure.router import RouterPlace, ensure_router
from fastwright.recipes.ensure.suite import is_tested
from fastwright.recipes.ensure.versions import require_modern
from fastwright.recipes.health_checks import endpoints, tests
from fastwright.recipes.health_checks.database import Database, find_database
from fastwright.recipes.recipe import PATH, Recipe

_HEALTHY = re.compile(
    r"/(health|healthz|live|livez|liveness|ready|readyz|readiness|ping|heartbeat)/?$"
)


@dataclass(frozen=True, kw_only=True)
class HealthChecks(Recipe):
    """Add liveness and readiness endpoints.

    Liveness says that the process answers and asks nothing else, so that a slow database never
    gets a healthy process restarted. Readiness says that the app can serve: it asks the app's own
    database, with a short patience, and answers 503 while that is away.

    Attributes:
        live_path: The path that answers while the process runs.
        ready_path: The path that answers 200 while the app can serve, else 503.
    """

    name: ClassVar[str] = "health-checks"
    summary: ClassVar[str] = "endpoints that tell whether the app runs and whether it can serve"
    provides: ClassVar[tuple[str, ...]] = ("health.live", "health.ready")

    live_path: str = field(default="/health/live", metadata=PATH)
    ready_path: str = field(default="/health/ready", metadata=PATH)

    def detect(self, app: AppMap) -> Presence:
        """Present where both paths are served; foreign where others serve the purpose."""
        found = tuple(path for path in self._paths() if app.route("GET", path))
        missing = tuple(
            f"nothing answers `GET {path}`" for path in self._paths() if path not in found
        )
        if not missing:
            return Presence(State.PRESENT, f"`GET {'` and `GET '.join(found)}` answer", found)
        if found:
            return Presence(State.PARTIAL, f"`GET {found[0]}` answers", found, missing)
        others = tuple(str(route) for route in _similar(app))
        if others:
            gaps = _gaps(app)
            return Presence(State.FOREIGN, f"the app has `{others[0]}`", others, gaps)
        return Presence(State.ABSENT, "no route looks like a health check", (), missing)

    def build(self, app: AppMap) -> ChangeSet:
        """The endpoints, their inclusion and their tests, as far as they lack."""
        require_modern(app, self.name)
        database = find_database(app)
        changes, place = self._endpoints(app, database)
        written = tests.written(app, database, place.module, self._untested(app), self._paths())
        changes = (*changes, *written)
        if not changes:
            return nothing_to_do(app, self.summary)
        return change_set(app, changes, self._words(app, database, changes))

    def _paths(self) -> tuple[str, str]:
        return self.live_path, self.ready_path

    def _untested(self, app: AppMap) -> tuple[str, ...]:
        return tuple(path for path in self._paths() if not is_tested(app, path))

    def _endpoints(self, app: AppMap, database: Database) -> tuple[tuple[Change, ...], RouterPlace]:
        missing = tuple(path for path in self._paths() if not app.route("GET", path))
        place = endpoints.place_of(app, database, self._paths())
        if not missing:
            return (), place
        strings = {"/health/live": self.live_path, "/health/ready": self.ready_path}
        lacking = tuple(path for path in missing if not _written_already(app, path))
        changes = endpoints.written(app, database, place, lacking, strings)
        if endpoints.in_app_file(app, database):
            return changes, place
        return (*changes, *ensure_router(app, place, tags=("health",), at_top=True)), place

    def _words(self, app: AppMap, database: Database, changes: tuple[Change, ...]) -> Words:
        added = tuple(
            Operation(
                "GET", path, (200, 503) if path == self.ready_path and database.kind else (200,)
            )
            for path in self._paths()
            if not app.route("GET", path)
        )
        files = [
            c.path for c in changes if isinstance(c, NewFile) and c.path.name.startswith("test_")
        ]
        return Words(
            title=self.summary,
            explains=tuple(_decisions(database)),
            promise=Promise(
                adds=added,
                mutations=tuple(_mutations(database, changes)),
                tests=tuple(files),
            ),
            not_done=tuple(_not_done(app, database)),
            deploy=(
                f"point the liveness probe at `{self.live_path}` and the readiness probe at "
                f"`{self.ready_path}`",
            ),
            next=_next(database),
        )


def _similar(app: AppMap) -> Iterator[Route]:
    for route in app.routes:
        if route.method == "GET" and route.reachable and _HEALTHY.search(route.path):
            yield route


def _gaps(app: AppMap) -> tuple[str, ...]:
    asks = any(route.queries for route in _similar(app))
    nothing_to_ask = not find_database(app).kind
    return () if asks or nothing_to_ask else ("no health check of the app asks its database",)


def _written_already(app: AppMap, path: str) -> Route | None:
    """The handler of `path` on a router that nothing includes."""
    loose = (r for r in app.routes if not r.reachable and r.method == "GET")
    return next((r for r in loose if path.endswith(r.path) and r.path != "/"), None)


def _decisions(database: Database) -> Iterator[Decision]:
    yield Decision(
        chose="two endpoints",
        instead_of="one that does both",
        because="a process that is restarted because its database is slow makes an outage longer",
        costs="two probes to configure",
    )
    if database.kind:
        yield Decision(
            chose=f"readiness asks through `{database.symbol}`",
            instead_of="a connection of its own",
            because="it fails exactly when the requests of users would",
            costs="one connection of the pool for the time of a `SELECT 1`",
        )


def _not_done(app: AppMap, database: Database) -> Iterator[str]:
    for route in _similar(app):
        yield f"`{route}` stays as it is"
    if not database.kind:
        yield f"readiness asks nothing of a database: {database.because}"
    elif not database.is_async:
        yield "readiness waits as long as the engine's own timeouts do: a thread cannot be stopped"
    yield "caches, queues and other services are not part of readiness"


def _next(database: Database) -> tuple[str, ...]:
    if database.kind and not database.is_async:
        return ("give the engine a short `pool_timeout` and a connect timeout",)
    return ()


def _mutations(database: Database, changes: tuple[Change, ...]) -> Iterator[Mutation]:
    """The status and the question itself, each taken out."""
    status = "status.HTTP_503_SERVICE_UNAVAILABLE"
    for change in changes:
        if isinstance(change, NewFile) and change.text.count(status) == 1:
            yield Mutation(
                "503 while the database is away", change.path, status, "status.HTTP_200_OK"
            )
            asks = re.search(database.question, change.text) if database.question else None
            if asks and change.text.count(asks[0]) == 1:
                yield Mutation("readiness asks the database", change.path, asks[0], "pass")
