"""FW508 unverified-token."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.reach import Reach
from fastwright.review.rule import rule
from fastwright.review.signing import Signing, verifies

NAME = "unverified-token"
_OPTIONS = re.compile(
    r",\s*options\s*=\s*\{\s*['\"]verify_(signature|exp)['\"]\s*:\s*False\s*,?\s*\}"
)
_PLAIN = re.compile(r",\s*verify\s*=\s*False")
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
    A function that also verifies the token is passed over: it reads the claims to find the key.
    An expiry that is not looked at is reported for those dependencies alone that say who is
    calling, not for a refresh or a logout.
    """
    signing = Signing(app)
    verifying = {c.caller for c in signing.decodings if verifies(c)}
    for call in signing.unverified:
        if call.caller not in verifying:
            seen = "reads the claims of a token without checking its signature"
            yield _finding(app, call, f"`{_last(call.caller)}` {seen}")
    for call in _for_callers(app, signing):
        if re.search(r"['\"]verify_exp['\"]\s*:\s*False", dict(call.keywords).get("options", "")):
            seen = "believes a token after its expiry"
            yield _finding(app, call, f"`{_last(call.caller)}` {seen}")


def _for_callers(app: AppMap, signing: Signing) -> Iterator[Call]:
    """The decoding calls that run to find out who is calling."""
    reach = Reach(app)
    roots = [
        reach.functions[p.dependency] for p in app.principals if p.dependency in reach.functions
    ]
    spans = {step.call.span for root in roots for step in reach.below(root)}
    for call in signing.decodings:
        if call.span in spans and not _LAX.search(_last(call.caller)):
            yield call


def _finding(app: AppMap, call: Call, message: str) -> Finding:
    fix = _fix(app, call)
    return Finding(
        NAME,
        call.span,
        message,
        evidence=(Evidence(EvidenceKind.SOURCE, " ".join(app.text(call.span).split())),),
        fixes=(fix,) if fix else (),
        symbol=call.caller,
        structural=True,
    )


def _fix(app: AppMap, call: Call) -> Fix | None:
    """Take away what switches the check off, where the call has the key and the algorithms."""
    text = app.text(call.span)
    found = _OPTIONS.search(text) or _PLAIN.search(text)
    has_key = len(call.arguments) > 1 or "key" in dict(call.keywords)
    if found is None or not has_key or not text.isascii():
        return None
    span = Span(call.span.path, call.span.start + found.start(), call.span.start + found.end())
    edit = Edit(span, "", "only the signature says who wrote a token")
    safety = Safety.CHANGES_BEHAVIOUR if "verify_exp" in found[0] else Safety.SAFE
    return Fix("Check the token", safety, (edit,))


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]
