"""FW556 pattern-from-client."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.review.harm import Harm, finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites, layout, syntax
from fastwright.source.syntax import Node


@rule(code="FW556", severity=Severity.MEDIUM)
def pattern_from_client(app: AppMap) -> Iterator[Finding]:
    """A regular expression that the client writes.

    ## Why is this bad?
    `(a+)+$` against thirty letters keeps a core busy for minutes, and Python's `re` cannot be
    stopped: a few requests halt the app (CWE-1333, OWASP API4:2023). An expression that does not
    compile is an error 500.

    ## Example
    ```python
    import re


    @app.get("/words")
    def find_words(part: str) -> list[str]:
        return [word for word in ("alpha", "beta") if re.search(part, word)]
    ```

    Use instead:
    ```python
    import re


    @app.get("/words")
    def find_words(part: str) -> list[str]:
        return [word for word in ("alpha", "beta") if re.search(re.escape(part), word)]
    ```

    ## Fix safety
    Changes behaviour: the client's text is searched for as it is. Where expressions are a feature,
    use an engine without backtracking (re2) and bound their length.

    ## Known limits
    Expressions that the database evaluates are not followed. A bound on the length alone leaves
    the finding: twenty characters are enough.
    """
    for harm in harms(app, "pattern"):
        message = f"`{harm.first.sink}` compiles the expression in {harm.source}"
        fix = _escaped(app, harm)
        yield finding(app, "pattern-from-client", harm, message, (fix,) if fix else ())


def _escaped(app: AppMap, harm: Harm) -> Fix | None:
    """``re.escape`` around the value, where the call itself holds it."""
    at = harm.at
    call = call_sites.call_at(app.files[at.path], at)
    pattern = call_sites.argument(call, 0, "pattern") if call is not None else None
    if call is None or pattern is None or "." not in call_sites.callee_of(call):
        return None
    module = call_sites.callee_of(call).rpartition(".")[0]
    held = list(_values(pattern))
    named = [n for n in held if harm.first.name.partition(".")[0] in call_sites.names_in(n)]
    chosen = named or (held if len(held) == 1 else [])
    why = "the text is searched for as it is"
    edits: tuple[Change, ...] = tuple(
        call_sites.replaced(at, node, f"{module}.escape({layout.text_of(node)})", why)
        for node in chosen
    )
    title = "Search for the text as it is, by `re.escape`"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, edits) if edits else None


def _values(pattern: Node) -> Iterator[Node]:
    """What is put into a pattern: all of it, or the parts of a text."""
    if call_sites.is_plain(pattern) and pattern.type != "string":
        yield pattern
    for node in syntax.find(pattern, "interpolation"):
        inner = node.child_by_field_name("expression")
        if inner is not None and call_sites.is_plain(inner):
            yield inner
