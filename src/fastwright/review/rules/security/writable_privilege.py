"""FW504 writable-privilege."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Field, Schema
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.model.storage import Table
from fastwright.review.guarding import WRITES, guarding_of, permissions
from fastwright.review.intent import Intent
from fastwright.review.logins import logins_of
from fastwright.review.once import once
from fastwright.review.ownership import ownership_of
from fastwright.review.reach import Reach, last, reach
from fastwright.review.rule import rule

NAME = "writable-privilege"
_PRIVILEGE = re.compile(
    r"^(is_)?(admin|super_?user|staff|root|moderator)$|^(user_)?roles?$|^permissions?$|"
    r"^(access|privilege)_?level$|^scopes?$|^(is_)?(verified|email_verified|approved)$|^balance$",
    re.IGNORECASE,
)
_MIGHTY = re.compile(r"(?i)admin|super|staff|root|moderator|manager|\w\.\w")
_LOGS_IN = re.compile(
    rb"fastapi\.security|\b(?:jwt|jose|authlib|itsdangerous|fastapi_users)\b|SessionMiddleware"
    rb"|(?i:authorization['\"])|\b(?:HTTP_)?40[13](?:_|\b)"
)
"""What speaks of logins, though no route may ask yet."""
_DEMANDS = re.compile(r"permission|role|scope|privilege", re.IGNORECASE)
_WHOLE = re.compile(r"\bmodel_dump\(|\.dict\(|\bjsonable_encoder\(|\bvars\(")


@rule(code="FW504", severity=Severity.HIGH)
def writable_privilege(app: AppMap) -> Iterator[Finding]:
    """A body that lets ordinary callers write their own role.

    ## Why is this bad?
    Whoever may send `is_admin` will: with one request a visitor becomes an administrator (OWASP
    API3:2023, broken object property level authorization; CWE-269, CWE-915).

    ## Example
    ```python
    class SignUp(BaseModel):
        email: str
        hashed_password: str
        is_admin: bool = False


    @app.post("/sign-up")
    def sign_up(body: SignUp, session: SessionDep) -> None:
        session.add(User(**body.model_dump()))
    ```

    Use instead:
    ```python
    class SignUp(BaseModel):
        email: str
        hashed_password: str


    @app.post("/sign-up")
    def sign_up(body: SignUp, session: SessionDep) -> None:
        session.add(User(**body.model_dump()))
    ```

    ## Fix safety
    Changes behaviour: the field is no longer read from the body of this route. Offered where the
    body's class declares it and no other route takes that class.

    ## Known limits
    Privileges are known by the names of the columns of the table of accounts. A route that demands
    a role, that refuses with 403 itself, or that reads the caller's own privilege is passed over;
    one with a dependency that is called after permissions or roles is only possible. So is one
    that takes only a role of a list without an administrator's, and an app without any login.
    """
    ownership, guarding, intent = ownership_of(app), guarding_of(app), Intent.read(app)
    accounts, reached = ownership.accounts, reach(app)
    if accounts is None:
        return
    for route in guarding.served:
        if route.method not in WRITES or permissions(route) or intent.is_public(route):
            continue
        if guarding.by_middleware or 403 in route.refuses:
            continue
        schema = next((s for s in app.schemas if s.name == route.body_model), None)
        fields = [f for f in schema.fields if _is_privilege(f, accounts)] if schema else []
        if schema is None or not fields or _reads_privilege(route, fields):
            continue
        stored = _stored(app, route, reached, accounts, fields)
        if stored is not None:
            found = _finding(app, route, schema, fields, stored)
            is_meant = _is_chosen(app, route, fields) or not _is_asked(app)
            yield replace(found, structural=found.structural and not is_meant)


def _is_chosen(app: AppMap, route: Route, fields: list[Field]) -> bool:
    """True where the handler looks whether the field is one of a few roles that anybody may take.

    A list that has an administrator's is no limit.
    """
    text = app.text(route.span) if route.span is not None else ""
    lists = [
        re.search(rf"\.{field.name}\b(?:\.\w+\(\))?\s+(?:not\s+)?in\s*([\[({{][^\])}}]*)", text)
        for field in fields
    ]
    return all(one is not None and "'" in one[1].replace('"', "'") and not _MIGHTY.search(one[1])
               for one in lists)  # fmt: skip


@once
def _is_asked(app: AppMap) -> bool:
    """Whether anybody is ever asked who they are: else there are no callers yet."""
    asks = any(map(guarding_of(app).asks, guarding_of(app).served))
    speaks = (_LOGS_IN.search(text) for path, text in app.files.items() if path.suffix == ".py")
    return asks or bool(app.principals) or bool(logins_of(app).routes) or any(speaks)


def _is_privilege(field: Field, accounts: Table) -> bool:
    given = accounts.column(field.name)
    return given is not None and bool(_PRIVILEGE.match(field.name))


def _reads_privilege(route: Route, fields: list[Field]) -> bool:
    """Whether the handler looks at what the caller already is."""
    names = "|".join(re.escape(f.name) for f in fields)
    reading = re.compile(rf"\.({names})\b(?!\s*=[^=])|\b(admin|super_?user|role)\b", re.IGNORECASE)
    return any(use.kind == "read" and reading.search(use.text) for use in route.caller_uses)


def _stored(
    app: AppMap, route: Route, reached: Reach, accounts: Table, fields: list[Field]
) -> Span | None:
    """Where the privilege is written into an account; None where it is not seen to be."""
    for flow in app.flows:
        is_ours = flow.handler == route.handler and flow.into == accounts.model
        if is_ours and flow.kind in ("fields", "attribute") and flow.path:
            excluded = any(_is_left_out(app.text(span), fields) for span in flow.path)
            if not excluded:
                return flow.path[-1]
    root = reached.answering(route)
    for step in reached.below(root) if root is not None else ():
        if _writes(step.call, accounts, fields) and not _is_left_out(
            app.text(step.call.span), fields
        ):
            return step.call.span
    return None


def _writes(call: Call, accounts: Table, fields: list[Field]) -> bool:
    """A call that makes or changes an account with the field of the body."""
    model = last(accounts.model or "")
    given = dict(call.keywords)
    name = last(call.text)
    if call.callee == accounts.model or (name == "values" and f"({model})" in call.text):
        named = any(re.search(rf"\.{f.name}\b", given.get(f.name, "")) for f in fields)
        return named or bool(_WHOLE.search(given.get("**", "")))
    return call.text in (f"{model}.model_validate", f"{model}.from_orm", f"{model}.parse_obj")


def _is_left_out(text: str, fields: list[Field]) -> bool:
    """The call leaves the field out, or sets it to a value of its own."""
    return any(
        re.search(rf"exclude\s*=[^)]*['\"]{f.name}['\"]", text)
        or re.search(rf"['\"]{f.name}['\"]\s*:\s*(False|None|['\"])", text)
        or re.search(rf"\b{f.name}\s*=\s*(False|None|['\"]|\w+\.\w+\.|[A-Z]\w*\.)", text)
        for f in fields
    )


def _finding(
    app: AppMap, route: Route, schema: Schema, fields: list[Field], stored: Span
) -> Finding:
    assert route.span is not None
    names = "`, `".join(f.name for f in fields)
    fix = _fix(app, route, schema, fields)
    written = " ".join(app.text(stored).split())[:160]
    return Finding(
        NAME,
        route.span,
        f"`{route}` lets its caller write `{names}` of an account",
        evidence=(Evidence(EvidenceKind.SOURCE, f"`{last(schema.name)}` goes into {written}"),),
        related=(stored, *(f.span for f in fields if f.span)),
        fixes=(fix,) if fix else (),
        symbol=route.handler,
        structural=not any(_DEMANDS.search(node.call) for node in route.every_dependency()),
    )


def _fix(app: AppMap, route: Route, schema: Schema, fields: list[Field]) -> Fix | None:
    """The declarations taken out of the body's class, where it is this route's alone."""
    users = [r for r in app.routes if schema.name in (r.body_model, r.response_model)]
    spans = [f.span for f in fields if f.span is not None]
    whole = schema.span
    if len(users) != 1 or whole is None or any(s.path != whole.path for s in spans):
        return None
    inside = all(whole.start <= s.start and s.end <= whole.end for s in spans)
    if not inside or len(spans) != len(fields) or len(schema.fields) == len(fields):
        return None
    read = (f.name for f in fields)
    if any(re.search(rf"\.{name}\b", app.text(route.span or whole)) for name in read):
        return None
    why = "nobody gives themselves a role"
    edits = tuple(Edit(_line(app, span), "", why) for span in spans)
    names = ", ".join(f"`{f.name}`" for f in fields)
    return Fix(f"Do not read {names} from the body of `{route}`", Safety.CHANGES_BEHAVIOUR, edits)


def _line(app: AppMap, span: Span) -> Span:
    """The whole line, or lines, that a declaration stands on."""
    content = app.files[span.path]
    start = content.rfind(b"\n", 0, span.start) + 1
    end = content.find(b"\n", span.end)
    return Span(span.path, start, len(content) if end < 0 else end + 1)
