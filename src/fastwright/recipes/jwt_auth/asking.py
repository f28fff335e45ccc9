"""The file that an app keeps its dependencies in, where what is asked for by `Depends` belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastwright.model.app import AppMap
from fastwright.recipes.jwt_auth.schemes import is_test

_STEMS = ("dependencies", "deps", "dependency", "depends")


def dependencies_module(app: AppMap, names: Iterable[str], needed: Iterable[str]) -> str | None:
    """The dotted module for what routes ask for; ``None`` where the app has no such place.

    Args:
        app: The map.
        names: What is to be written there: a file that has one of them is not the place.
        needed: Modules that it will import; one that imports the file in turn rules it out.
    """
    taken = set(names)
    found = [m for m in app.modules.values() if m.path.stem in _STEMS and not is_test(m.path)]
    if len(found) != 1 or taken & set(found[0].names) or not _is_asked(app, found[0].name):
        return None
    name = found[0].name
    return None if name in _imported(app, [*needed, *_of_the_app(app)]) else name


def _is_asked(app: AppMap, module: str) -> bool:
    """True for a module that gives something by `Depends` already: a session, at the least."""
    given = {s.symbol for s in app.sessions if s.kind == "dependency"}
    given |= {s.alias for s in app.sessions if s.alias}
    given |= {d.call for route in app.routes for d in route.dependencies}
    return any(symbol.rpartition(".")[0] == module for symbol in given)


def _of_the_app(app: AppMap) -> Iterator[str]:
    """The modules of the tables and the settings, which a login reads."""
    paths = {t.span.path for t in app.tables if t.span}
    paths |= {c.span.path for c in app.settings_classes}
    yield from (m.name for m in app.modules.values() if m.path in paths)


def _imported(app: AppMap, names: Iterable[str]) -> frozenset[str]:
    """Every module that is imported with those of `names`: their packages, and what these take."""
    known = {module.name: module for module in app.modules.values()}
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        parts = waiting.pop().split(".")
        for name in (".".join(parts[:at]) for at in range(1, len(parts) + 1)):
            if name in known and name not in seen:
                seen.add(name)
                waiting += known[name].imports.values()
    return frozenset(seen)
