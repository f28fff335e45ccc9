"""Who may call what differs by exactly what was promised, by live calls before and after.

A promise of access reads ``METHOD /path: outcome``. The outcome is one of

- ``open to everybody`` - nobody is turned away,
- ``for whoever is logged in`` - nobody gets in without a token, every user does,
- ``for the owner alone`` - and other users are turned away, be it by 403 or 404,
- or cells, caller by caller: ``anonymous 401, owner 200, other user 404``.

Only 2xx and 3xx show that somebody gets in. The login and the route that it protects must answer
so; of another route, 404 or 422 tells nothing of who may call it, which is said. An error of the
server fails any promise, unless its very status was promised of the operation.

Where an error of the server becomes a refusal (500 → 404), nobody gets in who did not before: that
is told, and needs no promise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.change import ChangeSet
from fastwright.model.finding import AccessMatrix, Caller, Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate, counted
from fastwright.prove.side import Side, on_both
from fastwright.review.access import Seen, look

Cells = Mapping[str, str]

TURNED_AWAY = frozenset({"401", "403"})
_UNTELLING = frozenset({"400", "404", "405", "409", "410", "415", "422", "429"})
_INSIDE = frozenset({"in", "any"})
_USERS = (Caller.OWNER.value, Caller.OTHER_USER.value, Caller.LOWER_ROLE.value)
_CELL = re.compile(r"(anonymous|owner|other user|lower role) (\d{3})")
SHOWN = 12
"""Cells that are named as evidence."""


def run(before: Side, after: Side, changes: ChangeSet) -> Check:
    """Call both apps as everybody; a difference that is seen again on empty databases counts."""
    for name, side in (("old", before), ("new", after)):
        if side.refusal is not None:
            return GATE.skipped(f"the {name} tree does not boot: {side.refusal.because}")
    was, now = _looked(before, after, changes)
    if not was.matrix.outcomes or not now.matrix.outcomes:
        why = "; ".join(dict.fromkeys((*was.notes, *now.notes)))
        return GATE.skipped(why or "there is nothing to call")
    broken = tuple(_beyond_promise(was.matrix, now.matrix, changes))
    if broken:
        again = _looked(before, after, changes)
        steady = set(_beyond_promise(again[0].matrix, again[1].matrix, changes))
        broken = tuple(text for text in broken if text in steady)
    figures = _figure(was.matrix), _figure(now.matrix)
    mended = _mended(was.matrix, now.matrix)
    notes = _evidence((*_kept(changes, now.matrix), *mended, *_notes(was, now)))
    return (
        GATE.failed(*figures, *_evidence(broken), *notes)
        if broken
        else GATE.passed(*figures, *notes)
    )


def _looked(before: Side, after: Side, changes: ChangeSet) -> tuple[Seen, Seen]:
    """Both matrices, from databases that are empty, as every gate leaves them, this one too."""
    needs = next((needs for _, needs in changes.promise.attacks if needs.get("login")), {})
    added = {str(operation) for operation in changes.promise.adds}

    def call(side: Side) -> Seen:
        seen = look(side.app, needs, last=added)
        side.empty()
        return seen

    return on_both(before, after, call)


def _figure(matrix: AccessMatrix) -> str:
    cells = sum(len(row) for row in matrix.outcomes.values())
    return f"{counted(len(matrix.outcomes), 'operation')}, {counted(cells, 'call')}"


def _beyond_promise(was: AccessMatrix, now: AccessMatrix, changes: ChangeSet) -> Iterator[str]:
    promised = dict(_promises(changes))
    added = {str(operation) for operation in changes.promise.adds}
    for route in sorted({*was.outcomes, *now.outcomes} - promised.keys() - added):
        yield from _differences(route, was.outcomes.get(route, {}), now.outcomes.get(route, {}))
    for route, outcome in promised.items():
        allowed = _allowed(route, changes)
        yield from _refuted(route, outcome, now.outcomes.get(route, {}), allowed)


def _promises(changes: ChangeSet) -> Iterator[tuple[str, str]]:
    for text in changes.promise.access:
        route, _, outcome = text.partition(": ")
        yield route.strip(), outcome.strip()


def _differences(route: str, old: Cells, new: Cells) -> Iterator[str]:
    for caller in sorted({*old, *new}):
        before, after = old.get(caller, "absent"), new.get(caller, "absent")
        if before != after and not _is_mended(before, after):
            yield f"`{route}` for {caller}: {before} → {after}, which was not promised"


def _is_mended(before: str, after: str) -> bool:
    return before.startswith("5") and after.startswith("4")


def _mended(was: AccessMatrix, now: AccessMatrix) -> Iterator[str]:
    for route, cells in sorted(now.outcomes.items()):
        for caller, after in sorted(cells.items()):
            before = was.outcomes.get(route, {}).get(caller, "absent")
            if _is_mended(before, after):
                yield f"`{route}` for {caller}: {before} → {after}, fails no more"


def _allowed(route: str, changes: ChangeSet) -> frozenset[str]:
    """Statuses that are no proof of access to `route`, and that do not refute it either."""
    doors = {
        needs.get(door) for _, needs in changes.promise.attacks for door in ("login", "protected")
    }
    promised = {str(s) for o in changes.promise.adds if str(o) == route for s in o.status_codes}
    told = {status for status in promised if status.startswith("5")}
    return frozenset(told if route in doors else told | _UNTELLING)


def _refuted(route: str, outcome: str, cells: Cells, allowed: frozenset[str]) -> Iterator[str]:
    """What of a promised outcome is not so; `allowed` statuses do not tell who gets in."""
    if not cells:
        yield f"`{route}` was promised to be {outcome}, and is not there"
    for caller, status in cells.items():
        wanted = _wanted(outcome, caller)
        if wanted is None:
            yield f"`{route}`: “{outcome}” says nothing of {caller}, who is answered {status}"
        elif not _meets(status, wanted) and not (wanted in _INSIDE and status in allowed):
            yield f"`{route}` was promised to be {outcome}, and {caller} is answered {status}"


def _wanted(outcome: str, caller: str) -> str | None:
    """``in``, ``out``, ``hidden``, ``any`` or a status; None where `outcome` cannot be read."""
    if outcome == "open to everybody":
        return "in"
    anonymous = caller == Caller.ANONYMOUS.value
    if outcome == "for whoever is logged in":
        return "out" if anonymous else "in"
    if outcome == "for the owner alone":
        return "out" if anonymous else "in" if caller == Caller.OWNER.value else "hidden"
    told = dict(_CELL.findall(outcome))
    return told.get(caller, "any") if told else None


def _meets(status: str, wanted: str) -> bool:
    turned_away = status in TURNED_AWAY
    verdicts = {
        "in": status[0] in "23",
        "out": turned_away,
        "hidden": turned_away or status == "404",
        "any": status[0] in "1234",
    }
    return verdicts.get(wanted, status == wanted)


def _kept(changes: ChangeSet, now: AccessMatrix) -> Iterator[str]:
    for route, outcome in _promises(changes):
        cells = now.outcomes.get(route, {})
        told = ", ".join(f"{caller} {status}" for caller, status in cells.items())
        unknown = _unknown(outcome, cells)
        yield (
            f"`{route}`: whether it is {outcome} is not known for {' and '.join(unknown)}: {told}"
            if unknown
            else f"`{route}` is {outcome}: {told}"
        )


def _unknown(outcome: str, cells: Cells) -> tuple[str, ...]:
    """Callers who should get in, and whose answer shows neither that they do nor that not."""
    wanted = ((caller, _wanted(outcome, caller), status) for caller, status in cells.items())
    return tuple(
        caller
        for caller, want, status in wanted
        if want in _INSIDE and status not in TURNED_AWAY and not _meets(status, want)
    )


def _notes(was: Seen, now: Seen) -> Iterator[str]:
    for tree, seen in (("old", was), ("new", now)):
        yield from (f"{tree} tree: {note}" for note in seen.notes)
    if not any(user in row for row in now.matrix.outcomes.values() for user in _USERS):
        yield "users are not compared: only calls without a token are"


def _evidence(texts: Sequence[str]) -> tuple[Evidence, ...]:
    return tuple(Evidence(EvidenceKind.HTTP, text) for text in texts[:SHOWN])


GATE = Gate(
    "access",
    "who may call what differs by what was promised",
    run,
    after=("boots",),
    behind=("contract",),
)
