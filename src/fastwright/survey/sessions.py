"""How handlers get at the database: dependencies, context managers, makers and pools."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastwright.model.app import Route
from fastwright.model.places import Span
from fastwright.model.storage import SessionProvider
from fastwright.survey.codebase import Unit
from fastwright.survey.dependencies import Dependencies, Use
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.names import Symbol
from fastwright.survey.values import Bound, Frame, Made, Ref, Value
from fastwright.survey.wiring import is_test, last_name

_TYPES = MappingProxyType({
    "sqlalchemy": {"Session", "AsyncSession", "scoped_session", "async_scoped_session",
                   "Connection", "AsyncConnection"},
    "sqlmodel": {"Session", "AsyncSession"},
    "asyncpg": {"Connection", "Pool", "PoolConnectionProxy", "PoolAcquireContext", "connect",
                "create_pool"},
    "psycopg": {"Connection", "AsyncConnection", "connect", "Cursor", "AsyncCursor"},
    "psycopg2": {"connection", "connect", "ThreadedConnectionPool", "SimpleConnectionPool"},
    "psycopg_pool": {"ConnectionPool", "AsyncConnectionPool"},
    "databases": {"Database"},
    "aiosqlite": {"Connection", "connect"},
    "sqlite3": {"Connection", "connect"},
})  # fmt: skip
_MAKERS = frozenset(
    {"sessionmaker", "async_sessionmaker", "scoped_session", "async_scoped_session"}
)
_POOLS = frozenset({"Database", "Pool", "create_pool", "ConnectionPool", "AsyncConnectionPool",
                    "ThreadedConnectionPool", "SimpleConnectionPool"})  # fmt: skip
_HINTS = (b"session", b"Session", b"Database(", b"ool(", b"connect(")
_ASYNC_WITH = re.compile(r"\basync\s+with\b[^\n]*?\bas\s+(\w+)\s*:")
_ASYNC = frozenset({"asyncpg", "databases", "aiosqlite"})


@dataclass(frozen=True, slots=True)
class Kind:
    """A class of sessions: whose it is, its plain name, and whether it is awaited."""

    api: str
    name: str
    is_async: bool


def kind_of(dotted: str) -> Kind | None:
    """The kind of session that a foreign class or function name stands for, if it is one."""
    made = dotted.removesuffix(".__call__").removesuffix(".acquire").removesuffix(".begin")
    package, last = made.partition(".")[0], made.rpartition(".")[2]
    known = _TYPES.get(package)
    if known is None or not (last in known or last in _MAKERS):
        return None
    api = {"psycopg_pool": "psycopg"}.get(package, package)
    return Kind(api, last, package in _ASYNC or "async" in last.lower())


class Sessions:
    """Finds session providers; uses of dependencies must have been collected before."""

    def __init__(self, dependencies: Dependencies) -> None:
        self.dependencies = dependencies
        self.evaluator: Evaluator = dependencies.evaluator
        self.found: dict[str, SessionProvider] = {}

    def read(self, routes: Iterable[Route]) -> tuple[SessionProvider, ...]:
        """Every provider, most used first; among equals, dependencies before the rest."""
        for use in list(self.dependencies.uses.values()):
            provider = self._from_use(use)
            if provider is not None:
                self._add(provider)
        for unit in self.evaluator.codebase.units:
            if not is_test(unit) and any(word in unit.content for word in _HINTS):
                self._of_unit(unit)
        counts = Counter(c for r in routes for c in {d.call for d in r.every_dependency()})
        rows = [replace(p, used_by=counts.get(p.symbol, p.used_by)) for p in self.found.values()]
        order = ("dependency", "scoped", "context", "pool", "maker")
        return tuple(sorted(rows, key=lambda p: (-p.used_by, order.index(p.kind), p.symbol)))

    def _add(self, provider: SessionProvider) -> None:
        kept = self.found.get(provider.symbol)
        if kept is None:
            self.found[provider.symbol] = provider
        else:
            alias = kept.alias or provider.alias
            self.found[provider.symbol] = replace(kept, alias=alias, used_by=kept.used_by + 1)

    # -- dependencies -----------------------------------------------------------------------

    def _from_use(self, use: Use) -> SessionProvider | None:
        symbol = _function(use.target)
        own = self._results(symbol) if symbol is not None else ()
        kind = next((k for k in map(kind_of, use.kinds) if k), None) or next(iter(own), None)
        if kind is None or kind.name == "Pool":
            return None
        span = commits = None
        if symbol is not None and symbol.unit is not None:
            facts = symbol.unit.scopes[symbol.scope]
            span = Span(symbol.unit.path, facts.start, facts.end)
            commits = _commits(symbol.unit, symbol.scope)
        written = use.written if isinstance(use.target, Bound) else use.call
        api = self._api(symbol, kind)
        annotation = use.kinds[0] if use.kinds else None
        # What a function gives is what it says itself, whatever those say who take it.
        is_async = (own[0] if own else kind).is_async
        return SessionProvider(
            written, "dependency", api, is_async, use.alias, annotation, commits, 1, span
        )

    def _api(self, symbol: Symbol | None, kind: Kind) -> str:
        made = [k.api for k in self._results(symbol)] if symbol is not None else []
        return "sqlmodel" if "sqlmodel" in made else kind.api

    def _results(self, function: Symbol) -> tuple[Kind, ...]:
        """The kinds of sessions that a function of ours returns or yields."""
        unit = function.unit
        if unit is None:
            return ()
        facts = unit.scopes[function.scope]
        names = [
            k.dotted() for k in self.evaluator.classes_in(facts.returns, Frame(unit, facts.up))
        ]
        frame = Frame(unit, function.scope)
        for term in (*facts.yielded, *facts.values):
            for value in self.evaluator.values(term, frame):
                names += [value.of.dotted()] if isinstance(value, Made) else []
                names += [value.symbol.dotted()] if isinstance(value, Ref) else []
        found = [kind for kind in map(kind_of, names) if kind is not None]
        made = [kind for kind in found if kind.name not in _MAKERS or ".__call__" in str(names)]
        if _is_entered_async(unit, function.scope):
            made = [replace(kind, is_async=True) for kind in made]
        return tuple(made)

    # -- everything else --------------------------------------------------------------------

    def _of_unit(self, unit: Unit) -> None:
        for row in unit.scopes[0].assignments:
            if isinstance(row.target, str) and row.target.isidentifier() and row.value is not None:
                for value in self.evaluator.values(row.value, Frame(unit, 0, (), row.start)):
                    span = Span(unit.path, row.start, row.end)
                    self._object(f"{unit.name}.{row.target}", value, span)
        for index, scope in enumerate(unit.scopes):
            names = {last_name(t) for t, _, _ in scope.decorators}
            if scope.kind == "f" and names & {"contextmanager", "asynccontextmanager"}:
                self._function_of(unit, index, "context")
            elif scope.kind == "f" and scope.yields and scope.up == 0 and not names:
                # A plain generator of sessions is of use to `Depends` alone, used or not yet.
                self._function_of(unit, index, "dependency")

    def _object(self, name: str, value: Value, span: Span) -> None:
        if not isinstance(value, Made) or value.of.kind != "external":
            return
        kind = kind_of(value.of.dotted())
        if kind is None or value.of.dotted().endswith((".__call__", ".acquire", ".begin")):
            return
        if kind.name in _MAKERS:
            what = "scoped" if "scoped" in kind.name else "maker"
            asynchronous = kind.is_async or self._makes_async(value)
        elif kind.name in _POOLS:
            what, asynchronous = "pool", kind.is_async
        else:
            return
        self.found.setdefault(name, SessionProvider(name, what, kind.api, asynchronous, span=span))

    def _makes_async(self, made: Made) -> bool:
        if made.unit is None or made.call < 0:
            return False
        row = made.unit.facts.calls[made.call]
        terms = [*row.arguments, *(t for k, t in row.keywords if k == "class_")]
        return any("AsyncSession" in str(term) for term in terms)

    def _function_of(self, unit: Unit, index: int, what: str) -> None:
        kinds = self._results(Symbol("scope", unit, index))
        name = unit.dotted(index)
        if kinds and name not in self.found:
            scope = unit.scopes[index]
            span = Span(unit.path, scope.start, scope.end)
            self.found[name] = SessionProvider(
                name,
                what,
                kinds[0].api,
                kinds[0].is_async,
                commits=_commits(unit, index),
                span=span,
            )


def _function(value: Value) -> Symbol | None:
    if isinstance(value, Bound):
        return value.function
    if isinstance(value, Ref) and value.symbol.kind == "scope":
        unit = value.symbol.unit
        return value.symbol if unit and unit.scopes[value.symbol.scope].kind == "f" else None
    return None


def _is_entered_async(unit: Unit, scope: int) -> bool:
    """True where a function gives what it enters by ``async with``: no plain session can be."""
    facts = unit.scopes[scope]
    entered = _ASYNC_WITH.findall(unit.text((facts.body, facts.body_end)))
    return bool(set(entered) & {t for t in (*facts.yielded, *facts.values) if isinstance(t, str)})


def _commits(unit: Unit, scope: int) -> bool:
    return any(n in ("commit", "begin") for n in _called_in(unit, scope))


def _called_in(unit: Unit, scope: int) -> Iterator[str]:
    return (last_name(row.callee) for row in unit.facts.calls if row.scope == scope)
