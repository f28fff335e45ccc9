"""What breaks a route: the exception behind a 500, whose matter it is, and which rule knows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastwright.model.app import AppMap, Route
from fastwright.model.finding import Finding
from fastwright.review.live.conflicts import statement_of
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.proof import OF_THE_APP, Cause, Proof
from fastwright.review.live.reasons import Raised, raised
from fastwright.review.live.schemas import field_of
from fastwright.review.live.values import GONE, LENGTHS, NEGATIVE, NULL, UNKNOWN_ROW
from fastwright.review.paging import is_size_name

_OUTSIDE = re.compile(
    r"ConnectionRefused|ConnectionReset|ConnectError|ConnectTimeout|ConnectionError|ReadTimeout"
    r"|gaierror|ClientConnector|MaxRetryError|EndpointConnection|ServerSelectionTimeout|SMTP"
    r"|NoCredentials|Name or service not known|Temporary failure in name|Network is unreachable"
    r"|No route to host|SSLError|Kafka|AMQP|kombu|QueuePool limit|too many clients|TimeoutError"
    r"|FileNotFoundError|PermissionError: \[Errno|Read-only file system|ModuleNotFoundError"
)
"""What is missing beside the app while it runs in a lab, and no fault of its own."""

_REFUSING = re.compile(r"RequestValidationError|request_validation_exception_handler")
_OF_A_RULE = MappingProxyType({
    "longer-than-column": r"value too long for type|StringDataRightTruncation|Data too long for",
    "null-into-not-null": r"NotNullViolation|NOT NULL constraint failed|null value in column",
    "text-for-enum": r"invalid input value for enum|not among the defined enum values",
})  # fmt: skip
_SIZES = "unlimited-page-size"
_NOTHING = re.compile(r"'NoneType' object")
_NUMBERS = re.compile(r"^an integer")
_OF_HANDLERS = frozenset({"unchecked-none", *OF_THE_APP})
"""Rules that know what they find by its handler, or as one fault of the app."""

HABIT = 3
"""From this many places on, what the same value breaks is a habit of the app."""


@dataclass(frozen=True, slots=True)
class Break:
    """One operation that a value breaks.

    Attributes:
        operation: ``METHOD /path`` of the contract.
        what: The value, in the words of a finding.
        places: The parameters or fields that held it; empty for the body as a whole.
        exchange: The first request that shows it.
        raised: The exception behind the 500, as far as it is known.
        rule: The rule that knows of it.
        subject: What the rule speaks of, where that is not the handler.
        handler: The dotted name of what answers the operation.
        statement: The statement of the handler that raised; empty where none did.
    """

    operation: str
    what: str
    places: tuple[str, ...]
    exchange: Exchange
    raised: Raised
    rule: str
    subject: str = ""
    handler: str = ""
    statement: str = ""

    @property
    def cause(self) -> Cause:
        """The same for whoever mends it."""
        return Cause(
            self.operation, self.handler, self.what, self.places, self.exchange.error,
            self.statement,
        )  # fmt: skip

    @property
    def is_count(self) -> bool:
        """Whether the value is a number that counts too far, or below nothing."""
        return self.family in ("number", NEGATIVE, "zero")

    @property
    def family(self) -> str:
        """Values that meet the same limit are one kind."""
        if _NUMBERS.match(self.what):
            return "number"
        return "length" if self.what in LENGTHS else self.what


def is_outside(exchange: Exchange) -> bool:
    """Whether something beside the app was missing: another service, a file, a package."""
    return _OUTSIDE.search(exchange.error) is not None


def broken(app: AppMap, exchange: Exchange, what: str, place: str, route: Route) -> Break:
    """The break that a 500 of `route` shows, with `what` in `place`."""
    behind = raised(exchange.error, app)
    rule = _rule(exchange.error, behind, what)
    subject = _parameter(route, place) if rule == "unforeseen-input" and place else ""
    subject = _field(app, route.body_model, place) if rule in _OF_A_RULE else subject
    places = (place,) if place else ()
    statement = statement_of(app, route.handler, exchange.error)
    return Break(
        exchange.route, what, places, exchange, behind, rule, subject, route.handler, statement
    )


def _rule(error: str, behind: Raised, what: str) -> str:
    if _REFUSING.search(error) and behind.kind in ("ValueError", "UnicodeEncodeError"):
        return "unanswerable-body"
    if (what in (UNKNOWN_ROW, GONE) or _NUMBERS.match(what)) and _NOTHING.search(behind.text):
        return "unchecked-none"
    end = error[max(0, error.rfind("Traceback")) :]
    known = (rule for rule, text in _OF_A_RULE.items() if re.search(text, end))
    found = next(known, "unforeseen-input")
    return found if found != "null-into-not-null" or what == NULL else "unforeseen-input"


def _parameter(route: Route, place: str) -> str:
    """The parameter as rules name it, by what requests call it (``X-Count``)."""
    names = {parameter.name.lower(): parameter.name for parameter in route.parameters}
    return f"{route.handler}:{names.get(place.lower().replace('-', '_'), place)}"


def _field(app: AppMap, model: str | None, name: str) -> str:
    """The field as rules name it (``ItemCreate.title``), by the schema that declares it."""
    found = field_of(app, model, name)
    return f"{found[0].name.rpartition('.')[2]}.{name}" if found is not None else ""


def folded(breaks: Iterable[Break], known: Iterable[Finding]) -> Iterator[Proof]:
    """A proof for each cause: a habit of the app, else the same exception at the same line.

    What a rule knows of a field already, as one of `known`, is proven of that field alone.
    """
    told = {(finding.rule, finding.symbol) for finding in known}
    breaks = [_as_known(one, told) for one in breaks]
    by_kind: dict[tuple[str, ...], list[Break]] = {}
    by_cause: dict[tuple[str, ...], list[Break]] = {}
    for one in breaks:
        key = (one.rule, one.subject or one.family, "" if one.subject else one.raised.kind)
        by_kind.setdefault(key, []).append(one)
    for group in by_kind.values():
        is_one = group[0].subject or group[0].rule in OF_THE_APP
        if is_one or len({_place(one) for one in group}) >= HABIT:
            yield _proof(group)
        else:
            for one in group:
                cause = (one.rule, one.raised.kind, _place(one), one.family)
                by_cause.setdefault(cause, []).append(one)
    yield from map(_proof, _joined(by_cause))


def _as_known(one: Break, told: set[tuple[str, str]]) -> Break:
    """The break as a rule knows it that found its field or parameter, else of no field."""
    if (one.rule, one.subject) in told:
        return one
    sizes = [place for place in one.places if is_size_name(place)]
    if sizes and one.is_count and (_SIZES, one.handler) in told:
        return replace(one, rule=_SIZES, subject=one.handler)
    return replace(one, subject="")


def _joined(by_cause: Mapping[tuple[str, ...], list[Break]]) -> Iterable[list[Break]]:
    """Values of several kinds that break the same operations at the same line are one cause."""
    found: dict[tuple[object, ...], list[Break]] = {}
    for (*cause, _), group in by_cause.items():
        operations = frozenset(one.operation for one in group)
        found.setdefault((*cause, operations), []).extend(group)
    return found.values()


def _place(one: Break) -> str:
    return one.raised.place or one.operation


def _proof(group: list[Break]) -> Proof:
    first, operations = group[0], list(dict.fromkeys(one.operation for one in group))
    others = len(operations) - 1
    verb = f" and {others} more answer" if others else " answers"
    places = list(dict.fromkeys(place for one in group for place in one.places))
    what = " or ".join(list(dict.fromkeys(one.what for one in group))[:HABIT])
    behind, at = first.raised, ""
    if behind.place and len({one.raised.place for one in group}) == 1:
        at = f" at {behind.place}"
    why = f": `{behind.kind}`{at}" if behind.kind else ""
    shown = tuple(
        (one.exchange, str(one.raised) or "no exception is told") for one in group[:HABIT]
    )
    kind = re.sub(r"\W+", "-", f"{first.family} {behind.kind}{at}").strip("-").lower()
    subject = first.subject or ("" if first.rule in _OF_HANDLERS else kind)
    message = f"`{operations[0]}`{verb} 500 to {what}{_in(places)}{why}"
    return Proof(
        first.rule, operations[0], message, shown, beside=tuple(operations[1:]), subject=subject,
        causes=tuple(one.cause for one in group),
        decides=first.rule != _SIZES,  # only rows that are counted show that a page has no end
    )  # fmt: skip


def _in(places: list[str]) -> str:
    named = ", ".join(f"`{place}`" for place in places[:HABIT])
    more = f" and {len(places) - HABIT} more" if len(places) > HABIT else ""
    return f" in {named}{more}" if places else ""
