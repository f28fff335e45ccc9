"""FW207 falsy-update."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Field, Route, Schema
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Block, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.reach import reach
from fastwright.review.rule import rule

_TEST = re.compile(r"(?P<body>\w+)\.(?P<field>\w+)")
_COLON = re.compile(rb"\s*:\s*(#[^\n]*\s*)*")
_FALSY = re.compile(r"\b(bool|int|float|Decimal)\b")
_NO_ZERO = re.compile(r"(?<!not )\b\w+\s*(?:<=\s*0|<\s*[1-9])|\b0\s*>=\s*\w|\bnot\s+\(?\w+\s*>\s*0")
"""A test of a number that zero does not pass."""
_METHODS = ("PUT", "PATCH")


@rule(code="FW207", severity=Severity.MEDIUM)
def falsy_update(app: AppMap) -> Iterator[Finding]:
    """An update that passes over `False` and `0`, because it tests the value for truth.

    ## Why is this bad?
    `if data.active:` is meant to ask whether the field was sent, and asks whether it is true: a
    client can switch a flag on and never off again, or set a price and never to zero. The answer
    is 200 all the same.

    ## Example
    ```python
    class UserPatch(BaseModel):
        is_admin: bool | None = None


    @app.patch("/users/{user_id}")
    def patch_user(user_id: int, data: UserPatch, session: SessionDep) -> None:
        user = session.get_one(User, user_id)
        if data.is_admin:
            user.is_admin = data.is_admin
        session.commit()
    ```

    Use instead:
    ```python
    class UserPatch(BaseModel):
        is_admin: bool | None = None


    @app.patch("/users/{user_id}")
    def patch_user(user_id: int, data: UserPatch, session: SessionDep) -> None:
        user = session.get_one(User, user_id)
        if data.is_admin is not None:
            user.is_admin = data.is_admin
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: `False` and `0` are written from then on.

    ## Known limits
    Numbers and truths alone: that an empty text is not written is often meant. Keys (`id`,
    `owner_id`), and numbers that the schema, a base of it or a validator keeps above zero, have no
    zero to write.
    """
    reached = reach(app)
    schemas = {schema.name: schema for schema in app.schemas}
    seen: set[Span] = set()
    for route in app.routes:
        schema = schemas.get(route.body_model or "")
        root = reached.answering(route)
        if route.method not in _METHODS or not route.reachable or root is None or schema is None:
            continue
        called = (reached.callee(step.call) for step in reached.below(root))
        for function in dict.fromkeys((root, *(f for f in called if f is not None))):
            for block, field in _passed_over(app, function, schema):
                at = _test(app, function, block)
                if at is not None and at not in seen:
                    seen.add(at)
                    yield _finding(app, route, field, at)


def _passed_over(app: AppMap, function: Function, schema: Schema) -> Iterator[tuple[Block, Field]]:
    """The tests of a field of the body for truth, below which it is written."""
    short = schema.name.rpartition(".")[2]
    typed = ((name, type_) for name, type_ in function.annotations if short in type_)
    bodies = {name for name, type_ in typed if re.search(rf"\b{short}\b", type_)}
    if not bodies:
        return
    fields = {field.name: field for field in schema.fields}
    content = app.files[function.span.path]
    for block in function.blocks:
        match = _TEST.fullmatch(block.words.strip()) if block.kind == "arm" else None
        field = fields.get(match["field"]) if match and match["body"] in bodies else None
        if match is None or field is None or not _FALSY.search(field.annotation or ""):
            continue
        inside = content[block.start : block.end].decode("utf-8", "replace")
        writes = re.search(rf"\.{field.name}\s*=\s*{match[0]}\s*$", inside, re.MULTILINE)
        if writes and not _has_no_zero(app, schema, field):
            yield block, field


def _has_no_zero(app: AppMap, schema: Schema, field: Field) -> bool:
    """True for a number that is never zero: a key, or what the schema, or a base, bounds."""
    if "bool" in (field.annotation or ""):
        return False
    bases = [base for base in app.schemas if base.name in (schema.name, *schema.bases)]
    same = (dict(f.constraints) for base in bases for f in base.fields if f.name == field.name)
    bounded = any("gt" in one or re.match(r"[1-9]", one.get("ge", "")) for one in same)
    refused = any(_is_refused(app, base, field) for base in bases)
    return bounded or refused or bool(re.search(r"(?:^|_)id$", field.name))


def _is_refused(app: AppMap, schema: Schema, field: Field) -> bool:
    """Whether a validator of the field raises for zero and what is below it."""
    named = re.compile(rf"@[\w.]*validator\([^)]*[\"']{field.name}[\"']")
    for function in app.functions:
        if function.class_name != schema.name or not named.match(app.text(function.span)):
            continue
        tests = [b for b in function.blocks if b.kind == "arm" and _NO_ZERO.search(b.words)]
        raised = [stop.start for stop in function.stops if stop.kind == "raise"]
        if any(block.start <= at < block.end for block in tests for at in raised):
            return True
    return False


def _test(app: AppMap, function: Function, block: Block) -> Span | None:
    """The bytes of the test, which stands in front of its block."""
    content = app.files[function.span.path]
    words = block.words.strip().encode()
    start = content.rfind(words, 0, block.start)
    between = content[start + len(words) : block.start]
    if start < function.span.start or not _COLON.fullmatch(between):
        return None
    return Span(function.span.path, start, start + len(words))


def _finding(app: AppMap, route: Route, field: Field, at: Span) -> Finding:
    zero = "`False`" if "bool" in (field.annotation or "") else "`0`"
    told = f"`{app.text(at)}` is false for {zero}, which `{field.annotation}` allows"
    test = f"{app.text(at)} is not None"
    edit = Edit(at, test, f"{zero} is a value that a client may send")
    return Finding(
        "falsy-update",
        at,
        f"`{route}` passes over {zero} for `{field.name}`",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        fixes=(Fix(f"Ask whether `{app.text(at)}` is there", Safety.CHANGES_BEHAVIOUR, (edit,)),),
        symbol=route.handler,
        structural=True,
    )
