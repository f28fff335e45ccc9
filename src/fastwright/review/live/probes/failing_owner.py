"""Does a valid request of whoever may make it end in a 500?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.finding import Caller
from fastwright.review.live.breaking import HABIT, broken, folded, is_outside
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.reasons import Raised, raised
from fastwright.review.live.stage import Stage

_NO_EXCUSE = re.compile(
    r"NameError|UnboundLocalError|NotImplementedError|MissingGreenlet|PydanticUserError"
    r"|PydanticSerializationError|TypeError: Object of type \w+ is not JSON serializable"
    r"|TypeError: .*\b(argument|arguments|not callable|awaitable|can't be used in 'await')\b"
    r"|AttributeError: (type object|module|'(coroutine|function|dict|list|tuple|generator)' object)"
)
"""Exceptions that no row and no value explains: the code itself is wrong."""

_OF_DATA = re.compile(r"IntegrityError|DataError|NotNullViolation|ForeignKeyViolation|LookupError")


def failing_owner(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Look at what the matrix was answered: nothing is sent.

    Exceptions that data may explain are questions: rows and values are ours, and may be such as
    the app never makes.
    """
    failing: list[tuple[Exchange, Raised]] = []
    of_input = []
    for operation, cells in grid.rows.items():
        cell = cells.get(Caller.OWNER) or cells.get(Caller.ANONYMOUS)
        if cell is None or cell.exchange.status != 500 or operation not in stage.routes:
            continue
        exchange, behind = cell.exchange, raised(cell.exchange.error, stage.app)
        if is_outside(exchange) or not behind.kind:
            continue  # why it is not judged stands among what was not tried
        if cell.canary is None and exchange.request.body and _OF_DATA.search(behind.text):
            route = stage.routes[operation]
            of_input.append(broken(stage.app, exchange, "what its contract permits", "", route))
        elif read := _of_text(stage, exchange, behind):
            yield read
        else:
            failing.append((exchange, behind))
    yield from folded(of_input, stage.known)
    for group in _grouped(failing):
        yield _proof(group)


def _is_sure(behind: Raised) -> bool:
    return _NO_EXCUSE.match(behind.text) is not None


def _grouped(
    failing: list[tuple[Exchange, Raised]],
) -> Iterator[list[tuple[Exchange, Raised]]]:
    """Those of one cause: the same exception at the same line, or at so many that it is a habit."""
    by_kind: dict[tuple[str, bool], list[tuple[Exchange, Raised]]] = {}
    for exchange, behind in failing:
        by_kind.setdefault((behind.kind, _is_sure(behind)), []).append((exchange, behind))
    for group in by_kind.values():
        by_place: dict[str, list[tuple[Exchange, Raised]]] = {}
        for exchange, behind in group:
            by_place.setdefault(behind.place or exchange.route, []).append((exchange, behind))
        yield from [group] if len(by_place) >= HABIT else by_place.values()


def _of_text(stage: Stage, exchange: Exchange, behind: Raised) -> Proof | None:
    """The proof of a text that the handler cannot read, where a rule knows of the place."""
    handler = stage.routes[exchange.route].handler
    for finding in stage.known:
        owner, _, name = finding.symbol.partition(":")
        is_known = finding.rule == "unforeseen-input" and owner == handler
        if (
            is_known
            and finding.structural
            and behind.kind in ("ValueError", "KeyError", "InvalidOperation")
        ):
            message = f"`{exchange.route}` answers 500 to what its contract permits in `{name}`"
            shown = ((exchange, str(behind)),)
            return Proof(finding.rule, exchange.route, message, shown, subject=finding.symbol)
    return None


def _proof(found: list[tuple[Exchange, Raised]]) -> Proof:
    first, behind = found[0]
    others = len(found) - 1
    verb = f" and {others} more answer" if others else " answers"
    whose = "their owner" if others else "its owner"
    at = f" at {behind.place}" if behind.place and len({b.place for _, b in found}) == 1 else ""
    is_sure = _is_sure(behind)
    asked = "" if is_sure else "; are the rows and values of the lab like a client's own"
    return Proof(
        "failing-route",
        first.route,
        f"`{first.route}`{verb} 500 to a valid request of {whose}: `{behind.kind}`{at}{asked}",
        tuple((exchange, str(told)) for exchange, told in found[:HABIT]),
        is_meant=is_sure,
        beside=tuple(exchange.route for exchange, _ in found[1:]),
    )
