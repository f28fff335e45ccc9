"""The habits of a code base, each with the count of its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fastwright.model.app import AppMap, Convention
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import Scope
from fastwright.survey.widths import declared_width
from fastwright.survey.wiring import is_test, last_name

_TYPES = frozenset({"routers", "routes", "endpoints", "api", "models", "schemas", "views", "crud",
                    "services", "repositories", "controllers", "handlers"})  # fmt: skip


@dataclass(slots=True)
class Tally:
    """Counts of the values of one topic, with where each was seen first."""

    topic: str
    counts: Counter[str] = field(default_factory=Counter)
    seen: dict[str, list[str]] = field(default_factory=dict)

    def add(self, value: str, where: str, count: int = 1) -> None:
        """One more piece of evidence for `value`."""
        self.counts[value] += count
        places = self.seen.setdefault(value, [])
        if len(places) < 3 and where not in places:
            places.append(where)

    def convention(self) -> Convention | None:
        """The majority's value; ``None`` without evidence."""
        if not self.counts:
            return None
        value, count = self.counts.most_common(1)[0]
        return Convention(self.topic, value, count, self.counts.total(), tuple(self.seen[value]))


def conventions(app: AppMap, codebase: Codebase) -> tuple[Convention, ...]:
    """What this code base does as a rule."""
    ours = [u for u in codebase.units if not is_test(u) and "versions" not in u.path.parts]
    tests = [u for u in codebase.units if is_test(u)]
    tallies = [
        _prefixes(app), _tags(app), _dependency_style(app), _handlers(app), _layout(app),
        _imports(ours), _quotes(ours), _indentation(ours), _lengths(app, ours), _errors(app),
        *_of_tests(tests), _response_models(app), _provider_names(app),
    ]  # fmt: skip
    found = (tally.convention() for tally in tallies)
    return tuple(convention for convention in found if convention is not None)


# -- routes ---------------------------------------------------------------------------------


def _prefixes(app: AppMap) -> Tally:
    tally = Tally("router-prefix")
    for router in app.routers:
        if router.prefix:
            tally.add("creation", router.name)
    for inclusion in app.inclusions:
        if inclusion.prefix and not inclusion.mount:
            tally.add("inclusion", inclusion.router)
    return tally


def _tags(app: AppMap) -> Tally:
    tally = Tally("router-tags")
    for router in app.routers:
        included = any(i.tags for i in app.inclusions if i.router == router.name)
        tally.add("creation" if router.tags else "inclusion" if included else "none", router.name)
    return tally


def _dependency_style(app: AppMap) -> Tally:
    tally = Tally("dependency-style")
    for route in app.routes:
        for parameter in route.parameters:
            if parameter.source == "dependency":
                aliased = parameter.default is None
                style = "default"
                if aliased:
                    style = "annotated" if "Annotated[" in (parameter.annotation or "") else "alias"
                tally.add(style, route.handler)
    return tally


def _handlers(app: AppMap) -> Tally:
    tally = Tally("handlers")
    for route in app.routes:
        if route.is_async is not None:
            tally.add("async" if route.is_async else "sync", route.handler)
    return tally


def _response_models(app: AppMap) -> Tally:
    tally = Tally("response-model")
    for route in app.routes:
        tally.add("declared" if route.response_model else "none", route.handler)
    return tally


def _provider_names(app: AppMap) -> Tally:
    tally = Tally("session-name")
    for session in app.sessions:
        if session.kind == "dependency":
            tally.add(session.symbol.rpartition(".")[2], session.symbol, max(1, session.used_by))
    return tally


def _layout(app: AppMap) -> Tally:
    """By type (``models/``, ``routers/``), by feature, or one file, by where handlers stand."""
    tally = Tally("layout")
    files = {route.span.path for route in app.routes if route.span is not None}
    if len(files) == 1 and not app.routers:
        tally.add("one-file", next(iter(files)).as_posix(), len(app.routes))
        return tally
    tables = {table.span.path.parent for table in app.tables if table.span is not None}
    for path in sorted(files):
        by_type = bool(_TYPES & set(path.parts[:-1])) and path.parent not in tables
        by_feature = path.parent in tables or path.stem in (
            "router",
            "routes",
            "views",
            "endpoints",
        )
        tally.add("by-feature" if by_feature and not by_type else "by-type", path.as_posix())
    return tally


# -- style ----------------------------------------------------------------------------------


def _imports(units: Iterable[Unit]) -> Tally:
    tally = Tally("import-style")
    units = list(units)
    tops = {unit.name.partition(".")[0] for unit in units}
    for unit in units:
        for row in (row for scope in unit.scopes for row in scope.imports):
            if row.level:
                tally.add("relative", unit.path.as_posix())
            elif row.module.partition(".")[0] in tops:
                tally.add("absolute", unit.path.as_posix())
    return tally


def _quotes(units: Iterable[Unit]) -> Tally:
    tally = Tally("quotes")
    for unit in units:
        double, single = unit.facts.quotes
        tally.add("double", unit.path.as_posix(), double)
        tally.add("single", unit.path.as_posix(), single)
    return tally


def _indentation(units: Iterable[Unit]) -> Tally:
    tally = Tally("indentation")
    for unit in units:
        for scope in unit.scopes[1:]:
            before = _line(unit, scope.body)
            outer = _line(unit, scope.start)
            if before.strip() == "" and len(before) > len(outer) and before.startswith(outer[:1]):
                step = before[len(outer) :]
                tally.add("tab" if "\t" in step else str(len(step)), unit.path.as_posix())
    return tally


def _line(unit: Unit, offset: int) -> str:
    """The text between the beginning of a line and `offset` on it."""
    start = unit.content.rfind(b"\n", 0, offset) + 1
    return unit.content[start:offset].decode("utf-8", "replace")


def _lengths(app: AppMap, units: Iterable[Unit]) -> Tally:
    """What the project's formatter is set to, else the usual limit that most files keep."""
    tally = Tally("line-length")
    declared, where = declared_width(app.files, app.roots.imports)
    if declared:
        tally.add(str(declared), where)
        return tally
    for unit in units:
        longest = max((len(line) for line in unit.content.splitlines()), default=0)
        limit = next((n for n in (79, 88, 100, 120) if longest <= n), None)
        if limit is not None and longest > 60:
            tally.add(str(limit), unit.path.as_posix())
    return tally


def _errors(app: AppMap) -> Tally:
    """What handlers raise: FastAPI's own exception, or the project's."""
    tally = Tally("error-format")
    handlers = {route.handler for route in app.routes}
    for call in app.calls:
        name = (call.callee or call.text).rpartition(".")[2]
        if call.caller in handlers and (
            name == "HTTPException" or name.endswith(("Error", "Exception"))
        ):
            tally.add(name, call.caller)
    return tally


# -- tests ----------------------------------------------------------------------------------


def _of_tests(units: list[Unit]) -> Iterator[Tally]:
    style, shape, folder, client = (
        Tally(topic) for topic in ("test-style", "test-shape", "test-folder", "test-client")
    )
    for unit in units:
        for scope in unit.scopes:
            if scope.kind == "f" and scope.name.rpartition(".")[2].startswith("test_"):
                style.add("async" if scope.is_async else "sync", unit.path.as_posix())
                inside = scope.up >= 0 and unit.scopes[scope.up].kind == "c"
                shape.add("class" if inside else "function", unit.path.as_posix())
                folder.add(unit.path.parent.as_posix(), unit.path.as_posix())
                _client(client, unit, scope)
    yield from (style, shape, folder, client)


def _client(tally: Tally, unit: Unit, scope: Scope) -> None:
    for parameter in scope.parameters:
        if "client" in parameter.name:
            tally.add(parameter.name, unit.path.as_posix())
            return
    for assignment in unit.scopes[0].assignments:
        if isinstance(assignment.value, list) and assignment.value[0] == "c":
            name = last_name(unit.facts.calls[assignment.value[1]].callee)
            if name in ("TestClient", "AsyncClient"):
                tally.add(f"{assignment.target} (module level)", unit.path.as_posix())
                return
