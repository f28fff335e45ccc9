"""FW534 path-from-client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.code import Flow
from fastwright.model.finding import Finding, Severity
from fastwright.review.confining import confined
from fastwright.review.harm import finding, harms
from fastwright.review.rule import rule


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
    the last part is used (`Path(name).name`). A value behind the beginning of a name
    (`f"{number}_{name}"`) is only possible: no such folder is there to be left. So are a part of it
    between slashes (`name.split("/")[-1]`), and a folder that is only listed: what is done with the
    names is not seen. Whether the file is secret is not asked. What a handler does next with a path
    that was reported is not reported again.
    """
    told: set[tuple[str, str]] = set()
    for harm in harms(app, "path"):
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
