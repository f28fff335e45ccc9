"""FW517 unguarded-websocket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.broadcasting import tells_what_is_open
from fastwright.review.guarding import guarding_of
from fastwright.review.intent import Intent
from fastwright.review.reach import Reach, reach
from fastwright.review.rule import rule

NAME = "unguarded-websocket"
_PROOF = re.compile(
    r"token|auth|jwt|cookie|\.session\b|session_id|credential|permission|verify|"
    r"current_?user|api_?key|login|ticket|principal|headers",
    re.IGNORECASE,
)
_SHOWN = re.compile(r"(?i)(?<![a-z])(demo|echo|examples?|tests?|ping|health)(?![a-z])")
_FORMS = re.compile(
    r"(builtins\.)?(str|int|float|len|dict|list|print|range|round|min|max|repr|super)$|"
    r"builtins\.(str|dict|list|int|float)\.|(datetime|time|asyncio|json|logging|random)\.|"
    r"(logger|log|logging|_logger)\.|\w*(Exception|Error|Disconnect)$|"
    r"(fastapi|starlette)\.(websockets\.)?WebSocket|\w+\.isoformat$"
)
_SENDS = re.compile(r"\.send(_\w+)?$")
_INTERPOLATED = re.compile(r"\{([^{}]*)\}")
_QUOTED = re.compile(r"([\"']).*?\1")
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\s*=[^=])")
_WORDS = frozenset({"await", "if", "else", "for", "in", "not", "and", "or", "is", "None", "True",
                    "False", "f", "r", "str", "int", "len", "dict", "list"})  # fmt: skip
_CLOCKS = frozenset({"datetime", "time", "asyncio", "json", "random", "timezone", "UTC", "dt"})
_FEWEST = 2


@rule(code="FW517", severity=Severity.HIGH)
def unguarded_websocket(app: AppMap) -> Iterator[Finding]:
    """A WebSocket that accepts anybody, in an app whose other routes ask who is calling.

    ## Why is this bad?
    The guards of HTTP routes do not hold for a WebSocket, and browsers let pages of any origin
    open one: what it sends is for everybody (CWE-306, CWE-1385).

    ## Example
    ```python
    from fastapi import WebSocket


    @app.get("/items")
    def items(user: CurrentUser) -> str:
        return user.email


    @app.get("/me")
    def me(user: CurrentUser) -> str:
        return user.email


    @app.websocket("/feed")
    async def feed(socket: WebSocket, session: SessionDep) -> None:
        await socket.accept()
        for title in session.scalars(select(Item.title).limit(50)):
            await socket.send_text(title)
    ```

    Use instead:
    ```python
    from fastapi import WebSocket


    @app.get("/items")
    def items(user: CurrentUser) -> str:
        return user.email


    @app.get("/me")
    def me(user: CurrentUser) -> str:
        return user.email


    @app.websocket("/feed")
    async def feed(socket: WebSocket, token: str, session: SessionDep) -> None:
        if session.scalar(select(User).where(User.email == token)) is None:
            await socket.close(1008)
        else:
            await socket.accept()
            for title in session.scalars(select(Item.title).limit(50)):
                await socket.send_text(title)
    ```

    ## Fix safety
    There is none to apply: how a client of the socket shows who it is, is a decision (a ticket in
    the query, a cookie with a check of the origin, a first message).

    ## Known limits
    Certain only where at least two HTTP routes of the app are guarded. A socket whose handler, or
    what it reaches, speaks of tokens, cookies, sessions or users is passed over. One with a
    text in its path is possible only: the key of a room may be the ticket to it. A number is none.
    So are one that is called an echo or a demonstration, one that sends nothing but constants, the
    clock and what it was sent itself, one that only listens to what open routes answer with as
    well, and a method, which is given no object.
    """
    guarding, intent, reached = guarding_of(app), Intent.read(app), reach(app)
    asking = [r for r in app.routes if r.method != "WEBSOCKET" and guarding.is_guarded(r)]
    if len(asking) < _FEWEST:
        return
    for route in app.routes:
        is_ours = route.method == "WEBSOCKET" and route.reachable and route.span is not None
        if not is_ours or intent.is_public(route) or guarding.is_guarded(route):
            continue
        if guarding.by_middleware or _is_proved(app, route, reached):
            continue
        assert route.span is not None
        one = next((r for r in asking if r.guards), asking[0])
        seen = f"{len(asking)} other routes ask, among them `{one}`"
        yield Finding(
            NAME,
            route.span,
            f"`{route}` accepts whoever connects",
            evidence=(Evidence(EvidenceKind.SOURCE, seen),),
            symbol=route.handler,
            structural=_is_guessed(route) and not _is_idle(app, route, reached),
        )


def _is_idle(app: AppMap, route: Route, reached: Reach) -> bool:
    """Whether nothing of the app can be behind it, by what it does or is called, or none succeeds.

    A method whose decorator makes it a handler is given no object: `self` is asked of the query.
    """
    handler = next((f for f in app.functions if f.name == route.handler), None)
    is_method = handler is not None and "self" in handler.parameters
    is_empty = handler is not None and (
        _gives_nothing(app, route, handler, reached)
        or (not route.queries and tells_what_is_open(app, handler))
    )
    return is_method or is_empty or _SHOWN.search(route.path) is not None


def _gives_nothing(app: AppMap, route: Route, handler: Function, reached: Reach) -> bool:
    """Whether all that is sent is constant, of the clock, or what the client has sent before."""
    if route.queries:
        return False
    sockets = {name for name, kind in handler.annotations if kind.endswith("WebSocket")}
    calls = reached.calls_in(handler)
    if not sockets or not all(_is_plain(call, sockets) for call in calls):
        return False
    sent = {n for c in calls if _SENDS.search(c.text) for a in c.arguments for n in _names(a)}
    return _made_of(app, handler, sent) <= {*handler.parameters, *_CLOCKS}


def _is_plain(call: Call, sockets: set[str]) -> bool:
    """Whether a call is one of the socket's own, of the clock, or only gives a form to a value."""
    is_own = call.text.partition(".")[0] in sockets
    return is_own or _FORMS.match(call.callee or call.text) is not None


def _made_of(app: AppMap, function: Function, names: set[str]) -> set[str]:
    """What the values of local names are made of in the end: other names than local ones."""
    found: set[str] = set()
    waiting, seen = set(names), set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        rows = [b for b in function.bindings if b.name == name]
        found |= {name} if not rows else set()
        for row in rows:
            text = app.text(Span(function.span.path, row.start, row.end))
            waiting |= _names(text) - seen
    return found


def _names(text: str) -> set[str]:
    """The plain names in an expression, those inside of f-strings too."""
    inside = " ".join(_INTERPOLATED.findall(text))
    return set(_NAME.findall(f"{_QUOTED.sub(' ', text)} {_QUOTED.sub(' ', inside)}")) - _WORDS


def _is_guessed(route: Route) -> bool:
    """Whether the path holds nothing that could be a ticket: at most numbers."""
    named = re.findall(r"\{(\w+)", route.path)
    kinds = {p.name: p.annotation for p in route.parameters}
    return all(kinds.get(name) == "int" for name in named)


def _is_proved(app: AppMap, route: Route, reached: Reach) -> bool:
    """Whether anything on the way could find out who connects."""
    named = [p.name for p in route.parameters] + [n.call for n in route.every_dependency()]
    for root in reached.roots(route):
        named += [step.call.text for step in reached.below(root)]
    text = app.text(route.span) if route.span is not None else ""
    return any(_PROOF.search(name) for name in (*named, text))
