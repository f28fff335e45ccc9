"""FW215 unanswered-error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Function, Stop
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.nets import errors_of, raises_below, stays
from fastwright.review.reach import Step, last, reach
from fastwright.review.rule import rule
from fastwright.review.untaken import is_untaken

NAME = "unanswered-error"
_REFUSES = re.compile(
    r"not_?found|(does_?)?not_?exist|exists?\b|already|taken\b|duplicate|invalid|conflict|forbidden"
    r"|denied|unauthori[sz]ed|permission|insufficient|not_?allowed|expired|incorrect|credential",
    re.IGNORECASE,
)
"""What says that a request was refused, as the name of a class."""
_TOLD = re.compile(
    r"(?i)\bnot (found|exist|allowed|enough|available)|\bunavailable\b|\bout of stock\b"
    r"|\b(no|unknown) (such )?[\w ]{1,20}(found|exists)?\b"
    r"|\balready\b|\bexists\b|\bmust\b|\bcannot\b|\bcan't\b|\binsufficient\b|\bexpired\b"
    r"|\bincorrect\b|\binvalid\b|\bonly\b"
)
_ACCOUNT = re.compile(r"(User|Author|Owner|Account|Profile|Member)[A-Z]")
_GENERAL = frozenset({"ValueError", "LookupError", "KeyError", "PermissionError", "Exception"})
_OURS = re.compile(r"(?i)settings|config|environ|getenv|\benv\b|provider|driver|backend|api_?key")
"""What the operator of the app has set, and no client can mend."""
_HTTP = ("fastapi.", "starlette.")
_GONE = re.compile(
    r"(?:not\s+(\w+)(?:\.\w+)*|(\w+)(?:\.\w+)*\s+is\s+None)"
    r"(?:\s+or\s+(?:not\s+)?(?:\1|\2)\.[^()]*)?"
)
"""A row that is not there, or is there and not to be had: `not row or not row.is_active`."""


@rule(code="FW215", severity=Severity.MEDIUM)
def unanswered_error(app: AppMap) -> Iterator[Finding]:
    """An error by which a service refuses a request, and that nobody turns into an answer.

    ## Why is this bad?
    The service says that a row is not there or an address is taken; on its way to the client no
    `except` and no exception handler knows the class, and the answer is 500. The client cannot
    tell its own mistake from an outage and tries again, and each wrong key wakes whoever is on
    call (CWE-755, CWE-390).

    ## Example
    ```python
    class ItemNotFound(Exception):
        pass


    def find(items: dict[int, str], key: int) -> str:
        if key not in items:
            raise ItemNotFound(key)
        return items[key]


    @app.get("/items/{key}")
    def read_item(key: int) -> str:
        return find({1: "lamp"}, key)
    ```

    Use instead:
    ```python
    from fastapi.responses import JSONResponse


    class ItemNotFound(Exception):
        pass


    @app.exception_handler(ItemNotFound)
    def answer_not_found(request: Request, error: ItemNotFound) -> JSONResponse:
        return JSONResponse({"detail": "There is no such item"}, status_code=404)


    def find(items: dict[int, str], key: int) -> str:
        if key not in items:
            raise ItemNotFound(key)
        return items[key]


    @app.get("/items/{key}")
    def read_item(key: int) -> str:
        return find({1: "lamp"}, key)
    ```

    ## Fix safety
    There is no fix to apply: which status and which words the client gets is a decision.

    ## Known limits
    Classes of the app count whose name says that a request was refused (`NotFound`,
    `AlreadyExists`), and a `ValueError`, `LookupError` or `PermissionError` whose words say it,
    under a test of a row that is not there; under any other test it is only possible, and so it is
    where the client sends neither body nor a part of the path, and for the account of a caller whom
    a guard has found. A handler
    that is registered for a name that cannot be read, a middleware or route class that catches,
    and a dependency that catches around its `yield` are all believed, but not one for `Exception`
    that answers 500 whatever it is given. A subclass of an `HTTPException` is answered by FastAPI.
    Passed over is what a route never comes to: it passes what is tested for (`if not filters`), or
    writes a table without a unique column where the error says that a row is there already.
    """
    told: set[Span] = set()
    refusing = {f.name: rows for f in app.functions if (rows := tuple(_raised(app, f)))}
    for route in app.routes if refusing else ():
        if not route.reachable or route.method == "WEBSOCKET":
            continue
        for root in reach(app).roots(route):
            for function, step in raises_below(app, root):
                for stop, lineage in refusing.get(function.name, ()):
                    at = Span(function.span.path, stop.start, stop.end)
                    if at in told or _is_caught(function, stop, step, lineage):
                        continue
                    is_run = not is_untaken(app, route, root, (function, stop))
                    if is_run and not errors_of(app).is_answered(route, step, lineage):
                        told.add(at)
                        found = _finding(route, (function, stop), at, lineage)
                        defined = errors_of(app).defined(lineage[0])
                        yield replace(found, related=(defined,) if defined else ())


def _raised(app: AppMap, function: Function) -> Iterator[tuple[Stop, tuple[str, ...]]]:
    """The errors that a function refuses with, each with the lineage of its class."""
    for stop in function.stops:
        kind = errors_of(app).raised(function, stop.value) if stop.kind == "raise" else None
        lineage = errors_of(app).lineage(kind) if kind is not None else None
        if kind is None or lineage is None or any(name.startswith(_HTTP) for name in lineage):
            continue
        is_ours = "." in kind
        words = last(kind) if is_ours else stop.value
        speaks = _REFUSES if is_ours else _TOLD
        if (is_ours or kind in _GENERAL) and speaks.search(words) and not _is_set(function, stop):
            yield stop, lineage


def _is_caught(function: Function, stop: Stop, step: Step | None, lineage: tuple[str, ...]) -> bool:
    """Whether an ``except`` on the way takes the error for something else."""
    if stays(function, stop.start, lineage):
        return True
    if step is None:
        return False
    ways = zip(step.functions, (*step.via, step.call), strict=True)
    return any(stays(f, call.span.start, lineage) for f, call in ways)


def _finding(
    route: Route,
    place: tuple[Function, Stop],
    at: Span,
    lineage: tuple[str, ...],
) -> Finding:
    function, stop = place
    kind = last(lineage[0])
    told = f"`{last(function.name)}` raises it, and no handler is registered for `{kind}`"
    return Finding(
        NAME,
        at,
        f"`{route}` answers 500 where `{kind}` is raised, which nothing turns into an answer",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        symbol=route.handler,
        structural=_takes_words(route)
        and not _is_of_caller(route, lineage)
        and _is_sure(function, stop, lineage),
    )


def _is_of_caller(route: Route, lineage: tuple[str, ...]) -> bool:
    """Whether it is the caller's own account that may be missing: a guard has just found it."""
    return bool(route.guards) and _ACCOUNT.search(last(lineage[0])) is not None


def _takes_words(route: Route) -> bool:
    """Whether a client says what is looked for or made, which it may get wrong."""
    sent = (p.source in ("body", "form") for p in route.parameters)
    return "{" in route.path or route.body_model is not None or any(sent)


def _is_sure(function: Function, stop: Stop, lineage: tuple[str, ...]) -> bool:
    """Whether it refuses a request for certain: by its class, or for want of a row."""
    tests = [b.words for b in around(function, stop.start) if b.kind == "arm"]
    return "." in lineage[0] or any(map(_GONE.fullmatch, tests[-1:]))


def _is_set(function: Function, stop: Stop) -> bool:
    """Whether an error speaks of what the operator of the app has set."""
    tests = (b.words for b in around(function, stop.start) if b.kind == "arm")
    return _OURS.search(f"{stop.value} {' '.join(tests)} {function.name}") is not None
