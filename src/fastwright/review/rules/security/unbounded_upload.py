"""FW538 unbounded-upload."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.guarding import is_for_administrators
from fastwright.review.harm import Harm, finding, harms
from fastwright.review.reach import Reach, reach
from fastwright.review.rule import rule
from fastwright.source import call_sites, imports, layout, syntax
from fastwright.source.syntax import Node

_LIMIT = "MAX_UPLOAD_BYTES"
_REFUSED = re.compile(r"413|(?i:too_?large)")


@rule(code="FW538", severity=Severity.MEDIUM)
def unbounded_upload(app: AppMap) -> Iterator[Finding]:
    """An uploaded file that is read into memory whatever its size.

    ## Why is this bad?
    Neither FastAPI nor uvicorn limits the size of a file: one request of some gigabytes, or a few
    at once, take the memory of the process and with it the app (CWE-770, OWASP API4:2023).

    ## Example
    ```python
    @app.post("/avatars")
    async def set_avatar(file: UploadFile) -> int:
        content = await file.read()
        return len(content)
    ```

    Use instead:
    ```python
    MAX_UPLOAD_BYTES = 10 * 1024 * 1024


    @app.post("/avatars")
    async def set_avatar(file: UploadFile) -> int:
        content = await file.read(MAX_UPLOAD_BYTES + 1)
        if len(content) > MAX_UPLOAD_BYTES:
            raise HTTPException(status_code=413)
        return len(content)
    ```

    ## Fix safety
    Changes behaviour: files above 10 MiB are answered by 413. Set the number to what the route
    is for.

    ## Known limits
    A test of `file.size`, or of the length of what was read, is taken for a limit. A proxy in front
    of the app that limits bodies is not seen: allow the rule in the settings if there is one. A
    middleware whose name speaks of a limit on size or body ends the rule. A handler that looks at
    the header `Content-Length`, or a middleware that does, leaves a possible finding: a client may
    send none. So does one that administrators alone may call, by the role that is demanded or by a
    scope that a table of roles gives to no others.
    """
    reached = reach(app)
    if any(_limits_bodies(middleware.name) for middleware in app.middleware):
        return
    announced = any(_refuses_by_length(app, reached, one.name) for one in app.middleware)
    for harm in harms(app, "read"):
        message = f"`read` takes all of {harm.source} into memory, whatever its size"
        fix = _limited(app, harm.at)
        found = finding(app, "unbounded-upload", harm, message, (fix,) if fix else ())
        limited = all(_reads_the_length(app, reached, flow.handler) for flow in harm.flows)
        limited = limited or announced
        sure = found.structural and not limited and not _is_for_administrators(app, harm)
        yield replace(found, structural=sure)


def _is_for_administrators(app: AppMap, harm: Harm) -> bool:
    """True where administrators alone may send the file, who can do worse to their own app."""
    handlers = {flow.handler for flow in harm.flows}
    routes = [route for route in app.routes if route.handler in handlers]
    return bool(routes) and all(is_for_administrators(route, app) for route in routes)


def _reads_the_length(app: AppMap, reached: Reach, handler: str) -> bool:
    """True where a handler, or a function of ours that it calls, reads how much is announced."""
    root = reached.functions.get(handler)
    if root is None:
        return False
    below = filter(None, (reached.callee(call) for call in reached.calls_in(root)))
    return any("content-length" in app.text(f.span).lower() for f in (root, *below))


def _refuses_by_length(app: AppMap, reached: Reach, middleware: str) -> bool:
    """True where a middleware of ours refuses bodies that are announced as too large."""
    entries = (middleware, f"{middleware}.dispatch", f"{middleware}.__call__")
    texts = [app.text(reached.functions[n].span) for n in entries if n in reached.functions]
    return any("content-length" in text.lower() and _REFUSED.search(text) for text in texts)


def _limits_bodies(name: str) -> bool:
    lowered = name.rpartition(".")[2].lower()
    return any(word in lowered for word in ("size", "body", "upload")) and "limit" in lowered


def _limited(app: AppMap, at: Span) -> Fix | None:
    """Read one byte more than is allowed, and refuse what has it."""
    content = app.files[at.path]
    call = call_sites.call_at(content, at)
    brackets = call.child_by_field_name("arguments") if call is not None else None
    if call is None or brackets is None:
        return None
    statement = call_sites.statement_of(call)
    name = _assigned_name(call, statement)
    if name is None:
        return _read_before(app, at, call)
    bound = imports.ensure_import(app, at.path, "fastapi", "HTTPException")
    indent = layout.indentation(content, statement.start_byte)
    test = f"{indent}if len({name}) > {_LIMIT}:\n{indent}    raise {bound.local}(status_code=413)\n"
    why = "a larger file would be held in memory as a whole"
    after = layout.line_end(content, max(statement.end_byte - 1, 0))
    return Fix("Read at most 10 MiB, and refuse more", Safety.CHANGES_BEHAVIOUR, (
        *bound.edits,
        call_sites.replaced(at, brackets, f"({_LIMIT} + 1)", why),
        Edit(Span(at.path, after, after), layout.insertion(content, after, test), why),
        *_constant(at, content),
    ))  # fmt: skip


def _read_before(app: AppMap, at: Span, call: Node) -> Fix | None:
    """The same where the file is read in the middle of an expression: read it in front of that."""
    if layout.within(
        call, "list_comprehension", "generator_expression", "lambda", "while_statement"
    ):
        return None
    content = app.files[at.path]
    awaits = call.parent is not None and call.parent.type == "await"
    whole = call.parent if call.parent is not None and awaits else call
    bound = imports.ensure_import(app, at.path, "fastapi", "HTTPException")
    name = call_sites.unused_name(call, "content", "uploaded")
    read = f"{'await ' if awaits else ''}{call_sites.callee_of(call)}({_LIMIT} + 1)"
    lines = (
        f"{name} = {read}\nif len({name}) > {_LIMIT}:\n    raise {bound.local}(status_code=413)\n"
    )
    why = "a larger file would be held in memory as a whole"
    guard = call_sites.before(at, content, call, lines, why)
    if guard is None:
        return None
    edits = (guard, call_sites.replaced(at, whole, name, why), *_constant(at, content))
    title = "Read at most 10 MiB, and refuse more"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, (*bound.edits, *edits))


def _assigned_name(call: Node, statement: Node) -> str | None:
    """The name that the statement gives to what was read, and nothing else."""
    assignment = statement.named_children[0] if statement.named_child_count == 1 else None
    if assignment is None or assignment.type != "assignment":
        return None
    left, right = (assignment.child_by_field_name(side) for side in ("left", "right"))
    value = right.named_children[0] if right is not None and right.type == "await" else right
    if left is None or left.type != "identifier" or value != call:
        return None
    return layout.text_of(left)


def _constant(at: Span, content: bytes) -> tuple[Edit, ...]:
    """The limit, in front of the first function or class of the file."""
    root = syntax.parse(content)
    if any(layout.text_of(n) == _LIMIT for n in syntax.find(root, "identifier")):
        return ()
    kinds = ("function_definition", "class_definition", "decorated_definition")
    first = next((n for n in root.named_children if n.type in kinds), None)
    if first is None:
        return ()
    place = layout.line_start(content, first.start_byte)
    why = "the largest file that is read into memory"
    return (Edit(Span(at.path, place, place), f"{_LIMIT} = 10 * 1024 * 1024\n\n\n", why),)
