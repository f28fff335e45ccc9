"""Who may call: security schemes, dependencies that yield the caller, and what they refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from fastwright.model.app import Dependency, Guard, Principal, Route
from fastwright.model.places import Span
from fastwright.survey.borrowed import LAX, borrowed
from fastwright.survey.codebase import Unit
from fastwright.survey.demands import demands_more
from fastwright.survey.dependencies import Dependencies, Signature
from fastwright.survey.facts import CallFact, Scope, Term
from fastwright.survey.identities import is_person, reads_who
from fastwright.survey.names import Symbol, is_function
from fastwright.survey.refusals import code, is_refusal, refusal
from fastwright.survey.values import Frame, Made, Ref, Value, text_of
from fastwright.survey.wiring import last_name

_DECODES = frozenset(
    {"decode", "decode_token", "decode_jwt", "decode_access_token", "verify_token",
     "get_unverified_claims", "compare_digest", "verify_id_token", "loads"}
)  # fmt: skip
_REFINING = ("admin", "superuser", "staff", "require", "role", "permission")
_CREDENTIALS = ("token", "key", "secret", "credential", "auth", "session", "cookie", "request")
_DELEGATES = 2
_HIDDEN = ("dependency", "special", "header", "cookie")
_PLAIN = frozenset({"builtins.str", "builtins.dict", "builtins.bool", "builtins.int",
                    "builtins.None", "builtins.list"})  # fmt: skip


_DEEPEST = 3
"""How many calls below a dependency a refusal is looked for."""


class Access:
    """Says of each dependency what it does about the caller."""

    def __init__(self, dependencies: Dependencies) -> None:
        self.dependencies = dependencies
        self.evaluator = dependencies.evaluator
        self._places = {
            unit.dotted(index): (unit, index)
            for unit in self.evaluator.codebase.units
            for index, scope in enumerate(unit.scopes)
            if scope.kind != "m"
        }
        self._statuses: dict[str, frozenset[int]] = {}
        self._raisings: dict[tuple[int, int, int], frozenset[int]] = {}
        self._decoding: dict[str, bool] = {}
        self._reading: dict[str, bool] = {}
        self._calls: dict[int, dict[int, list[CallFact]]] = {}

    # -- what one callable does -------------------------------------------------------------

    def _own(self, call: str) -> Iterator[tuple[Unit, int]]:
        """The function that a dependency runs; for a class its ``__call__`` and ``__init__``."""
        place = self._places.get(call)
        if place is None:
            return
        unit, index = place
        if unit.scopes[index].kind == "f":
            yield unit, index
            return
        for name in ("__call__", "__init__"):
            if name in unit.inner.get(index, {}):
                yield unit, unit.inner[index][name]

    def _bodies(self, call: str) -> Iterator[tuple[Unit, int]]:
        """What a dependency runs, and the functions of ours whose answer is its own."""
        for unit, index in self._own(call):
            yield from self._with_delegates(unit, index)

    def _with_delegates(self, unit: Unit, index: int, depth: int = 0) -> Iterator[tuple[Unit, int]]:
        """A function, and the functions of ours whose answer it returns as its own."""
        yield unit, index
        for term in unit.scopes[index].values if depth < _DELEGATES else ():
            called = term[1] if isinstance(term, list) and term[:1] == ["w"] else term
            if not (isinstance(called, list) and called[:1] == ["c"]):
                continue
            row = unit.facts.calls[called[1]]
            for value in self.evaluator.values(row.callee, Frame(unit, index, (), row.start)):
                below = _function(value)
                if below is not None and below.unit is not None:
                    yield from self._with_delegates(below.unit, below.scope, depth + 1)

    def refuses(self, call: str) -> frozenset[int]:
        """Which of 401 and 403 a dependency of ours can answer with, itself or by what it calls."""
        if call not in self._statuses:
            self._statuses[call] = frozenset(
                status
                for unit, index in self._own(call)
                for status in self._raised(unit, index, _DEEPEST)
            )
        return self._statuses[call]

    def _raised(self, unit: Unit, index: int, deeper: int) -> frozenset[int]:
        """The refusals of one function; of what it calls, none where a caller may pass it by.

        That is where it gives up with ``None`` before, or catches what is raised below it.
        """
        key = (id(unit), index, deeper)
        if key not in self._raisings:
            self._raisings[key] = self._read_raised(unit, index, deeper)
        return self._raisings[key]

    def _read_raised(self, unit: Unit, index: int, deeper: int) -> frozenset[int]:
        scope = unit.scopes[index]
        found = {self._status(unit, term, index) for term in scope.raises}
        if deeper and not (deeper == _DEEPEST and _gives_none(unit, scope)):
            for below, function in self._called(unit, index):
                found |= self._raised(below, function, deeper - 1)
        return frozenset(found - {0})

    def _called(self, unit: Unit, index: int) -> Iterator[tuple[Unit, int]]:
        """The functions of ours that one calls outside of any ``try`` that catches."""
        frame = Frame(unit, index)
        for row in self._rows(unit).get(index, ()):
            if not isinstance(row.callee, str) or _is_caught(unit.scopes[index], row.start):
                continue
            for value in self.evaluator.values(row.callee, frame):
                symbol = _function(value)
                if symbol is not None and symbol.unit is not None:
                    yield symbol.unit, symbol.scope

    def _rows(self, unit: Unit) -> Mapping[int, list[CallFact]]:
        """The calls of a file by their scope."""
        if id(unit) not in self._calls:
            rows = self._calls.setdefault(id(unit), {})
            for row in unit.facts.calls:
                rows.setdefault(row.scope, []).append(row)
        return self._calls[id(unit)]

    def _status(self, unit: Unit, term: Term, scope: int) -> int:
        if isinstance(term, str):
            rows = [r for r in unit.scopes[scope].assignments if r.target == term]
            term = rows[0].value if rows else term
        name = term if isinstance(term, str) else ""
        if isinstance(term, list) and term and term[0] == "c":
            row = unit.facts.calls[term[1]]
            name = last_name(row.callee)
            terms = row.arguments[:1] + [t for k, t in row.keywords if "status" in k or k == "code"]
            for value in (v for t in terms for v in self.evaluator.values(t, Frame(unit, scope))):
                written = (
                    value.symbol.dotted() if isinstance(value, Ref) else getattr(value, "value", "")
                )
                status = refusal(str(written))
                if status:
                    return status
            name = max([name, *(code(t) for t in terms)], key=is_refusal)
        lowered = name.lower()
        if is_refusal(name):
            return 403 if "forbid" in lowered or "permi" in lowered else 401
        return 0

    def _decodes(self, call: str) -> bool:
        if call not in self._decoding:
            self._decoding[call] = any(
                row.scope == index and last_name(row.callee) in _DECODES
                for unit, index in self._bodies(call)
                for row in unit.facts.calls
            )
        return self._decoding[call]

    def is_credential(self, node: Dependency) -> bool:
        """Whether a scheme, the decoding of a token, or an account by cookie is at or below."""
        if any(n.scheme is not None or self._decodes(n.call) for n in node.walk()):
            return True
        if "current" in _last(node.call) and self.refuses(node.call):
            return True
        return any(is_person(n) and any(map(self._reads_who, n.walk())) for n in node.walk())

    def _reads_who(self, node: Dependency) -> bool:
        if node.call not in self._reading:
            self._reading[node.call] = any(
                reads_who(unit, index, self._signature(unit, index).parameters)
                for unit, index in self._bodies(node.call)
            )
        return self._reading[node.call]

    def _signature(self, unit: Unit, index: int) -> Signature:
        return self.dependencies.signature(Symbol("scope", unit, index))

    # -- guards -----------------------------------------------------------------------------

    def guards(self, route: Route) -> tuple[Guard, ...]:
        """What can turn a request to `route` away, in the order of its dependencies."""
        found: dict[tuple[str, str], Guard] = {}
        for root in route.dependencies:
            for node in root.walk():
                guard = self._guard(node)
                if guard is not None:
                    key = (guard.name, guard.role)
                    kept = found.get(key)
                    optional = guard.optional and (kept is None or kept.optional)
                    found[key] = replace(guard, optional=optional)
        return tuple(found.values())

    def _guard(self, node: Dependency) -> Guard | None:
        if node.scheme is not None:
            return Guard(node.call, "scheme", node.place, bool(LAX & set(node.options)))
        if node.call not in self._places and (made := borrowed(node)) is not None:
            return made
        refused = self.refuses(node.call)
        if self.is_credential(node):
            role = self._role(node, refused)
            return Guard(node.call, role, node.place, self._is_optional(node)) if role else None
        if refused and not _last(node.returns or "").endswith("session"):
            return Guard(node.call, "permission", node.place)
        return None

    def _role(self, node: Dependency, refused: frozenset[int]) -> str | None:
        callers = [n for child in node.children for n in child.walk() if self._yields_caller(n)]
        if callers and (403 in refused or self._refines(node)):
            return "permission"
        if (
            callers
            and not self._names_caller(node)
            and node.returns not in {n.returns for n in callers}
        ):
            return "permission" if 401 in refused else None
        if 403 in refused and self._asks_more(node.call, _CREDENTIALS):
            return "permission"  # it says who may have the very thing that the path names
        if refused and any(demands_more(*place) for place in self._bodies(node.call)):
            return "permission"
        return "principal" if self._yields_caller(node) else ("permission" if refused else None)

    def _refines(self, node: Dependency) -> bool:
        word = node.call.rpartition(".")[2].lower()
        return any(w in word for w in _REFINING)

    def _yields_caller(self, node: Dependency) -> bool:
        if node.scheme is not None or not self.is_credential(node):
            return False
        if not node.children and "authorization_header" in _last(node.call):
            return False
        typed = node.returns is not None and node.returns not in _PLAIN and "." in node.returns
        return self._names_caller(node) or (typed and "session" not in (node.returns or "").lower())

    def _names_caller(self, node: Dependency) -> bool:
        word = _last(node.call)
        return any(w in word for w in ("user", "current", "principal", "account", "auth_subject"))

    def _is_optional(self, node: Dependency) -> bool:
        """Whether a caller without credentials still gets through."""
        schemes = [n for n in node.walk() if n.scheme is not None]
        strict = [n for n in schemes if not LAX & set(n.options)]
        refusing = any(self.refuses(n.call) for n in node.walk() if n.scheme is None)
        if "optional" in _last(node.call):
            return True
        return not strict and not refusing

    # -- principals -------------------------------------------------------------------------

    def principals(self, routes: Iterable[Route]) -> tuple[Principal, ...]:
        """Every dependency that yields who is calling, most used first."""
        rows: dict[str, Principal] = {}
        counts: Counter[str] = Counter()
        for route in routes:
            seen = set()
            for node in route.every_dependency():
                role = (
                    self._role(node, self.refuses(node.call)) if self.is_credential(node) else None
                )
                if node.scheme is None and role and self._yields_caller(node):
                    rows.setdefault(node.call, self._principal(node, role))
                    seen.add(node.call)
            counts.update(seen)
        found = [replace(row, used_by=counts[name]) for name, row in rows.items()]
        return tuple(
            sorted(found, key=lambda p: (p.permission, self._asks_more(p.dependency), -p.used_by))
        )

    def _asks_more(self, call: str, besides: tuple[str, ...] = ()) -> bool:
        """Whether a dependency needs something of path or body, so that few routes can use it."""
        for unit, index in self._bodies(call):
            parameters = self._signature(unit, index).parameters
            asked = (p for p in parameters if p.source not in _HIDDEN and p.required)
            if any(not any(word in p.name.lower() for word in besides) for p in asked):
                return True
        return False

    def _principal(self, node: Dependency, role: str) -> Principal:
        scheme = next((n for n in node.walk() if n.scheme is not None), None)
        options = dict(scheme.options) if scheme is not None else {}
        place = self._places.get(node.call)
        span = None
        if place is not None:
            scope = place[0].scopes[place[1]]
            span = Span(place[0].path, scope.start, scope.end)
        return Principal(
            node.call, self._model(node), self._alias(node.call),
            scheme.scheme if scheme else None, self._symbol(scheme) if scheme else None,
            self._token_url(scheme, options.get("tokenUrl")), role == "permission", 0, span,
        )  # fmt: skip

    def _model(self, node: Dependency) -> str | None:
        if node.returns is not None and node.returns not in _PLAIN:
            return node.returns
        uses = (u for u in self.dependencies.uses.values() if u.call == node.call)
        kinds = (k for use in uses for k in use.kinds if k not in _PLAIN and "." in k)
        return next(kinds, None)

    def _alias(self, call: str) -> str | None:
        uses = self.dependencies.uses.values()
        return next((u.alias for u in uses if u.call == call and u.alias), None)

    def _symbol(self, scheme: Dependency) -> str | None:
        uses = self.dependencies.uses.values()
        return next((u.written for u in uses if u.span == scheme.span), None)

    def _token_url(self, scheme: Dependency | None, written: str | None) -> str | None:
        if scheme is None or written is None:
            return None
        for use in self.dependencies.uses.values():
            made = use.target
            if use.span == scheme.span and isinstance(made, Made) and made.unit is not None:
                row = made.unit.facts.calls[made.call]
                frame = Frame(made.unit, row.scope, made.env, row.start)
                terms = [t for k, t in row.keywords if k == "tokenUrl"]
                return text_of(self.evaluator.values(terms[0], frame)) if terms else None
        return written.strip("'\"")


def _function(value: Value) -> Symbol | None:
    """The function or method of ours that a value is."""
    symbol = value.symbol if isinstance(value, Ref) else getattr(value, "function", None)
    return symbol if symbol is not None and is_function(symbol) else None


def _gives_none(unit: Unit, scope: Scope) -> bool:
    """Whether a function ends somewhere with ``None``, and says so."""
    stops = (s for s in scope.stops if s.kind == "return")
    return any(s.value is None or unit.text(s.value) == "None" for s in stops)


def _is_caught(scope: Scope, at: int) -> bool:
    """Whether what is raised at a byte meets an ``except`` of the same function."""
    tries = (b for b in scope.blocks if b.kind == "try" and b.start <= at < b.end)
    catching = {b.group for b in scope.blocks if b.kind == "except"}
    return any(b.group in catching for b in tries)


def _last(name: str) -> str:
    return name.rpartition(".")[2].lower()
