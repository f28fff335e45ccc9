"""FW534 path-from-client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.code import Flow
from fastwright.model.finding import Finding, Severity
from fastwright.review.confining import confined
from fastwright.review.harm import Harm, finding, harms
from fastwright.review.reach import holds, reach
from fastwright.review.rule import rule

_PICKING = re.compile(
    r"\bfor\s+(?P<one>\w+)\s+in\b(?:(?!\bfor\b|\bif\b)[^;]){1,160}?\bif\s+\(?"
    r"(?P<words>(?P=one)(?:\.is(?:alnum|alpha|digit|decimal|numeric)\(\)|\s+in\s)[^\n]*)"
)
"""A comprehension that keeps the characters which a test allows."""


@rule(code="FW534", severity=Severity.HIGH)
def path_from_client(app: AppMap) -> Iterator[Finding]:
    """A file whose name the client writes, opened without asking which folder it is in.

    ## Why is this bad?
    `../../etc/passwd` leaves the folder, and `BASE / "/etc/passwd"` is not below `BASE` at all: the
    app reads, serves, overwrites or deletes any file that its user may (CWE-22, OWASP A01:2021).

    ## Example
    ```python
    REPORTS = FilePath("reports")


    @app.get("/reports")
    def read_report(name: str) -> FileResponse:
        return FileResponse(REPORTS / name)
    ```

    Use instead:
    ```python
    REPORTS = FilePath("reports")


    @app.get("/reports")
    def read_report(name: str) -> FileResponse:
        requested = REPORTS / name
        if not requested.resolve().is_relative_to(REPORTS.resolve()):
            raise HTTPException(status_code=404)
        return FileResponse(requested)
    ```

    ## Fix safety
    Safe: files below the folder are found as before, all others are answered by 404.

    ## Known limits
    A path parameter without `:path` holds no slash and is not reported, nor is a name of which only
    the last part is used (`Path(name).name`), nor one put together of allowed characters. A value
    behind the beginning of a name (`f"{number}_{name}"`) is only possible: no such folder is there
    to be left. So are a part of it
    between slashes (`name.split("/")[-1]`), and a folder that is only listed: what is done with the
    names is not seen. Whether the file is secret is not asked. What a handler does next with a path
    that was reported is not reported again.
    """
    told: set[tuple[str, str]] = set()
    for harm in _unpicked(app):
        name = (harm.first.route, harm.first.name)
        if harm.first.sink in _HARMLESS or name in told or _is_no_path(harm.first):
            continue
        is_listed = harm.first.sink in _LISTING
        is_sure = harm.is_certain and not is_listed and not _is_glued(harm.first)
        told |= {name} if is_sure else set()
        message = f"`{harm.first.sink}` takes its path from {harm.source}"
        fix = confined(app, harm.at)
        found = finding(app, "path-from-client", harm, message, (fix,) if fix else ())
        yield replace(found, structural=is_sure)


def _unpicked(app: AppMap) -> Iterator[Harm]:
    """The harms without what is put together again of characters that a list of ours allows."""
    for harm in harms(app, "path"):
        flows = tuple(flow for flow in harm.flows if not _is_picked(app, flow))
        if flows:
            yield replace(harm, flows=flows)


def _is_picked(app: AppMap, flow: Flow) -> bool:
    """True for ``"".join(c for c in name if c.isalnum() or c in "._-")``: no slash is left."""
    if "[…]" not in flow.name:
        return False
    around = (f for span in flow.path for f in reach(app).functions_of(span.path)
              if holds(f.span, span))  # fmt: skip
    texts = (found["words"] for f in around for found in _PICKING.finditer(app.text(f.span)))
    return any(not re.search(r"[/\\]|\bnot\b", words) for words in texts)


def _is_glued(flow: Flow) -> bool:
    """True where the value only ends a name: ``id_../x`` is below ``id_..``, which is no folder.

    What makes folders makes that one as well.
    """
    begun = flow.lead.rpartition("/")[2]
    return re.search(r"[\w-]|\0[^\0/]", begun) is not None and not flow.sink.endswith(
        ("mkdir", "makedirs")
    )


def _is_no_path(flow: Flow) -> bool:
    """True for a whole object, which no call opens."""
    return bool(flow.model) or (bool(flow.types) and set(flow.types) <= {"dict", "list", "Dict"})


_LISTING = frozenset({"pathlib.Path.iterdir", "os.listdir", "os.scandir", "os.walk"})
_HARMLESS = frozenset({"pathlib.Path.glob", "pathlib.Path.rglob"})
