"""FW555 code-from-client."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.harm import finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites, imports


@rule(code="FW555", severity=Severity.HIGH)
def code_from_client(app: AppMap) -> Iterator[Finding]:
    """A value of a request that is run as Python or as a template.

    ## Why is this bad?
    `eval`, `exec` and a template made of the client's text run what the client writes, as the
    user of the app (CWE-94, CWE-1336, OWASP A03:2021 Injection). No list of builtins stops it.

    ## Example
    ```python
    @app.get("/compute")
    def compute(formula: str) -> float:
        return eval(formula)
    ```

    Use instead:
    ```python
    import ast


    @app.get("/compute")
    def compute(formula: str) -> float:
        return ast.literal_eval(formula)
    ```

    ## Fix safety
    Changes behaviour: `ast.literal_eval` reads constants, lists and dictionaries and refuses the
    rest. For formulas, take a parser of the grammar that you mean; for templates, hand the value to
    a fixed template instead of making one of it.

    ## Known limits
    A template that is read from a file by the client's name is not this fault. A module that is
    imported by a name with a fixed beginning leaves a possible finding.
    """
    for harm in harms(app, "code", "template"):
        message = f"`{harm.first.sink.removeprefix('builtins.')}` runs {harm.source} as code"
        fix = _literal(app, harm.at)
        yield finding(app, "code-from-client", harm, message, (fix,) if fix else ())


def _literal(app: AppMap, at: Span) -> Fix | None:
    call = call_sites.call_at(app.files[at.path], at)
    if call is None or call_sites.callee_of(call) != "eval" or len(call_sites.arguments(call)) != 1:
        return None
    bound = imports.ensure_import(app, at.path, "ast", "")
    function = call.child_by_field_name("function")
    if function is None:
        return None
    edit = call_sites.replaced(
        at, function, f"{bound.local}.literal_eval", "only constants are read"
    )
    return Fix("Read constants alone, by `ast.literal_eval`", Safety.CHANGES_BEHAVIOUR,
               (*bound.edits, edit))  # fmt: skip
