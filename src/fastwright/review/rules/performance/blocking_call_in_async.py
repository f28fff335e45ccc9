"""FW403 blocking-call-in-async."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Fix
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.asynchrony import in_thread, plain_function, sleep_awaited
from fastwright.review.lasting import is_done_once
from fastwright.review.outbound import blocks
from fastwright.review.reach import Step, reach
from fastwright.review.rule import rule
from fastwright.review.rules.performance.sync_database_in_async import waiting
from fastwright.survey.codebase import of_samples


@rule(code="FW403", severity=Severity.MEDIUM)
def blocking_call_in_async(app: AppMap) -> Iterator[Finding]:
    """An async function of a request that sleeps, fetches, hashes or runs a program by blocking.

    ## Why is this bad?
    While the call waits, the event loop runs nothing else: one slow upstream, or one login whose
    password takes 200 ms to hash, stops every request of the process (CWE-400, OWASP API4:2023).

    ## Example
    ```python
    @app.post("/retry")
    async def retry() -> dict[str, bool]:
        import time

        time.sleep(2)
        return {"done": True}
    ```

    Use instead:
    ```python
    @app.post("/retry")
    async def retry() -> dict[str, bool]:
        import asyncio

        await asyncio.sleep(2)
        return {"done": True}
    ```

    ## Fix safety
    `time.sleep` becomes `await asyncio.sleep`; a function that awaits nothing becomes a plain
    `def`, which FastAPI runs in a thread; any other call is handed to `asyncio.to_thread`. Answers
    stay as they are. None is offered where a session or connection would change its thread.

    ## Known limits
    Calls are followed through functions of the app, down to those listed in the rule: sleeping,
    requests, httpx without `await`, urllib, subprocess, sockets, mail, password hashes, and the
    blocking clients of Redis and of some services (AWS, Stripe, OpenAI, Supabase and others), and
    opening spreadsheets and working on pictures that were sent. Reading other files is not
    reported, nor is what a process does once and keeps in a global name, or a call that
    `sync-database-in-async` tells of: what takes that off the loop mends both. In code that fills a
    database to try the app out, a finding is only possible.
    """
    reached = reach(app)
    told: dict[tuple[str, int], Finding] = {}
    elsewhere = {finding.at for finding in waiting(app)}
    for ran in reached.ran():
        for step in reached.on_loop(ran.function) if ran.function.is_async else ():
            waits = blocks(step.call)
            if waits and step.place.span not in elsewhere and not is_done_once(app, step):
                key = (ran.function.name, step.place.span.start)
                told.setdefault(key, _finding(app, step, waits, ran.route))
    yield from told.values()


def _finding(app: AppMap, step: Step, waits: str, route: Route) -> Finding:
    function, place = step.functions[0], step.place
    inner = "" if step.function is function else f" in `{step.function.name}`"
    return Finding(
        "blocking-call-in-async",
        place.span,
        f"`{function.name}` is async and stops the event loop: `{step.call.text}`{inner} {waits}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        related=(step.call.span,) if inner else (),
        fixes=_fixes(app, step),
        symbol=f"{function.name}:{step.call.text}",
        structural=not of_samples(place.span.path),
    )


def _fixes(app: AppMap, step: Step) -> tuple[Fix, ...]:
    function, place = step.functions[0], step.place
    if place.callee == "time.sleep":
        return sleep_awaited(app, place)
    return _in_threads(app, function, place) or plain_function(app, function)


def _in_threads(app: AppMap, function: Function, place: Call) -> tuple[Fix, ...]:
    """Every call of that name in the function: of one that is left, the next review would tell."""
    alike = (c for c in app.calls if c.caller == place.caller and c.text == place.text)
    found = [fix for call in (place, *alike) for fix in in_thread(app, function, call)]
    if not found:
        return ()
    changes = tuple(dict.fromkeys(change for fix in found for change in fix.changes))
    return (replace(found[0], changes=changes),)
