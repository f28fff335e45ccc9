"""FW545 html-from-client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.review.harm import Harm, finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites, imports, layout, syntax

_LINKED = frozenset({"query", "path", "form"})
"""What a page of a stranger can make a browser send."""
_WHY = "what a client sends is text, and no part of the page"


@rule(code="FW545", severity=Severity.HIGH)
def html_from_client(app: AppMap) -> Iterator[Finding]:
    """A page that holds what the client has sent as it came.

    ## Why is this bad?
    A link with `<script>` in it, sent to somebody who is logged in, runs on your host with that
    person's cookies and tokens, and does whatever they may do (cross-site scripting, CWE-79, OWASP
    A03:2021).

    ## Example
    ```python
    @app.get("/hello")
    def greet(name: str) -> HTMLResponse:
        return HTMLResponse(f"<h1>Hello {name}</h1>")
    ```

    Use instead:
    ```python
    from html import escape


    @app.get("/hello")
    def greet(name: str) -> HTMLResponse:
        return HTMLResponse(f"<h1>Hello {escape(name)}</h1>")
    ```

    ## Fix safety
    Safe: the same words are shown, and none of them is read as a tag. Offered where the value
    stands in an f-string.

    ## Known limits
    Seen are `HTMLResponse`, a response of the media type `text/html`, `Markup`, and text that a
    handler returns whose decorator says `response_class=HTMLResponse`. A template that escapes by
    itself is believed. What comes in a JSON body, a header or a cookie, which no link can carry, is
    only possible. What was stored first and is shown later is not followed.
    """
    for harm in harms(app, "html"):
        message = f"the page holds {harm.source} as it came, with tags and scripts"
        fix = _escaped(app, harm)
        found = finding(app, "html-from-client", harm, message, (fix,) if fix else ())
        yield replace(found, structural=found.structural and harm.first.place in _LINKED)


def _escaped(app: AppMap, harm: Harm) -> Fix | None:
    """``html.escape`` around the value in the text."""
    flow, content = harm.first, app.files[harm.at.path]
    if len(flow.path) > 1:
        return None
    spoken = syntax.find(syntax.parse(content), "interpolation")
    bound = imports.ensure_import(app, harm.at.path, "html", "escape")
    edits: list[Change] = []
    for node in spoken:
        value = node.named_children[0] if node.named_child_count == 1 else None
        is_here = harm.at.start <= node.start_byte and node.end_byte <= harm.at.end
        if value is not None and is_here and layout.text_of(value) == flow.name:
            edits.append(call_sites.replaced(harm.at, value, f"{bound.local}({flow.name})", _WHY))
    title = f"Escape `{flow.name}`"
    return Fix(title, Safety.SAFE, (*bound.edits, *edits)) if edits else None
