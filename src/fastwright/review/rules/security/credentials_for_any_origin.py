"""FW540 credentials-for-any-origin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Middleware
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.at_home import is_at_home
from fastwright.review.reach import last
from fastwright.review.rule import rule
from fastwright.source import call_sites
from fastwright.survey.codebase import of_tests

_HOST = re.compile(r"[\w-]+(?:\\?\.[\w-]+)+")
_SAME_SITE = ("samesite", "same_site", "cookie_samesite")
_ANY = "https://evil.example"
"""An origin that nobody has heard of: where it is allowed, all are."""


@rule(code="FW540", severity=Severity.MEDIUM)
def credentials_for_any_origin(app: AppMap) -> Iterator[Finding]:
    """Cross-origin answers with credentials, for origins that anybody can register.

    ## Why is this bad?
    With `allow_credentials=True` and any origin allowed, Starlette echoes whatever origin asks: a
    page on another site reads the answers that a visitor's cookies give it (CWE-942, OWASP
    API8:2023). An expression whose dots are not escaped, or that begins with `.*`, does the same.

    ## Example
    ```python
    from fastapi import Response
    from fastapi.middleware.cors import CORSMiddleware

    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)


    @app.post("/baskets")
    def open_basket(response: Response) -> None:
        response.set_cookie("basket", "1", samesite="none", secure=True)
    ```

    Use instead:
    ```python
    from fastapi import Response
    from fastapi.middleware.cors import CORSMiddleware

    app.add_middleware(
        CORSMiddleware, allow_origins=["https://shop.example"], allow_credentials=True
    )


    @app.post("/baskets")
    def open_basket(response: Response) -> None:
        response.set_cookie("basket", "1", samesite="none", secure=True)
    ```

    ## Fix safety
    Changes behaviour: without credentials the browser sends no cookies from other origins. Where
    they are needed, name the origins instead.

    ## Known limits
    Certain where the app makes a cookie with `SameSite=None`: browsers keep any other cookie from
    the requests of another site, and a token in a header is not sent by itself. Else it is only
    possible, for a proxy in front may have cookies of its own, and also with HTTP Basic, which is
    mostly there for other machines, or for the documentation. Origins that
    come from settings are not known and not reported, nor is what only development has. An
    expression is tried on origins made from its own hosts: `https://evilshop.example`,
    `https://shopxexample`.
    """
    for middleware in app.middleware:
        options = dict(middleware.options)
        if is_at_home(middleware.condition):
            continue
        if (
            middleware.name.endswith("CORSMiddleware")
            and options.get("allow_credentials") == "True"
        ):
            foreign = _foreign_origin(options)
            if foreign and middleware.span is not None:
                who = "any site" if foreign == _ANY else f"`{foreign}`"
                message = f"`CORSMiddleware` lets {who} read answers with a visitor's cookies"
                seen = f"`{foreign}` is among what is allowed, with `allow_credentials=True`"
                fix = _without_credentials(app, middleware)
                sent = _sent_along(app)
                yield Finding(
                    "credentials-for-any-origin", middleware.span, message,
                    (Evidence(EvidenceKind.SOURCE, f"{seen}{f'; {sent}' if sent else ''}"),), (),
                    (fix,) if fix else (), middleware.name, structural=bool(sent),
                )  # fmt: skip


def _sent_along(app: AppMap) -> str:
    """What a browser adds to a request of another site; empty where nothing of the app is known.

    A cookie without `SameSite=None` stays at home, and Starlette makes it `lax` of its own accord.
    """
    calls = ((c.text, dict(c.keywords)) for c in app.calls if not of_tests(c.span.path))
    added = ((m.name, dict(m.options)) for m in app.middleware)
    for name, options in (*calls, *added):
        said = next((options[key] for key in _SAME_SITE if key in options), "")
        if re.search(r"(?i)[\"']none[\"']", said) and "delete" not in last(name):
            return f"`{last(name)}` makes a cookie that other sites' requests carry"
    return ""


def _foreign_origin(options: dict[str, str]) -> str:
    """An origin of somebody else that the options allow; empty where none is found."""
    if re.fullmatch(r"[\[(]\s*['\"]\*['\"],?\s*[\])]", options.get("allow_origins", "")):
        return _ANY
    written = re.fullmatch(r"r?(['\"])(.*)\1", options.get("allow_origin_regex", ""))
    return _matched(written[2].replace("\\\\", "\\")) if written else ""


def _matched(pattern: str) -> str:
    try:
        compiled = re.compile(pattern)
    except re.error:
        return ""
    return next((o for o in _candidates(pattern) if compiled.fullmatch(o)), "")


def _candidates(pattern: str) -> Iterator[str]:
    """Origins that nobody means to allow, made from the hosts in the expression."""
    yield _ANY
    yield "null"
    for written in _HOST.findall(pattern):
        host = written.replace("\\.", ".").lstrip(".")
        for scheme in ("https", "http"):
            yield f"{scheme}://evil{host}"
            yield f"{scheme}://{host}.evil.example"
            bare = written.replace("\\.", "\0").replace(".", "x").replace("\0", ".")
            if bare != host:
                yield f"{scheme}://{bare}"
                yield f"{scheme}://www.{bare}"


def _without_credentials(app: AppMap, middleware: Middleware) -> Fix | None:
    span = middleware.span
    call = call_sites.call_at(app.files[span.path], span) if span is not None else None
    keyword = call_sites.keyword_of(call, "allow_credentials") if call is not None else None
    value = keyword.child_by_field_name("value") if keyword is not None else None
    if span is None or value is None or value.type != "true":
        return None
    why = "any site may read the answers, so they must not be those of a visitor's cookies"
    edit = call_sites.replaced(span, value, "False", why)
    return Fix("Answer other origins without credentials", Safety.CHANGES_BEHAVIOUR, (edit,))
