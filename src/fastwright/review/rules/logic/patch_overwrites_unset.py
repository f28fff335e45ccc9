"""FW206 patch-overwrites-unset."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route, Schema
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.reach import Reach, Step, reach
from fastwright.review.rule import rule
from fastwright.source import syntax

_DUMPS = frozenset({"model_dump", "dict"})
_KEEPS = frozenset({"exclude_unset", "exclude_none", "exclude_defaults", "include"})
_COPIES = re.compile(r"\.(model_)?copy$")
_WRITES = re.compile(r"(^|\.)(setattr|sqlmodel_update|values|update|update_one|__dict__\.update)$")


@rule(code="FW206", severity=Severity.HIGH)
def patch_overwrites_unset(app: AppMap) -> Iterator[Finding]:
    """A PATCH that writes the defaults of fields which the client did not send.

    ## Why is this bad?
    `model_dump()` gives every field, those that were not in the request with their default. A
    client that changes the title alone sets the description to `None` with it: data is lost, the
    answer is 200, and nothing is logged.

    ## Example
    ```python
    class ItemPatch(BaseModel):
        title: str | None = None
        owner_id: int | None = None


    @app.patch("/items/{item_id}")
    def patch_item(item_id: int, data: ItemPatch, session: SessionDep) -> ItemOut:
        item = session.get_one(Item, item_id)
        for name, value in data.model_dump().items():
            setattr(item, name, value)
        session.commit()
        return item
    ```

    Use instead:
    ```python
    class ItemPatch(BaseModel):
        title: str | None = None
        owner_id: int | None = None


    @app.patch("/items/{item_id}")
    def patch_item(item_id: int, data: ItemPatch, session: SessionDep) -> ItemOut:
        item = session.get_one(Item, item_id)
        for name, value in data.model_dump(exclude_unset=True).items():
            setattr(item, name, value)
        session.commit()
        return item
    ```

    ## Fix safety
    Changes behaviour: fields that were not sent keep their values, which is what PATCH means.

    ## Known limits
    The body must be written by `setattr`, `sqlmodel_update` or an `update`, in the function that
    dumps it. A loop that leaves out what is `None` by a test is taken to be right, and so is the
    dump of a copy of the row that was updated with what was sent.
    """
    reached = reach(app)
    schemas = {schema.name: schema for schema in app.schemas}
    seen: set[Span] = set()
    for route in app.routes:
        schema = schemas.get(route.body_model or "")
        root = reached.answering(route)
        if route.method != "PATCH" or not route.reachable or root is None or schema is None:
            continue
        for step in reached.below(root):
            if step.call.span not in seen and _overwrites(app, reached, step, schema):
                seen.add(step.call.span)
                yield _finding(app, route, step.call, schema)


def _overwrites(app: AppMap, reached: Reach, step: Step, schema: Schema) -> bool:
    call = step.call
    receiver, _, verb = call.text.rpartition(".")
    if verb not in _DUMPS or {key for key, _ in call.keywords} & _KEEPS:
        return False
    if not _unset(schema) or not _is_body(step, receiver, schema):
        return False
    if _is_merged(reached, step, receiver):
        return False
    return _is_written(app, reached, step.function, call)


def _unset(schema: Schema) -> tuple[str, ...]:
    """The fields that become `None` when they are not sent."""
    return tuple(f.name for f in schema.fields if not f.required and f.default == "None")


def _is_body(step: Step, receiver: str, schema: Schema) -> bool:
    """True where the receiver is the parameter that is declared as this schema."""
    declared = dict(step.function.annotations).get(receiver, "")
    return bool(re.search(rf"\b{schema.name.rpartition('.')[2]}\b", declared))


def _is_merged(reached: Reach, step: Step, receiver: str) -> bool:
    """True where the function is handed a copy of the row that holds only what was sent anew."""
    if not step.via:
        return False
    caller, handing = step.functions[-2], step.via[-1]
    place = step.function.parameters.index(receiver) if receiver in step.function.parameters else -1
    given = dict(handing.keywords).get(receiver)
    if given is None and 0 <= place < len(handing.arguments):
        given = handing.arguments[place]
    calls = reached.calls_in(caller)
    sent = {c.target for c in calls if c.target and {key for key, _ in c.keywords} & _KEEPS}
    for call in calls:
        update = dict(call.keywords).get("update", "")
        is_given = given is not None and given in (call.target, f"{call.text}(update={update})")
        if _COPIES.search(call.text) and is_given and call.span.start <= handing.span.end:
            return update in sent or any(word in update for word in _KEEPS - {"include"})
    return False


def _is_written(app: AppMap, reached: Reach, function: Function, dump: Call) -> bool:
    content = app.files[function.span.path]
    for call in reached.calls_in(function):
        if not _WRITES.search(call.text):
            continue
        given = f"{call.arguments} {call.keywords}"
        held = bool(dump.target) and bool(re.search(rf"\b{dump.target}\b", given))
        inside = call.span.start <= dump.span.start and dump.span.end <= call.span.end
        if held or inside or (call.text == "setattr" and _is_looped(function, content, dump, call)):
            return True
    return False


def _is_looped(function: Function, content: bytes, dump: Call, call: Call) -> bool:
    """True where `setattr` stands in a loop over the dump, under no test."""
    around = [b for b in function.blocks if b.start <= call.span.start < b.end]
    loops = [b for b in around if b.kind == "for"]
    over = dump.span.text(content)
    if not any(over in b.words or (dump.target and dump.target in b.words) for b in loops):
        return False
    if any(b.kind == "arm" and b.start > loops[0].start for b in around):
        return False
    return not _is_chosen(content, call)


def _is_chosen(content: bytes, call: Call) -> bool:
    """True of ``setattr(…) if value else None`` and ``value and setattr(…)``."""
    around = syntax.around(syntax.parse(content), call.span.start, call.span.end)
    for node in reversed(tuple(around)):
        if node.type in ("expression_statement", "block"):
            return False
        if node.type in ("conditional_expression", "boolean_operator"):
            return True
    return False


def _finding(app: AppMap, route: Route, call: Call, schema: Schema) -> Finding:
    names = ", ".join(f"`{name}`" for name in _unset(schema)[:3])
    short = schema.name.rpartition(".")[2]
    told = f"`{short}` gives `None` for {names} where they are not sent"
    return Finding(
        "patch-overwrites-unset",
        call.span,
        f"`{route}` overwrites what the client did not send",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=_fixes(app, call),
        symbol=route.handler,
        structural=True,
    )


def _is_read_by_key(app: AppMap, call: Call) -> bool:
    """Whether code counts on a key of the dump: it would not be there any more."""
    function = reach(app).functions.get(call.caller)
    if function is None or not call.target:
        return False
    rest = app.text(Span(call.span.path, call.span.end, function.span.end))
    name = re.escape(call.target)
    read = rf"(?<![\w.]){name}(?:\[[^\]\n]*\](?!\s*=(?!=))|\.pop\(\s*[^,()]*\))"
    return re.search(read, rest) is not None


def _fixes(app: AppMap, call: Call) -> tuple[Fix, ...]:
    text = app.text(call.span)
    if not text.endswith(")") or _is_read_by_key(app, call):
        return ()
    at = Span(call.span.path, call.span.end - 1, call.span.end - 1)
    given = bool(call.arguments or call.keywords)
    edit = Edit(at, f"{', ' if given else ''}exclude_unset=True", "only what was sent is written")
    return (Fix("Write only what was sent", Safety.CHANGES_BEHAVIOUR, (edit,)),)
