"""FW508 unverified-token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.course import around
from fastwright.review.reach import Step, reach
from fastwright.review.rule import rule
from fastwright.review.signing import Signing, has_no_end, signing_of, verifies

NAME = "unverified-token"
_OPTIONS = re.compile(
    r",\s*options\s*=\s*\{\s*['\"]verify_(signature|exp)['\"]\s*:\s*False\s*,?\s*\}"
)
_PLAIN = re.compile(r",\s*verify\s*=\s*False")
_COMPARED = re.compile(
    r"\bexp\b['\")\]]*(?:\s*,\s*\d+\))?\s*[<>]=?"
    r"|[<>]=?\s*[\w.]*(?:\.exp\b|\[['\"]exp|get\(['\"]exp)"
)
"""An expiry that code compares itself: ``payload.exp <= now``, ``now > claims["exp"]``."""
_RECEIVED = re.compile(r"(?:\[|\.get\()\s*[\"']id_token[\"']")
_ENTRY = re.compile(r"password|reset|forgot|recover|log_?in|sign_?in|magic|invit", re.IGNORECASE)
_OF_CALLER = re.compile(r"\bauthorization\b|\bbearer\b|oauth2", re.IGNORECASE)
_LAX = re.compile(r"expired|refresh|unverified|peek|logout|blacklist|revoke", re.IGNORECASE)


@rule(code="FW508", severity=Severity.HIGH)
def unverified_token(app: AppMap) -> Iterator[Finding]:
    """A token that is believed without its signature, or after its end.

    ## Why is this bad?
    Anybody can write a token that says whom they want to be; only the signature tells who wrote it.
    A token whose expiry is not looked at works for ever once it is lost (OWASP API2:2023, broken
    authentication; CWE-347, CWE-613).

    ## Example
    ```python
    import jwt


    def caller(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
        claims = jwt.decode(token, options={"verify_signature": False})
        return claims["sub"]


    @app.get("/me")
    def me(name: Annotated[str, Depends(caller)]) -> str:
        return name
    ```

    Use instead:
    ```python
    import jwt


    def caller(token: Annotated[str, Depends(oauth2_scheme)]) -> str:
        claims = jwt.decode(token, "k" * 32, algorithms=["HS256"])
        return claims["sub"]


    @app.get("/me")
    def me(name: Annotated[str, Depends(caller)]) -> str:
        return name
    ```

    ## Fix safety
    Safe for the signature: tokens that the app signs are accepted as before. Changes behaviour for
    the expiry: old tokens end. Offered where the key is given to the call.

    ## Known limits
    A function that also verifies the token is passed over: it reads the claims to find the key. So
    is one whose name begins with `test_`. Only possible are one that no route runs, such as the log
    of a middleware, and one that reads the caller's own header again, which something else that
    runs for the route has verified, and the ID token that a provider has answered with. An expiry
    that is not looked at is reported for those dependencies alone that say who is calling, not for
    a refresh or a logout, and not where the same file compares it itself, nor to end the session of
    a token that is refused. A signed link of itsdangerous that has no `max_age` is certain where it
    resets a password or logs somebody in, and possible elsewhere: that one can unsubscribe by an
    old mail is meant.
    """
    signing = signing_of(app)
    verifying = {c.caller for c in signing.decodings if verifies(c)}
    for call in signing.unverified:
        if call.caller not in verifying and not _last(call.caller).startswith("test_"):
            seen = "reads the claims of a token without checking its signature"
            sure = _is_believed(app, call, verifying) and not _is_of_provider(app, call)
            yield _finding(app, call, f"`{_last(call.caller)}` {seen}", sure=sure)
    for call in _for_callers(app, signing):
        if _leaves_expiry(call) and not _COMPARED.search(_text_of(app, call)):
            seen = "believes a token after its expiry"
            yield _finding(app, call, f"`{_last(call.caller)}` {seen}")
    for call, routes in _endless(app, signing):
        seen = f"believes a signed link for ever: `{call.text}` has no `max_age`"
        entry = next((r for r in routes if _ENTRY.search(f"{r.path} {r.handler}")), None)
        yield _finding(app, call, f"`{_last(call.caller)}` {seen}", entry, sure=entry is not None)


def _is_believed(app: AppMap, call: Call, verifying: set[str]) -> bool:
    """True where a route runs the call, and no more of it has checked the caller's token before.

    What no route runs, a middleware that writes a log, may do nothing with the claims.
    """
    reached = reach(app)
    running = [[f.name for f in reached.running(route)] for route in app.routes]
    served = [names for names in running if call.caller in names]
    function = reached.functions.get(call.caller)
    of_caller = function is not None and _OF_CALLER.search(app.text(function.span))
    return any(not of_caller or verifying.isdisjoint(names) for names in served)


def _is_of_provider(app: AppMap, call: Call) -> bool:
    """True for the ID token in the answer of a provider's token endpoint, which TLS vouches for.

    OpenID Connect Core 3.1.3.7 lets its signature be. One that a client sends must be checked.
    """
    given = (*call.arguments[:1], *(v for k, v in call.keywords if k in ("token", "jwt")))
    if not any("id_token" in value for value in given):
        return False
    sent = any(f.name == "id_token" for schema in app.schemas for f in schema.fields) or any(
        p.name == "id_token" for route in app.routes for p in route.parameters
    )
    return not sent and _RECEIVED.search(_text_of(app, call)) is not None


def _leaves_expiry(call: Call) -> bool:
    """True where the signature is checked and the expiry is not: without either nothing is."""
    options = dict(call.keywords).get("options", "")
    left = set(re.findall(r"['\"]verify_(exp|signature)['\"]\s*:\s*False", options))
    return left == {"exp"}


def _text_of(app: AppMap, call: Call) -> str:
    """The file of a call: what leaves the expiry to its own code compares it there."""
    return app.files[call.span.path].decode("utf-8", "replace")


def _endless(app: AppMap, signing: Signing) -> Iterator[tuple[Call, tuple[Route, ...]]]:
    """Calls that open signed links whatever their age, each with the routes that it runs for."""
    calls = {call.span: call for call in signing.links if has_no_end(call)}
    if not calls:
        return
    reached, served = reach(app), dict[Span, tuple[Route, ...]]()
    for root, routes in reached.every_root().values():
        for step in reached.below(root):
            if step.call.span in calls:
                served[step.call.span] = (*served.get(step.call.span, ()), *routes)
    for span, routes in served.items():
        yield calls[span], routes


def _for_callers(app: AppMap, signing: Signing) -> Iterator[Call]:
    """The decoding calls that run to find out who is calling."""
    reached = reach(app)
    roots = [
        reached.functions[p.dependency] for p in app.principals if p.dependency in reached.functions
    ]
    steps = (step for root in roots for step in reached.below(root))
    spans = {step.call.span for step in steps if not _is_to_refuse(step)}
    for call in signing.decodings:
        if call.span in spans and not _LAX.search(_last(call.caller)):
            yield call


def _is_to_refuse(step: Step) -> bool:
    """True in the arm of a token that was refused already, which ends by raising in any case."""
    for function, place in zip(step.functions, (*step.via, step.call), strict=True):
        for block in around(function, place.span.start):
            ends = [s for s in function.stops if block.start <= s.start < block.end]
            raises = [s for s in ends if s.kind == "raise" and s.start > place.span.start]
            last = [b for s in raises for b in around(function, s.start)[-1:]]
            if block.kind == "except" and block in last and len(ends) == len(raises):
                return True
    return False


def _finding(
    app: AppMap, call: Call, message: str, route: Route | None = None, *, sure: bool = True
) -> Finding:
    fix = _fix(app, call)
    written = " ".join(app.text(call.span).split())
    seen = (written, f"it runs for `{route}`") if route else (written,)
    return Finding(
        NAME,
        call.span,
        message,
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in seen),
        fixes=(fix,) if fix else (),
        symbol=call.caller,
        structural=sure,
    )


def _fix(app: AppMap, call: Call) -> Fix | None:
    """Take away what switches the check off, where the call has the key and the algorithms."""
    text = app.text(call.span)
    if call.text.endswith("loads"):
        return _with_end(call, text)
    found = _OPTIONS.search(text) or _PLAIN.search(text)
    has_key = len(call.arguments) > 1 or "key" in dict(call.keywords)
    if found is None or not has_key or not text.isascii():
        return None
    span = Span(call.span.path, call.span.start + found.start(), call.span.start + found.end())
    edit = Edit(span, "", "only the signature says who wrote a token")
    safety = Safety.CHANGES_BEHAVIOUR if "verify_exp" in found[0] else Safety.SAFE
    return Fix("Check the token", safety, (edit,))


def _with_end(call: Call, text: str) -> Fix | None:
    """The call with an hour as the greatest age, where it is written on one line."""
    if not text.endswith(")") or "\n" in text or not call.arguments:
        return None
    at = Span(call.span.path, call.span.end - 1, call.span.end - 1)
    edit = Edit(at, ", max_age=3600", "a link that was lost must not open the account for ever")
    return Fix("Believe a link for an hour", Safety.CHANGES_BEHAVIOUR, (edit,))


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]
