"""FW304 split-transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.asked_first import is_found_or_made
from fastwright.review.course import around, follows
from fastwright.review.indexes import parent_of
from fastwright.review.looping import looped
from fastwright.review.outbound import is_request
from fastwright.review.reach import last
from fastwright.review.rule import rule
from fastwright.review.turns import keeps_failure
from fastwright.review.writing import Touch, Writing, aside, writing_of

_SAMPLES = 2
_CONSTANT = re.compile(r"['\"\d]|True$|False$|None$|[\w.]*\(['\"\d]")
_DEALT_WITH = re.compile(r"(?:^|_)(?:processed|handled|done|finished|completed?|imported|synced)$")
_BEGUN = re.compile(r"(?:run|job|log|attempt|import|export|batch|batches|webhook|snapshot)s?$")
"""Tables whose rows say what was begun: they are kept when it fails."""
_RECORDS = re.compile(
    r"(?:^|_)(?:audit|audits|logs?|notifications?|activit(?:y|ies)|e?mails?_(?:sends?|records?))"
    r"(?:$|_)|(?:audit|log|notification)s?$"
)
"""Tables whose rows tell what was done: what they tell of holds without them."""
_ASKED_AGAIN = re.compile(r"(?i)verif|confirm|activat|reset|otp|one_?time")
"""Tables of what is mailed to a user, who asks for it again where it did not come."""


@rule(code="FW304", severity=Severity.MEDIUM)
def split_transaction(app: AppMap) -> Iterator[Finding]:
    """A request that commits rows, and then writes and commits others that belong to them.

    ## Why is this bad?
    What fails between the two commits leaves the first half behind: an order without its lines, a
    user without a profile. The client is told that the request failed, repeats it, and meets the
    orphan (CWE-460). `flush` gives the key of a new row without ending the transaction.

    ## Example
    ```python
    @app.post("/users", status_code=201)
    def add_user(email: str, session: SessionDep) -> None:
        user = User(email=email, hashed_password="")
        session.add(user)
        session.commit()
        session.add(Item(title="Welcome", owner_id=user.id))
        session.commit()
    ```

    Use instead:
    ```python
    @app.post("/users", status_code=201)
    def add_user(email: str, session: SessionDep) -> None:
        user = User(email=email, hashed_password="")
        session.add(user)
        session.flush()
        session.add(Item(title="Welcome", owner_id=user.id))
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: both halves are written, or none. Offered where the first commit stands in
    the same function as what follows; where a function commits for all who call it, who owns the
    transaction is a decision.

    ## Known limits
    Certain where rows of the second half refer to a table of the first, of which rows are made, or
    changed in the very function, and the first commit always happens; else possible, as where a
    contact is made if there is none yet, for a repeated request finds it. So is a first half that
    is of use alone: a run, a job or a log that says what was begun, a row that says that it is not
    processed yet, one whose key is told to the client at once (`yield`), and rows of constants that
    an app is tried out with. So is a second half whose failure is dealt with, that only tells of
    the first (an audit, a notification), or that is mailed and can be asked for again. A commit
    before a request to another server is left alone, for there it can be meant, and one in a loop
    to `commit-in-loop`.
    """
    writing = writing_of(app)
    sure = (one for one in looped(app) if one.asked.verb == "commit" and one.is_sure)
    looping = {one.place.span for one in sure if not one.is_conditional}
    for function, route in writing.functions():
        touches = (t for t in writing.touches(function) if not aside(function, t.call))
        rows = [_as_staged(writing, function, touch) for touch in touches]
        found = _split(function, rows)
        if found is None or found[0].call.span in looping:
            continue
        if not _calls_out(writing, function, *found):
            yield _finding(writing, function, route, rows, found)


def _as_staged(writing: Writing, function: Function, touch: Touch) -> Touch:
    """A row that is made here and added behind a commit, is written where it is added."""
    name = touch.call.target
    if not touch.makes or not name.isidentifier():
        return touch
    calls = writing.reached.calls_in(function)
    added = [c.span.start for c in calls if last(c.text) == "add" and name in c.arguments]
    commits = [c.span.start for c in calls if last(c.text) == "commit"]
    waits = added and any(touch.call.span.end <= at < min(added) for at in commits)
    return replace(touch, makes=frozenset()) if waits else touch


def _split(function: Function, rows: list[Touch]) -> tuple[Touch, Touch] | None:
    """The first commit that has written something, and the next one that writes more."""
    for place, first in enumerate(rows):
        if not first.commits or not _written(function, rows[: place + 1], first):
            continue
        for later in range(place + 1, len(rows)):
            second = rows[later]
            one_path = follows(function, first.call.span.start, second.call.span.start)
            writes = _written(function, _behind(function, rows, place, later), second)
            if second.commits and one_path and writes:
                return first, second
    return None


def _behind(function: Function, rows: list[Touch], place: int, later: int) -> list[Touch]:
    """Those up to `later` that one run passes once it has passed the first commit."""
    start = rows[place].call.span.start
    return [r for r in rows[place + 1 : later + 1] if follows(function, start, r.call.span.start)]


def _written(function: Function, rows: list[Touch], until: Touch) -> frozenset[str]:
    """The tables written by those of `rows` that are on the way to `until`."""
    ends = until.call.span.start
    on_way = (r for r in rows if r is until or follows(function, r.call.span.start, ends))
    return frozenset(name for row in on_way for name in row.writes)


def _calls_out(writing: Writing, function: Function, first: Touch, later: Touch) -> bool:
    between = range(first.call.span.end, later.call.span.start)
    calls = [c for c in writing.reached.calls_in(function) if c.span.start in between]
    inner = (f for f in map(writing.reached.callee, calls) if f is not None)
    below = (step.call for each in inner for step in writing.reached.below(each))
    return any(map(is_request, calls)) or any(map(is_request, below))


def _stands_alone(
    writing: Writing, function: Function, begun: tuple[Touch, ...], found: tuple[Touch, Touch],
    parents: frozenset[str],
) -> bool:  # fmt: skip
    """True where the first half, rows of `parents`, is of use without the second."""
    first, second = found
    made = parents & {name for touch in begun for name in touch.makes}
    between = range(first.call.span.end, second.call.span.start)
    tells = any(s.kind == "yield" and s.start in between for s in function.stops)
    if tells or is_found_or_made(writing, function, begun, made):
        return True
    rows = [t.call for t in writing.touches(function) if t.makes and t.call.keywords]
    is_filler = len(rows) > _SAMPLES and sum(map(_is_written_out, rows)) > _SAMPLES
    if is_filler or any(map(_BEGUN.search, made)) or any(_is_unfinished(t.call) for t in begun):
        return True
    return keeps_failure(function, second.call.span.start, since=first.call.span.end)


def _is_aside(writing: Writing, after: frozenset[str], parents: frozenset[str]) -> bool:
    """True for a second half that only tells of the first, or that a client asks for again."""
    if all(map(_RECORDS.search, after)):
        return True
    renewed = all(map(_ASKED_AGAIN.search, after))
    return renewed and any(
        after <= made and not made & parents
        for root, _ in writing.reached.every_root().values()
        for made in [frozenset(n for touch in writing.touches(root) for n in touch.makes)]
    )


def _is_unfinished(call: Call) -> bool:
    """True for a row that says of itself that it is still to be dealt with."""
    return any(value == "False" and _DEALT_WITH.search(name) for name, value in call.keywords)


def _is_written_out(call: Call) -> bool:
    """True for a row most of whose values are constants."""
    values = [value for _, value in call.keywords]
    return 2 * sum(map(bool, map(_CONSTANT.match, values))) > len(values) > 1


def _finding(
    writing: Writing, function: Function, route: str, rows: list[Touch], found: tuple[Touch, Touch]
) -> Finding:
    app, (first, second) = writing.app, found
    place, later = rows.index(first), rows.index(second)
    before = _written(function, rows[: place + 1], first)
    after = _written(function, _behind(function, rows, place, later), second)
    parents = _parents(app, after, before) & _known(writing, rows[: place + 1])
    told = (
        f"`{function.name}` commits `{_listed(before)}`, then writes and commits `{_listed(after)}`"
    )
    return Finding(
        "split-transaction",
        first.call.span,
        told,
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        related=(second.call.span,),
        fixes=_fixes(app, function, first),
        symbol=function.name,
        structural=first.surely
        and bool(parents)
        and not _is_aside(writing, after - before, parents)
        and not _stands_alone(writing, function, tuple(rows[: place + 1]), found, parents),
    )


def _known(writing: Writing, rows: list[Touch]) -> frozenset[str]:
    """The tables of rows that are made, or changed in the text of the function itself.

    What another function changes may be a step of its own, as of a job that goes on next time.
    """
    own = (row.changes for row in rows if writing.reached.callee(row.call) is None)
    return frozenset().union(*own, *(row.makes for row in rows))


def _listed(names: frozenset[str]) -> str:
    return "`, `".join(sorted(names))


def _parents(app: AppMap, after: frozenset[str], before: frozenset[str]) -> frozenset[str]:
    """Those of the earlier tables without whose rows a row of the later ones cannot be."""
    tables = (app.table(name) for name in after - before)
    keys = (c.foreign_key for table in tables if table is not None for c in table.columns)
    return before & {parent_of(app, key) for key in keys if key}


def _fixes(app: AppMap, function: Function, first: Touch) -> tuple[Fix, ...]:
    call = first.call
    always = not any(b.kind != "with" for b in around(function, call.span.start))
    if not call.text.endswith(".commit") or not call.dropped or not always:
        return ()
    end = call.span.start + len(call.text.encode())
    span = Span(call.span.path, end - len("commit"), end)
    why = "the rows have their keys, and are written with what belongs to them, or not at all"
    if app.text(span) != "commit":
        return ()
    edit = Edit(span, "flush", why)
    return (Fix("Flush here, and commit once", Safety.CHANGES_BEHAVIOUR, (edit,)),)
