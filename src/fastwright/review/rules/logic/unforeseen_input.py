"""FW211 unforeseen-input."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType

from fastwright.model.app import AppMap, Parameter, Route
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.bounding import bounded
from fastwright.review.course import around
from fastwright.review.nets import passes_on
from fastwright.review.paging import core
from fastwright.review.raising import catching, nets
from fastwright.review.reach import holds, last, reach
from fastwright.review.rule import rule
from fastwright.review.text_keys import TextKey, text_keys
from fastwright.source.imports import ensure_import

_RAISES = MappingProxyType({
    "int": "ValueError", "float": "ValueError", "uuid.UUID": "ValueError",
    "decimal.Decimal": "ArithmeticError", "json.loads": "ValueError",
    "zoneinfo.ZoneInfo": "KeyError",
    "datetime.datetime.strptime": "ValueError", "datetime.datetime.fromisoformat": "ValueError",
    "datetime.date.fromisoformat": "ValueError", "bytes.fromhex": "ValueError",
    "ipaddress.ip_address": "ValueError", "ipaddress.ip_network": "ValueError",
})  # fmt: skip
"""What a conversion raises for a text that is none of its kind."""

_NETS = frozenset({"Exception", "BaseException", "ArithmeticError", "LookupError"})
_TYPES = frozenset({"int", "float", "uuid.UUID", "decimal.Decimal"})
_TEXT = re.compile(r"str")
_SENT = frozenset({"path", "query", "form", "header", "cookie"})
_OFFSET = re.compile(r"(?i)^(offset|skip|page|page_?(number|num|no))$")
_LARGEST = 2**31 - 1
_TESTED = re.compile(r"\.(is(digit|numeric|decimal|alnum)|match|fullmatch)\(")


@rule(code="FW211", severity=Severity.MEDIUM)
def unforeseen_input(app: AppMap) -> Iterator[Finding]:
    """A value that a client may send, and that ends in a 500.

    ## Why is this bad?
    What the contract permits must be served or refused with 422. A 500 blames the server for a
    typing error: it wakes whoever is on call, fills the log with tracebacks as fast as a client
    likes, and hides the real ones among them (CWE-20, CWE-755).

    ## Example
    ```python
    @app.get("/days/{day}")
    def read_day(day: str) -> int:
        return datetime.date.fromisoformat(day).toordinal()
    ```

    Use instead:
    ```python
    @app.get("/days/{day}")
    def read_day(day: datetime.date) -> int:
        return day.toordinal()
    ```

    ## Fix safety
    Changes behaviour: a parameter that is converted to a number or a UUID is declared as one, so
    that the contract names the type and anything else is refused with 422. An offset or page gets
    the bounds of an offset. Of what a run shows beside (`--live --fix-behaviour`), a NUL character
    is refused where the field or parameter is declared, a length and a number are bounded by what
    the column holds, and a duplicate is caught at the statement of the handler that raises, and
    answered with 409 as the app tells other conflicts. All else names what has to be decided: how
    long a text may be that no column bounds, whether an unknown row is a 404 or a 422, which files
    are refused.

    ## Known limits
    From source alone only conversions are reported (`int`, `float`, `UUID`, `Decimal`, dates,
    `json.loads`) of a parameter as it came, in the handler itself, where nothing catches what they
    raise and no decorator of the app reads it first, and a text of the path or query that reaches a
    comparison with a column of UUIDs or whole numbers as it came, where PostgreSQL is the only
    database that the app speaks of. An offset without bounds is only possible, for databases
    differ: PostgreSQL refuses a negative one, and all refuse 64 bits and more. `--live` sends
    numbers beyond 64 bits, NUL characters, texts of 1 MB, `NaN`, null, ids that no row has and the
    same values twice to every operation that works: in path, query, body, form and in the headers
    and cookies that it declares. Files come empty, as bytes that are no text, and with names and
    types that are missing, wrong, endless or climbing. It tells what breaks.
    """
    if _catches_all(app):
        return
    reached = reach(app)
    seen: set[Span] = set()
    for route in app.routes:
        function = reached.answering(route) if route.reachable else None
        for call in reached.calls_in(function) if function is not None else ():
            assert function is not None
            parameter = _converted(app, route, function, call)
            if parameter is not None and call.span not in seen:
                seen.add(call.span)
                yield _finding(app, route, parameter, call)
        for parameter in _offsets(app, route) if route.reachable else ():
            if parameter.span is not None and parameter.span not in seen:
                seen.add(parameter.span)
                yield _unbounded(app, route, parameter, parameter.span)
    yield from (_ill_typed(app, key) for key in text_keys(app))


def _catches_all(app: AppMap) -> bool:
    """True where the app has a handler of what conversions raise."""
    handlers = (c for c in app.calls if c.text.endswith("exception_handler"))
    given = (value for call in handlers for value in call.arguments[:1])
    return any(last(value) in ("ValueError", "Exception") for value in given)


def _converted(app: AppMap, route: Route, function: Function, call: Call) -> Parameter | None:
    """The parameter whose text the call converts without a net."""
    raises = _RAISES.get(_conversion(call))
    given = call.arguments[0] if call.arguments else ""
    found = next((p for p in route.parameters if p.name == given), None)
    if raises is None or found is None or found.source not in _SENT:
        return None
    if not _TEXT.fullmatch(found.annotation or "") or found.constraints:
        return None
    bound = any(row.name == given and row.start < call.span.start for row in function.bindings)
    tested = re.search(rf"\b{re.escape(given)}{_TESTED.pattern}", app.text(function.span))
    if bound or tested or "Literal" in (found.annotation or ""):
        return None
    if _is_caught(function, call, raises) or _is_governed(function, call):
        return None
    return None if _is_refused_around(app, function, call, given) else found


def _conversion(call: Call) -> str:
    """What is called, dotted unless it is built in."""
    return (call.callee or call.text).removeprefix("builtins.")


def _is_caught(function: Function, call: Call, raises: str) -> bool:
    held = {b.group for b in around(function, call.span.start) if b.kind == "try"}
    nets = (b for b in function.blocks if b.kind == "except" and b.group in held)
    return any(not net.names or {*map(last, net.names)} & {raises, *_NETS} for net in nets)


def _is_refused_around(app: AppMap, function: Function, call: Call, given: str) -> bool:
    """True where a decorator of ours makes the same conversion first, or catches what it raises."""
    raises, reached = _RAISES[_conversion(call)], reach(app)
    wholes = (reached.functions.get(name) for name in function.decorators)
    for whole in (w for w in wholes if w is not None):
        inside = [f for f in reached.functions_of(whole.span.path) if holds(whole.span, f.span)]
        decorated = {name for f in inside for name in f.parameters if len(f.parameters) == 1}
        for wrapper in inside:
            for own in reached.calls_in(wrapper):
                is_same = _conversion(own) == _conversion(call) and _takes(own, given)
                if is_same and _is_turned_away(wrapper, own, raises):
                    return True
                if own.text in decorated and _is_turned_away(wrapper, own, raises):
                    return True
    return False


def _takes(call: Call, given: str) -> bool:
    """Whether a call is given a parameter by its name, or an entry that is called so."""
    first = call.arguments[0] if call.arguments else ""
    return first == given or bool(re.search(rf"[\[(]['\"]{re.escape(given)}['\"][\])]", first))


def _is_turned_away(function: Function, call: Call, raises: str) -> bool:
    """True where what a call raises ends in an answer, or in another exception."""
    tried = catching(function, call.span.start, raises)
    net = next(nets(function, tried, raises), None) if tried is not None else None
    if net is None or passes_on(function, net):
        return False
    return any(net.start <= stop.start < net.end for stop in function.stops)


def _is_governed(function: Function, call: Call) -> bool:
    """True where a test, or a context such as ``suppress``, decides whether the call runs."""
    return any(b.kind in ("arm", "with") for b in around(function, call.span.start))


def _finding(app: AppMap, route: Route, parameter: Parameter, call: Call) -> Finding:
    told = f"`{call.text}` raises for a text that is none of its kind, and nothing catches it"
    changes = _declared(app, parameter, call)
    name = last(_conversion(call))
    title = f"Declare `{parameter.name}` as `{name}`"
    return Finding(
        "unforeseen-input",
        call.span,
        f"`{route}` answers 500 to a `{parameter.name}` that `{call.text}` cannot read",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(parameter.span,) if parameter.span else (),
        fixes=(Fix(title, Safety.CHANGES_BEHAVIOUR, changes),) if changes else (),
        symbol=f"{route.handler}:{parameter.name}",
        structural=True,
    )


def _declared(app: AppMap, parameter: Parameter, call: Call) -> tuple[Change, ...]:
    """The parameter with the type that it is converted to, and the conversion left out."""
    kind, at = _conversion(call), parameter.span
    if kind not in _TYPES or at is None or len(call.arguments) != 1 or call.keywords:
        return ()
    if not re.match(r"str\b", app.text(at)):
        return ()
    module, _, name = kind.rpartition(".")
    bound = ensure_import(app, at.path, module, name) if module else None
    written = call.text if bound is None or "." in call.text else bound.local
    imports = bound.edits if bound is not None and written == bound.local else ()
    why = f"a text that is no `{name}` is the client's mistake, which 422 tells"
    declared = Edit(Span(at.path, at.start, at.start + len("str")), written, why)
    return (*imports, declared, Edit(call.span, parameter.name, why))


def _ill_typed(app: AppMap, key: TextKey) -> Finding:
    """A text that PostgreSQL is to compare with what is no text."""
    name, kind = key.parameter.name, "UUID" if "uid" in key.kind.lower() else "whole number"
    column = f"`{key.table.name}.{key.column.name}`"
    told = f"PostgreSQL refuses to compare {column} with a text that is no {kind}"
    changes = _typed(app, key)
    fix = Fix(f"Declare `{name}` as `{key.kind}`", Safety.CHANGES_BEHAVIOUR, changes)
    return Finding(
        "unforeseen-input",
        key.declared,
        f"`{key.route}` answers 500 to a `{name}` that is no {kind}",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(key.at,),
        fixes=(fix,) if changes else (),
        symbol=f"{key.route.handler}:{name}",
        structural=True,
    )


def _typed(app: AppMap, key: TextKey) -> tuple[Change, ...]:
    """The parameter as what the column holds, where nothing else is done with the text."""
    at = key.declared
    if not key.is_alone or not re.match(r"str\b", app.text(at)):
        return ()
    module, _, name = key.kind.rpartition(".")
    bound = ensure_import(app, at.path, module, name) if module else None
    why = f"a text that is no `{name}` is the client's mistake, which 422 tells"
    written = bound.local if bound is not None else name
    edit = Edit(Span(at.path, at.start, at.start + len("str")), written, why)
    return (*(bound.edits if bound is not None else ()), edit)


def _offsets(app: AppMap, route: Route) -> Iterator[Parameter]:
    """Whole numbers of the query that say where a page begins, of handler and dependencies."""
    for name in dict.fromkeys((route.handler, *(d.call for d in route.every_dependency()))):
        given = route.parameters if name == route.handler else app.signatures.get(name, ())
        for parameter in given:
            is_plain = re.match(r"int\b|Optional\[int\]", core(parameter.annotation or ""))
            if parameter.source == "query" and is_plain and _OFFSET.match(parameter.name):
                yield from (parameter,) if _missing(parameter) else ()


def _missing(parameter: Parameter) -> tuple[str, ...]:
    """The bounds that an offset, or the number of a page, lacks."""
    given = {name for name, _ in parameter.constraints}
    least = 1 if parameter.name.lower().startswith("page") and parameter.default != "0" else 0
    lower = () if given & {"ge", "gt"} else (f"ge={least}",)
    return (*lower, *(() if given & {"le", "lt"} else (f"le={_LARGEST}",)))


def _unbounded(app: AppMap, route: Route, parameter: Parameter, at: Span) -> Finding:
    missing = _missing(parameter)
    changes = bounded(app, parameter, missing, missing, "no page begins beyond these bounds")
    fix = Fix(f"Bound `{parameter.name}`", Safety.CHANGES_BEHAVIOUR, changes)
    told = f"its contract permits {'-1' if missing[0].startswith('ge') else '2**64'}"
    return Finding(
        "unforeseen-input",
        at,
        f"`{route}` may answer 500 to a `{parameter.name}` that no database counts to",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=(fix,) if changes else (),
        symbol=f"{route.handler}:{parameter.name}",
    )
