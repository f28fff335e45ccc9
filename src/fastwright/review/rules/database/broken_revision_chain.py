"""FW310 broken-revision-chain."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.storage import Migrations, Revision
from fastwright.review.rule import rule


@rule(code="FW310", severity=Severity.HIGH)
def broken_revision_chain(app: AppMap) -> Iterator[Finding]:
    """A migration that follows one that is not there, or shares its identifier with another.

    ## Why is this bad?
    Alembic reads the whole chain before it does anything: with a missing link every command stops
    with `KeyError` or "Can't locate revision", on a new database and in the next deployment. It
    happens when a revision is deleted, renamed or left out of a commit (CWE-1068).

    ## Example
    ```python migrations/env.py
    from alembic import context
    ```
    ```python migrations/versions/0001_start.py
    revision = "0001"
    down_revision = None
    ```
    ```python migrations/versions/0003_prices.py
    revision = "0003"
    down_revision = "0002"
    ```

    Use instead:
    ```python migrations/env.py
    from alembic import context
    ```
    ```python migrations/versions/0001_start.py
    revision = "0001"
    down_revision = None
    ```
    ```python migrations/versions/0003_prices.py
    revision = "0003"
    down_revision = "0001"
    ```

    ## Fix safety
    None is offered: the missing revision may exist elsewhere, and databases may have it.

    ## Known limits
    A shortened identifier counts as the one that begins with it. Environments with several folders
    of versions are not judged, for a link may lead into another folder.
    """
    folders = {environment.versions for environment in app.migrations}
    for environment in app.migrations:
        apart = any(o != environment.versions and _alike(o, environment) for o in folders)
        if "tests" in environment.versions.parts or apart or _has_several(app, environment):
            continue
        seen: dict[str, Revision] = {}
        for row in environment.revisions:
            first = seen.setdefault(row.name, row)
            missing = [b for b in row.below if not _is_known(b, environment)]
            if first is not row:
                yield _finding(row, f"has the identifier of another revision, `{row.name}`", first)
            if missing:
                yield _finding(row, f"follows `{missing[0]}`, which is not there", None)


def _alike(folder: object, environment: Migrations) -> bool:
    return str(folder).startswith(str(environment.directory))


def _has_several(app: AppMap, environment: Migrations) -> bool:
    """True where the configuration names several folders of versions."""
    content = app.files.get(environment.config, b"") if environment.config else b""
    lines = (line.strip() for line in content.decode("utf-8", "replace").splitlines())
    named = (line.partition("=")[2].split() for line in lines if line.startswith("version_loc"))
    return any(len(folders) > 1 for folders in named) or any(
        "version_locations" in text for text in _set_in_code(app)
    )


def _set_in_code(app: AppMap) -> Iterator[str]:
    for call in app.calls:
        if call.text.endswith(("set_main_option", "configure")):
            yield from call.arguments
            yield from (key for key, _ in call.keywords)


def _is_known(name: str, environment: Migrations) -> bool:
    return any(row.name.startswith(name) for row in environment.revisions)


def _finding(row: Revision, told: str, first: Revision | None) -> Finding:
    seen = Evidence(EvidenceKind.SOURCE, f"its identifier is `{row.name}`")
    return Finding(
        "broken-revision-chain",
        row.span,
        f"`{row.span.path.name}` {told}",
        evidence=(seen,),
        related=(first.span,) if first is not None else (),
        symbol=f"{row.span.path.stem}:{row.name}",
        structural=True,
    )
