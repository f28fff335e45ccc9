"""FW536 unsafe-deserialization."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.harm import finding, harms
from fastwright.review.rule import rule
from fastwright.source import call_sites, layout


@rule(code="FW536", severity=Severity.HIGH)
def unsafe_deserialization(app: AppMap) -> Iterator[Finding]:
    """Bytes of a request that are read by a format which can run code.

    ## Why is this bad?
    Pickle, marshal and unrestricted YAML name the functions to call while they are read: whoever
    writes the document runs code in the app (CWE-502, OWASP A08:2021).

    ## Example
    ```python
    import pickle


    @app.post("/import")
    async def import_items(request: Request) -> int:
        items = pickle.loads(await request.body())
        return len(items)
    ```

    Use instead:
    ```python
    import json


    @app.post("/import")
    async def import_items(request: Request) -> int:
        items = json.loads(await request.body())
        return len(items)
    ```

    ## Fix safety
    Safe for `yaml.load`, which becomes `yaml.safe_load` and reads the same plain documents. For
    pickle there is no fix: the format of the document has to change on both sides.

    ## Known limits
    Files that the app wrote itself are not followed. A document whose signature is checked before
    is reported all the same, as possible where the check is a function of your own.
    """
    for harm in harms(app, "unpickle"):
        message = f"`{harm.first.sink}` reads {harm.source}, which can run code"
        fix = _safe_yaml(app, harm.at)
        yield finding(app, "unsafe-deserialization", harm, message, (fix,) if fix else ())


def _safe_yaml(app: AppMap, at: Span) -> Fix | None:
    call = call_sites.call_at(app.files[at.path], at)
    if call is None or not call_sites.callee_of(call).endswith("yaml.load"):
        return None
    given = call_sites.argument(call, 0, "stream")
    if given is None:
        return None
    written = f"{call_sites.callee_of(call).removesuffix('load')}safe_load({layout.text_of(given)})"
    why = "the safe loader makes plain values alone"
    return Fix("Read the document by `yaml.safe_load`", Safety.SAFE,
               (call_sites.replaced(at, call, written, why),))  # fmt: skip
