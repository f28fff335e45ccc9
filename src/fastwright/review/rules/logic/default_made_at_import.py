"""FW209 default-made-at-import."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fastwright.model.app import AppMap, Field, Schema
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column
from fastwright.review.callers import is_dead
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.sent_values import given_by
from fastwright.review.storing import read_into
from fastwright.source.imports import ensure_import
from fastwright.survey.codebase import of_tests

_MADE = re.compile(
    r"(?P<name>(?:\w+\.)*(?:utcnow|now|today|time|time_ns|uuid1|uuid4|token_hex|token_urlsafe|"
    r"token_bytes|random|randint|getrandbits))\((?P<given>[^()]*)\)"
)
_CLOCK = re.compile(r"(?P<name>(?:\w+\.)*(?:utcnow|now|today))\((?P<given>[^()]*)\)")
_SLOW = re.compile(r"\)\s*\.\s*year\b")
"""What a clock says for so long that a process may well end before."""
_LATE = re.compile(r"\blambda\b|\bdefault_factory\b")
_BOUNDS = frozenset({"le", "lt", "ge", "gt"})
_LIBRARY = frozenset({"datetime", "time", "uuid", "secrets", "random"})
_TEXT = re.compile(r"([\"'])(?:\\.|(?!\1).)*\1")
_ARGUMENT = re.compile(
    r"(?<![\w.])(?P<name>\w+)\s*(?::\s*[\w.\[\] |\"']+?)?\s*=\s*"
    r"(?P<value>(?:\w+\.)*(?:utcnow|now|today)\([^()]*\))(?=\s*[,)])"
)
_OF_SQL = re.compile(r"\b(func|sa|sql|text)\.|\bfunc\b")


@rule(code="FW209", severity=Severity.HIGH)
def default_made_at_import(app: AppMap) -> Iterator[Finding]:
    """A default or limit that is computed once, when the module is imported, and is for all.

    ## Why is this bad?
    `default=datetime.now()` calls the clock while the class is read. Every row of the process gets
    the time of its start, every token or UUID made so is the same one: times are wrong by weeks,
    unique keys collide, and secrets repeat (CWE-330); a limit such as `le=date.today()` refuses the
    next day, and a parameter's default is that of the start. Tests pass, for they run at once.

    ## Example
    ```python
    class Token(Base):
        __tablename__ = "tokens"
        id: Mapped[int] = mapped_column(primary_key=True)
        made_at: Mapped[datetime.datetime] = mapped_column(default=datetime.datetime.now())
    ```

    Use instead:
    ```python
    class Token(Base):
        __tablename__ = "tokens"
        id: Mapped[int] = mapped_column(primary_key=True)
        made_at: Mapped[datetime.datetime] = mapped_column(default=datetime.datetime.now)
    ```

    ## Fix safety
    A column's default changes what is written, as it was meant; the contract stays. A schema's
    default leaves the contract too, where it stood as a fixed value. Both change behaviour.

    ## Known limits
    Clocks, UUIDs and random numbers of the standard library are known, when called directly. In
    settings and their sections one value a process is meant. A schema that nothing of a request is
    read into, and that no code makes without the value, is only possible: rows bring one. So are
    a year, which the next start may bring up to date, and the default of a function that no call
    leaves to it.
    """
    settings = _settings(app)
    for schema in app.schemas:
        for field in schema.fields if schema.name not in settings else ():
            made = _MADE.fullmatch((field.default or "").strip())
            if made and field.span is not None and _is_own(app, made, field.span, schema.span):
                name = f"{_last(schema.name)}.{field.name}"
                fixes, told = _of_field(app, field, made), _is_taken(app, schema, field)
                yield _finding(field.span, name, made, fixes, told=told)
    for table in app.tables:
        for column in table.columns:
            made = _MADE.fullmatch((column.default or "").strip())
            if made and column.span is not None and _is_own(app, made, column.span, table.span):
                name = f"{_last(table.model or table.name)}.{column.attribute}"
                if not _OF_SQL.search(made["name"]) and _shows(app, column, made):
                    yield _finding(column.span, name, made, _of_column(app, column, made))
    yield from _limits(app, settings)
    yield from _parameters(app)
    yield from _arguments(app)


def _limits(app: AppMap, settings: set[str]) -> Iterator[Finding]:
    """Limits of fields, and defaults that are reckoned from a clock."""
    for schema in app.schemas:
        for field in schema.fields if schema.name not in settings else ():
            bounds = [text for key, text in field.constraints if key in _BOUNDS]
            plain = _MADE.fullmatch((field.default or "").strip())
            texts = bounds if plain else [*bounds, field.default or ""]
            made, text = _clock(app, field.span, texts)
            if made and field.span is not None and _is_own(app, made, field.span, schema.span):
                name = f"{_last(schema.name)}.{field.name}"
                told = not _SLOW.search(text) and _is_taken(app, schema, field)
                yield _finding(field.span, name, made, (), told=told, limits=text in bounds)


def _clock(
    app: AppMap, at: Span | None, texts: Iterable[str]
) -> tuple[re.Match[str] | None, str]:  # fmt: skip
    """The first call of a clock in texts that are run at import, with the text."""
    if at is None:
        return None, ""
    for text in texts:
        bare = _TEXT.sub("''", text)
        is_late = _LATE.search(bare) or _OF_SQL.search(bare)
        made = _CLOCK.search(bare) if not is_late else None
        head = made["name"].partition(".")[0] if made is not None else ""
        if made is not None and _is_of_library(app, at, head):
            return made, text
    return None, ""


def _parameters(app: AppMap) -> Iterator[Finding]:
    """Defaults and limits of what handlers and dependencies are given."""
    told: set[Span] = set()
    for owner, parameters in app.signatures.items():
        for one in parameters:
            bounds = [text for key, text in one.constraints if key in _BOUNDS]
            made, text = _clock(app, one.span, [one.default or "", *bounds])
            if made and one.span is not None and one.span not in told:
                told.add(one.span)
                sure = not _SLOW.search(text)
                name = f"{_last(owner)}.{one.name}"
                yield _finding(one.span, name, made, (), told=sure, limits=text in bounds)


def _arguments(app: AppMap) -> Iterator[Finding]:
    """Defaults of functions that other code calls."""
    reached = reach(app)
    for function in app.functions:
        head = app.text(function.span).partition(":\n")[0]
        if function.name in app.signatures or of_tests(function.span.path):
            continue
        for hit in _ARGUMENT.finditer(head) if _CLOCK.search(head) else ():
            at = function.span.start + len(head[: hit.start()].encode())
            span = Span(function.span.path, at, at + len(hit[0].encode()))
            made, _ = _clock(app, span, [hit["value"]])
            if made is None or hit["name"] not in function.parameters:
                continue
            calls = [c for c in app.calls if reached.callee(c) is function]
            left = any(hit["name"] not in given_by(function, c) for c in calls)
            name = f"{_last(function.name)}.{hit['name']}"
            yield _finding(span, name, made, (), told=left)


def _settings(app: AppMap) -> set[str]:
    """The sections of settings, of which a process makes one: at import."""
    found = {(setting.attribute or "").rpartition(".")[0] for setting in app.settings}
    waiting = [setting.annotation or "" for setting in app.settings]
    while waiting:
        named = set(re.findall(r"\w+", waiting.pop()))
        inner = [s for s in app.schemas if _last(s.name) in named and s.name not in found]
        found |= {s.name for s in inner}
        waiting += [field.annotation or "" for s in inner for field in s.fields]
    return found


def _is_constant(app: AppMap, at: Span, made: re.Match[str]) -> bool:
    """True for ``time(0, 30)`` of `datetime`: a time of day, and no clock."""
    head, _, rest = made["name"].partition(".")
    here = (m.imports.get(head, head) for m in app.modules.values() if m.path == at.path)
    return any(f"{name}.{rest}".rstrip(".") == "datetime.time" for name in here)


def _is_of_library(app: AppMap, at: Span, head: str) -> bool:
    """True for a name from the standard library: what the project calls `utcnow` may be SQL."""
    module = app.module_at(at.path)
    meant = module.imports.get(head) if module is not None else None
    return meant is None or meant.partition(".")[0] in _LIBRARY


def _is_own(app: AppMap, made: re.Match[str], at: Span, owner: Span | None) -> bool:
    """True where a declaration stands in its class: an inherited one is told of its base."""
    if owner is None or owner.path != at.path or _is_constant(app, at, made):
        return False
    if not _is_of_library(app, at, made["name"].partition(".")[0]):
        return False
    return owner.start <= at.start < owner.end


def _shows(app: AppMap, column: Column, made: re.Match[str]) -> bool:
    """True where the declaration itself holds the call, for Python and not for the database."""
    text = app.text(column.span) if column.span is not None else ""
    return bool(re.search(rf"(?<!server_)\bdefault\s*=\s*{re.escape(made['name'])}\(", text))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _is_taken(app: AppMap, schema: Schema, field: Field) -> bool:
    """True where a request may leave the field to its default, or code of ours does."""
    if schema.name in read_into(app):
        return True
    names = {s.name for s in app.schemas if schema.name in (s.name, *s.bases)}
    made = (call for call in app.calls if call.callee in names and not of_tests(call.span.path))
    return any(_leaves(app, call, field.name) for call in made)


def _leaves(app: AppMap, call: Call, name: str) -> bool:
    """True for a call in a function that runs, of an object that keeps its default."""
    caller = reach(app).functions.get(call.caller)
    if caller is None or call.arguments or {name, "**"} & {key for key, _ in call.keywords}:
        return False
    target = re.escape(call.target)
    is_set = target and re.search(rf"\b{target}\.{name}\s*=(?!=)", app.text(caller.span))
    return not is_set and not is_dead(app, caller.name)


def _finding(
    at: Span,
    name: str,
    made: re.Match[str],
    fixes: tuple[Fix, ...],
    *,
    told: bool = True,
    limits: bool = False,
) -> Finding:
    """The finding; `limits`: the call makes a limit, and not the value itself."""
    does = "is limited by" if limits else "gets"
    return Finding(
        "default-made-at-import",
        at,
        f"`{name}` {does} the one value that `{made[0]}` had at import",
        evidence=(Evidence(EvidenceKind.SOURCE, "the call is run where it is declared"),),
        fixes=fixes,
        symbol=name,
        structural=told,
    )


def _of_column(app: AppMap, column: Column, made: re.Match[str]) -> tuple[Fix, ...]:
    assert column.span is not None
    text = app.text(column.span)
    called = re.search(rf"\bdefault\s*=\s*(?P<call>{re.escape(made[0])})", text)
    if called is None:
        return ()
    start = column.span.start + len(text[: called.start("call")].encode())
    at = Span(column.span.path, start, start + len(made[0].encode()))
    late = f"lambda: {made[0]}" if made["given"].strip() else made["name"]
    changes: tuple[Change, ...] = (Edit(at, late, _WHY),)
    if "Field(" in text:  # SQLModel calls a factory only by its own keyword
        key = column.span.start + len(text[: called.start()].encode())
        changes = (Edit(Span(at.path, key, at.end), f"default_factory={late}", _WHY),)
    return (Fix("Compute the default for each row", Safety.CHANGES_BEHAVIOUR, changes),)


def _of_field(app: AppMap, field: Field, made: re.Match[str]) -> tuple[Fix, ...]:
    assert field.span is not None
    text = app.text(field.span)
    plain = re.fullmatch(rf"(?P<head>\w+\s*:\s*[^=\n]+?)\s*=\s*{re.escape(made[0])}", text)
    if plain is None:
        return ()
    bound = ensure_import(app, field.span.path, "pydantic", "Field")
    late = f"lambda: {made[0]}" if made["given"].strip() else made["name"]
    edit = Edit(field.span, f"{plain['head']} = {bound.local}(default_factory={late})", _WHY)
    title = "Compute the default for each object"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, (*bound.edits, edit)),)


_WHY = "a default that is computed at import is one and the same for all"
