"""FW602 lost-task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.asynchrony import spawns
from fastwright.review.course import around
from fastwright.review.given import mentions
from fastwright.review.once import once
from fastwright.review.reach import holds, reach
from fastwright.review.rule import rule
from fastwright.source import layout

_NAME = "_background_tasks"
_WITHOUT_LOOP = re.compile(
    r"asyncio\.run\(|run_until_complete|threadsafe|\bfrom_thread\b|new_event_loop|\bThread\("
)
"""How code has a coroutine run where there is no event loop."""
_TOP = re.compile(rb"(?m)^(?:@|def |async def |class )")


@rule(code="FW602", severity=Severity.MEDIUM)
def lost_task(app: AppMap) -> Iterator[Finding]:
    """A task that a request starts and nobody holds on to.

    ## Why is this bad?
    The event loop keeps only a weak reference to a task. One that nobody else refers to can be
    collected in the middle of its work, and what it raises is seen by nobody (CWE-404). At a
    shutdown it is cut off without a word. Started in a plain `def`, which FastAPI runs in a thread,
    there is no event loop at all: `create_task` raises, and the work is never done.

    ## Example
    ```python
    import asyncio


    async def notify(email: str) -> None:
        await asyncio.sleep(1)


    @app.post("/notify")
    async def start(email: str) -> None:
        asyncio.create_task(notify(email))
    ```

    Use instead:
    ```python
    import asyncio

    running: set[asyncio.Task[None]] = set()


    async def notify(email: str) -> None:
        await asyncio.sleep(1)


    @app.post("/notify")
    async def start(email: str) -> None:
        task = asyncio.create_task(notify(email))
        running.add(task)
        task.add_done_callback(running.discard)
    ```

    ## Fix safety
    Safe: the task is held in a set of the module until it is done, as the standard library's
    documentation asks. It still ends with the process: work that must be done belongs in a queue.
    None is offered for a task that is started in a thread.

    ## Known limits
    Only tasks of asyncio, whose result is thrown away or bound to a name that is not used again.
    In a thread, one that is started under a `try` is only possible: the code may know. So is one
    that awaits nothing: it is done in one step.
    """
    reached, on_loop, threads = reach(app), _on_loop(app), _in_threads(app)
    for ran in reached.ran():
        for call in (c for c in reached.calls_in(ran.function) if spawns(c)):
            outside = threads.get(ran.function.name)
            if outside is not None and not _WITHOUT_LOOP.search(app.text(ran.function.span)):
                yield _unstarted(ran.function, call, outside)
            elif ran.function.name in on_loop and _is_lost(app, ran.function, call):
                yield _finding(app, ran.function, call, str(ran.route))


@once
def _on_loop(app: AppMap) -> frozenset[str]:
    """The functions that the event loop runs for some route."""
    reached = reach(app)
    roots = (ran.function for ran in reached.ran() if ran.function.is_async)
    return frozenset(step.function.name for root in roots for step in reached.on_loop(root))


@once
def _in_threads(app: AppMap) -> Mapping[str, Route]:
    """The plain functions that run in a thread of FastAPI's, each with a route that they serve."""
    reached, found = reach(app), dict[str, Route]()
    for root, routes in reached.every_root().values():
        for step in reached.on_loop(root) if not root.is_async else ():
            found.setdefault(step.function.name, routes[0])
    return found


def _is_caught(function: Function, call: Call) -> bool:
    """True where the code expects that there may be no event loop."""
    tried = {b.group for b in around(function, call.span.start) if b.kind == "try"}
    return any(b.kind == "except" and b.group in tried for b in function.blocks)


def _is_lost(app: AppMap, function: Function, call: Call) -> bool:
    if call.dropped:
        return not call.awaited
    rest = app.files[call.span.path][call.span.end : function.span.end].decode("utf-8", "replace")
    return call.target.isidentifier() and not mentions(rest, {call.target})


def _finding(app: AppMap, function: Function, call: Call, route: str) -> Finding:
    work = next(iter(call.arguments), "")
    return Finding(
        "lost-task",
        call.span,
        f"`{function.name}` starts `{_shown(call)}` as a task that nothing refers to",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        fixes=_fixes(app, function, call),
        symbol=f"{function.name}:{work}",
        structural=not _is_one_step(app, call),
    )


def _is_one_step(app: AppMap, spawn: Call) -> bool:
    """True where the work awaits nothing: it runs whole, and cannot vanish midway."""
    calls = reach(app).calls_of(spawn.span.path)
    inside = (c for c in calls if c is not spawn and holds(spawn.span, c.span))
    outer = min(inside, key=lambda call: call.span.start, default=None)
    work = reach(app).callee(outer) if outer is not None else None
    return work is not None and work.is_async and not work.awaits


def _unstarted(function: Function, call: Call, route: Route) -> Finding:
    work = next(iter(call.arguments), "")
    return Finding(
        "lost-task",
        call.span,
        f"`{function.name}` starts `{_shown(call)}` in a thread, where no event loop runs",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it raises for `{route}`, a plain `def`"),),
        symbol=f"{function.name}:{work}",
        structural=not _is_caught(function, call),
    )


def _shown(call: Call) -> str:
    """The work that is started, on one line."""
    return layout.shortened(next(iter(call.arguments), "") or call.text)


def _fixes(app: AppMap, function: Function, call: Call) -> tuple[Fix, ...]:
    """Hold the task in a set of the module until it is done."""
    path, content = call.span.path, app.files[call.span.path]
    start = layout.line_start(content, call.span.start)
    place = _first_definition(content)
    if not call.dropped or content[start : call.span.start].strip() or place is None:
        return ()
    text = content.decode("utf-8", "replace")
    if re.search(rf"(?<![-\w.])task\b|\b{_NAME}\b", app.text(function.span)) or _NAME in text:
        return ()
    indent = layout.indentation(content, call.span.start)
    why = "the event loop holds tasks weakly: one that nothing refers to may vanish"
    behind = f"\n{indent}{_NAME}.add(task)\n{indent}task.add_done_callback({_NAME}.discard)"
    edits = (
        Edit(
            Span(path, place, place),
            f"{_NAME}: set[object] = set()\n\n\n",
            why,
        ),
        Edit(Span(path, call.span.start, call.span.start), "task = ", why),
        Edit(Span(path, call.span.end, call.span.end), behind, why),
    )
    return (Fix("Hold the task until it is done", Safety.SAFE, edits),)


def _first_definition(content: bytes) -> int | None:
    """Where the first function or class of a module starts: its constants stand above."""
    found = _TOP.search(content)
    return found.start() if found is not None else None
