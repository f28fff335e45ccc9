"""The user's own symbols that a recipe can bind to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fastwright.model.app import AppMap, Capability
from fastwright.model.places import Span
from fastwright.survey.classes import Classes
from fastwright.survey.codebase import Unit
from fastwright.survey.passwords import password_hash, user_table
from fastwright.survey.values import Frame, Made
from fastwright.survey.wiring import Wiring, is_test, last_name

_BASE_CALLS = frozenset({"declarative_base", "automap_base"})


def capabilities(app: AppMap, classes: Classes, wiring: Wiring) -> tuple[Capability, ...]:
    """What `app`, whose other fields are filled, offers to bind to."""
    found = [
        _application(app), _settings(app), _session(app), _declarative(app, classes),
        _current_user(app), user_table(app.tables), password_hash(wiring), _scheme(app),
        _client(wiring),
    ]  # fmt: skip
    return tuple(item for item in found if item is not None)


def _application(app: AppMap) -> Capability | None:
    if app.app is None:
        return None
    others = len(app.applications) - 1
    because = (
        f"the application with the most routes of {others + 1}"
        if others
        else "the only application"
    )
    return Capability("app", app.app.target.replace(":", "."), app.app.created, because)


def _settings(app: AppMap) -> Capability | None:
    rows = app.settings_classes
    if not rows:
        return None
    row = rows[0]
    because = f"an instance of `{row.name}`" if row.instance else f"the settings class `{row.name}`"
    return Capability("settings", row.instance or row.getter or row.name, row.span, because)


def _session(app: AppMap) -> Capability | None:
    if not app.sessions:
        return None
    row = app.sessions[0]
    because = f"a {row.kind} of {row.api}, reached by {row.used_by} routes"
    return Capability("db.session", row.symbol, row.span, because)


def _declarative(app: AppMap, classes: Classes) -> Capability | None:
    bases = Counter(t.base for t in app.tables if t.base is not None)
    if bases:
        name, count = bases.most_common(1)[0]
        found = next((c.span for c in classes.all if c.name == name), None)
        return Capability("db.base", name, found, f"{count} tables inherit from it")
    for cls in classes.all:
        if classes.is_declarative(cls) and not is_test(cls.unit):
            return Capability("db.base", cls.name, cls.span, "a declarative base without tables")
    return next(_called_declarative(classes), None)


def _called_declarative(classes: Classes) -> Iterator[Capability]:
    for unit in classes.evaluator.codebase.units:
        for row in unit.scopes[0].assignments:
            if isinstance(row.value, list) and row.value[0] == "c" and not is_test(unit):
                call = unit.facts.calls[row.value[1]]
                if last_name(call.callee) in _BASE_CALLS:
                    span = Span(unit.path, row.start, row.end)
                    because = "a declarative base without tables"
                    yield Capability("db.base", f"{unit.name}.{row.target}", span, because)


def _current_user(app: AppMap) -> Capability | None:
    for row in app.principals:
        if not row.permission:
            because = f"yields `{row.model}`" if row.model else "yields who is calling"
            return Capability(
                "auth.current_user", row.dependency, row.span, f"{because} to {row.used_by} routes"
            )
    return None


def _scheme(app: AppMap) -> Capability | None:
    for row in app.principals:
        if row.scheme is not None:
            return Capability("auth.scheme", row.scheme_symbol or row.scheme, None, row.scheme)
    for route in app.routes:
        for node in route.every_dependency():
            if node.scheme is not None:
                return Capability("auth.scheme", node.call, node.span, node.scheme)
    return None


def _client(wiring: Wiring) -> Capability | None:
    rows = [
        row for unit in wiring.codebase.units if is_test(unit) for row in _fixtures(wiring, unit)
    ]
    return min(rows, key=lambda r: (r.symbol.rpartition(".")[2] not in ("client", "async_client"),
                                    "conftest" not in r.symbol), default=None)  # fmt: skip


def _fixtures(wiring: Wiring, unit: Unit) -> Iterator[Capability]:
    for index, scope in enumerate(unit.scopes):
        if scope.kind != "f" or not any(_is_fixture(t, unit) for t, _, _ in scope.decorators):
            continue
        for term in (*scope.yielded, *scope.values):
            for value in wiring.evaluator.values(term, Frame(unit, index)):
                name = value.of.dotted() if isinstance(value, Made) else ""
                if name.rpartition(".")[2] in ("TestClient", "AsyncClient", "AsyncTestClient"):
                    span = Span(unit.path, scope.start, scope.end)
                    because = f"a fixture that gives `{name}`"
                    yield Capability("tests.client", unit.dotted(index), span, because)


def _module_clients(unit: Unit) -> Iterator[Capability]:
    for row in unit.scopes[0].assignments:
        if isinstance(row.value, list) and row.value[0] == "c" and isinstance(row.target, str):
            name = last_name(unit.facts.calls[row.value[1]].callee)
            if name in ("TestClient", "AsyncClient"):
                span = Span(unit.path, row.start, row.end)
                because = f"a module-level `{name}`"
                yield Capability("tests.client", f"{unit.name}.{row.target}", span, because)


def _is_fixture(term: object, unit: Unit) -> bool:
    if isinstance(term, list) and term and term[0] == "c":
        return last_name(unit.facts.calls[term[1]].callee) == "fixture"
    return isinstance(term, str) and term.rpartition(".")[2] == "fixture"
