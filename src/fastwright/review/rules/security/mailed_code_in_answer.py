"""FW524 mailed-code-in-answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from fastwright.model.app import AppMap
from fastwright.model.code import Function, Stop
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.course import around
from fastwright.review.guarding import WRITES, guarding_of
from fastwright.review.logins import logins_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule

NAME = "mailed-code-in-answer"
_KINDS = (
    ("reset", re.compile(r"(?i)reset|forgot|recover")),
    ("login", re.compile(r"(?i)otp|magic|one_?-?time|passwordless|login_?-?code")),
    ("verification", re.compile(r"(?i)verif|confirm|activat")),
)
_ADDRESS = re.compile(r"(?i)(^|_)(e?mail|phone|mobile|user_?name|login|msisdn)($|_)")
_PROOF = re.compile(
    r"(?i)(^|_)(token|code|otp|pin|key|answers?|signature|birth\w*|dob|ssn)($|_)|password"
)
_SECRET = re.compile(r"(?i)(^|_)(token|code|otp|pin|link|url|secret)($|_)")
_NO_SECRET = re.compile(r"(?i)csrf|status|challenge|country|device|lang|redirect|frontend|base_url")
_MINTS = re.compile(
    r"\bsecrets\.\w+\(|\buuid4\(|\btoken_(?:urlsafe|hex)\(|\brandom\.\w+\(|\brandint\(|"
    r"\bjwt\.encode\(|\.dumps\(|\bpyotp\b|"
    r"\b(?:create|generate|make|issue|new|sign|encode)_\w*(?:token|code|otp|link|secret)\w*\("
)
_TEXT = re.compile(
    r"(?s)(?P<prefix>\b[fF])?(?P<mark>\"\"\"|'''|[\"'])(?P<words>(?:\\.|(?!(?P=mark)).)*)(?P=mark)"
)
_PUT_IN = re.compile(r"\{([^{}]+)\}")
_CALL = re.compile(r"\b(?P<name>[\w.]+)\((?P<given>[^()]*)\)")
_CONSTANT = re.compile(
    r"""(?:\{(?:\s*(["'])\w+\1\s*:\s*(?:(["'])[^"']*\2|\d+|True|False|None|"""
    r"""(?:\w+\.)+[A-Z][A-Z0-9_]*)\s*,?)*\s*\}"""
    r"""|(["'])[^"']*\3|True|False|None|\d*)"""
)
_MADE = "<made>"
_AT_HOME = re.compile(r"(?i)debug|\benv|environment|test|\bdev|local|settings|config")


@rule(code="FW524", severity=Severity.HIGH)
def mailed_code_in_answer(app: AppMap) -> Iterator[Finding]:
    """A code that proves who reads a mailbox, given to whoever asks for it.

    ## Why is this bad?
    The link that resets a password goes to the mailbox of the account because nobody else reads
    it. Where the answer holds it too, whoever knows an address sets a new password and has the
    account (CWE-640, CWE-201; OWASP API2:2023, broken authentication).

    ## Example
    ```python
    import secrets

    CODES: dict[str, str] = {}


    @app.post("/forgot-password")
    def forgot_password(email: str) -> dict[str, str]:
        token = secrets.token_urlsafe(32)
        CODES[token] = email
        return {"message": "A mail is on its way", "token": token}


    @app.post("/reset-password")
    def reset_password(token: str, password: str) -> None:
        logger.info("%s has %d characters", CODES.pop(token), len(password))
    ```

    Use instead:
    ```python
    import secrets

    CODES: dict[str, str] = {}


    @app.post("/forgot-password")
    def forgot_password(email: str) -> dict[str, str]:
        token = secrets.token_urlsafe(32)
        CODES[token] = email
        return {"message": "A mail is on its way"}


    @app.post("/reset-password")
    def reset_password(token: str, password: str) -> None:
        logger.info("%s has %d characters", CODES.pop(token), len(password))
    ```

    ## Fix safety
    There is no fix to apply: somebody may count on the answer, and where the code goes instead, by
    which mail, is a decision.

    ## Known limits
    Who asks for a code is told from who brings one by what they send: an address alone, or a code.
    Both are known by names, and both routes must be there. A code that is made in another function
    is seen where that function gives it. An answer behind a condition that speaks of debugging, a
    test or a setting is passed over.
    """
    for route in guarding_of(app).served:
        kind = _asks_for(app, route)
        taking = _taking(app, kind) if kind else None
        function = reach(app).answering(route)
        if function is None or taking is None or route.span is None:
            continue
        given = next(_given(app, function), None)
        if given is not None:
            yield _finding(app, route, given, taking)


def _kind(route: Route) -> str:
    words = f"{route.path} {last(route.handler)}"
    return next((kind for kind, pattern in _KINDS if pattern.search(words)), "")


def _is_guarded(route: Route) -> bool:
    """Whether somebody must be known before the handler runs."""
    return any(g.role in ("principal", "permission") and not g.optional for g in route.guards)


def _asks_for(app: AppMap, route: Route) -> str:
    """What somebody who sends nothing but an address asks a code for; empty for anything else."""
    names = _sent(app, route)
    is_bare = any(map(_ADDRESS.search, names)) and not any(map(_PROOF.search, names))
    is_open = route.method in WRITES and not _is_guarded(route)
    return _kind(route) if is_bare and is_open else ""


def _sent(app: AppMap, route: Route) -> list[str]:
    """The names of what is sent: of a body those of its fields, and not what it is called."""
    fields = list(logins_of(app).names(route))[len(route.parameters) :]
    plain = [p.name for p in route.parameters if p.source != "body" or not fields]
    return [*plain, *fields]


def _taking(app: AppMap, kind: str) -> Route | None:
    """The route that such a code is brought to."""
    for route in guarding_of(app).served:
        names = _sent(app, route)
        brings = any(re.search(r"(?i)(^|_)(token|code|otp|pin)($|_)", n) for n in names)
        if brings and _kind(route) == kind and not _is_guarded(route):
            return route
    return None


def _given(app: AppMap, function: Function) -> Iterator[tuple[Stop, str]]:
    """What a function returns that holds a code it has made, and the name of that."""
    minted, bound = _minted(app, function), dict(_bound(app, function))
    for stop in function.stops:
        if stop.kind != "return" or _is_at_home(function, stop):
            continue
        held = _held(bound.get(stop.value, stop.value), _mute(app, function))
        name = _named(held, minted)
        if name or _MADE in held:
            yield stop, name or "what it makes"


def _mute(app: AppMap, function: Function) -> frozenset[str]:
    """The calls of functions of ours whose answers can be read, and hold no code."""
    found = set()
    for call in reach(app).calls_in(function):
        inner = reach(app).callee(call)
        given = [s.value for s in inner.stops if s.kind == "return"] if inner is not None else []
        if inner is not None and inner is not function and all(map(_CONSTANT.fullmatch, given)):
            found.add(call.text)
    return frozenset(found)


def _minted(app: AppMap, function: Function) -> tuple[str, ...]:
    """The names that hold a code which the function has had made, or a link with one."""
    found: list[str] = []
    for name, value in _bound(app, function):
        if _SECRET.search(name) and not _NO_SECRET.search(name):
            is_minted = _is_minted(app, function, name, value) or _named(_held(value), found)
            found += [name] if is_minted else []
    return tuple(found)


def _named(held: str, names: Sequence[str]) -> str:
    return next((n for n in names if re.search(rf"\b{n}\b", held)), "")


def _held(value: str, mute: frozenset[str] = frozenset()) -> str:
    """What is in a value: of a call that makes no object of it, nothing of its arguments is.

    `mute` are calls that give nothing of the kind, whatever they are called.
    """
    held, before = re.sub(r"\b\w+\s*=(?!=)", " ", _TEXT.sub(_put_in, value)), ""
    while held != before:
        held, before = _CALL.sub(lambda call: _left(call, mute), held), held
    return held


def _put_in(text: re.Match[str]) -> str:
    """What an f-string is made of; nothing of any other text, nor of a key."""
    return " ".join(_PUT_IN.findall(text["words"])) if text["prefix"] else "''"


def _left(call: re.Match[str], mute: frozenset[str]) -> str:
    if call["name"] in mute:
        return " "
    if _MINTS.search(call[0]):
        return f" {_MADE} "
    name = last(call["name"])
    is_object = name[:1].isupper() or name in ("dict", "str", "jsonable_encoder", "model_validate")
    return f" {call['given']} " if is_object else " "


def _bound(app: AppMap, function: Function) -> list[tuple[str, str]]:
    path = function.span.path
    return [(b.name, app.text(Span(path, b.start, b.end))) for b in function.bindings]


def _is_minted(app: AppMap, function: Function, name: str, value: str) -> bool:
    calls = (c for c in reach(app).calls_in(function) if c.target.rpartition(".")[2] == name)
    inner = [f for c in calls if (f := reach(app).callee(c)) is not None and f is not function]
    return bool(_MINTS.search(value)) or any(_makes(app, f) for f in inner)


def _makes(app: AppMap, function: Function) -> bool:
    """Whether a function gives a code that it has made itself."""
    minted = {name for name, value in _bound(app, function)
              if _SECRET.search(name) and _MINTS.search(value)}  # fmt: skip
    given = [s.value for s in function.stops if s.kind == "return"]
    return any(v in minted or _MINTS.search(v) for v in given)


def _is_at_home(function: Function, stop: Stop) -> bool:
    return any(b.kind == "arm" and _AT_HOME.search(b.words) for b in around(function, stop.start))


def _finding(app: AppMap, route: Route, given: tuple[Stop, str], taking: Route) -> Finding:
    stop, name = given
    assert route.span is not None
    path = route.span.path
    written = " ".join(app.text(Span(path, stop.start, stop.end)).split())
    told = f"`{name}`" if name.isidentifier() else name
    return Finding(
        NAME,
        Span(path, stop.start, stop.end),
        f"`{route}` gives whoever asks the code that `{taking}` takes for a proof",
        evidence=(Evidence(EvidenceKind.SOURCE, f"{told} is in the answer: {written}"),),
        related=(taking.span,) if taking.span is not None else (),
        symbol=route.handler,
        structural=True,
    )
