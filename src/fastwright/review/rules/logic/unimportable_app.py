"""FW216 unimportable-app."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.rule import rule
from fastwright.review.unimportable import unimportable
from fastwright.source import layout


@rule(code="FW216", severity=Severity.HIGH)
def unimportable_app(app: AppMap) -> Iterator[Finding]:
    """An application that cannot be imported, so that no server starts.

    ## Why is this bad?
    Python runs each module as it is imported. A name that nothing binds, or an import of what the
    other module does not have, ends that, and with it the start of every worker. Nothing else that
    is wrong with the app harms anybody until this is mended, so it is told first and all else is
    only possible.

    ## Example
    ```python
    from schemas import ItemOut


    @app.get("/items/{item_id}/card")
    def card(user: CurrentUser, item_id: int) -> ItemOut:
        return ItemOut(id=item_id)
    ```

    ```python schemas.py
    from pydantic import BaseModel


    class ItemCard(BaseModel):
        id: int
    ```

    Use instead:
    ```python
    from schemas import ItemCard


    @app.get("/items/{item_id}/card")
    def card(user: CurrentUser, item_id: int) -> ItemCard:
        return ItemCard(id=item_id)
    ```

    ```python schemas.py
    from pydantic import BaseModel


    class ItemCard(BaseModel):
        id: int
    ```

    ## Fix safety
    There is no fix: which name was meant, or where the module has gone, is yours to say.

    ## Known limits
    Read are the lines that every import of the application's module comes to: what stands under
    `if`, `try`, `with` or in a function is not among them, nor are annotations. Packages of others
    are not looked into, a module that git ignores or a build makes may be there, and modules that
    import each other in a circle are not followed. An app that has been run is never told.
    """
    found = unimportable(app)
    if not found:
        return
    first, others = found[0], found[1:]
    written = layout.shortened(" ".join(app.text(first.at).split()), 70)
    target = app.app.target if app.app is not None else ""
    yield Finding(
        "unimportable-app",
        first.at,
        f"`{target}` cannot be imported: `{written}` raises `{first.error}`",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, mistake.why) for mistake in found),
        related=tuple(mistake.at for mistake in others),
        symbol=target,
        structural=True,
    )
