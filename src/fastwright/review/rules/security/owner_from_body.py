"""FW502 owner-from-body."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.guarding import WRITES, Guarding, guarding_of
from fastwright.review.intent import Intent
from fastwright.review.ownership import Owned, Ownership, ownership_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule

NAME = "owner-from-body"
_DUMP = re.compile(r"(?P<body>\w+)\.(model_dump|dict)\(")


@rule(code="FW502", severity=Severity.HIGH)
def owner_from_body(app: AppMap) -> Iterator[Finding]:
    """A row whose owner is whoever the client says.

    ## Why is this bad?
    The caller is known, and yet the body says whose the new row is: anybody can write into
    anybody's account (OWASP API1:2023, broken object level authorization; CWE-639).

    ## Example
    ```python
    class NewItem(BaseModel):
        title: str
        owner_id: int


    @app.post("/items")
    def create_item(body: NewItem, session: SessionDep, user: CurrentUser) -> None:
        session.add(Item(title=body.title, owner_id=body.owner_id))
    ```

    Use instead:
    ```python
    class NewItem(BaseModel):
        title: str


    @app.post("/items")
    def create_item(body: NewItem, session: SessionDep, user: CurrentUser) -> None:
        session.add(Item(title=body.title, owner_id=user.id))
    ```

    ## Fix safety
    Changes behaviour: the row belongs to the caller, whatever the body says. The field may then be
    taken out of the body's class.

    ## Known limits
    A route that makes any use of who is calling, or demands a role, is passed over: it may compare
    the two. Where everybody reads the rows, nothing compares their owner with the caller, and a
    change may name another, it is the one in charge, and only possible. Rows are followed where
    they are made by the class of an owned table.
    """
    ownership, guarding, intent = ownership_of(app), guarding_of(app), Intent.read(app)
    reached = reach(app)
    for route in guarding.served:
        if not _is_candidate(route, guarding, ownership, intent):
            continue
        root = reached.answering(route)
        for step in reached.below(root) if root is not None else ():
            owned = _made(step.call, ownership)
            written = _owner_given(app, route, step.call, owned) if owned is not None else ""
            if owned is not None and written:
                yield _finding(app, guarding, route, (step.call, owned, written))
                break


def _is_candidate(route: Route, guarding: Guarding, ownership: Ownership, intent: Intent) -> bool:
    """The caller is known, and nothing that is done turns on who they are."""
    principal = any(g.role == "principal" and not g.optional for g in route.guards)
    is_open = route.method in WRITES and principal and not intent.is_public(route)
    uses = any(u.kind in ("read", "filtered", "passed", "stored") for u in route.caller_uses)
    return is_open and not uses and not ownership.may_ask(route) and not guarding.by_middleware


def _made(call: Call, ownership: Ownership) -> Owned | None:
    """The owned table that a call makes a row of."""
    owned = (o for o in ownership.owned.values() if o.table.model)
    return next((o for o in owned if o.table.model == call.callee), None)


def _owner_given(app: AppMap, route: Route, call: Call, owned: Owned) -> str:
    """The expression of the client's that becomes the owner; empty where there is none."""
    given, name = dict(call.keywords), owned.column.attribute
    if name in given:
        value = given[name]
        own = {p.name for p in route.parameters if p.source in ("body", "query", "path", "form")}
        is_clients = value in own or bool(re.fullmatch(rf"\w+\.{re.escape(name)}", value))
        return value if is_clients else ""
    dumped = _DUMP.search(given.get("**", ""))
    schema = next((s for s in app.schemas if s.name == route.body_model), None)
    has_field = schema is not None and any(f.name == name for f in schema.fields)
    excluded = re.search(rf"exclude[^)]*['\"]{name}['\"]", given.get("**", ""))
    return given["**"] if dumped and has_field and not excluded else ""


def _finding(
    app: AppMap, guarding: Guarding, route: Route, made: tuple[Call, Owned, str]
) -> Finding:
    call, owned, written = made
    fix = _fix(app, guarding, route, made)
    inside = route.span is not None and call.span.path == route.span.path
    inside = inside and route.span is not None and route.span.start <= call.span.start
    within = inside and route.span is not None and call.span.end <= route.span.end
    assert route.span is not None
    return Finding(
        NAME,
        call.span if within else route.span,
        f"`{route}` makes a row of `{owned.table.name}` for whomever the client names",
        evidence=(
            Evidence(
                EvidenceKind.SOURCE,
                f"`{owned.column.attribute}` comes from `{written}`, not from the caller",
            ),
        ),
        fixes=(fix,) if fix and within else (),
        symbol=route.handler,
        structural=not _is_assignment(app, owned),
    )


def _is_assignment(app: AppMap, owned: Owned) -> bool:
    """True where the column says who is to see to a row, and limits nobody.

    All read the rows, no route compares the column with the caller, and a change of a row may name
    somebody else.
    """
    ownership, name = ownership_of(app), owned.column.attribute
    fields = {schema.name: {field.name for field in schema.fields} for schema in app.schemas}
    moves = (
        r.method in ("PUT", "PATCH") and name in fields.get(r.body_model or "", ())
        for r in ownership.touching(owned)
    )  # fmt: skip
    return bool(ownership.open_lists(owned)) and not ownership.asking(owned) and any(moves)


def _fix(
    app: AppMap, guarding: Guarding, route: Route, made: tuple[Call, Owned, str]
) -> Fix | None:
    """The caller's own key in place of the client's."""
    call, owned, written = made
    caller, accounts = guarding.principal_of(route), ownership_of(app).accounts
    keys = [c.attribute for c in accounts.columns if c.primary_key] if accounts else []
    if caller is None or len(keys) != 1:
        return None
    name, mine = owned.column.attribute, f"{caller}.{keys[0]}"
    text = app.text(call.span)
    if name in dict(call.keywords):
        found = re.search(rf"\b{name}\s*=\s*({re.escape(written)})\b", text)
        new = mine
    else:
        found = re.search(rf"\*\*\s*({re.escape(written)})", text)
        new = f'{{**{written}, "{name}": {mine}}}'
    if found is None or not text.isascii():
        return None
    start = call.span.start + found.start(1)
    span = Span(call.span.path, start, start + len(found[1]))
    edit = Edit(span, new, f"a row of `{owned.table.name}` is its maker's")
    title = f"Make the row of `{last(owned.table.model or '')}` the caller's"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, (edit,))
