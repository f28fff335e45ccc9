"""FW309 multiple-heads."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.storage import Migrations, Revision
from fastwright.review.revisions import merge_revision
from fastwright.review.rule import rule


@rule(code="FW309", severity=Severity.HIGH)
def multiple_heads(app: AppMap) -> Iterator[Finding]:
    """Two migrations that follow the same one, so that Alembic does not know which is the last.

    ## Why is this bad?
    `alembic upgrade head` stops with "Multiple head revisions are present", and so does the next
    deployment. It happens when two branches each add a revision and both are merged: neither
    branch could see it (CWE-1068).

    ## Example
    ```python migrations/env.py
    from alembic import context
    ```
    ```python migrations/versions/0002_names.py
    revision = "0002"
    down_revision = "0001"
    ```
    ```python migrations/versions/0003_prices.py
    revision = "0003"
    down_revision = "0001"
    ```

    Use instead:
    ```python migrations/env.py
    from alembic import context
    ```
    ```python migrations/versions/0002_names.py
    revision = "0002"
    down_revision = "0001"
    ```
    ```python migrations/versions/0003_prices.py
    revision = "0003"
    down_revision = "0002"
    ```

    ## Fix safety
    Safe: a revision is added that follows all heads and does nothing itself. Where both change the
    same table, read them first.

    ## Known limits
    Revisions with branch labels are meant to be apart, and only possible; so are heads where a
    revision follows one that is not there. Environments whose
    versions lie in several folders are read by their first.
    """
    for environment in app.migrations:
        if len(environment.heads) > 1 and "tests" not in environment.versions.parts:
            yield _finding(app, environment)


def _finding(app: AppMap, environment: Migrations) -> Finding:
    heads = [row for row in environment.revisions if row.name in environment.heads]
    named = " and ".join(f"`{head}`" for head in environment.heads)
    return Finding(
        "multiple-heads",
        heads[-1].span,
        f"`{environment.versions}` has {len(environment.heads)} heads, {named}",
        evidence=(Evidence(EvidenceKind.SOURCE, _forked(environment, heads)),),
        related=tuple(row.span for row in heads[:-1]),
        fixes=_fixes(app, environment),
        symbol=str(environment.versions),
        structural=_are_meant_to_join(environment),
    )


def _are_meant_to_join(environment: Migrations) -> bool:
    """True where no revision has a label, and each follows those that are there.

    Behind a revision that is lost the two ends of one chain look like heads.
    """
    known = {row.name for row in environment.revisions}
    rows = environment.revisions
    return not any(row.label or not known.issuperset(row.below) for row in rows)


def _forked(environment: Migrations, heads: list[Revision]) -> str:
    known = {row.name for row in environment.revisions}
    below = sorted({name for row in heads for name in row.below if name in known})
    return f"they follow {', '.join(f'`{name}`' for name in below) or 'nothing'}"


def _fixes(app: AppMap, environment: Migrations) -> tuple[Fix, ...]:
    written = merge_revision(app, environment.heads)
    return (Fix("Merge the heads", Safety.SAFE, (written,)),) if written is not None else ()
