"""What a repeated request does of a loop that stopped half-way: all of it again, or the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.code import Function
from fastwright.review.course import around
from fastwright.review.looping import Looped
from fastwright.review.writing import Touch, Writing

_DELETES = re.compile(r"\bdelete\w*\(|\bDELETE\s+FROM\b")
_WRITES = re.compile(
    r"\b(?:add|add_all|merge|insert|update|values|bulk_\w+)\("
    r"|\b(?:INSERT\s+INTO|UPDATE)\b|\w\.\w+\s*[-+*/|&]?=(?!=)"
)
_SET = r"\.{0}\s*=(?!=)|\b(?:values|update)\([^()]*\b{0}\b['\"]?\s*[=:](?!=)"


def does_the_rest(writing: Writing, found: Looped) -> bool:
    """True where a repeated request finds no more of what the first turns have done.

    They have deleted it, or changed the column by which the rows of the loop are found.
    """
    turn = _turn(writing, found)
    if _DELETES.search(turn) and not _WRITES.search(turn):
        return not any(touch.makes for touch in _touches(writing, found))
    return any(re.search(_SET.format(re.escape(name)), turn) for name in _found_by(writing, found))


def has_own_session(found: Looped) -> bool:
    """True where each turn opens the session that it commits, here or in what it calls."""
    session, owner = found.asking.text.partition(".")[0], found.owner
    since = 0 if found.depth else found.loop.start
    if session in owner.parameters and found.depth:
        return False
    held = (b for b in around(owner, found.asking.span.start) if b.kind == "with")
    rows = (row for row in owner.bindings if row.end <= found.asking.span.start)
    bound = {row.name for row in rows if since <= row.start}
    opened = re.compile(rf"\bas\s+{re.escape(session)}\b")
    named = (b for b in held if since <= b.start)
    return session in bound or any(opened.search(b.words) or session in b.names for b in named)


def _turn(writing: Writing, found: Looped) -> str:
    """What one turn runs, as text: the loop's own, and that of the function which commits."""
    content = writing.app.files[found.function.span.path]
    own = content[found.loop.start : found.loop.end].decode("utf-8", "replace")
    return own + (_text(writing, found.owner) if found.depth else "")


def _text(writing: Writing, function: Function) -> str:
    return writing.app.text(function.span)


def _touches(writing: Writing, found: Looped) -> Iterator[Touch]:
    inside = range(found.loop.start, found.loop.end)
    return (t for t in writing.touches(found.function) if t.call.span.start in inside)


def _found_by(writing: Writing, found: Looped) -> frozenset[str]:
    """The columns by which the rows that a loop goes over were found."""
    function, loop = found.function, found.loop
    over = set(re.findall(r"\w+", loop.words))
    made = [b for b in function.bindings if b.name in over and b.end <= loop.start]
    places = [range(b.start, b.end) for b in made] + [range(loop.group, loop.start)]
    asked = (
        query
        for touch in writing.touches(function)
        for query in touch.asks
        if any(touch.call.span.start in place for place in places)
    )
    return frozenset(name.rpartition(".")[2] for query in asked for name in query.filters)
