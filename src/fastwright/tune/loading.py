"""Relationships that are loaded row by row, loaded with the rows instead. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.source import import_block, imports, syntax
from fastwright.tune import handing, ordering, spots
from fastwright.tune.idea import Idea, Variant
from fastwright.tune.seen import Frame, Root, Visit
from fastwright.tune.symptoms import Cause, Symptom

Path = tuple[str, ...]
Visits = Mapping[str, Visit]

BUILDERS = frozenset({"select", "query", "Select", "Query", "get", "get_one"})
_MOST_NAMED = 4


@dataclass(slots=True)
class Tree:
    """Relationships to load with one statement: a branch for each, and its own below it."""

    branches: dict[str, Tree] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        """Have every relationship on `path`."""
        below = self
        for name in path:
            below = below.branches.setdefault(name, Tree())

    def paths(self, above: Path = ()) -> Iterator[Path]:
        """The path of every branch."""
        for name, below in self.branches.items():
            yield (*above, name)
            yield from below.paths((*above, name))


@dataclass(frozen=True, slots=True)
class Need:
    """What one statement in the source has to load beside its own rows.

    `lazy` are the paths that are loaded row by row now; all others of `tree` are loaded already.
    """

    root: Root
    built: Frame
    symptoms: tuple[Symptom, ...]
    tree: Tree
    lazy: frozenset[Path]

    @property
    def routes(self) -> tuple[str, ...]:
        """The routes that it would help, each once."""
        return tuple(dict.fromkeys(s.route for s in self.symptoms))


def ideas(app: AppMap, symptoms: Sequence[Symptom], visits: Visits) -> Iterator[Idea]:
    """One idea for each statement whose objects load their relationships one by one.

    Args:
        app: The map of the tree as it is now.
        symptoms: What grows.
        visits: Every route at the largest size.
    """
    for need in needs(symptoms, visits):
        yield _idea(app, need)
        yield from _apart(app, need, visits)
    for symptom in symptoms:
        if symptom.path and _built(symptom) is None:
            yield _without_root(symptom)


def needs(symptoms: Sequence[Symptom], visits: Visits) -> tuple[Need, ...]:
    """The symptoms by the statement that they start from."""
    found: dict[object, list[Symptom]] = {}
    for symptom in symptoms:
        built = _built(symptom)
        if built is not None and symptom.path:
            found.setdefault((built.path, built.line, built.column), []).append(symptom)
    return tuple(_need(group, visits) for group in found.values())


def _root_of(symptom: Symptom) -> Root | None:
    if symptom.broken is not None:
        return symptom.broken.root
    return symptom.group.root if symptom.group is not None else None


def _built(symptom: Symptom) -> Frame | None:
    root = _root_of(symptom)
    return root.built if root is not None else None


def _need(symptoms: Sequence[Symptom], visits: Visits) -> Need:
    root, built = _root_of(symptoms[0]), _built(symptoms[0])
    assert root is not None
    assert built is not None
    tree = Tree()
    for symptom in symptoms:
        tree.add(symptom.path)
    routes = {symptom.route for symptom in symptoms}
    groups = (g for route in routes for g in visits[route].groups if g.kind == "lazy")
    lazy = {g.path for g in groups if g.root is not None and g.root.built == built}
    died = {symptom.path for symptom in symptoms if symptom.cause is Cause.DIED}
    return Need(root, built, tuple(symptoms), tree, frozenset(lazy | died))


def _idea(app: AppMap, need: Need) -> Idea:
    at = f"{need.built.path} {need.built.function}"
    key = f"load {at} {sorted(need.tree.paths())} {sorted(need.routes)}"
    seen = tuple(_said(symptom) for symptom in need.symptoms)
    because, variants = "", tuple(_variants(app, need))
    fallbacks = tuple(_fallbacks(app, need)) if variants else ()
    if not variants:  # the statement takes options by now: only a caller can say more
        ways = (*_handed(app, need, 1), *_handed(app, need, 2))
        variants, fallbacks = ways[:1], ways[1:]
    if not variants:
        because = f"no call that builds a statement was found at `{need.built}`"
    cause = need.symptoms[0].cause
    mends = None
    if cause is Cause.DIED and need.root.entity:
        mends = need.root.entity, tuple(dict.fromkeys(path[0] for path in need.tree.paths()))
    return Idea(key, cause.value, need.routes, seen, variants, because, fallbacks, mends)


def _apart(app: AppMap, need: Need, visits: Visits) -> Iterator[Idea]:
    """Of a statement that several routes share: each route's own way, its options handed down."""
    for route in need.routes if len(need.routes) > 1 else ():
        own = _need([s for s in need.symptoms if s.route == route], visits)
        ways = (*_handed(app, own, 1), *_handed(app, own, 2))
        if ways:
            key = f"load {route} {own.built.path} {own.built.function}"
            seen = tuple(_said(symptom) for symptom in own.symptoms)
            cause = own.symptoms[0].cause.value
            yield Idea(key, cause, (route,), seen, ways[:1], fallbacks=ways[1:])


def _without_root(symptom: Symptom) -> Idea:
    key = f"load {symptom.route} {symptom.path}"
    because = "what loads the first object is not in the project's code"
    return Idea(key, symptom.cause.value, (symptom.route,), (_said(symptom),), (), because)


def _said(symptom: Symptom) -> str:
    """``GET /users: 6 → 18 → 500 statements for `User.posts` > `Post.comments` ``."""
    path = " > ".join(f"`{spoken(name)}`" for name in symptom.path)
    if symptom.cause is Cause.DIED:
        return f"{symptom.route}: fails, for {path} is loaded where nothing can await it"
    counts = " → ".join(map(str, symptom.counts))
    where = symptom.group.place if symptom.group else None
    place = f"`{where}`" if where else "the serialisation of the answer"
    return f"{symptom.route}: {counts} statements for {path}, at {place}"


def spoken(relationship: str) -> str:
    """``User.posts`` of ``app.models.User.posts``."""
    return ".".join(relationship.split(".")[-2:])


def _variants(app: AppMap, need: Need) -> Iterator[Variant]:
    yield from _variant(app, need, frozenset(), "selectinload")
    to_one = _to_one(app, need)
    if to_one:
        yield from _variant(app, need, to_one, "joinedload for what is one")
    unique = need.root.api in ("get", "query")
    collections = frozenset((name,) for name in need.tree.branches) & need.lazy - to_one
    if unique and len(collections) == 1:
        yield from _variant(app, need, to_one | collections, "joinedload")


def _fallbacks(app: AppMap, need: Need) -> Iterator[Variant]:
    """The order pinned; the options handed down by the slow route alone; what is one alone."""
    plain = next(_variant(app, need, _to_one(app, need), "the same, with the order pinned"), None)
    order = ordering.pinned(app, [p[-1] for p in sorted(need.lazy) if is_many(app, p[-1])])
    if plain is not None and order:
        yield Variant(plain.title, imports.combine(app, (*plain.changes, *order)))
    for levels in (1, 2):
        yield from _handed(app, need, levels)
    single = [p for p in need.lazy if all(not is_many(app, name) for name in p)]
    if single and len(single) < len(need.lazy):
        tree = Tree()
        for path in sorted(single):
            tree.add(path)
        smaller = replace(need, tree=tree, lazy=frozenset(single))
        yield from _variant(app, smaller, frozenset(single), "joinedload for what is one, alone")


def _to_one(app: AppMap, need: Need) -> frozenset[Path]:
    return frozenset(p for p in need.tree.paths() if p in need.lazy and not is_many(app, p[-1]))


def _handed(app: AppMap, need: Need, levels: int) -> Iterator[Variant]:
    """The statement takes its options from a caller `levels` functions above."""
    stack = need.root.stack
    call = spots.call_at(app.files, need.built, BUILDERS)
    inside = len(stack) > levels and not any(handing.answers_route(app, f) for f in stack[:levels])
    if call is None or not inside or need.built.function != stack[0].function:
        return
    caller = stack[levels]
    writer = _Writer(
        app, replace(need, built=replace(need.built, path=caller.path)), _to_one(app, need)
    )
    options = ", ".join(option.flat() for option in writer.options())
    why = "the routes that need more than the row itself say so"
    edit = _passing(app, call, need, why)
    below = handing.handed_down(app, stack, levels, f"[{options}]", why)
    passes = edit is not None or handing.takes_options(app, stack[0])
    if passes and below:
        own = (edit,) if edit is not None else ()
        changes = imports.combine(app, (*writer.edits, *own, *below))
        yield Variant("options handed down by the routes that need them", changes)


def _passing(app: AppMap, call: syntax.Node, need: Need, why: str) -> Edit | None:
    """The statement with whatever options its function is given."""
    path, content = need.built.path, app.files[need.built.path]
    arguments = call.child_by_field_name("arguments")
    if handing.takes_options(app, need.root.stack[0]):
        return None  # it passes them on already
    if need.root.api != "get" or any(_is_query(n, content) for n in syntax.find(call, "call")):
        return Edit(Span(path, call.end_byte, call.end_byte), ".options(*options)", why)
    if arguments is None or b"options=" in content[arguments.start_byte : arguments.end_byte]:
        return None
    end = arguments.named_children[-1].end_byte
    return Edit(Span(path, end, end), ", options=options", why)


def is_many(app: AppMap, relationship: str) -> bool:
    """True where a relationship is a collection, or nothing is known of it."""
    model, _, name = relationship.rpartition(".")
    table = app.table(model)
    found = next((r for r in table.relationships if r.name == name), None) if table else None
    return found is None or found.many is not False


def _variant(app: AppMap, need: Need, joined: frozenset[Path], title: str) -> Iterator[Variant]:
    call = spots.call_at(app.files, need.built, BUILDERS)
    if call is None:
        return
    writer = _Writer(app, need, joined)
    options = writer.options()
    names = list(dict.fromkeys(spoken(p[-1]) for p in need.tree.paths() if p in need.lazy))
    why = f"{_listed(names)} came with a statement for each row"
    edit = _insertion(app, call, need, options, why)
    if edit is not None:
        yield Variant(title, imports.combine(app, (*writer.edits, edit)))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_MOST_NAMED])
    return shown + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")


@dataclass(frozen=True, slots=True)
class Loader:
    """One loader option: the call itself, and the loaders of what is below its relationship."""

    call: str
    below: tuple[Loader, ...] = ()

    def flat(self) -> str:
        """On one line."""
        if len(self.below) == 1:
            return f"{self.call}.{self.below[0].flat()}"
        inner = ", ".join(one.flat() for one in self.below)
        return f"{self.call}.options({inner})" if inner else self.call

    def lines(self, indent: str, width: int) -> list[str]:
        """As an argument on lines of its own, broken where one would be too long."""
        if len(indent) + len(self.flat()) + 1 <= width or not self.below:
            return [f"{indent}{self.flat()},"]
        if len(self.below) == 1:
            first, *more = self.below[0].lines(indent, width)
            return [f"{indent}{self.call}.{first.strip()}", *more]
        inner = [line for one in self.below for line in one.lines(indent + "    ", width)]
        return [f"{indent}{self.call}.options(", *inner, f"{indent}),"]


class _Writer:
    """Loader options as text, with the imports that they need."""

    def __init__(self, app: AppMap, need: Need, joined: frozenset[Path]) -> None:
        self._app, self._need, self._joined = app, need, joined
        self.edits: list[Change] = []

    def options(self) -> tuple[Loader, ...]:
        """One option for each branch of the tree."""
        return self._below(self._need.tree, (), chained=False)

    def _below(self, tree: Tree, above: Path, *, chained: bool) -> tuple[Loader, ...]:
        return tuple(
            self._option(name, below, (*above, name), chained=chained)
            for name, below in tree.branches.items()
        )

    def _option(self, name: str, below: Tree, path: Path, *, chained: bool) -> Loader:
        """The loader of one relationship; one that is `chained` is a method of that above it."""
        loader = "joinedload" if path in self._joined else "selectinload"
        if path not in self._need.lazy:
            loader = "defaultload"
        model, _, attribute = name.rpartition(".")
        module, _, cls = model.rpartition(".")
        called = loader if chained else self._local("sqlalchemy.orm", loader)
        call = f"{called}({self._local(module, cls)}.{attribute})"
        return Loader(call, self._below(below, path, chained=len(below.branches) == 1))

    def _local(self, module: str, name: str) -> str:
        bound = imports.ensure_import(self._app, self._need.built.path, module, name)
        self.edits += bound.edits
        return bound.local


def _insertion(
    app: AppMap, call: syntax.Node, need: Need, options: Sequence[Loader], why: str
) -> Edit | None:
    path, content = need.built.path, app.files[need.built.path]
    if need.root.api == "get":
        inner = next((n for n in syntax.find(call, "call") if _is_query(n, content)), None)
        if inner is None:
            return _argument(app, path, call, options, why)
        call = inner
    width = import_block.width_of(app)
    text = f".options({', '.join(option.flat() for option in options)})"
    chained = re.match(rb"\n([ \t]*)\.", content[call.end_byte :])
    if chained is not None:  # every link of the chain has a line of its own
        indent = chained[1].decode()
        lines = [line for option in options for line in option.lines(indent + "    ", width)]
        broken = "\n".join((".options(", *lines, f"{indent})"))
        text = f"\n{indent}{text if len(indent) + len(text) <= width else broken}"
    elif _width(content, call.end_byte, text) > width:
        indent = _indent(content, call.end_byte)
        lines = [line for option in options for line in option.lines(indent + "    ", width)]
        text = "\n".join((".options(", *lines, f"{indent})"))
    return Edit(Span(path, call.end_byte, call.end_byte), text, why)


def _is_query(call: syntax.Node, content: bytes) -> bool:
    return spots.called(call, content) == "query"


def _argument(
    app: AppMap, path: PurePosixPath, call: syntax.Node, options: Sequence[Loader], why: str
) -> Edit | None:
    """``options=[…]`` as the last argument of a ``get``; None where it has some already."""
    content = app.files[path]
    arguments = call.child_by_field_name("arguments")
    if arguments is None or b"options=" in content[arguments.start_byte : arguments.end_byte]:
        return None
    given = [syntax.text(node, content) for node in arguments.named_children]
    flat = f"options=[{', '.join(option.flat() for option in options)}]"
    end, width = arguments.end_byte - 1, import_block.width_of(app)
    if _width(content, end, f", {flat}") <= width:
        at = arguments.named_children[-1].end_byte
        return Edit(Span(path, at, at), f", {flat}", why)
    indent = _indent(content, arguments.start_byte)
    inner = [line for o in options for line in o.lines(indent + "        ", width)]
    if len(indent) + 4 + len(flat) + 1 <= width:
        last = [f"{indent}    {flat},"]
    else:
        last = [f"{indent}    options=[", *inner, f"{indent}    ],"]
    lines = ("(", *(f"{indent}    {text}," for text in given), *last, f"{indent})")
    return Edit(Span(path, arguments.start_byte, arguments.end_byte), "\n".join(lines), why)


def _width(content: bytes, at: int, text: str) -> int:
    start = content.rfind(b"\n", 0, at) + 1
    end = content.find(b"\n", at)
    line = content[start : end if end >= 0 else len(content)]
    return len(line.decode("utf-8", "replace")) + len(text)


def _indent(content: bytes, at: int) -> str:
    start = content.rfind(b"\n", 0, at) + 1
    line = content[start:at].decode("utf-8", "replace")
    return line[: len(line) - len(line.lstrip())]
