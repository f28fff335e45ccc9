"""FW544 secret-in-log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Fix, Safety
from fastwright.model.code import Flow, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.course import around
from fastwright.review.harm import Harm, finding, harms, is_secret_value
from fastwright.review.minted import written_secrets
from fastwright.review.reach import holds, last, reach
from fastwright.review.row_tables import table_of_row
from fastwright.review.rule import rule
from fastwright.source import call_sites, layout, syntax

_INTERPOLATED = re.compile(r"\{([^{}]*)\}")
_READ = re.compile(r"([A-Za-z_][\w.]*)(\[[^\]]*\])?")
_FEW = re.compile(r"\[\s*(?::\s*(?:\d|1[0-2])|-\s*[1-6]\s*:)\s*\]")
_SLICE = re.compile(r"\[\s*(?::\s*[1-3]?\d|-\s*[1-3]?\d\s*:)\s*\]")
_PIECE = re.compile(r"(?i)\b\w*(?:token|secret|passw|key)\w*\[\s*:\s*[1-3]?\d\s*\]")
_NAME = re.compile(r"[A-Za-z_]\w*")
_FAILED = re.compile(r"^\s*not\b|\bis None\b|\bnot in\b|==\s*None|!=|\bis False\b")
_DEEPEST = 3
"""Assignments that are looked at, one behind the other."""
_WHY = "logs are read by more people, and kept longer, than the secret may be"


@rule(code="FW544", severity=Severity.MEDIUM)
def secret_in_log(app: AppMap) -> Iterator[Finding]:
    """A password, token or key that is written to a log.

    ## Why is this bad?
    Logs are copied to other machines, read by many and kept for years: a password that is logged
    once has to be taken for known (CWE-532, OWASP A09:2021).

    ## Example
    ```python
    class Login(BaseModel):
        email: str
        password: str


    @app.post("/login")
    def login(form: Login) -> None:
        logger.info(f"login of {form.email} with {form.password}")
    ```

    Use instead:
    ```python
    class Login(BaseModel):
        email: str
        password: str


    @app.post("/login")
    def login(form: Login) -> None:
        logger.info(f"login of {form.email}")
    ```

    ## Fix safety
    Safe: the log holds asterisks, or the model without its secret fields, and nothing else changes.

    ## Known limits
    What is secret is told by the name of the field. `SecretStr` is written as asterisks and not
    reported, nor are the first twelve characters of a secret or its last six; a longer piece
    of it, up to 39, is only possible, and so is one that was cut in a statement before. Only
    possible are also a whole body that another function logs, or one of which a field is taken out
    on the way; what is not a password and is logged in an `except` or right before it is refused,
    where it may be garbage; and what stands in the path or in the query of a GET, which every
    access log holds. A row whose class has no `__repr__` shows none of its columns. What a library
    logs by itself is not seen. Of what the app makes itself, a token or code counts that is written
    by the very function that has made it, or that fastapi-users hands to a method of the app; it is
    only possible for `debug` and under a test of a setting, and passed over in an `except`.
    """
    yield from _minted(app)
    for harm in harms(app, "log"):
        secret = _secret(app, harm.first)
        if secret and not _is_cut(app.text(harm.at)) and not _is_gone(app, harm, secret):
            verb = harm.first.sink.rpartition(".")[2]
            message = f"`{verb}` writes `{secret}` of `{harm.first.route}` to the log"
            fix = _hidden(app, harm)
            found = finding(app, "secret-in-log", harm, message, (fix,) if fix else ())
            # Of a signed token, even a long beginning is its header, which is no secret.
            cut = _is_cut(app.text(harm.at), _SLICE) or _was_cut(app, harm.first)
            is_sure = found.structural and not cut and _is_written(app, harm, secret)
            yield replace(found, structural=is_sure)


def _minted(app: AppMap) -> Iterator[Finding]:
    """What the app itself has made, and logs before anybody has used it."""
    for minted in written_secrets(app):
        function = last(minted.function.name)
        yield Finding(
            "secret-in-log",
            minted.call.span,
            f"`{function}` writes the `{minted.name}` that the app has just made to the log",
            evidence=(Evidence(EvidenceKind.SOURCE, "whoever reads the log can use it as well"),),
            symbol=minted.function.name,
            structural=minted.sure,
        )


def _is_written(app: AppMap, harm: Harm, secret: str) -> bool:
    """Whether the very secret is written, and not what may have held it once."""
    flow = harm.first
    caught = any(c.in_except for c in reach(app).calls_of(harm.at.path) if c.span == harm.at)
    is_open = flow.model is not None or "passw" not in secret.lower()
    is_garbage = is_open and (caught or _is_refused(app, harm.at))
    is_far = flow.model is not None and len(flow.path) > 1
    is_in_address = flow.place == "path" or (flow.place == "query" and flow.route[:4] == "GET ")
    if is_in_address or is_garbage or is_far:
        return False
    taken = re.compile(rf"(?:\bdel\s+\w+\[|\.pop\()\s*[\"']{re.escape(secret)}[\"']")
    return not any(taken.search(app.text(f.span)) for f, _ in _places_on(app, flow))


def _is_refused(app: AppMap, at: Span) -> bool:
    """Whether a log stands where something was not found or not valid, in front of its refusal."""
    function = _holding(app, at)
    arms = [b for b in around(function, at.start) if b.kind == "arm"] if function else []
    if function is None or not arms or not _FAILED.search(arms[-1].words):
        return False
    ends = (s for s in function.stops if at.end <= s.start < arms[-1].end)
    return any(stop.kind == "raise" or stop.value in ("", "None", "False") for stop in ends)


def _is_gone(app: AppMap, harm: Harm, secret: str) -> bool:
    """Whether the secret was overwritten on the way, or is in a row that shows no columns."""
    hashed = re.compile(rf"(?:\.{secret}|\[[\"']{secret}[\"']\])\s*=(?!=)\s*[\w.]+\(")
    for function, span in _places_on(app, harm.first):
        before = Span(span.path, function.span.start, span.start)
        if hashed.search(app.text(before)):
            return True
    return _is_mute(app, harm, secret)


def _is_mute(app: AppMap, harm: Harm, secret: str) -> bool:
    """Whether all that is written, and may hold the secret, are rows without ``__repr__``."""
    function, written = _holding(app, harm.at), _written(app.text(harm.at))
    read = [m[1] for m in _READ.finditer(written)]
    names = [name for name in read if name.isidentifier()]
    if function is None or not names or any(last(name) == secret for name in read):
        return False
    tables = [table_of_row(app, function, name, harm.at.start) for name in names]
    rows = [table for table in tables if table is not None and table.mapper == "sqlalchemy"]
    return bool(rows) and not any(_shows(app, table, secret) for table in rows)


def _shows(app: AppMap, table: Table, secret: str) -> bool:
    """Whether the text of a row holds the secret; what a base of no table writes may be all."""
    models = {other.model for other in app.tables}
    for function in app.functions:
        if last(function.name) in ("__repr__", "__str__"):
            is_own = function.class_name == table.model
            if not is_own and function.class_name not in models:
                return True
            if is_own and re.search(rf"\b{secret}\b|__dict__", app.text(function.span)):
                return True
    return any(b"MappedAsDataclass" in text for text in app.files.values())


def _holding(app: AppMap, at: Span) -> Function | None:
    inside = [f for f in reach(app).functions.values() if holds(f.span, at)]
    return max(inside, key=lambda f: f.span.start) if inside else None


def _places_on(app: AppMap, flow: Flow) -> Iterator[tuple[Function, Span]]:
    """The calls of a flow, each with the function that it stands in."""
    for span in flow.path:
        function = _holding(app, span)
        if function is not None:
            yield function, span


def _secret(app: AppMap, flow: Flow) -> str:
    """The secret that a flow holds: the value itself, or a field of the model that it is."""
    if flow.model is None:
        last = flow.name.rpartition(".")[2].strip("[]'\"")
        return last if is_secret_value(last) and "bool" not in flow.types else ""
    return next(iter(_secret_fields(app, flow)), "")


def _secret_fields(app: AppMap, flow: Flow) -> list[str]:
    schema = next((s for s in app.schemas if s.name == flow.model), None)
    fields = schema.fields if schema is not None else ()
    return [
        f.name for f in fields if is_secret_value(f.name) and not _is_masked(f.annotation or "")
    ]


def _is_cut(text: str, piece: re.Pattern[str] = _FEW) -> bool:
    """True where no more of a secret is written than a few of its characters: ``token[:8]``."""
    read = list(_READ.finditer(_written(text)))
    named = [m for m in read if is_secret_value(m[1].rpartition(".")[2])] or read
    return bool(named) and all(piece.fullmatch(m[2] or "") for m in named)


def _written(text: str) -> str:
    """What a call of a log writes: what is put into its texts, or is given beside them."""
    given = text.partition("(")[2]
    return " ".join(_INTERPOLATED.findall(text)) or re.sub(r"(['\"]).*?\1", "", given)


def _was_cut(app: AppMap, flow: Flow) -> bool:
    """True where what is handed on, on the way or to the log, was bound to a piece of a secret."""
    return any(_binds_a_piece(app, f, span) for f, span in _places_on(app, flow))


def _binds_a_piece(app: AppMap, function: Function, span: Span) -> bool:
    """Whether a name in the call, or one that it was made of, holds ``token[:16]``."""
    text, path = app.text(span), function.span.path
    for _ in range(_DEEPEST):
        named = set(_NAME.findall(text))
        bound = [b for b in function.bindings if b.name in named and b.end <= span.start]
        text = " ".join(app.text(Span(path, b.start, b.end)) for b in bound)
        if _PIECE.search(text):
            return True
    return False


def _is_masked(annotation: str) -> bool:
    return "Secret" in annotation or annotation.startswith(("bool", "int", "datetime"))


def _hidden(app: AppMap, harm: Harm) -> Fix | None:
    """Asterisks for the value, or the model without its secret fields."""
    flow = harm.first
    if len(flow.path) > 1:
        return None
    content = app.files[harm.at.path]
    call = call_sites.call_at(content, harm.at)
    edits: list[Change] = []
    for node in syntax.find(call, "identifier", "attribute") if call is not None else ():
        if layout.text_of(node) != flow.name or node.parent is None:
            continue
        if flow.model is not None:
            fields = ", ".join(f'"{name}"' for name in _secret_fields(app, flow))
            written = f"{flow.name}.model_dump(exclude={{{fields}}})"
            quoted = written.replace('"', "'") if node.parent.type == "interpolation" else written
            edits.append(call_sites.replaced(harm.at, node, quoted, _WHY))
        elif node.parent.type == "interpolation":
            edits.append(call_sites.replaced(harm.at, node.parent, "***", _WHY))
        elif node.parent.type == "argument_list":
            edits.append(call_sites.replaced(harm.at, node, '"***"', _WHY))
    title = "Leave the secret out of the log"
    return Fix(title, Safety.SAFE, tuple(edits)) if edits else None
