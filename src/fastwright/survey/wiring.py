"""Which application and router objects a project makes, and what it registers on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastwright.survey.bindings import bind, elements, grown
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact, Loop, Scope, Term
from fastwright.survey.names import Symbol, is_function
from fastwright.survey.values import (
    Bound,
    Env,
    Frame,
    Made,
    Pairs,
    Ref,
    Unknown,
    Value,
    Values,
    as_seen,
    of_every,
)

VERBS = frozenset({"get", "post", "put", "patch", "delete", "options", "head", "trace"})
DECORATORS = VERBS | {"api_route", "route", "websocket", "websocket_route", "middleware",
                      "exception_handler", "on_event", "callback"}  # fmt: skip
_REGISTERING = VERBS | {"api_route", "websocket"}
STATEMENTS = frozenset({"add_api_route", "add_route", "add_api_websocket_route", "include_router",
                        "add_websocket_route", "mount", "add_middleware", "add_exception_handler",
                        "add_event_handler", "include_routers"})  # fmt: skip
_APPS = frozenset({"fastapi.FastAPI", "fastapi.applications.FastAPI",
                   "starlette.applications.Starlette"})  # fmt: skip
_MOST_CONTEXTS = 48


@dataclass(frozen=True, slots=True)
class Registration:
    """One thing registered on an application or router.

    `verb` is the method called (``get``, ``include_router``); `function` what is decorated, for a
    decorator; terms of `row` are read in `frame`; `decorated` is the decorator's place or -1.
    """

    on: Made
    verb: str
    row: CallFact
    frame: Frame
    function: Symbol | None = None


def is_test(unit: Unit) -> bool:
    """Whether a file belongs to a test suite."""
    return unit.tests


def is_revision(unit: Unit) -> bool:
    """Whether a file is a migration's: classes in it are of the past."""
    targets = {str(row.target) for row in unit.scopes[0].assignments}
    return {"revision", "down_revision"} <= targets


class Wiring:
    """Finds registrations and the environments in which the functions around them are called."""

    def __init__(self, codebase: Codebase, evaluator: Evaluator) -> None:
        self.codebase = codebase
        self.evaluator = evaluator
        self.on: dict[Made, list[Registration]] = defaultdict(list)
        self.lost: list[tuple[Unit, CallFact, str]] = []
        self._sites: dict[str, list[tuple[Unit, int]]] = defaultdict(list)
        self._aliases: dict[str, set[str]] = defaultdict(set)
        self._lifespans: list[tuple[Unit, int]] = []
        self._contexts: dict[tuple[int, int], tuple[Env, ...]] = {}
        self._families: dict[Symbol, str | None] = {}
        self._index()

    def _index(self) -> None:
        for unit in self.codebase.units:
            for index, row in enumerate(unit.facts.calls):
                self._sites[last_name(row.callee)].append((unit, index))
                if row.keywords and any(key == "lifespan" for key, _ in row.keywords):
                    self._lifespans.append((unit, index))
            for scope in unit.scopes:
                for name, alias in _renamed(scope):
                    self._aliases[name].add(alias)

    def sites(self, name: str) -> list[tuple[Unit, int]]:
        """Every call whose called expression ends in `name`: its file and index."""
        return self._sites.get(name, [])

    def collect(self) -> None:
        """Fills `on` with every registration of the project, in the order of the text."""
        for unit in self.codebase.units:
            for index, _ in enumerate(unit.scopes):
                self._decorated(unit, index, Symbol("scope", unit, index))
        for name in STATEMENTS:
            for unit, index in self.sites(name):
                self._register(unit, unit.facts.calls[index], name, None)
        for name in (*_REGISTERING, "middleware"):
            for unit, index in self.sites(name):
                self._applied(unit, index, name)
        for made, rows in self.on.items():
            rows.sort(key=lambda r: (r.frame.unit is not made.unit, r.frame.unit.path, r.row.start))

    def _decorated(self, unit: Unit, index: int, function: Symbol) -> None:
        scope = unit.scopes[index]
        for term, _, _ in scope.decorators if scope.kind == "f" else ():
            if isinstance(term, list) and term[0] == "c":
                row = unit.facts.calls[term[1]]
                name = last_name(row.callee)
                if name in DECORATORS:
                    self._register(unit, row, name, function)
                else:
                    self._handed_over(unit, row, function)

    def _handed_over(self, unit: Unit, row: CallFact, function: Symbol) -> None:
        """``@guarded(router.get, "/items")``: a decorator of ours that calls what it is given."""
        frame = Frame(unit, row.scope, (), row.start)
        verbs = [(place, t) for place, t in enumerate(row.arguments)
                 if isinstance(t, str) and last_name(t) in _REGISTERING]  # fmt: skip
        for place, term in verbs:
            routers = [v for v in self.evaluator.values(receiver_of(term), frame)
                       if isinstance(v, Made) and self.family(v.of)]  # fmt: skip
            for made in routers:
                for inner, inside in self._within(row, frame, place):
                    rows = self.on[made]
                    rows.append(Registration(made, last_name(term), inner, inside, function))

    def _within(self, row: CallFact, frame: Frame, place: int) -> Iterator[tuple[CallFact, Frame]]:
        """Where a function of ours calls its parameter `place` with a path: the call, and how."""
        for value in self.evaluator.values(row.callee, frame):
            symbol = value.symbol if isinstance(value, Ref) else None
            if symbol is None or symbol.unit is None or not is_function(symbol):
                continue
            facts = symbol.unit.scopes[symbol.scope]
            name = next((p.name for p in facts.parameters[place : place + 1]), None)
            env = self.evaluator.arguments(symbol, row, frame)
            for inner in symbol.unit.facts.calls:
                if inner.callee == name and facts.start <= inner.start < facts.end:
                    yield inner, Frame(symbol.unit, inner.scope, env, inner.start)

    def _applied(self, unit: Unit, index: int, name: str) -> None:
        """``router.get("/")(function)``, ``app.middleware("http")(function)``."""
        for row in (r for r in unit.facts.calls[index + 1 : index + 8] if r.callee == ["c", index]):
            frame = Frame(unit, row.scope, (), row.start)
            for value in self.evaluator.values(row.arguments[0], frame) if row.arguments else ():
                if isinstance(value, Ref):
                    self._register(unit, unit.facts.calls[index], name, value.symbol)

    def _register(self, unit: Unit, row: CallFact, name: str, function: Symbol | None) -> None:
        receiver = receiver_of(row.callee)
        if receiver is None:
            return
        found = False
        for frame in self.frames(unit, row):
            for value in self.evaluator.values(receiver, frame):
                if isinstance(value, Made) and self.family(value.of):
                    found = found or not _is_anybodys(value)
                    on = of_every(value) if self._is_of_the_only_one(receiver, frame) else value
                    self.on[on].append(Registration(on, name, row, frame, function))
        if (
            not found
            and not _is_super(unit, receiver)
            and self._looks_like_wiring(unit, name, function)
        ):
            self.lost.append((unit, row, "what it is called on could not be followed"))

    def _is_of_the_only_one(self, receiver: Term, frame: Frame) -> bool:
        """Whether something is an attribute of ``self`` where the project makes one such object."""
        if not str(receiver).startswith("self."):
            return False
        found = self.evaluator.values("self", frame)
        return any(
            isinstance(v, Made) and any(v.call == one.call for one in self.evaluator.itself(v.of))
            for v in found
        )

    def _looks_like_wiring(self, unit: Unit, name: str, function: Symbol | None) -> bool:
        if is_test(unit) or name in ("get", "options", "middleware", "callback", "mount"):
            return False
        return name in ("include_router", "add_api_route") or function is not None

    def class_names(self, family: str) -> set[str]:
        """Every plain name under which a class of `family` may be called."""
        known = {
            "app": {"FastAPI", "Starlette"},
            "router": {"APIRouter", "InferringRouter", "Router"},
        }
        names = set(known[family])
        for unit in self.codebase.units:
            for index, scope in enumerate(unit.scopes):
                derived = scope.kind == "c" and bool(scope.bases)
                if derived and self.family(Symbol("scope", unit, index)) == family:
                    names.add(scope.name.rpartition(".")[2])
        return names | {alias for name in names for alias in self._aliases.get(name, ())}

    def registered(self, made: Made) -> list[Registration]:
        """What is registered on an object, in the order of the text."""
        found = [rows for one in as_seen(made) if (rows := self.on.get(one))]
        if len(found) <= 1:
            return found[0] if found else []
        every = (row for rows in found for row in rows)
        return sorted(every, key=lambda r: (r.frame.unit.path, r.row.start))

    # -- objects ----------------------------------------------------------------------------

    def family(self, of: Symbol) -> str | None:
        """``app`` or ``router`` where objects of the class `of` are one."""
        if of not in self._families:
            names = [s.dotted() for s in self.evaluator.lineage(of) if s.kind == "external"]
            self._families[of] = next((f for f in map(_family, names) if f), None)
        return self._families[of]

    def keyword(self, row: CallFact, name: str, frame: Frame, place: int = -1) -> Values:
        """What keyword `name` (or the positional argument at `place`) of a call stands for."""
        for key, term in row.keywords:
            if key == name:
                return self.evaluator.values(term, frame)
        if 0 <= place < len(row.arguments):
            return self.evaluator.values(row.arguments[place], frame)
        for _, term in (item for item in row.keywords if item[0] == "**"):
            for value in self.evaluator.values(term, frame):
                if isinstance(value, Pairs):
                    found = [
                        v for k, v in value.items if any(getattr(c, "value", 0) == name for c in k)
                    ]
                    if found:
                        return found[-1]
        return ()

    def option(self, made: Made, name: str) -> Values:
        """What option `name` was given when an application or router was made."""
        if made.unit is None or made.call < 0:
            return ()
        row = made.unit.facts.calls[made.call]
        outer = Frame(made.unit, row.scope, made.env, row.start)
        return self.keyword(row, name, outer) or self._super_option(made, name)

    def _super_option(self, made: Made, name: str) -> Values:
        unit = made.of.unit
        init = unit.inner.get(made.of.scope, {}).get("__init__") if unit is not None else None
        if unit is None or init is None:
            return ()
        for row in unit.facts.calls:
            if row.scope == init and last_name(row.callee) == "__init__":
                return self.keyword(row, name, Frame(unit, init, made.env, row.start))
        return ()

    # -- environments -----------------------------------------------------------------------

    def frames(self, unit: Unit, row: CallFact) -> Iterator[Frame]:
        """Every environment in which a call is reached; loops over known lists are unrolled."""
        for env in self.contexts(unit, row.scope):
            yield from self._unrolled(Frame(unit, row.scope, env, row.start), row.loops)

    def _unrolled(self, frame: Frame, loops: Iterable[int]) -> Iterator[Frame]:
        frames = [frame]
        for loop in (frame.unit.scopes[frame.scope].loops[i] for i in loops):
            frames = [turn for outer in frames for turn in self._turns(outer, loop)]
        yield from frames[: 4 * _MOST_CONTEXTS]

    def _turns(self, frame: Frame, loop: Loop) -> Iterator[Frame]:
        items = [*elements(self.evaluator.values(loop.iterable, frame)), *self._added(frame, loop)]
        for item in items or [(Unknown("what the loop runs over is not known"),)]:
            names = tuple((frame.scope, name, values) for name, values in bind(loop.target, item))
            yield Frame(frame.unit, frame.scope, (*names, *frame.env), frame.at)

    def _added(self, frame: Frame, loop: Loop) -> Iterator[Values]:
        """What its list was given before a loop goes over it, by ``append`` or ``extend``."""
        for row in grown(frame.unit.facts.calls, frame.scope, loop):
            here = Frame(frame.unit, frame.scope, frame.env, row.start)
            for turn in self._unrolled(here, row.loops):
                given = self.evaluator.values(row.arguments[0], turn)
                yield from (given,) if str(row.callee).endswith("append") else elements(given)

    def contexts(self, unit: Unit, scope: int) -> tuple[Env, ...]:
        """What parameters around `scope` stand for, once for each way it is called."""
        while scope >= 0 and unit.scopes[scope].kind != "f":
            scope = unit.scopes[scope].up
        if scope < 0:
            return ((),)
        key = (id(unit), scope)
        if key not in self._contexts:
            self._contexts[key] = ((),)
            found = tuple(dict.fromkeys(self._called_with(Symbol("scope", unit, scope))))
            outer = self.contexts(unit, unit.scopes[scope].up)
            self._contexts[key] = found[:_MOST_CONTEXTS] or outer
        return self._contexts[key]

    def _called_with(self, function: Symbol) -> Iterator[Env]:
        sites = list(self.callers(function))
        if not sites:
            yield from self._as_lifespan(function)
        serious = [site for site in sites if not is_test(site[0])] or sites
        for unit, row, of in serious[:_MOST_CONTEXTS]:
            for frame in self.frames(unit, row):
                turned = self.evaluator.values(row.callee, frame) if row.loops else ()
                others = turned and not any(
                    True for v in turned for _ in self._is_call(function, v, unit, row)
                )
                if not others:
                    yield self.evaluator.arguments(function, row, frame, of)

    def _as_lifespan(self, function: Symbol) -> Iterator[Env]:
        """A lifespan function is called by its application, with the application."""
        unit = function.unit
        parameters = unit.scopes[function.scope].parameters if unit is not None else []
        if not parameters:
            return
        for made in self.with_lifespan():
            if Ref(function) in self.option(made, "lifespan"):
                yield ((function.scope, parameters[0].name, (made,)),)

    def with_lifespan(self) -> Iterator[Made]:
        """Every application that is made with a lifespan."""
        for unit, index in self._lifespans:
            row = unit.facts.calls[index]
            for env in self.contexts(unit, row.scope):
                found = self.evaluator.call(index, Frame(unit, row.scope, env, row.start))
                yield from (v for v in found if isinstance(v, Made) and self.family(v.of))

    def callers(self, function: Symbol) -> Iterator[tuple[Unit, CallFact, Value | None]]:
        """Every call of a function of ours: file, call, and the object for a method."""
        if function.unit is None:
            return
        facts = function.unit.scopes[function.scope]
        name = facts.name.rpartition(".")[2]
        if name == "__init__":
            name = function.unit.scopes[facts.up].name.rpartition(".")[2]
        for word in {name, *self._aliases.get(name, ())}:
            for unit, index in self.sites(word):
                row = unit.facts.calls[index]
                for value in self.evaluator.values(
                    row.callee, Frame(unit, row.scope, (), row.start)
                ):
                    yield from self._is_call(function, value, unit, row)

    def _is_call(
        self, function: Symbol, value: Value, unit: Unit, row: CallFact
    ) -> Iterator[tuple[Unit, CallFact, Value | None]]:
        if isinstance(value, Bound) and value.function == function:
            yield unit, row, value.of
        elif isinstance(value, Ref) and value.symbol == function:
            yield unit, row, None
        elif isinstance(value, Ref) and value.symbol.kind == "scope":
            made = self.evaluator.member(value.symbol, "__init__")
            if Ref(function) in made:
                yield unit, row, Made(value.symbol, unit, -1)


def _renamed(scope: Scope) -> Iterator[tuple[str, str]]:
    """Names with others that stand for them: by an import, or by a loop over a written list."""
    for row in scope.imports:
        if row.name and row.local != row.name:
            yield row.name, row.local
    for loop in scope.loops:
        items = loop.iterable
        if isinstance(loop.target, str) and isinstance(items, list) and items[:1] == ["l"]:
            yield from ((last_name(item), loop.target) for item in items[1:])


def _is_anybodys(value: Made) -> bool:
    """An application that is known by an annotation alone: nobody says which one it is."""
    return value.of.kind == "external" and value.unit is None


def _is_super(unit: Unit, receiver: Term) -> bool:
    """``super()``: a router of ours that registers in its own way, called by what uses it."""
    match receiver:
        case ["c", int(index)]:
            return bool(unit.facts.calls[index].callee == "super")
    return False


def last_name(term: Term) -> str:
    """The last name of a called expression: ``get`` of ``router.get``."""
    if isinstance(term, str):
        return term.rpartition(".")[2]
    return term[2] if isinstance(term, list) and term[0] == "a" else ""


def receiver_of(callee: Term) -> Term:
    """What a method is called on; ``None`` for a plain function."""
    if isinstance(callee, str):
        return callee.rpartition(".")[0] or None
    return callee[1] if isinstance(callee, list) and callee[0] == "a" else None


def _family(name: str) -> str | None:
    if name in _APPS:
        return "app"
    package, _, last = name.rpartition(".")
    known = package.partition(".")[0] in ("fastapi", "starlette")
    if last in ("APIRouter", "InferringRouter") or (known and last == "Router"):
        return "router"
    return "app" if last == "FastAPI" else None
