"""FW701 allow-without-reason."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Finding, Severity
from fastwright.review.allowing import allowances
from fastwright.review.rule import rule


@rule(code="FW701", severity=Severity.LOW)
def allow_without_reason(app: AppMap) -> Iterator[Finding]:
    """A permission for a smell that does not say why it is right here.

    ## Why is this bad?
    Whoever reads the line next year cannot tell a decision from a silenced alarm, and nobody can
    check whether the reason still holds. A permission without a reason therefore permits nothing.

    ## Example
    ```python
    @app.get("/health")  # fastwright: allow missing-response-model
    def health():
        return {"status": "up"}
    ```

    Use instead:
    ```python
    @app.get("/health")  # fastwright: allow missing-response-model: read by the load balancer alone
    def health():
        return {"status": "up"}
    ```

    ## Fix safety
    There is no fix: only a person knows the reason.

    ## Known limits
    Whether a reason is a good one is not judged.
    """
    for one in allowances(app.files):
        if not one.reason:
            named = ", ".join(f"`{name}`" for name in one.rules) or "nothing by name"
            message = f"permission for {named} gives no reason, and so permits nothing"
            yield Finding("allow-without-reason", one.span, message, structural=True)
