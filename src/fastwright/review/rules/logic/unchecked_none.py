"""FW205 unchecked-none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function, Stop
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.given_none import Handed, handed_none
from fastwright.review.reach import Reach, Step, reach
from fastwright.review.rule import rule
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.syntax import parse

_MAYBE = frozenset({"first", "one_or_none", "scalar_one_or_none"})
_ASKS = re.compile(r"\bselect\(|\.query\(|\.(exec|execute|scalars|where|filter|filter_by)\(")
_ABSENT = re.compile(r"\bnot\s+\w+\s*$|\bis\s+None\b")
_MAKES = re.compile(r"(?:create|make|add|insert)(?:_|$)")
_ENSURES = re.compile(r"create|ensure|upsert")
_READS = re.compile(r"\.(?:model_validate|from_orm)\(\s*(?:obj=)?$")
"""In front of a row: a model of pydantic that reads its attributes, and of ``None`` has none."""
_SENT = frozenset({"path", "query", "body", "form"})
_CATCHES = frozenset({"AttributeError", "TypeError", "Exception", "BaseException", ""})


@rule(code="FW205", severity=Severity.MEDIUM)
def unchecked_none(app: AppMap) -> Iterator[Finding]:
    """A row that was looked up and is used without asking whether it is there.

    ## Why is this bad?
    For an id that does not exist the lookup gives `None`, and the next attribute access raises: the
    client gets a 500 for what is its own mistake, every crawler that counts ids up fills the error
    log, and monitoring cannot tell a typo from an outage (CWE-476).

    ## Example
    ```python
    @app.get("/items/{item_id}")
    def read_title(item_id: int, session: SessionDep) -> str:
        item = session.get(Item, item_id)
        return item.title
    ```

    Use instead:
    ```python
    @app.get("/items/{item_id}")
    def read_title(item_id: int, session: SessionDep) -> str:
        item = session.get(Item, item_id)
        if item is None:
            raise HTTPException(status_code=404, detail="Item not found")
        return item.title
    ```

    ## Fix safety
    Safe: what was a 500 becomes a 404. Offered in handlers and dependencies alone; a function
    further down may be called where HTTP has no business.

    ## Known limits
    Only the first use of the name counts, and only where an attribute is read, be it by
    `Model.model_validate(row)`. Where something was
    raised before the lookup, or another function does it, the row may have been checked already:
    that is reported as possible. A function of ours that raises, or makes a row, where there is
    none is taken at its word, and so is one that is told to (`create_missing=True`); one that
    swallows what goes wrong gives nothing then. What a dependency gives is told where that says
    `return None`, or hands on a row as it was looked up, and nothing else that runs for the route
    turns the request away; the row of a caller who is gone since is only possible.
    """
    reached = reach(app)
    seen: set[Span] = set()
    for root, _ in reached.every_root().values():
        for step in reached.below(root):
            if step.call.span not in seen and _is_used(app, reached, step):
                seen.add(step.call.span)
                yield _finding(app, step)
    yield from (_of_dependency(app, handed) for handed in handed_none(app))


def _is_used(app: AppMap, reached: Reach, step: Step) -> bool:
    call = step.call
    if not call.target or not call.target.isidentifier() or not _may_be_none(reached, step):
        return False
    use = _first_use(app, step.function, call)
    return use is not None and not _is_caught(step.function, use)


def _may_be_none(reached: Reach, step: Step) -> bool:
    call = step.call
    receiver, _, verb = call.text.rpartition(".")
    if "func." in call.text:
        return False
    if verb in _MAYBE:
        made = (c for c in reached.calls_in(step.function) if c.target == receiver)
        return bool(_ASKS.search(call.text)) or any(_ASKS.search(f"{c.text}(") for c in made)
    if verb == "get" and len(call.arguments) > 1:
        owner = (call.callee or "").rpartition(".")[0]
        return owner.endswith("Session") and owner.startswith(("sqlalchemy", "sqlmodel"))
    inner = reached.callee(call)
    if inner is None or inner.name != call.callee or not _gives_none(reached.app, inner):
        return False
    if any(_MAKES.match(key) and value == "True" for key, value in call.keywords):
        return False
    return not _refuses(inner) and not any(_last(c.text) == "add" for c in reached.calls_in(inner))


def _refuses(function: Function) -> bool:
    """True for a function that raises where there is nothing, whatever its annotation says."""
    tests = [b for b in function.blocks if b.kind == "arm" and _ABSENT.search(b.words)]
    raises = [stop.start for stop in function.stops if stop.kind == "raise"]
    return any(block.start <= at < block.end for block in tests for at in raises)


def _gives_none(app: AppMap, function: Function) -> bool:
    """True for a function of ours that says, or shows, that it may give nothing."""
    if function.returns is not None:
        return _may_be_none_by_type(function.returns)
    if _swallows(function):
        return True
    values = [_given(app, function, s) for s in function.stops if s.kind == "return"]
    ends = tuple(f".{verb}()" for verb in _MAYBE)
    return bool(values) and all(v.endswith(ends) and "func." not in v for v in values)


def _given(app: AppMap, function: Function, stop: Stop) -> str:
    """What a ``return`` gives, as written; for a plain name what it was bound to last."""
    value = stop.value.strip()
    bound = [b for b in function.bindings if b.name == value and b.end <= stop.start]
    if not bound:
        return value
    return app.text(Span(function.span.path, bound[-1].start, bound[-1].end)).rstrip()


def _may_be_none_by_type(written: str) -> bool:
    """True where the type itself, and not what it holds, may be ``None``."""
    outer, inner = "", written
    while inner != outer:
        outer, inner = inner, re.sub(r"\[[^\[\]]*\]", "", inner)
    return any(part.strip().rpartition(".")[2] in ("None", "Optional") for part in outer.split("|"))


def _swallows(function: Function) -> bool:
    """True where all that it gives stands in a ``try`` whose ``except`` ends without a word."""
    given = [s for s in function.stops if s.kind in ("return", "raise", "yield")]
    tries = [b for b in function.blocks if b.kind == "try"]
    if not given or any(s.kind != "return" or not s.value for s in given) or len(tries) != 1:
        return False
    (tried,) = tries
    nets = [b for b in function.blocks if b.kind == "except" and b.group == tried.group]
    return bool(nets) and all(tried.start <= s.start < tried.end for s in given)


def _first_use(app: AppMap, function: Function, call: Call) -> int | None:
    """Where an attribute of the row is read before anything else is done with the row."""
    content = app.files[function.span.path]
    text = content[call.span.end : function.span.end].decode("utf-8", "replace")
    if call.target not in text:
        return None
    found = re.search(rf"(?<![\w.'\"]){re.escape(call.target)}\b(?!\s*=[^=])", text)
    if found is None or not (
        re.match(r"\.\w", text[found.end() :])
        or (_READS.search(text[: found.start()]) and text[found.end() :].lstrip()[:1] in (")", ","))
    ):
        return None
    if not found.start() or "\n" not in text[: found.start()]:
        return None
    rest = re.split(r"\n(?=\s*(?:return|if|for|raise|await|\w+ =|@|#|$))", text[found.start() :])
    asked = rf"\s*if {call.target}(?: is not None\b|\s+else\b)"
    if len(rest) > 1 and re.match(asked, rest[1]):
        return None  # the second line of a conditional expression
    is_asked = re.search(rf"\bif (?:not )?{call.target}\b(?!\.)", rest[0])
    return None if is_asked else call.span.end + len(text[: found.start()].encode())


def _is_caught(function: Function, use: int) -> bool:
    groups = {b.group for b in around(function, use) if b.kind == "try"}
    nets = (b for b in function.blocks if b.kind == "except" and b.group in groups)
    return any(not b.names or {n.rpartition(".")[2] for n in b.names} & _CATCHES for b in nets)


def _finding(app: AppMap, step: Step) -> Finding:
    call, function = step.call, step.function
    told = f"`{call.text.rpartition('.')[2]}` gives `None` for what is not there"
    return Finding(
        "unchecked-none",
        call.span,
        f"`{call.target}` is used in `{_short(function)}` without asking whether it is there",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=_fixes(app, step),
        symbol=function.name,
        structural=_denies_itself(app, step)
        or (
            _is_asked_for(app, step)
            and not _is_checked_before(step)
            and not _is_made_before(app, step)
        ),
    )


def _of_dependency(app: AppMap, handed: Handed) -> Finding:
    """A parameter that a dependency gives ``None`` for, and whose attribute is read at once."""
    given = _last(handed.giver.name)
    status, detail = (
        (401, "Not authenticated")
        if handed.of_caller
        else (404, f"{handed.name.replace('_', ' ').capitalize()} not found")
    )
    return Finding(
        "unchecked-none",
        handed.at,
        f"`{handed.name}` is used in `{_short(handed.owner)}` without asking whether it is there",
        evidence=(Evidence(EvidenceKind.SOURCE, f"`{given}` gives `None` for some requests"),),
        related=(handed.giver.span,),
        fixes=(_refusal(app, handed, status, detail),),
        symbol=handed.owner.name,
        structural=handed.sure,
    )


def _refusal(app: AppMap, handed: Handed, status: int, detail: str) -> Fix:
    """The answer that a request gets for which the dependency gives nothing."""
    path, content = handed.at.path, app.files[handed.at.path]
    statement = layout.statement_at(parse(content), handed.at.start)
    at = layout.line_start(content, statement.start_byte if statement else handed.at.start)
    raised = ensure_import(app, path, "fastapi", "HTTPException")
    indent, quote = layout.indentation(content, at), layout.quote_of(content)
    lines = (
        f"{indent}if {handed.name} is None:\n"
        f"{indent}    raise {raised.local}"
        f"(status_code={status}, detail={quote}{detail}{quote})\n"
    )
    why = f"`{_last(handed.giver.name)}` gives `None` for some requests"
    changes = (*raised.edits, Edit(Span(path, at, at), lines, why))
    return Fix(f"Answer {status} where `{handed.name}` is not there", Safety.SAFE, changes)


def _denies_itself(app: AppMap, step: Step) -> bool:
    """True where the `None` that a function says it may give can be this row's alone.

    It reads the row into a model whatever that is, so that it never gives what it says.
    """
    function = step.function
    given = [s.value.strip() for s in function.stops if s.kind == "return"]
    row = re.escape(step.call.target)
    reads = rf"(?:\w+\.)*\w+\.(?:model_validate|from_orm)\(\s*(?:obj=)?{row}\s*\)"
    return (
        function.returns is not None
        and _may_be_none_by_type(function.returns)
        and not any(stop.kind == "raise" for stop in function.stops)
        and len(given) == 1
        and re.fullmatch(reads, given[0]) is not None
        and not _is_made_before(app, step)
    )


def _is_checked_before(step: Step) -> bool:
    """True where something was raised above: the row may have been looked for there already."""
    places = (*step.via, step.call)
    return any(
        stop.kind == "raise" and stop.start < place.span.start
        for function, place in zip(step.functions, places, strict=True)
        for stop in function.stops
    )


def _is_made_before(app: AppMap, step: Step) -> bool:
    """True where a call above is to make what is not there, of the very same value."""
    wanted = {text for text in step.call.arguments if "." in text}
    return any(
        _ENSURES.search(_last(call.text)) and wanted & set(call.arguments)
        for call in reach(app).calls_in(step.function)
        if call.span.end <= step.call.span.start
    )


def _is_asked_for(app: AppMap, step: Step) -> bool:
    """True where a handler or dependency itself looks the row up, and takes what a client sends."""
    root = step.functions[0]
    if root != step.function:
        return False
    given = {p.name for p in app.signatures.get(root.name, ())
             if p.source in _SENT or "RequestForm" in (p.annotation or "")}  # fmt: skip
    start, end = root.span.start, root.span.end
    place = step.place.span
    text = app.files[root.span.path][start : min(place.end, end)].decode("utf-8", "replace")
    body = text.partition(":\n")[2]
    return any(re.search(rf"\b{name}\b", body) for name in given)


def _short(function: Function) -> str:
    return ".".join(function.name.split(".")[-2:]) if function.class_name else _last(function.name)


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _fixes(app: AppMap, step: Step) -> tuple[Fix, ...]:
    function, call = step.function, step.call
    if len(step.functions) > 1:
        return ()
    content = app.files[function.span.path]
    at = layout.after_statement(content, call.span.start)
    raised = ensure_import(app, function.span.path, "fastapi", "HTTPException")
    indent = layout.indentation(content, call.span.start)
    detail = f"{call.target.replace('_', ' ').capitalize()} not found"
    quote = layout.quote_of(content)
    lines = (
        f"{indent}if {call.target} is None:\n"
        f"{indent}    raise {raised.local}(status_code=404, detail={quote}{detail}{quote})\n"
    )
    why = f"`{call.target}` is `None` where there is no such row"
    edit = Edit(Span(function.span.path, at, at), layout.insertion(content, at, lines), why)
    title = f"Answer 404 where `{call.target}` is not there"
    return (Fix(title, Safety.SAFE, (*raised.edits, edit)),)
