"""Async SQLAlchemy where the app has no database yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Literal

from fastwright.model.app import AppMap
from fastwright.model.change import Change, ChangeSet, Decision, Mutation, NewFile, Promise
from fastwright.model.plan import Presence, State
from fastwright.recipes.database import files
from fastwright.recipes.database.files import Plan
from fastwright.recipes.ensure.dependency import ensure_dependency_package
from fastwright.recipes.ensure.drafting import Words, change_set, nothing_to_do
from fastwright.recipes.ensure.lifespan import ensure_lifespan_step
from fastwright.recipes.ensure.session import session_dependency
from fastwright.recipes.ensure.setting import WantedSetting, ensure_setting
from fastwright.recipes.ensure.versions import at_least, require_modern
from fastwright.recipes.recipe import Recipe

_ORM = ("sqlalchemy", "sqlmodel")
_URLS = MappingProxyType(
    {
        "postgresql": "postgresql+asyncpg://app:app@localhost:5432/app",
        "sqlite": "sqlite+aiosqlite:///app.db",
    }
)
_DRIVERS = MappingProxyType({"postgresql": "asyncpg>=0.28", "sqlite": "aiosqlite>=0.19"})


@dataclass(frozen=True, kw_only=True)
class AsyncDatabase(Recipe):
    """Give the app a database: async SQLAlchemy, with one session for each request.

    An app that has a session, of whatever kind, keeps it. Where there is only a session maker, the
    dependency that hands out sessions is added to it.

    Attributes:
        server: The database that the app will run on.
        migrations: Whether Alembic is set up, too.
    """

    name: ClassVar[str] = "database"
    summary: ClassVar[str] = "async SQLAlchemy, with one session for each request"
    needs: ClassVar[tuple[str, ...]] = ("settings",)
    provides: ClassVar[tuple[str, ...]] = ("db.session", "db.base")

    server: Literal["postgresql", "sqlite"] = "postgresql"
    migrations: bool = False

    def detect(self, app: AppMap) -> Presence:
        """Present where requests get a session; foreign where they get something else."""
        symbols = tuple(found.symbol for found in app.sessions)
        if not symbols:
            return Presence(State.ABSENT, "no session, connection or pool was found")
        if all(found.kind == "maker" for found in app.sessions) and session_dependency(app) is None:
            gap = "no dependency hands its sessions to requests"
            return Presence(State.PARTIAL, f"`{symbols[0]}` makes sessions", symbols, (gap,))
        first = app.sessions[0]
        state = State.PRESENT if first.api in _ORM else State.FOREIGN
        return Presence(state, f"`{first.symbol}` ({first.api}) is there", symbols)

    def build(self, app: AppMap) -> ChangeSet:
        """The module, its setting, its packages, its end in the lifespan, and its tests."""
        require_modern(app, self.name)
        presence = self.detect(app)
        if presence.state is State.PARTIAL:
            return self._dependency_only(app)
        if presence.state is not State.ABSENT:
            return nothing_to_do(app, self.summary)
        reader = ensure_setting(app, self._setting())
        plan = files.plan(app, reader, self.server, commits=_ends_before_answer(app))
        changes: tuple[Change, ...] = (
            *reader.changes,
            *files.written(app, plan),
            *self._packages(app),
            *ensure_lifespan_step(
                app,
                shutdown="await engine.dispose()",
                symbols=(f"{plan.module}:engine",),
                why="connections are closed when the app ends",
            ),
        )
        if self.migrations and not app.migrations:
            changes += files.alembic(app, plan)
        return change_set(app, changes, self._words(plan, reader.variable, changes))

    def _dependency_only(self, app: AppMap) -> ChangeSet:
        maker = next(found for found in app.sessions if found.kind == "maker")
        if not maker.is_async:
            return nothing_to_do(app, self.summary)
        changes = files.dependency(app, maker.symbol, commits=_ends_before_answer(app))
        return change_set(app, changes, Words(title="a session for each request"))

    def _setting(self) -> WantedSetting:
        url = _URLS[self.server]
        return WantedSetting(
            name="database_url", doc="The database, as SQLAlchemy writes addresses",
            example=url, testing=url,
        )  # fmt: skip

    def _packages(self, app: AppMap) -> Iterator[Change]:
        why = "the app keeps what it knows in a database"
        yield from ensure_dependency_package(app, "sqlalchemy[asyncio]>=2.0", why)
        yield from ensure_dependency_package(app, _DRIVERS[self.server], why)
        if self.migrations:
            yield from ensure_dependency_package(app, "alembic>=1.11", "tables change by revisions")
        if self.server != "sqlite":
            why = "the tests of the session run on a file"
            yield from ensure_dependency_package(app, _DRIVERS["sqlite"], why, group="dev")

    def _words(self, plan: Plan, variable: str, changes: tuple[Change, ...]) -> Words:
        tests = tuple(
            c.path for c in changes if isinstance(c, NewFile) and c.path.name.startswith("test_")
        )
        return Words(
            title=self.summary,
            explains=tuple(_decisions(plan)),
            needs=self.needs,
            promise=Promise(settings=(variable,), mutations=tuple(_mutations(plan)), tests=tests),
            not_done=tuple(self._not_done()),
            deploy=(f"set `{variable}` to the address of a database that exists",),
            next=("derive the first model from `Base`", "`fastwright add health-checks`"),
        )

    def _not_done(self) -> Iterator[str]:
        yield "no tables: the app has no models yet"
        if not self.migrations:
            yield "no migrations: ask for them with `--migrations`"


def _ends_before_answer(app: AppMap) -> bool:
    """True where a dependency can be told to end before the answer is sent."""
    return at_least(app, "fastapi", 0, 121)


def _mutations(plan: Plan) -> Iterator[Mutation]:
    if plan.commits:
        yield Mutation(
            "what a request wrote is kept", plan.path, "new_session.begin()", "new_session()"
        )


def _decisions(plan: Plan) -> Iterator[Decision]:
    yield Decision(
        chose="async SQLAlchemy",
        instead_of="a synchronous session in threads",
        because="a request that waits for the database holds no thread",
        costs="relationships must be loaded before they are read",
    )
    if plan.commits:
        yield Decision(
            chose="a session that commits at the end of the request, before the answer",
            instead_of="a commit in every handler",
            because="a commit that fails is answered by 500, not by 201, and none is forgotten",
            costs="a handler that needs the database's own values flushes first",
        )
    else:
        yield Decision(
            chose="handlers commit",
            instead_of="a session that commits at the end of the request",
            because="in this FastAPI, or one not known, a failed commit could follow a 201",
            costs="a commit can be forgotten",
        )
    if plan.server == "postgresql":
        yield Decision(
            chose="short waits: 2 s for a connection, 3 s to connect, 10 s for a statement",
            instead_of="SQLAlchemy's 30 s and no limit",
            because="an app whose database is slow answers 500 to some instead of hanging for all",
            costs="a statement that must run longer needs a limit of its own",
        )
