"""Exceptions of an app: what their classes derive from, and who answers them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from functools import cached_property

from fastwright.model.app import AppMap
from fastwright.model.code import Block, Call, Function, Module
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.course import around
from fastwright.review.once import once
from fastwright.review.raising import nets
from fastwright.review.reach import Step, last, reach

_ALL = frozenset({"Exception", "BaseException"})
_CLASS = r"(?m)^class\s+{}\s*(?:\(([^()]*(?:\([^()]*\)[^()]*)*)\))?\s*:"
_PLAIN = re.compile(r"(?:\w+\.)*[A-Z]\w*")
_INNER = frozenset({"call_next", "app", "route_handler", "original_route_handler"})
_REGISTERING = frozenset({"exception_handler", "add_exception_handler"})
_FAULT = re.compile(
    r"\A\s*(?:await\s+)?[\w.]+\((?s:.*?)\bstatus_code\s*=\s*"
    r"(?:500|(?:\w+\.)*(?:HTTP_500_)?INTERNAL_SERVER_ERROR(?:\.value)?)\s*[,)]"
)
"""A response whose status is 500, as written."""
_DEEPEST = 12


class Errors:
    """The exception classes of one app."""

    def __init__(self, app: AppMap) -> None:
        self._app = app
        self._modules = {module.path: module for module in app.modules.values()}
        self._known: dict[str, tuple[str, ...] | None] = {}
        self._nets: dict[str, bool] = {}

    def lineage(self, dotted: str, depth: int = 0) -> tuple[str, ...] | None:
        """A class and all that it derives from, dotted; ``None`` where a base cannot be read."""
        if dotted not in self._known:
            self._known[dotted] = self._read(dotted, depth)
        return self._known[dotted]

    def _read(self, dotted: str, depth: int) -> tuple[str, ...] | None:
        plain = dotted.removeprefix("builtins.")
        kind = getattr(builtins, plain, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return tuple(base.__name__ for base in kind.__mro__ if base is not object)
        module, name = self._place(dotted)
        if module is None or depth > _DEEPEST:
            return None
        text = self._app.files[module.path].decode("utf-8", "replace")
        found = re.search(_CLASS.format(re.escape(name)), text)
        if found is None:
            return None
        bases = [base.strip() for base in (found[1] or "").split(",") if "=" not in base]
        above = [self.lineage(named(module, b), depth + 1) for b in bases if b]
        if not above or None in above:
            return None
        return tuple(dict.fromkeys((dotted, *(n for rows in above for n in rows or ()))))

    def defined(self, dotted: str) -> Span | None:
        """The line that begins a class of ours."""
        module, name = self._place(dotted)
        text = self._app.files[module.path].decode("utf-8", "replace") if module else ""
        found = re.search(_CLASS.format(re.escape(name)), text)
        if module is None or found is None:
            return None
        start = len(text[: found.start()].encode())
        return Span(module.path, start, start + len(found[0].encode()))

    def _place(self, dotted: str) -> tuple[Module | None, str]:
        module, _, name = dotted.rpartition(".")
        return self._app.modules.get(module), name

    def raised(self, function: Function, value: str) -> str | None:
        """The dotted class that ``raise`` is given; ``None`` for what is no class by its name."""
        head = value.partition("(")[0].strip()
        module = self._modules.get(function.span.path)
        return named(module, head) if module is not None and _PLAIN.fullmatch(head) else None

    def is_answered(self, route: Route, step: Step | None, lineage: tuple[str, ...]) -> bool:
        """Whether something on the way of a raise to the client may answer it, or does."""
        names = {*map(last, lineage)}
        if self._is_registered(names) or self._by_middleware():
            return True
        given = (n.call for n in route.every_dependency())
        functions = (f for n in given if (f := reach(self._app).functions.get(n)) is not None)
        if any(f.yields and self._catches_any(f, names) for f in functions):
            return True
        return step is not None and any(self._lets_none(f) for f in step.functions)

    def _is_registered(self, names: set[str]) -> bool:
        answered = self._registered
        return answered is None or not answered.isdisjoint(names | _ALL)

    @cached_property
    def _registered(self) -> frozenset[str] | None:
        """What has a handler that is an answer; ``None`` where that may be anything."""
        found: set[str] = set()
        for call in self._app.calls:
            if call.text.endswith("FastAPI") and "exception_handlers" in dict(call.keywords):
                return None
            if last(call.text) in _REGISTERING:
                given = (*call.arguments[:1], *(v for k, v in call.keywords if "exc" in k))
                if not all(map(_is_known, given)):
                    return None
                names = set(map(last, given))
                found |= names - _ALL if names & _ALL and self._is_fault(call) else names
        return frozenset(found)

    def _is_fault(self, call: Call) -> bool:
        """Whether what is registered for everything calls it a fault of the app: 500, each time."""
        function = self._registers(call)
        returned = [s for s in function.stops if s.kind == "return"] if function else []
        return bool(returned) and all(_FAULT.search(stop.value) for stop in returned)

    def _registers(self, call: Call) -> Function | None:
        """The function of ours that a call registers, or decorates."""
        given = (*call.arguments[1:2], *(v for k, v in call.keywords if k == "handler"))
        module = self._modules.get(call.span.path)
        if given and module is not None:
            return reach(self._app).functions.get(named(module, given[0]))
        held = [f for f in self._app.functions if f.span.path == call.span.path
                and f.span.start <= call.span.start < f.span.end]  # fmt: skip
        inner = min(held, key=lambda f: f.span.end - f.span.start, default=None)
        return inner if inner is not None and inner.name != call.caller else None

    def _by_middleware(self) -> bool:
        """True where what stands around every route catches what that raises."""
        if "around" not in self._nets:
            inner = (c for c in self._app.calls if last(c.text) in _INNER and c.awaited)
            self._nets["around"] = any(self._is_held(call) for call in inner) or any(
                "route_class" in dict(call.keywords) for call in self._app.calls
            )
        return self._nets["around"]

    def _is_held(self, call: Call) -> bool:
        function = reach(self._app).functions.get(call.caller)
        blocks = around(function, call.span.start) if function is not None else ()
        return any(block.kind == "try" for block in blocks)

    def _catches_any(self, function: Function, names: set[str]) -> bool:
        taking = (b for b in function.blocks if b.kind == "except" and _takes(b, names))
        return any(not passes_on(function, net) for net in taking)

    def _lets_none(self, function: Function) -> bool:
        """A decorator of ours that catches: what its function raises may not come out."""
        for name in function.decorators:
            inner = [f for f in self._app.functions if f.name.startswith(name)]
            if any(b.kind == "except" for f in inner for b in f.blocks):
                return True
        return False


def stays(function: Function, offset: int, lineage: tuple[str, ...]) -> bool:
    """Whether what is raised at an offset of a function does not leave it as it is."""
    held = around(function, offset)
    if any(block.kind == "with" and "suppress" in block.words for block in held):
        return True
    tries = (block for block in held if block.kind == "try")
    answering = (net for tried in tries for net in nets(function, tried, *map(last, lineage)))
    return any(not passes_on(function, net) for net in answering)


def _takes(net: Block, names: set[str]) -> bool:
    return not net.names or bool({*map(last, net.names)} & (names | _ALL))


def passes_on(function: Function, net: Block) -> bool:
    """Whether an ``except`` ends in a bare ``raise``, whatever it does before."""
    inside = [s for s in function.stops if net.start <= s.start < net.end]
    return bool(inside) and all(s.kind == "raise" and not s.value.strip() for s in inside)


def lets_out(app: AppMap, route: Route, step: Step, function: Function, net: Block) -> bool:
    """Whether an ``except`` on the way to a call only trades what it takes for a 500 of ours.

    It ends in errors of classes of the app, and nothing further out answers those.
    """
    errors = errors_of(app)
    inside = [s for s in function.stops if net.start <= s.start < net.end]
    kinds = [errors.raised(function, s.value) for s in inside if s.kind == "raise"]
    if not kinds or len(kinds) < len(inside) or None in kinds:
        return False
    place = step.functions.index(function)
    ways = tuple(zip(step.functions, (*step.via, step.call), strict=True))[:place]
    return all(
        (lineage := errors.lineage(kind or "")) is not None
        and not stays(function, inside[0].start, lineage)
        and not any(stays(f, call.span.start, lineage) for f, call in ways)
        and not errors.is_answered(route, step, lineage)
        for kind in kinds
    )


def _is_known(given: str) -> bool:
    """True for a class or a status that is written out."""
    return bool(_PLAIN.fullmatch(given) or given.isdigit() or "HTTP_" in given)


def named(module: Module, written: str) -> str:
    """The dotted name of what is written in a module."""
    head, _, rest = written.partition(".")
    whole = module.imports.get(head)
    if whole is None:
        whole = f"{module.name}.{head}" if head in module.names else head
    return f"{whole}.{rest}" if rest else whole


def raises_below(app: AppMap, root: Function) -> Iterator[tuple[Function, Step | None]]:
    """The functions that a root runs in its own course, itself first, each with the way there."""
    yield root, None
    seen = {root.name}
    reached = reach(app)
    for step in reached.below(root):
        inner = reached.callee(step.call)
        is_run = inner is not None and (step.call.awaited or not inner.is_async)
        if inner is not None and is_run and inner.name not in seen and not inner.yields:
            seen.add(inner.name)
            yield inner, step


@once
def errors_of(app: AppMap) -> Errors:
    """The exceptions of an app."""
    return Errors(app)
