"""FW515 guessable-code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.source.imports import ensure_import
from fastwright.survey.codebase import of_tests

NAME = "guessable-code"
_MAKERS = frozenset({"choice", "choices", "randint", "randrange", "random", "sample", "getrandbits",
                     "randbytes"})  # fmt: skip
_SECRET = re.compile(
    r"(^|_)(otp|tokens?(?!_ids?(?:$|_))|pin|passw(or)?d|secret|api_?key|nonce|salt|session_?id|"
    r"(reset|verification|verify|login|auth|access|confirm(ation)?|activation|invite|invitation|"
    r"security|mfa|two_?factor|sms|recovery)_?codes?|code)($|_)",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"colou?r|status|http|lang|country|currency|post|zip|coupon|error|product|sku|bar|qr|mock|"
    r"fake|sample|seed|demo|example|slug|short|join|room|game|share|promo|discount|code_?name|"
    r"source_?code|discriminat|max_|num_|count|token_?(count|s_used|usage)|batch|jitter",
    re.IGNORECASE,
)
_GIVEN_OUT = re.compile(r"referral|affiliate|coupon|promo|captcha", re.IGNORECASE)
_SHOWN = frozenset({
    "archive", "archived", "demo", "demos", "example", "examples", "mock", "mocks", "sample",
    "samples", "sandbox", "playground", "deprecated", "backup", "backups", "legacy",
})  # fmt: skip
"""Folders, and names of files, of what is there to be looked at."""
_PURPOSE = re.compile(
    r"reset|verif|otp|auth|log_?in|confirm|activat|sms|mail|phone|token|passw|invit|recover|secret",
    re.IGNORECASE,
)
"""What code speaks of around a ``code`` that is a secret; of an order or a room it may be shown."""


@rule(code="FW515", severity=Severity.HIGH)
def guessable_code(app: AppMap) -> Iterator[Finding]:
    """A token, password or code that comes from a generator that can be foretold.

    ## Why is this bad?
    `random` is made for simulations: after some hundred outputs all further ones are known, and so
    is the next reset code (OWASP API2:2023, broken authentication; CWE-330, CWE-338).

    ## Example
    ```python
    import random


    def make_reset_code() -> str:
        return "".join(random.choices("0123456789", k=8))


    @app.post("/reset")
    def reset() -> None:
        logger.info("made a code of %s characters", len(make_reset_code()))
    ```

    Use instead:
    ```python
    import secrets


    def make_reset_code() -> str:
        return "".join([secrets.choice("0123456789") for _ in range(8)])


    @app.post("/reset")
    def reset() -> None:
        logger.info("made a code of %s characters", len(make_reset_code()))
    ```

    ## Fix safety
    Safe: values of the same form, from the operating system's generator.

    ## Known limits
    What a value is for is read from the name that it is bound to and of the function that makes it.
    Codes that are no secret (colours, coupons, captchas, short links) are passed over by their
    names. A plain `code` is only possible where nothing around it speaks of what it opens, and so
    is what a file makes that lies among demonstrations, samples or what is put away, and that no
    other file imports.
    """
    for call in app.calls:
        if not _is_foretold(call) or of_tests(call.span.path):
            continue
        bound = _bound_to(app, call)
        purpose = bound if _SECRET.search(bound) else call.caller.rpartition(".")[2]
        words = f"{bound} {call.caller.rpartition('.')[2]}"
        is_public = _HARMLESS.search(words) or _GIVEN_OUT.search(f"{bound} {call.caller}")
        if not _SECRET.search(purpose) or is_public:
            continue
        fix = _fix(app, call, purpose)
        makes = "is made by" if purpose == bound else "makes its value with"
        yield Finding(
            NAME,
            call.span,
            f"`{purpose}` {makes} `{call.callee}`, which can be foretold",
            evidence=(Evidence(EvidenceKind.SOURCE, " ".join(app.text(call.span).split())),),
            fixes=(fix,) if fix else (),
            symbol=call.caller,
            structural=(purpose.lower() != "code" or bool(_PURPOSE.search(call.caller)))
            and not _is_for_show(app, call.span.path),
        )


def _is_for_show(app: AppMap, path: PurePosixPath) -> bool:
    """Whether a file is put away or a demonstration, and nothing of the app imports it."""
    if _SHOWN.isdisjoint((*path.parent.parts, path.stem)):
        return False
    names = tuple(m.name for m in app.modules.values() if m.path == path)
    others = (m for m in app.modules.values() if m.path != path and not of_tests(m.path))
    imported = {target for module in others for target in module.imports.values()}
    routes = (r for r in app.routes if r.reachable and r.span is not None)
    return not any(f"{t}.".startswith(f"{n}.") for t in imported for n in names) and not any(
        r.span.path == path for r in routes if r.span is not None
    )


def _is_foretold(call: Call) -> bool:
    module, _, name = (call.callee or "").rpartition(".")
    return module == "random" and name in _MAKERS


def _bound_to(app: AppMap, call: Call) -> str:
    """The name that the value, or what is made of it, is bound to; empty for none."""
    around = (
        c
        for c in reach(app).calls_of(call.span.path)
        if c.caller == call.caller
        and c.span.start <= call.span.start
        and call.span.end <= c.span.end
    )
    return next((c.target.rpartition(".")[2] for c in around if c.target), "")


def _between(secure: str, low: str, high: str) -> str:
    """A number from `low` to `high`, both of them expressions."""
    end = str(int(high) + 1) if high.isdecimal() else f"{high} + 1"
    return f"{secure}.randbelow({end})" if low == "0" else f"{secure}.choice(range({low}, {end}))"


def _fix(app: AppMap, call: Call, purpose: str) -> Fix | None:
    name = (call.callee or "").rpartition(".")[2]
    given = dict(call.keywords)
    bound = ensure_import(app, call.span.path, "secrets", "")
    secure, made = bound.local, ""
    match name, call.arguments:
        case "choice", (one,):
            made = f"{secure}.choice({one})"
        case "choices", (one,) if set(given) == {"k"}:
            made = f"[{secure}.choice({one}) for _ in range({given['k']})]"
        case "randint", (low, high):
            made = _between(secure, low, high)
        case "randrange", (one,):
            made = f"{secure}.randbelow({one})"
        case "getrandbits", (one,):
            made = f"{secure}.randbits({one})"
    if not made:
        return None
    edit = Edit(call.span, made, "what nobody may guess comes from the system's generator")
    return Fix(f"Use `secrets` for `{purpose}`", Safety.SAFE, (*bound.edits, edit))
