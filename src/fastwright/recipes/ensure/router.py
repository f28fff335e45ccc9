"""A router included where the app includes its own, in the way it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import Application, AppMap, Inclusion, Router
from fastwright.model.change import Change, Manual, NewFile
from fastwright.recipes.ensure.application import after_setup
from fastwright.recipes.ensure.drafting import (
    app_package,
    counted,
    insert_lines,
    module_for,
)
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node

_SHARED_NAMES = ("router", "routes", "endpoints", "views", "api", "controller")


@dataclass(frozen=True, slots=True)
class RouterPlace:
    """Where a new router goes, by what the app's own routers do.

    Attributes:
        path: The file that makes it; `module` is its dotted name, `variable` the router's.
        prefix_at_creation: True where the prefix stands in ``APIRouter(…)``, False where it is
            given to ``include_router``.
        tags_at_creation: The same for tags.
        packages: ``__init__.py`` files that the place needs, not there yet.
        because: The convention, with the count of its evidence.
    """

    path: PurePosixPath
    module: str
    variable: str
    prefix_at_creation: bool
    tags_at_creation: bool
    packages: tuple[PurePosixPath, ...]
    because: str

    def new_packages(self) -> tuple[Change, ...]:
        """The package files that are missing, as changes."""
        return tuple(NewFile(p, "", f"`{self.path.parent}` is a package") for p in self.packages)


@dataclass(frozen=True, slots=True)
class Hub:
    """The place where routers are included: one object, in one function or at the top level."""

    path: PurePosixPath
    receiver: str
    siblings: tuple[Inclusion, ...]


def router_place(app: AppMap, subject: str) -> RouterPlace:
    """Where a router about `subject` (``health``, ``auth``) would stand in this app."""
    routers = _routers(app)
    path, because = _file_for(app, subject, routers)
    inclusions = _plain(app.inclusions)
    names = Counter(router.variable for router in routers)
    return RouterPlace(
        path=path,
        module=module_for(app, path),
        variable=names.most_common(1)[0][0] if len(routers) > 1 and len(names) == 1 else "router",
        prefix_at_creation=_most_at_creation(
            [r.prefix for r in routers], [i.prefix_text for i in inclusions]
        ),
        tags_at_creation=_most_at_creation([r.tags for r in routers], [i.tags for i in inclusions]),
        packages=_missing_packages(app, path),
        because=because,
    )


def ensure_router(
    app: AppMap,
    place: RouterPlace,
    *,
    prefix: str = "",
    tags: Iterable[str] = (),
    at_top: bool = False,
) -> tuple[Change, ...]:
    """Have the router of `place` included, so that its routes are served.

    It joins the place where most of the app's routers are included, in their import style; with
    `at_top` it joins the app object itself, so that no prefix comes before its paths. `prefix`
    and `tags` are written into the call where the siblings have theirs there, and have to stand
    in ``APIRouter(…)`` otherwise: `place` says which.
    """
    known = (r.name for r in app.routers if (r.path, r.variable) == (place.path, place.variable))
    symbols = {f"{place.module}.{place.variable}", *known}
    if any(inclusion.router in symbols for inclusion in app.inclusions):
        return ()
    hub = find_hub(app, at_top=at_top)
    if hub is None:
        return (_by_hand(place, _keywords(place, prefix, tuple(tags), '"')),)
    named = _in_case(hub.siblings, tags)
    given = _keywords(place, prefix, named, layout.quote_of(app.files[hub.path]))
    local, changes = _imported(app, hub, place)
    written = [_written_argument(app, sibling) for sibling in hub.siblings]
    keyword = "router=" if sum(w.startswith("router=") for w in written) * 2 > len(written) else ""
    call = f"{hub.receiver}.include_router({keyword}{local}{given})"
    offset, indent = _after_siblings(app, hub)
    why = "the app serves the new routes"
    if hub.siblings:
        why += f"; included {counted(len(hub.siblings), len(_plain(app.inclusions)), 'routers')}"
    return (*changes, insert_lines(app, hub.path, offset, f"{indent}{call}\n", why))


def find_hub(app: AppMap, *, at_top: bool = False) -> Hub | None:
    """Where a further router is included; ``None`` where that is not certain.

    Raises:
        Refused: The map has no application.
    """
    app_package(app)
    target = app.app
    assert target is not None
    groups: dict[tuple[PurePosixPath, str | None, str], list[Inclusion]] = {}
    for inclusion in _plain(app.inclusions):
        receiver, in_loop = _receiver(app, inclusion)
        if receiver and not in_loop:
            key = (inclusion.span.path, inclusion.function, receiver)
            groups.setdefault(key, []).append(inclusion)
    if at_top:
        groups = {k: g for k, g in groups.items() if _is_app(target, k)}
    if groups:
        (path, _, receiver), siblings = max(
            groups.items(), key=lambda item: (len(item[1]), len(item[0][0].parts))
        )
        return Hub(path, receiver, tuple(siblings))
    return Hub(target.path, target.variable, ())


def _is_app(target: Application, key: tuple[PurePosixPath, str | None, str]) -> bool:
    return key[0] == target.path and key[2] == target.variable


def _plain(inclusions: Iterable[Inclusion]) -> list[Inclusion]:
    return [i for i in inclusions if not i.mount and i.condition is None]


def _routers(app: AppMap) -> list[Router]:
    """The routers that carry routes: those that other routers only pass through do not count."""
    serving = {route.router for route in app.routes}
    found = [router for router in app.routers if router.name in serving]
    return found or list(app.routers)


def _most_at_creation(created: list[object], included: list[object]) -> bool:
    return sum(1 for value in created if value) >= sum(1 for value in included if value)


def _in_case(siblings: Iterable[Inclusion], tags: Iterable[str]) -> tuple[str, ...]:
    """The tags with a capital letter where all those of the siblings have one."""
    known = [tag for sibling in siblings for tag in sibling.tags if tag[:1].isalpha()]
    capital = bool(known) and all(tag[0].isupper() for tag in known)
    return tuple(tag.capitalize() if capital else tag for tag in tags)


def _keywords(place: RouterPlace, prefix: str, tags: tuple[str, ...], quote: str) -> str:
    found = ""
    if prefix and not place.prefix_at_creation:
        found += f", prefix={quote}{prefix}{quote}"
    if tags and not place.tags_at_creation:
        listed = ", ".join(f"{quote}{tag}{quote}" for tag in tags)
        found += f", tags=[{listed}]"
    return found


def _by_hand(place: RouterPlace, given: str) -> Manual:
    return Manual(
        place="where the other routers are included",
        snippet=(
            f"from {place.module} import {place.variable}\n\n"
            f"app.include_router({place.variable}{given})\n"
        ),
        why="the routers are included in a way that cannot be extended with certainty",
    )


def _call_of(app: AppMap, inclusion: Inclusion) -> Node | None:
    content = app.files[inclusion.span.path]
    return layout.smallest(content, inclusion.span.start, inclusion.span.start + 1, "call")


def _receiver(app: AppMap, inclusion: Inclusion) -> tuple[str, bool]:
    """The object that the router is included into, as written, and whether within a loop."""
    content = app.files[inclusion.span.path]
    call = layout.outermost(content, inclusion.span.start, inclusion.span.end, "call")
    function = call.child_by_field_name("function") if call else None
    if call is None or function is None or function.type != "attribute":
        return "", False
    return text_of(function.child_by_field_name("object")), layout.within(call, "for_statement")


def _first_argument(app: AppMap, inclusion: Inclusion) -> str:
    return _written_argument(app, inclusion).removeprefix("router=")


def _written_argument(app: AppMap, inclusion: Inclusion) -> str:
    content = app.files[inclusion.span.path]
    call = layout.outermost(content, inclusion.span.start, inclusion.span.end, "call")
    arguments = call.child_by_field_name("arguments") if call else None
    named = arguments.named_children if arguments else []
    return text_of(named[0]) if named else ""


def _imported(app: AppMap, hub: Hub, place: RouterPlace) -> tuple[str, tuple[Change, ...]]:
    """What the hub calls the router, and the import that makes it so."""
    here = [i for i in _plain(app.inclusions) if i.span.path == hub.path]
    written = [_first_argument(app, inclusion) for inclusion in here]
    dotted = [name for name in written if "." in name]
    package, _, name = place.module.rpartition(".")
    if len(dotted) * 2 > len(written) and package:
        by_module = ensure_import(app, hub.path, package, name, own=True)
        return f"{by_module.local}.{place.variable}", by_module.edits
    alias = _alias(place, written)
    bound = ensure_import(app, hub.path, place.module, place.variable, alias, own=True)
    return bound.local, bound.edits


def _alias(place: RouterPlace, written: list[str]) -> str | None:
    """``health_router``, or ``health`` where the siblings are called after their subject alone."""
    if place.variable != "router":
        return None
    parts = place.module.split(".")
    subject = parts[-2] if parts[-1] in _SHARED_NAMES and len(parts) > 1 else parts[-1]
    bare = [name for name in written if name.isidentifier() and "router" not in name]
    return subject if written and len(bare) * 2 > len(written) else f"{subject}_router"


def _after_siblings(app: AppMap, hub: Hub) -> tuple[int, str]:
    content = app.files[hub.path]
    if hub.siblings:
        last = max(hub.siblings, key=lambda inclusion: inclusion.span.start)
        start = last.span.start
        return layout.after_statement(content, start), layout.indentation(content, start)
    target = app.app
    assert target is not None
    start = target.created.start
    return after_setup(content, start, target.variable), layout.indentation(content, start)


def _file_for(app: AppMap, subject: str, routers: list[Router]) -> tuple[PurePosixPath, str]:
    """The file of a new router: by feature, by type, or beside the app."""
    own = [r.path for r in routers if app.app is None or r.path != app.app.path]
    stems = Counter(path.stem for path in own)
    parents = Counter(path.parent for path in own)
    if own and stems.most_common(1)[0][1] > 1 and stems.most_common(1)[0][1] * 2 > len(own):
        stem, count = stems.most_common(1)[0]
        folders = Counter(p.parent.parent for p in own if p.stem == stem)
        folder = folders.most_common(1)[0][0]
        return folder / subject / f"{stem}.py", (
            f"one folder a feature, {counted(count, len(own), 'routers')}"
        )
    if own:
        folder, count = parents.most_common(1)[0]
        ending = _shared_ending([path.stem for path in own if path.parent == folder])
        return folder / f"{subject}{ending}.py", (
            f"in `{folder}`, {counted(count, len(own), 'routers')}"
        )
    return app_package(app) / f"{subject}.py", "beside the application, which has no routers yet"


def _shared_ending(stems: list[str]) -> str:
    """``_router`` where most of `stems` end so; else nothing."""
    endings = Counter(f"_{stem.rpartition('_')[2]}" for stem in stems if "_" in stem)
    if not endings:
        return ""
    ending, count = endings.most_common(1)[0]
    return ending if count > 1 and count * 2 > len(stems) else ""


def _missing_packages(app: AppMap, path: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """``__init__.py`` of the new folder, where the folder around it is a package itself."""
    init = path.parent / "__init__.py"
    around = path.parent.parent / "__init__.py"
    exists = any(p.parent == path.parent for p in app.files)
    return () if exists or init in app.files or around not in app.files else (init,)
