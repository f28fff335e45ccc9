"""FW702 allow-of-nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.allowing import Allowance, allowances
from fastwright.review.rule import every_rule, rule


@rule(code="FW702", severity=Severity.LOW)
def allow_of_nothing(app: AppMap) -> Iterator[Finding]:
    """A permission that names a rule which does not exist.

    ## Why is this bad?
    The comment looks as if somebody had looked at the smell and accepted it. It does nothing: the
    name is misspelt, or the rule was renamed, and what was to be permitted is reported still.

    ## Example
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int) -> int:
        return item_id


    @app.get("/items/0")  # fastwright: allow shadowed-rout: the old path, kept for its document
    def first_item() -> int:
        return 0
    ```

    Use instead:
    ```python
    @app.get("/items/0")
    def first_item() -> int:
        return 0


    @app.get("/items/{item_id}")
    def read_item(item_id: int) -> int:
        return item_id
    ```

    ## Fix safety
    A name that is much like a rule's becomes that name, which changes a comment alone.

    ## Known limits
    A permission of a rule that exists and finds nothing there is not reported.
    """
    known = every_rule()
    for one in allowances(app.files):
        for name in one.rules or ("",):
            if name not in known:
                yield _finding(app, one, name, difflib.get_close_matches(name, known, n=1))


def _finding(app: AppMap, one: Allowance, name: str, alike: list[str]) -> Finding:
    hint = f": `{alike[0]}` is like it" if alike else ""
    message = (
        f"permission names `{name}`, which is no rule{hint}" if name else "permission names no rule"
    )
    return Finding(
        "allow-of-nothing",
        one.span,
        message,
        fixes=_fixes(app, one, name, alike),
        structural=True,
    )


def _fixes(app: AppMap, one: Allowance, name: str, alike: list[str]) -> tuple[Fix, ...]:
    if not alike:
        return ()
    start = one.span.start + len(app.text(one.span).partition(name)[0].encode())
    place = Span(one.span.path, start, start + len(name.encode()))
    edit = Edit(place, alike[0], f"`{name}` is no rule, `{alike[0]}` is")
    return (Fix(f"Name `{alike[0]}`", Safety.SAFE, (edit,)),)
