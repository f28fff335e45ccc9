"""Whether the answer of a function that a route calls comes to the client, as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fastwright.model.app import AppMap
from fastwright.model.code import Block, Call, Function
from fastwright.model.routing import Route
from fastwright.review.course import around
from fastwright.review.nets import passes_on
from fastwright.review.raising import nets
from fastwright.review.reach import Ran, Step, reach
from fastwright.review.refusing import Refusal, status_of

_REFUSES = range(400, 500)
_ALIAS = re.compile(r"\bas\s+(\w+)")
_MISSING = re.compile(r"not (\w+)|(\w+) is None")
_SCALAR = re.compile(r"(?:int|str|(?:uuid\.)?UUID)(?: \| None)?")
_KEY = re.compile(r"\w+(?:\.\w+)*\.(?:\w+_)?id")


def hearing(app: AppMap, ran: Ran, lost: Sequence[Refusal]) -> Route | None:
    """The first route whose client hears what a function answers for refusals that it catches.

    None hears it where each route that calls it answers something else itself, or has refused what
    would be refused.
    """
    if ran.is_root:
        return ran.route
    routes = (ran.route, *reach(app).serving(ran.function.name))
    for route in dict.fromkeys(routes):
        for way in _ways(app, route, ran.function):
            if not _is_answered_outside(app, way) and not _is_asked_before(app, way, ran, lost):
                return route
    return None


def _ways(app: AppMap, route: Route, function: Function) -> Iterator[Step]:
    reached = reach(app)
    for root in reached.roots(route):
        yield from (s for s in reached.below(root) if reached.callee(s.call) == function)


def _is_answered_outside(app: AppMap, way: Step) -> bool:
    """True where a net on the way to a call makes another answer of the error that is in it."""
    for function, call in zip(way.functions, (*way.via, way.call), strict=True):
        for tried in (b for b in around(function, call.span.start) if b.kind == "try"):
            net = next(nets(function, tried, "HTTPException"), None)
            if net is not None and _answers_else(app, function, net):
                return True
    return False


def _answers_else(app: AppMap, function: Function, net: Block) -> bool:
    """Whether a net refuses or goes on: no error of the server, nor what the exception says."""
    if passes_on(function, net):
        return False
    alias = _ALIAS.search(net.words)
    text = app.files[function.span.path][net.start : net.end].decode("utf-8", "replace")
    if alias is not None and re.search(rf"\b{alias[1]}\.(status_code|detail)\b", text):
        return False
    inside = [s for s in function.stops if net.start <= s.start < net.end]
    raised = [s for s in inside if s.kind == "raise"]
    if any(not s.value.strip() for s in raised):
        return False
    return not raised or any(status_of(app, function, s) in _REFUSES for s in raised)


def _is_asked_before(app: AppMap, way: Step, ran: Ran, lost: Sequence[Refusal]) -> bool:
    """True where whoever calls has looked for the same row, and refused where there is none."""
    caller = way.function
    typed = dict(caller.annotations)
    given = _taken(way.call)
    keys = {v for v in given if _SCALAR.fullmatch(typed.get(v, "")) or _KEY.fullmatch(v)}
    asking = [call for call in reach(app).calls_in(caller) if keys & _taken(call)]
    rows = {call.target for call in asking if call.target}
    found = {status for status, row in _refused(app, caller, way.call) if row in rows}
    return all(
        refusal.status in found and _missing(ran.function, refusal.at.start) for refusal in lost
    )


def _taken(call: Call) -> set[str]:
    return {*call.arguments, *(value for _, value in call.keywords)}


def _refused(app: AppMap, caller: Function, call: Call) -> Iterator[tuple[int, str]]:
    """What is refused on each way to a call where a row is not there: the status, and the row."""
    ours = around(caller, call.span.start)
    for stop in caller.stops:
        row = _missing(caller, stop.start) if stop.kind == "raise" else ""
        status = status_of(app, caller, stop) if row else None
        is_passed = set(around(caller, stop.start)[:-1]) <= set(ours)
        if status is not None and stop.end <= call.span.start and is_passed:
            yield status, row


def _missing(function: Function, offset: int) -> str:
    """The name that is nothing where a place is run; empty for another test."""
    held = around(function, offset)
    words = held[-1].words if held and held[-1].kind == "arm" else ""
    found = _MISSING.fullmatch(words.strip())
    return (found[1] or found[2]) if found else ""
