"""FW509 open-token-algorithm."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.rule import rule
from fastwright.review.signing import Signing, signing_of, verifies

NAME = "open-token-algorithm"
_SYMMETRIC = re.compile(r"['\"]HS\d{3}['\"]")
_ASYMMETRIC = re.compile(r"['\"](RS|ES|PS)\d{3}['\"]|['\"]EdDSA['\"]")
_NONE = re.compile(r"['\"]none['\"]", re.IGNORECASE)


@rule(code="FW509", severity=Severity.HIGH)
def open_token_algorithm(app: AppMap) -> Iterator[Finding]:
    """A token that may itself choose how it is verified.

    ## Why is this bad?
    The header of a token is written by whoever wrote the token. Where it chooses among `none`,
    symmetric and asymmetric algorithms, a public key becomes a secret that everybody knows
    (OWASP API2:2023, broken authentication; CWE-327, CWE-347).

    ## Example
    ```python
    import jwt


    def claims_of(token: str) -> dict:
        return jwt.decode(token, "k" * 32, algorithms=["HS256", "none"])
    ```

    Use instead:
    ```python
    import jwt


    def claims_of(token: str) -> dict:
        return jwt.decode(token, "k" * 32, algorithms=["HS256"])
    ```

    ## Fix safety
    Safe: tokens that the app itself signs are accepted as before. A call of python-jose that names
    no algorithm gets the one that the app signs with, where there is exactly one.

    ## Known limits
    A list that is computed is passed over, and so is a call whose arguments stand elsewhere
    (`**options`). PyJWT refuses to decode without a list since 2.0, so only python-jose is reported
    for having none.
    """
    signing = signing_of(app)
    for call in signing.decodings:
        if not verifies(call) or "**" in dict(call.keywords):
            continue
        written = _algorithms(call)
        if not written and (call.callee or "").startswith("jose."):
            yield _finding(
                app, call, "takes whatever algorithm a token names", _named(signing, call)
            )
        elif _NONE.search(written):
            yield _finding(app, call, "takes tokens without a signature", _without_none(app, call))
        elif _SYMMETRIC.search(written) and _ASYMMETRIC.search(written):
            seen = "takes symmetric and asymmetric algorithms for one key"
            yield _finding(app, call, seen, None)


def _algorithms(call: Call) -> str:
    given = dict(call.keywords).get("algorithms")
    return given or (call.arguments[2] if len(call.arguments) > 2 else "")


def _finding(app: AppMap, call: Call, seen: str, edit: Edit | None) -> Finding:
    fix = Fix("Name the one algorithm", Safety.SAFE, (edit,)) if edit else None
    return Finding(
        NAME,
        call.span,
        f"`{call.caller.rpartition('.')[2]}` {seen}",
        evidence=(Evidence(EvidenceKind.SOURCE, " ".join(app.text(call.span).split())),),
        fixes=(fix,) if fix else (),
        symbol=call.caller,
        structural=True,
    )


def _without_none(app: AppMap, call: Call) -> Edit | None:
    text = app.text(call.span)
    found = re.search(r"(?i),\s*['\"]none['\"]|['\"]none['\"]\s*,\s*", text)
    if found is None or not text.isascii():
        return None
    start = call.span.start
    span = Span(call.span.path, start + found.start(), start + found.end())
    return Edit(span, "", "a token without a signature is nobody's")


def _named(signing: Signing, call: Call) -> Edit | None:
    """The algorithm that the same module signs with, where that is one."""
    module = call.caller.rpartition(".")[0]
    near = [c for c in signing.encodings if c.span.path == call.span.path]
    named = {dict(c.keywords).get("algorithm", "'HS256'") for c in near}
    if len(named) != 1 or not module:
        return None
    at = Span(call.span.path, call.span.end - 1, call.span.end - 1)
    why = "the token does not choose how it is verified"
    return Edit(at, f", algorithms=[{next(iter(named))}]", why)
