"""FW302 query-in-loop."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.batching import Batching
from fastwright.review.looping import Looped, by_loop, looped
from fastwright.review.rule import rule
from fastwright.source import layout


@rule(code="FW302", severity=Severity.MEDIUM)
def query_in_loop(app: AppMap) -> Iterator[Finding]:
    """A statement that a route sends once for each element of a loop.

    ## Why is this bad?
    Each turn waits for a round trip to the database: at 1 ms each, a list of 500 rows costs half a
    second that one statement would cost once, and the connection is held all the while (CWE-1073).

    ## Example
    ```python
    @app.get("/titles")
    def titles(session: SessionDep) -> list[str]:
        found = []
        for user in session.scalars(select(User).limit(100)).all():
            items = session.scalars(select(Item).where(Item.owner_id == user.id)).all()
            found += [item.title for item in items]
        return found
    ```

    Use instead:
    ```python
    @app.get("/titles")
    def titles(session: SessionDep) -> list[str]:
        users = session.scalars(select(User).limit(100)).all()
        wanted = Item.owner_id.in_([user.id for user in users])
        return [item.title for item in session.scalars(select(Item).where(wanted)).all()]
    ```

    ## Fix safety
    None is offered: which statement replaces the loop (`in_`, a join, one `insert` with many rows)
    is a decision about what the loop does with each row.

    ## Known limits
    `while` loops, loops over a few constants and loops over batches are left alone. A statement
    further than one call below the loop, or in a loop that may end early, is only possible; so is
    one that is about another table or column each time, or whose failure the loop deals with and
    goes on, or that runs ten times at the most, or in code that fills a database to try the app.
    The same holds for a loop over what an app has a handful of (roles, currencies), over `*names`
    and over a single element that was wrapped, and for a call that only refuses what is not
    allowed: it says of one element what is wrong with it. Certain are questions alone: where a turn
    writes, commits or calls another server too, they are not what it waits for, and a row that is
    changed by a statement of its own may get values of its own. What is taken away, keys that an
    office has ticked, and the list inside one element of a body are a handful as well.
    """
    every = list(looped(app))
    committed = {found.turn for found in every if found.asked.verb == "commit"}
    asking = [
        found
        for found in every
        if found.asked.verb not in ("commit", "rollback", "close")
        and not (found.asked.verb == "refresh" and found.turn in committed)
    ]
    batching = Batching(app)
    asking.sort(key=lambda found: not batching.asks(found.owner, found.asking, found.asked))
    for found, others in by_loop(asking):
        yield _finding(found, others, sure=found.is_costly and batching.is_worth(found))


def _finding(found: Looped, others: tuple[Looped, ...], *, sure: bool) -> Finding:
    inner = "" if found.asking is found.place else f" in `{found.owner.name}`"
    over = layout.shortened(found.loop.words)
    return Finding(
        "query-in-loop",
        found.place.span,
        f"`{found.asking.text}`{inner} runs once for each element of `{over}`",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in _seen(found, others)),
        related=(*_related(found), *(other.place.span for other in others)),
        symbol=f"{found.function.name}:{found.place.text}",
        structural=sure,
    )


def _seen(found: Looped, others: tuple[Looped, ...]) -> Iterator[str]:
    yield f"it runs for `{found.route}`"
    if others:
        named = ", ".join(dict.fromkeys(f"`{other.place.text}`" for other in others))
        yield f"the same loop asks by {named}"


def _related(found: Looped) -> tuple[Span, ...]:
    loop = Span(found.place.span.path, found.loop.start, found.loop.end)
    return (loop,) if found.asking is found.place else (loop, found.asking.span)
