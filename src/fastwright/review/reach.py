"""What runs for a route: its functions, and every call that they make, however deep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.course import always
from fastwright.review.once import once
from fastwright.source import syntax

_DEEPEST = 8
_ACCESSORS = frozenset({"setter", "deleter", "getter"})
"""Decorators of what stands beside a property of the same name."""
_OFFLOADING = frozenset({
    "run_in_threadpool", "to_thread", "run_sync", "run_in_executor", "greenlet_spawn", "submit",
    "from_thread", "sync_to_async",
})  # fmt: skip


_STREAMING = frozenset({"StreamingResponse", "EventSourceResponse"})
"""Responses that go through a plain generator in a thread, one piece at a time."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call that runs below a root, and the way there.

    `functions` are those on the way, the root first, the one that holds `call` last; `via` are the
    calls that lead from each to the next, so that it is shorter by one.
    """

    call: Call
    functions: tuple[Function, ...]
    via: tuple[Call, ...] = ()

    @property
    def function(self) -> Function:
        """The function in whose text the call stands."""
        return self.functions[-1]

    @property
    def place(self) -> Call:
        """The call in the root's own text that leads here."""
        return (*self.via, self.call)[0]


@dataclass(frozen=True, slots=True)
class Ran:
    """One function that runs for routes, the first of them, and whether FastAPI calls it itself."""

    function: Function
    route: Route
    is_root: bool


Following = Callable[[Call], bool]
"""Whether to go on into the function of ours that a call calls."""


def _by_name(functions: Sequence[Function]) -> dict[str, Function]:
    """What each name stands for: of two methods of one class the later one, the first never runs.

    Of two functions of one module the first: it may be a route's, which runs all the same.
    """
    first = {function.name: function for function in reversed(functions)}
    methods = (f for f in functions if f.class_name)
    later = (f for f in methods if not _ACCESSORS & set(map(last, f.decorators)))
    return first | {function.name: function for function in later}


class Reach:
    """The functions of an app, and what they call."""

    def __init__(self, app: AppMap) -> None:
        self.app = app
        self.functions = _by_name(app.functions)
        self._calls: dict[str, list[Call]] = defaultdict(list)
        for call in app.calls:
            self._calls[call.caller].append(call)
        self._inside: dict[Span, tuple[Call, ...]] = {}
        self._below: dict[Span, tuple[Step, ...]] = {}
        self._ways: dict[Span, dict[Span, Step]] = {}
        made = {n.removesuffix(".__init__"): f for n, f in self.functions.items()
                if n.endswith(".__init__")}  # fmt: skip
        self._callees = {**made, **self.functions}
        self._files: dict[PurePosixPath, list[Call]] = {}
        self._functions: dict[PurePosixPath, list[Function]] = {}
        self._handing: dict[str, list[Call]] = {}
        self._refused = {(m.at.path, m.at.start) for m in app.mistakes if m.error == "TypeError"}
        self._ran: tuple[Ran, ...] | None = None
        self._serving: dict[str, list[Route]] | None = None

    def calls_in(self, function: Function) -> tuple[Call, ...]:
        """The calls in the text of a function, in the order in which they end."""
        if function.span not in self._inside:
            self._inside[function.span] = tuple(self._read_calls(function))
        return self._inside[function.span]

    def _read_calls(self, function: Function) -> Iterator[Call]:
        whole = function.span
        for call in self._calls.get(function.name, ()):
            if whole.start <= call.span.start < whole.end and call.span.path == whole.path:
                yield call

    def calls_of(self, path: PurePosixPath) -> Sequence[Call]:
        """The calls in the text of one file, in the order in which they end."""
        if not self._files:
            for call in self.app.calls:
                self._files.setdefault(call.span.path, []).append(call)
        return self._files.get(path, ())

    def functions_of(self, path: PurePosixPath) -> Sequence[Function]:
        """The functions of one file, in their order."""
        if not self._functions:
            for function in self.app.functions:
                self._functions.setdefault(function.span.path, []).append(function)
        return self._functions.get(path, ())

    def callee(self, call: Call) -> Function | None:
        """The function of ours that a call runs; that of a class is its ``__init__``."""
        return self._callees.get(call.callee or "")

    def answering(self, route: Route) -> Function | None:
        """The function that answers a route."""
        return self.functions.get(route.handler)

    def roots(self, route: Route) -> tuple[Function, ...]:
        """What FastAPI itself calls for a route: the handler first, then dependencies."""
        names = [route.handler]
        for node in route.every_dependency():
            names += [node.call, f"{node.call}.__call__", f"{node.call}.__init__"]
        found = (self.functions.get(name) for name in dict.fromkeys(names))
        return tuple(function for function in found if function is not None)

    def running(self, route: Route) -> Iterator[Function]:
        """Every function of ours that runs for a route, some of them more than once."""
        for root in self.roots(route):
            yield root
            yield from (step.function for step in self.below(root))

    def serving(self, name: str) -> Sequence[Route]:
        """The routes for which a function of ours runs."""
        if self._serving is None:
            self._serving = defaultdict(list)
            for route in self.app.routes:
                for running in {f.name for f in self.running(route)} if route.reachable else ():
                    self._serving[running].append(route)
        return self._serving.get(name, ())

    def every_root(self) -> dict[str, tuple[Function, tuple[Route, ...]]]:
        """Handlers and dependencies of reachable routes, each with the routes that it serves."""
        served: dict[str, list[Route]] = defaultdict(list)
        for route in self.app.routes:
            for function in self.roots(route) if route.reachable else ():
                served[function.name].append(route)
        return {name: (self.functions[name], tuple(routes)) for name, routes in served.items()}

    def below(self, root: Function) -> tuple[Step, ...]:
        """Every call that runs below `root`, each function entered once, nearest first."""
        if root.span not in self._below:
            self._below[root.span] = tuple(self._read_below(root, lambda _: True))
        return self._below[root.span]

    def way_to(self, root: Function, at: Span) -> Step | None:
        """The nearest call below `root` that stands at `at`."""
        if root.span not in self._ways:
            steps = reversed(self.below(root))
            self._ways[root.span] = {step.call.span: step for step in steps}
        return self._ways[root.span].get(at)

    def _read_below(self, root: Function, follow: Following) -> Iterator[Step]:
        waiting: list[tuple[tuple[Function, ...], tuple[Call, ...]]] = [((root,), ())]
        seen = {root.name}
        while waiting:
            functions, via = waiting.pop(0)
            for call in self.calls_in(functions[-1]):
                yield Step(call, functions, via)
                inner = self._begun(call)
                if inner is None or inner.name in seen or len(via) >= _DEEPEST:
                    continue
                if follow(call):
                    seen.add(inner.name)
                    waiting.append(((*functions, inner), (*via, call)))

    def _begun(self, call: Call) -> Function | None:
        """The function of ours that a call runs; one that the call does not fit never begins."""
        is_refused = (call.span.path, call.span.start) in self._refused
        return None if is_refused else self.callee(call)

    def always(self, root: Function) -> Iterator[Step]:
        """The calls below `root` that each run of it makes, as long as nothing is raised."""
        for step in self._read_below(root, self._is_always):
            if self._is_always(step.call):
                yield step

    def _is_always(self, call: Call) -> bool:
        caller = self.functions.get(call.caller)
        return caller is not None and always(caller, call.span.start)

    def ran(self) -> tuple[Ran, ...]:
        """Every function that runs for some route, once."""
        if self._ran is None:
            self._ran = tuple(self._read_ran())
        return self._ran

    def _read_ran(self) -> Iterator[Ran]:
        roots = self.every_root()
        waiting = [Ran(function, routes[0], is_root=True) for function, routes in roots.values()]
        seen = set(roots)
        while waiting:
            here = waiting.pop(0)
            yield here
            for call in self.calls_in(here.function):
                inner = self._begun(call)
                if inner is not None and inner.name not in seen:
                    seen.add(inner.name)
                    waiting.append(Ran(inner, here.route, is_root=False))

    def on_loop(self, function: Function) -> Iterator[Step]:
        """The calls that run on the event loop while an ``async`` function of ours runs.

        Plain functions that it calls are followed, other ``async`` ones are not: those are asked
        for themselves. What is handed to a thread is left out, as is a plain generator that becomes
        a response, and what a lambda does that is kept: whoever calls it may do so in a thread.
        """
        for step in self._read_below(function, self._stays):
            if not self._offloaded(step.call):
                yield step

    def _stays(self, call: Call) -> bool:
        inner = self.callee(call)
        if inner is None or inner.is_async or self._offloaded(call):
            return False
        return not (inner.yields and self._is_streamed(call))

    def _is_streamed(self, call: Call) -> bool:
        """True for a generator that a response goes through, by itself or through plain ones."""
        rows = self._calls.get(call.caller, ())
        takers = [c for c in rows if c is not call and holds(c.span, call.span)]
        sends = [c for c in takers if last(c.text) in _STREAMING]
        if not takers and call.target:
            gives = (a for c in rows if last(c.text) in _STREAMING for a in self._body(c))
            return call.target in gives
        inner = (self.callee(c) for c in takers if c not in sends)
        return bool(sends) and all(f and f.yields and not f.is_async for f in inner)

    def _body(self, response: Call) -> tuple[str, ...]:
        """What a response is made of, as written."""
        named = (text for name, text in response.keywords if name == "content")
        return (*response.arguments[:1], *named)

    def _offloaded(self, call: Call) -> bool:
        """True for a call inside the arguments of one that hands its work to a thread."""
        if self._is_kept(call):
            return True
        if call.caller not in self._handing:
            rows = self._calls.get(call.caller, ())
            self._handing[call.caller] = [c for c in rows if self._hands(c)]
        rows = self._handing[call.caller]
        return any(c is not call and holds(c.span, call.span) for c in rows)

    def _is_kept(self, call: Call) -> bool:
        """True for a call inside a lambda that stands in the arguments of no call."""
        caller, content = self.functions.get(call.caller), self.app.files[call.span.path]
        if caller is None or content.find(b"lambda", caller.span.start, call.span.start) < 0:
            return False
        around = syntax.around(syntax.parse(content), call.span.start, call.span.end)
        kinds = [node.type for node in around]
        if "lambda" not in kinds:
            return False
        before = kinds[: kinds.index("lambda")]
        return "argument_list" not in before

    def _hands(self, call: Call) -> bool:
        """True for `to_thread` and its like, and for a function of ours that gives it what it got.

        What such a function is handed stands in the call as a lambda; its own arguments run here.
        """
        if last(call.text) in _OFFLOADING:
            return True
        inner = self.callee(call)
        if inner is None or not any("lambda" in text for text in call.arguments):
            return False
        rows = (c for c in self._calls.get(inner.name, ()) if last(c.text) in _OFFLOADING)
        return any(set(row.arguments) & set(inner.parameters) for row in rows)


def last(dotted: str) -> str:
    """The last part of a dotted name."""
    return dotted.rpartition(".")[2]


def holds(outer: Span, inner: Span) -> bool:
    """True where a span lies in another, of the same file."""
    is_within = outer.start <= inner.start and inner.end <= outer.end
    return is_within and outer.path == inner.path


@once
def reach(app: AppMap) -> Reach:
    """The reach of an app."""
    return Reach(app)
