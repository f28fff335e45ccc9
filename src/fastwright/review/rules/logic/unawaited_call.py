"""FW210 unawaited-call."""

from __future__ import annotations

import re
from collections import Counter
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
from fastwright.source import signatures
from fastwright.survey.codebase import of_tests

_OWN = r"close|send|throw|cr_\w+|__\w+__"
"""Attributes that a coroutine has itself."""

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
    reached = reach(app)
    routes = {ran.function.name: ran.route for ran in reached.ran()}
    handlers = {route.handler for route in app.routes if route.reachable}
    written = Counter(function.name for function in app.functions)
    for call in app.calls:
        caller = reached.functions.get(call.caller)
        answers = caller is not None and caller.name in handlers and _is_answer(app, caller, call)
        is_kept = call.dropped or call.target or answers
        if call.awaited or not is_kept or of_tests(call.span.path):
            continue
        if caller is not None and is_lost(call):
            told = _finding(call, caller, routes.get(call.caller))
            yield replace(told, structural=call.caller in routes)
            continue
        called = reached.callee(call)
        if caller is None or called is None or not _makes_a_coroutine(called):
            continue
        if written[called.name] > 1 or _is_one_of_several(app, call, called):
            continue  # one of several by that name may be no coroutine
        if not _is_what_runs(app, called):
            continue
        if call.dropped or answers or _is_taken_for_its_result(app, caller, call):
            route = routes.get(call.caller)
            sure = route is not None or not (
                _is_put_away(app, call) or _is_foreign(app, call, called)
            )
            yield replace(_finding(call, caller, route), structural=sure)


def _is_answer(app: AppMap, caller: Function, call: Call) -> bool:
    """True for what an ``async`` handler returns: FastAPI awaits the handler, and no more."""
    written = app.text(call.span)
    return caller.is_async and any(
        stop.kind == "return" and stop.value.strip() == written
        and stop.start <= call.span.start < stop.end
        for stop in caller.stops
    )  # fmt: skip


def _makes_a_coroutine(function: Function) -> bool:
    is_plain = not set(function.decorators) - {"staticmethod", "classmethod"}
    return function.is_async and not function.yields and is_plain


def _is_what_runs(app: AppMap, called: Function) -> bool:
    """True where the method itself runs, or any that can stand for one that is declared alone."""
    if called.class_name is None or not signatures.is_declared_alone(app, called.span):
        return True
    named = (f for f in app.functions if last(f.name) == last(called.name) and f is not called)
    written = [f for f in named if not signatures.is_declared_alone(app, f.span)]
    return bool(written) and all(_makes_a_coroutine(f) for f in written)


def _is_one_of_several(app: AppMap, call: Call, called: Function) -> bool:
    """True where a variable is called, which may stand for something else the next time."""
    name = last(call.text)
    if name == last(called.name):
        return False
    renamed = rf"\b{re.escape(last(called.name))}\s+as\s+{re.escape(name)}\b"
    return re.search(renamed, app.files[call.span.path].decode("utf-8", "replace")) is None


def _is_taken_for_its_result(app: AppMap, caller: Function, call: Call) -> bool:
    """True where the first use of the name is one that a coroutine is no good for."""
    content = app.files[caller.span.path]
    text = content[call.span.end : caller.span.end].decode("utf-8", "replace")
    name = re.escape(call.target)
    if re.search(rf"\bawait\s+\(?\s*{name}\b(?!\s*[.(\[])", text):
        return False
    found = re.search(rf"(?<![\w.'\"]){name}\b", text)
    if found is None or "\n" not in text[: found.start()]:
        return False
    before = text[: found.start()].rpartition("\n")[2]
    after = text[found.end() :]
    is_tested = re.search(r"\b(?:if|while|and|or)\s+(?:not\s+)?$", before) is not None
    is_read = re.match(rf"\.(?!(?:{_OWN})\b)\w|\[", after) is not None
    is_given = re.search(r"\b(?:session|db)\w*\.(?:add|delete|refresh|merge)\($", before)
    return is_tested or is_read or is_given is not None


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
