"""FW202 unequal-constraints."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from fastwright.model.app import AppMap, Field, Schema
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.rule import rule
from fastwright.review.storing import bodies, is_validated, plain, stored
from fastwright.source.fields import with_constraint

_LIMITS = ("min_length", "max_length", "pattern", "gt", "ge", "lt", "le", "multiple_of")
_ROLES = frozenset({
    "Create", "Update", "Patch", "In", "Input", "Request", "Schema", "Model", "New", "Edit", "Add",
    "Put", "Post", "Register", "Me", "Form", "Dto", "DTO", "Payload", "Body", "Upsert", "Data",
    "Internal", "Base", "Replace", "Change",
})  # fmt: skip
_PLAIN = re.compile(r"(?:Optional\[)?(?P<type>str|int|float|Decimal)\]?(?: *\| *None)?")


@rule(code="FW202", severity=Severity.MEDIUM)
def unequal_constraints(app: AppMap) -> Iterator[Finding]:
    """A field that one body of a thing limits, and another body of the same thing does not.

    ## Why is this bad?
    What cannot be created can be brought about by an update: a price below zero, an empty title, a
    name that the page cannot show. Whoever reads the first schema believes that it cannot happen
    (CWE-20).

    ## Example
    ```python
    class ItemCreate(BaseModel):
        title: str = Field(min_length=1, max_length=100)


    class ItemUpdate(BaseModel):
        title: str


    @app.post("/items")
    def create_item(data: ItemCreate) -> None: ...


    @app.put("/items/{item_id}")
    def update_item(item_id: int, data: ItemUpdate) -> None: ...
    ```

    Use instead:
    ```python
    class ItemCreate(BaseModel):
        title: str = Field(min_length=1, max_length=100)


    class ItemUpdate(BaseModel):
        title: str = Field(min_length=1, max_length=100)


    @app.post("/items")
    def create_item(data: ItemCreate) -> None: ...


    @app.put("/items/{item_id}")
    def update_item(item_id: int, data: ItemUpdate) -> None: ...
    ```

    ## Fix safety
    Changes behaviour: the contract names the limits, and what lies outside is refused with 422.

    ## Known limits
    Two bodies are of one thing where their names are, less words such as Create or Update. A field
    that has some limit of its own is taken to be meant so. Bodies of two modules may be of two
    things: that is only possible. So is a longest length alone where the column has none, and
    keeps what is longer.
    """
    known = {schema.name: schema for schema in app.schemas}
    things: dict[str, list[Schema]] = defaultdict(list)
    for name in bodies(app):
        if name in known:
            things[_thing(name)].append(known[name])
    for thing, schemas in things.items():
        for schema in schemas if thing else ():
            yield from _weaker(app, schema, [s for s in schemas if s is not schema])


def _thing(name: str) -> str:
    """What a schema is of: its name's words, less those that say what it is for."""
    words: list[str] = re.findall(r"[A-Z][a-z0-9]*|[A-Z]+(?![a-z])", name.rpartition(".")[2])
    thing = "".join(word for word in words if word not in _ROLES)
    if thing or len(words) < 2:
        return thing
    return words[-1] if words[0] in ("Create", "Update", "New", "Edit", "Add") else words[0]


def _weaker(app: AppMap, schema: Schema, peers: list[Schema]) -> Iterator[Finding]:
    if is_validated(app, schema):
        return
    for field in schema.fields:
        own = _PLAIN.fullmatch(plain(field))
        if own is None or field.span is None or _limits(field):
            continue
        for peer in sorted(peers, key=lambda peer: _module(peer) != _module(schema)):
            stronger = next((f for f in peer.fields if f.name == field.name), None)
            if stronger is not None and _is_like(own["type"], stronger) and _limits(stronger):
                yield _finding(app, (schema, field), (peer, stronger))
                break


def _limits(field: Field) -> dict[str, str]:
    return {name: value for name, value in field.constraints if name in _LIMITS}


def _is_like(type_: str, field: Field) -> bool:
    found = _PLAIN.fullmatch(plain(field))
    return found is not None and found["type"] == type_


def _last(schema: Schema) -> str:
    return schema.name.rpartition(".")[2]


def _module(schema: Schema) -> str:
    return schema.name.rpartition(".")[0]


def _is_kept_whole(app: AppMap, field: Field, schemas: tuple[Schema, ...]) -> bool:
    """True where the column that a field is written to is known, and has no length."""
    names = {schema.name for schema in schemas}
    rows = (one for one in stored(app) if one.schema.name in names and one.field.name == field.name)
    columns = [one.column for one in rows]
    for table in app.tables if not columns else ():
        model = (table.model or "").rpartition(".")[2]
        column = table.column(field.name) if model == _thing(schemas[0].name) else None
        columns += [column] if column is not None else []
    return bool(columns) and all(column.length is None for column in columns)


def _finding(app: AppMap, weaker: tuple[Schema, Field], other: tuple[Schema, Field]) -> Finding:
    (schema, field), (peer, stronger) = weaker, other
    assert field.span is not None
    missing = _limits(stronger)
    limits = ", ".join(f"{name}={value}" for name, value in missing.items())
    is_same = _last(schema) == _last(peer)  # it may be the thing of another module
    harms = missing.keys() != {"max_length"} or not _is_kept_whole(app, field, (schema, peer))
    weak, strong = (f"{s.name if is_same else _last(s)}.{field.name}" for s in (schema, peer))
    changes = with_constraint(app, field, limits, f"`{strong}` has these limits")
    title = f"Limit `{weak}` as `{strong}` is"
    return Finding(
        "unequal-constraints",
        field.span,
        f"`{weak}` takes what `{strong}` refuses",
        evidence=(Evidence(EvidenceKind.SOURCE, f"`{strong}` has {limits}"),),
        related=(stronger.span,) if stronger.span else (),
        fixes=(Fix(title, Safety.CHANGES_BEHAVIOUR, changes),) if changes else (),
        symbol=weak,
        structural=_module(schema) == _module(peer) and harms,
    )
