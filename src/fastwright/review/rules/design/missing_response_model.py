"""FW101 missing-response-model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Route
from fastwright.model.change import Fix, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.acknowledging import CONSTANT, Acknowledging
from fastwright.review.reach import Reach, reach
from fastwright.review.rule import rule
from fastwright.review.shadowing import shadowed
from fastwright.source import layout, signatures

HOUSE = 6
"""From so many routes on, and half of all, it is a habit of the house: one finding."""

_RESPONSES = re.compile(
    r"\bresponses\s*=\s*\{(?:[^{}]|\{[^{}]*\})*?\b(?:20[01]|HTTP_20[01]_\w+)\s*:\s*"
    r"\{[^{}]*?['\"]model['\"]\s*:"
)
"""A contract that is declared beside the answer: ``responses={200: {"model": ItemOut}}``."""
_PROBE = re.compile(
    r"(?i)(?:^|/)(?:health\w*(?:/.*)?|readyz?|readiness|live(?:ness|z)?|ping|version)/?$"
    r"|^/$|\bjwks\b|/\.well-known/"
)
"""What machines or the curious ask, and no client is generated for; a standard may word it."""
_PAGES = "fastapi.openapi.docs."
"""Where functions come from that make pages of documentation: each is a response."""
_NOTHING = ("None", "NoReturn", "Never", "typing.NoReturn")
_ONE_VALUE = re.compile(
    r"(?:Optional\[)?(?:bool|int|float|str|bytes|Decimal|UUID|uuid\.UUID|date|datetime)\]?"
    r"(?:\s*\|\s*None)?"
)
"""Of what is one plain value nothing can leak, and no field can be renamed."""
_UNDECLARED = ("WEBSOCKET", "HEAD", "OPTIONS")
_DEEPEST = 3
_HOOK = re.compile(r"(?i)web-?_?hook")
_CALLED = re.compile(r"(?:await\s+)?(?P<name>[\w.]+)\(")
_BUILT = re.compile(r"(?P<many>\[)?(?P<name>[A-Z]\w*)(\.(model_validate|from_orm|parse_obj))?\(")


@rule(code="FW101", severity=Severity.LOW)
def missing_response_model(app: AppMap) -> Iterator[Finding]:
    """A route whose answer is declared nowhere.

    ## Why is this bad?
    The contract says "any JSON": clients cannot be generated, a renamed field breaks them without
    notice, and nothing filters what goes out. Whatever a row gains tomorrow is sent as well (OWASP
    API3:2023 excessive data exposure, CWE-213).

    ## Example
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep):
        return session.get_one(Item, item_id)
    ```

    Use instead:
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep) -> ItemOut:
        return session.get_one(Item, item_id)
    ```

    ## Fix safety
    Changes behaviour: the contract gains the schema. Offered where every answer is built by one
    schema, which then is the declared one.

    ## Known limits
    Answers that are responses of their own (a file, a redirect, a template), constant messages,
    what `responses` declares for 200 or 201, routes outside of the contract and webhooks, whose
    callers read no answer, are passed over. Only possible are a root and a health check, and a
    dictionary of words, counts and what was sent, which says no more than that it was done. So are
    literals, the members of an enumeration, what a function gives that is declared to return
    nothing or one plain value, up to three single values that the answer to a write is made of by
    hand, and a route that another one shadows. Where half of the routes declare nothing, that is
    one finding.
    """
    reached = reach(app)
    declared = [r for r in app.routes if r.reachable and r.in_schema and r.response_model]
    found = [one for route in app.routes if (one := _finding(app, reached, route)) is not None]
    never = {later.handler for _, later in shadowed(app)}
    found = [replace(one, structural=one.structural and one.symbol not in never) for one in found]
    once = list(_once(found))
    sure = [one for one in once if one.structural]
    if len(sure) >= max(HOUSE, len({route.handler for route in declared})):
        yield _habit(app, reached, sure)
    else:
        yield from once


def _once(found: list[Finding]) -> Iterable[Finding]:
    """One finding for each handler: a router can be included twice, and a path be written twice."""
    told: dict[str, Finding] = {}
    for one in found:
        kept = told.get(one.symbol)
        if kept is None or (one.structural and not kept.structural):
            told[one.symbol] = one
    return told.values()


def _finding(app: AppMap, reached: Reach, route: Route) -> Finding | None:
    function = reached.answering(route)
    if function is None or route.span is None or not _is_open(app, route, function):
        return None
    values = [s.value for s in function.stops if s.kind == "return" and s.value.strip()]
    telling = [v for v in values if not CONSTANT.fullmatch(v.strip())]
    kinds = {_kind(reached, function, value) for value in telling}
    if not telling or "response" in kinds:
        return None
    told = f"it returns `{layout.shortened(telling[0])}`"
    return Finding(
        "missing-response-model",
        route.span,
        f"`{route}` declares no response model",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=_fixes(app, route, function, values),
        symbol=route.handler,
        structural=kinds == {"content"}
        and not _PROBE.search(route.path)
        and not Acknowledging(reached, route).is_all(function),
    )


def _is_open(app: AppMap, route: Route, function: Function) -> bool:
    """True for a route of the contract that answers with whatever its function returns."""
    told = route.response_model or function.returns
    silent = route.status_code in (204, 304) or route.method in _UNDECLARED
    if told or silent or not (route.reachable and route.in_schema) or function.yields:
        return False
    if _HOOK.search(route.path):
        return False
    header = app.text(function.span).partition("def ")[0]
    is_told = "response_class" in header or "response_model" in header
    return not is_told and _RESPONSES.search(header) is None


def _kind(reached: Reach, function: Function, value: str, depth: int = 0) -> str:
    """What a returned expression is: ``content``, a ``response`` of its own, or ``unknown``."""
    text = value.strip()
    if re.fullmatch(r"[A-Za-z_]\w*", text):
        made = [c for c in reached.calls_in(function) if c.target == text]
        if not made:
            return "response" if "resp" in text.lower() else "content"
        text = f"{made[-1].text}("
    called = _CALLED.match(text)
    if called is None:
        return "content"
    last = called["name"].rpartition(".")[2]
    if "response" in last.lower() or last in ("FileResponse", "TemplateResponse", "redirect"):
        return "response"
    return _of_call(reached, function, called["name"], depth)


def _of_call(reached: Reach, function: Function, name: str, depth: int) -> str:
    call = next((c for c in reached.calls_in(function) if c.text == name), None)
    if call is not None and (call.callee or "").startswith(_PAGES):
        return "response"
    inner = reached.callee(call) if call is not None else None
    if inner is None or inner.name != (call.callee if call else None):
        known = call is not None and (call.callee or "").startswith(("sqlalchemy", "sqlmodel"))
        return "content" if known or name[:1].isupper() or "." not in name else "unknown"
    values = [s.value for s in inner.stops if s.kind == "return" and s.value.strip()]
    kinds = {_kind(reached, inner, v, depth + 1) for v in values} if depth <= _DEEPEST else set()
    if inner.returns is None:
        return kinds.pop() if len(kinds) == 1 else "unknown"
    if inner.returns.strip("\"'") in _NOTHING or _ONE_VALUE.fullmatch(inner.returns.strip("\"'")):
        return "unknown"
    # An annotation is not held to: what each return makes weighs more.
    return "response" if "Response" in inner.returns or kinds == {"response"} else "content"


def _habit(app: AppMap, reached: Reach, sure: list[Finding]) -> Finding:
    """One finding for the house, which counts every handler of the contract once."""
    answering = {
        route.handler: (route, function)
        for route in app.routes
        if route.reachable and route.in_schema and route.method not in _UNDECLARED
        and (function := reached.answering(route)) is not None
    }  # fmt: skip
    silent, total = sum(_is_open(app, *one) for one in answering.values()), len(answering)
    told = f"{silent} of {total} routes of the contract declare nothing"
    first = sure[0]
    return Finding(
        first.rule,
        first.at,
        f"{silent} of {total} routes declare no response model",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=tuple(f.at for f in sure[1:6]),
        symbol="the house",
        structural=True,
    )


def _fixes(app: AppMap, route: Route, function: Function, values: list[str]) -> tuple[Fix, ...]:
    built = [_BUILT.match(value.strip()) for value in values]
    names = {(m["name"], bool(m["many"])) if m else None for m in built}
    only = names.pop() if len(names) == 1 else None
    if only is None or not any(s.name.rpartition(".")[2] == only[0] for s in app.schemas):
        return ()
    node = signatures.definition(app, function.span)
    type_ = f"list[{only[0]}]" if only[1] else only[0]
    why = f"`{route}` answers with `{type_}`, which its contract is to say"
    edit = signatures.with_returns(function.span.path, node, type_, why) if node else None
    title = f"Declare `{type_}` for `{route}`"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, (edit,)),) if edit else ()
