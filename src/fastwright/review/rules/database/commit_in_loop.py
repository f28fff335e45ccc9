"""FW305 commit-in-loop."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.batching import Batching
from fastwright.review.looping import Looped, by_loop, looped
from fastwright.review.repeating import does_the_rest, has_own_session
from fastwright.review.rule import rule
from fastwright.review.turns import keeps_failure
from fastwright.review.writing import writing_of
from fastwright.source import layout

_REST = re.compile(rb"(?:\s|#.*)*")


@rule(code="FW305", severity=Severity.MEDIUM)
def commit_in_loop(app: AppMap) -> Iterator[Finding]:
    """A transaction that a route commits once for each element of a loop.

    ## Why is this bad?
    A failure half-way leaves some elements written and the others not, though the client is told
    that the request failed; a repeated request then writes the first ones again. Each commit also
    waits until the disk has the log (CWE-460).

    ## Example
    ```python
    @app.post("/items", status_code=201)
    def add_items(titles: list[str], user: CurrentUser, session: SessionDep) -> None:
        for title in titles:
            session.add(Item(title=title, owner_id=user.id))
            session.commit()
    ```

    Use instead:
    ```python
    @app.post("/items", status_code=201)
    def add_items(titles: list[str], user: CurrentUser, session: SessionDep) -> None:
        for title in titles:
            session.add(Item(title=title, owner_id=user.id))
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: all elements are written, or none. Offered where the commit is the last
    statement of the loop; elsewhere something in the loop may need what was committed.

    ## Known limits
    A commit further than one call below the loop, under a condition of what the loop calls, or in
    a loop that may end early, is only possible, and so is one whose failure the loop deals with,
    here or at another commit, or what the loop calls. So are loops of which a repeated request does
    the rest alone, for their turns only delete, or change the column by which their rows are found,
    loops whose every turn opens a session of its own, and those whose turns send a request to
    another server, which no rollback takes back.
    Code that no route reaches, such as a worker's, is not judged.
    """
    writing, batching = writing_of(app), Batching(app)
    commits = (found for found in looped(app) if found.asked.verb == "commit")
    for found, others in by_loop(commits):
        apart = any(one.is_dealt_with for one in (found, *others)) or has_own_session(found)
        kept = found.depth > 0 and keeps_failure(found.owner, found.asking.span.start)
        kept = kept or batching.calls_out(found)
        is_whole = not apart and not kept and not does_the_rest(writing, found)
        yield _finding(app, found, sure=is_whole)


def _finding(app: AppMap, found: Looped, *, sure: bool) -> Finding:
    inner = "" if found.asking is found.place else f" in `{found.owner.name}`"
    over = layout.shortened(found.loop.words)
    return Finding(
        "commit-in-loop",
        found.place.span,
        f"`{found.asking.text}`{inner} commits once for each element of `{over}`",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{found.route}`"),),
        related=(Span(found.place.span.path, found.loop.start, found.loop.end),),
        fixes=_fixes(app, found),
        symbol=f"{found.function.name}:{found.place.text}",
        structural=sure and found.is_sure and not found.is_conditional,
    )


def _fixes(app: AppMap, found: Looped) -> tuple[Fix, ...]:
    """The commit moved behind the loop, where it is the loop's last statement."""
    call, loop = found.asking, found.loop
    content = app.files[call.span.path]
    start = layout.line_start(content, call.span.start)
    line = content[start : call.span.end].decode("utf-8", "replace")
    is_last = call is found.place and call.dropped
    is_last = is_last and bool(
        _REST.fullmatch(content, call.span.end, max(call.span.end, loop.end))
    )
    outer = layout.indentation(content, loop.group)
    if not is_last or line.strip() not in (f"{call.text}()", f"await {call.text}()"):
        return ()
    why = "all elements are written, or none"
    behind = Span(call.span.path, start, call.span.end)
    edit = Edit(behind, f"{outer}{line.strip()}", why)
    return (Fix("Commit once, behind the loop", Safety.CHANGES_BEHAVIOUR, (edit,)),)
