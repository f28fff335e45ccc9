"""FW602 lost-task."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.asynchrony import spawns
from fastwright.review.given import mentions
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.source import layout

_NAME = "_background_tasks"
_TOP = re.compile(rb"(?m)^(?:@|def |async def |class )")


@rule(code="FW602", severity=Severity.MEDIUM)
def lost_task(app: AppMap) -> Iterator[Finding]:
    """A task that a request starts and nobody holds on to.

    ## Why is this bad?
    The event loop keeps only a weak reference to a task. One that nobody else refers to can be
    collected in the middle of its work, and what it raises is seen by nobody (CWE-404). At a
    shutdown it is cut off without a word.

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

    ## Known limits
    Only tasks of asyncio, whose result is thrown away or bound to a name that is not used again.
    """
    reached = reach(app)
    for ran in reached.ran():
        for call in reached.calls_in(ran.function):
            if spawns(call) and _is_lost(app, ran.function, call):
                yield _finding(app, ran.function, call, str(ran.route))


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
        f"`{function.name}` starts `{work or call.text}` as a task that nothing refers to",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        fixes=_fixes(app, function, call),
        symbol=f"{function.name}:{work}",
        structural=True,
    )


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
