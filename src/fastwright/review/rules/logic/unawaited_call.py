"""FW210 unawaited-call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.callers import is_dead
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.statements import is_lost
from fastwright.review.unawaited import is_answer, unawaited
from fastwright.survey.codebase import of_tests

_PUT_AWAY = frozenset({"archive", "archived", "deprecated", "legacy", "obsolete"})
"""Folders of what is kept to be read, and run no more."""


@rule(code="FW210", severity=Severity.HIGH)
def unawaited_call(app: AppMap) -> Iterator[Finding]:
    """An `async` function that is called and not awaited, so that it never runs.

    ## Why is this bad?
    The call makes a coroutine and does nothing else. What it should have written is not there, and
    the client is told that it was; where its result is used, a coroutine stands in for the row: it
    is never `None`, so that no 404 is answered, and the first real use raises (CWE-252).

    ## Example
    ```python
    async def note_visit(item_id: int) -> None:
        logger.info("visited")


    @app.get("/items/{item_id}")
    async def read_item(item_id: int) -> int:
        note_visit(item_id)
        return item_id
    ```

    Use instead:
    ```python
    async def note_visit(item_id: int) -> None:
        logger.info("visited")


    @app.get("/items/{item_id}")
    async def read_item(item_id: int) -> int:
        await note_visit(item_id)
        return item_id
    ```

    ## Fix safety
    Changes behaviour: what never ran now runs. Offered where the call stands in an `async`
    function; a plain one must become one first, and so must those that call it.

    ## Known limits
    A coroutine that is kept and handed on, to `gather` or `create_task`, is meant; only one whose
    first use is a test, an attribute or an element, that a session is given, or that an `async`
    handler returns, is reported. Of other packages the calls of an `AsyncSession` and of async
    drivers count. A function with a decorator may be no coroutine any more, and is passed over. A
    method that is declared alone, as in a protocol, is told where every other of its name is
    `async`. What no route reaches is only possible in a folder such as `archive`, where nothing
    calls it, and where another project of the repository defines what is called.
    """
    routes = {ran.function.name: ran.route for ran in reach(app).ran()}
    for call in app.calls:
        caller = reach(app).functions.get(call.caller)
        if caller is not None and _is_lost(app, caller, call):
            told = _finding(call, caller, routes.get(call.caller))
            yield replace(told, structural=call.caller in routes)
    for one in unawaited(app):
        route = routes.get(one.caller.name)
        sure = route is not None or not (
            _is_put_away(app, one.call) or _is_foreign(app, one.call, one.called)
        )
        yield replace(_finding(one.call, one.caller, route), structural=sure)


def _is_lost(app: AppMap, caller: Function, call: Call) -> bool:
    """True for a call of a library's that does nothing before it is awaited."""
    if call.awaited or of_tests(call.span.path) or not is_lost(call):
        return False
    return bool(call.dropped or call.target or is_answer(app, caller, call))


def _finding(call: Call, caller: Function, route: Route | None) -> Finding:
    becomes = f"`{call.target}` is a coroutine, not its result"
    becomes = becomes if call.target else "the answer is a coroutine, which ends in a 500"
    told = f"`{call.text}` is not awaited: {'it never runs' if call.dropped else becomes}"
    seen = [f"`{last(call.callee or call.text)}` is `async`"]
    if route is not None:
        seen.append(f"it runs for `{route}`")
    return Finding(
        "unawaited-call",
        call.span,
        told,
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in seen),
        fixes=_fixes(call) if caller.is_async else (),
        symbol=f"{call.caller}:{call.text}",
    )


def _is_put_away(app: AppMap, call: Call) -> bool:
    """True for code that nothing runs: what it leaves undone is missed by nobody."""
    return bool(_PUT_AWAY & set(call.span.path.parts[:-1])) or is_dead(app, call.caller)


def _is_foreign(app: AppMap, call: Call, called: Function) -> bool:
    """True where the caller has dependencies of its own, declared beside what it calls.

    Another project of the repository may have a package of the same name, or its own not be here.
    """
    above = [m.path.parent for m in app.manifests if m.path.parent in call.span.path.parents]
    own = max(above, key=lambda folder: len(folder.parts), default=None)
    return own is not None and own not in called.span.path.parents


def _fixes(call: Call) -> tuple[Fix, ...]:
    at = Span(call.span.path, call.span.start, call.span.start)
    edit = Edit(at, "await ", "an `async` function runs when it is awaited")
    return (Fix(f"Await `{call.text}`", Safety.CHANGES_BEHAVIOUR, (edit,)),)
