"""FW521 deactivated-caller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Principal
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.guarding import WRITES, guarding_of
from fastwright.review.ownership import ownership_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.switches import Switch, Switches, switches_of
from fastwright.source import layout
from fastwright.source.imports import ensure_import

NAME = "deactivated-caller"
_FEWEST = 3
_LEAVING = re.compile(
    r"(?i)log_?-?out|sign_?-?out|revoke|refresh|activat|verif|confirm|resend|unsubscribe|delete_me"
)


@rule(code="FW521", severity=Severity.HIGH)
def deactivated_caller(app: AppMap) -> Iterator[Finding]:
    """A token that lets in whose account has been switched off.

    ## Why is this bad?
    Somebody is dismissed, or an account is found to be abused, and is switched off. The login
    refuses it from then on, but whoever has a token goes on as before, until it expires (CWE-613,
    CWE-863; OWASP API2:2023, broken authentication).

    ## Example
    ```python
    class Member(Base):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)
        is_active: Mapped[bool] = mapped_column(default=True)


    def caller(token: Annotated[str, Depends(oauth2_scheme)], session: SessionDep) -> Member:
        member = session.get(Member, int(token))
        if member is None:
            raise HTTPException(401)
        return member


    Caller = Annotated[Member, Depends(caller)]


    @app.post("/login")
    def login(name: str, password: str, session: SessionDep) -> str:
        member = session.scalar(select(Member).where(Member.name == name))
        if member is None or not member.is_active:
            raise HTTPException(401)
        return str(member.id)


    @app.get("/me")
    def me(member: Caller) -> str:
        return member.name
    ```

    Use instead:
    ```python
    class Member(Base):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)
        is_active: Mapped[bool] = mapped_column(default=True)


    def caller(token: Annotated[str, Depends(oauth2_scheme)], session: SessionDep) -> Member:
        member = session.get(Member, int(token))
        if member is None or not member.is_active:
            raise HTTPException(401)
        return member


    Caller = Annotated[Member, Depends(caller)]


    @app.post("/login")
    def login(name: str, password: str, session: SessionDep) -> str:
        member = session.scalar(select(Member).where(Member.name == name))
        if member is None or not member.is_active:
            raise HTTPException(401)
        return str(member.id)


    @app.get("/me")
    def me(member: Caller) -> str:
        return member.name
    ```

    ## Fix safety
    Changes behaviour: whose account is switched off is answered by 401. Offered where the
    dependency gives the account under a name at its end.

    ## Known limits
    A column is a switch by its name (`is_active`, `disabled`, `blocked_at`), and meant as one where
    a login asks for it or a route sets it. A caller who is never read from the table is not
    reported: that costs a query, and is a decision. Nor is one whose token may be ended in another
    way, by a list of those revoked or a version. Where another switch is asked for, the one that is
    not may be another kind of account's: that is only possible.
    """
    found: dict[str, list[Finding]] = {}
    for principal in app.principals if switches_of(app).all else ():
        function = reach(app).functions.get(principal.dependency)
        if function is None or not _is_account(app, principal, function):
            continue
        if _is_read_alone(app, function):
            found[function.name] = list(_of_principal(app, principal, function))
    told = {name for name, findings in found.items() if findings}
    for name in (
        name for name in found if name in told
    ):  # a dependency that calls another is mended with that one
        below = {step.function.name for step in reach(app).below(reach(app).functions[name])}
        if not told & (below - {name}):
            yield from found[name]


def _is_account(app: AppMap, principal: Principal, function: Function) -> bool:
    """Whether the caller is read from the table of accounts, whatever becomes of the row."""
    accounts = ownership_of(app).accounts
    if accounts is None or principal.model is not None:
        return accounts is not None and app.table(principal.model or "") is accounts
    named = re.escape(accounts.name.removesuffix("s"))
    looked_up = rf"(?i)\b\w*{named}\w*\.(?:get|first|one|find)\w*$"
    return any(re.search(looked_up, call.text) for call in reach(app).calls_in(function))


def _is_read_alone(app: AppMap, function: Function) -> bool:
    """Whether nothing that the dependency reads could end a token, but the account itself."""
    below = [function, *(step.function for step in reach(app).below(function))]
    return not switches_of(app).may_end_elsewhere(below) and not guarding_of(app).by_middleware


def _of_principal(app: AppMap, principal: Principal, function: Function) -> Iterator[Finding]:
    switches = switches_of(app)
    served = [r for r in guarding_of(app).served if _lets_in(app, r, principal)]
    for switch in switches.all if served else ():
        alike, shown = switches.like(switch), _shown(switches, switch)
        asking = [r for r in served if any(switches.is_asked_of_caller(r, one) for one in alike)]
        lax = [r for r in served if r not in asking and _matters(app, r)]
        if shown and not asking:
            rest = [one for one in switches.all if one not in alike]
            others = any(switches.is_asked_of_caller(r, one) for one in rest for r in served)
            yield replace(_finding(app, function, switch, (shown, served)), structural=not others)
        elif len(asking) >= _FEWEST and len(lax) < len(asking):
            yield from (_of_route(r, principal, switch, asking) for r in lax)
        if shown or asking:
            return  # of two switches one is meant: the other says when


def _lets_in(app: AppMap, route: Route, principal: Principal) -> bool:
    """Whether the dependency itself says who calls `route`, and hands on nobody else's word."""
    others = {p.dependency for p in app.principals} - {principal.dependency}
    below = (
        child.call
        for node in route.every_dependency()
        if node.call == principal.dependency
        for child in node.walk()
    )
    is_guard = any(g.name == principal.dependency and not g.optional for g in route.guards)
    return is_guard and not others.intersection(below)


def _matters(app: AppMap, route: Route) -> bool:
    """Whether the route does more than telling callers who they are, or letting them go."""
    accounts = ownership_of(app).accounts
    tables = {t for q in route.queries for t in q.tables} - {accounts.name if accounts else ""}
    words = f"{route.path} {last(route.handler)}"
    return bool(tables or route.method in WRITES) and not _LEAVING.search(words)


def _shown(switches: Switches, switch: Switch) -> str:
    """How the app itself says what the column is for; empty where it does not."""
    if (login := switches.login(switch)) is not None:
        return f"`{login}` asks for `{switch.name}`"
    if (setter := switches.setter(switch)) is not None:
        return f"`{setter}` sets `{switch.name}` to switch an account off"
    return ""


def _finding(
    app: AppMap, function: Function, switch: Switch, seen: tuple[str, list[Route]]
) -> Finding:
    shown, served = seen
    table = ownership_of(app).accounts
    assert table is not None
    more = f" and {len(served) - 1} more" if len(served) > 1 else ""
    told = (shown, f"nothing that runs for `{served[0]}`{more} does")
    fix = _fix(app, function, switch)
    return Finding(
        NAME,
        function.span,
        f"`{last(function.name)}` lets in whose account is switched off: `{table.name}."
        f"{switch.name}` is not asked for",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in told),
        fixes=(fix,) if fix is not None else (),
        symbol=function.name,
        structural=True,
    )


def _of_route(route: Route, principal: Principal, switch: Switch, asking: list[Route]) -> Finding:
    assert route.span is not None
    others = f"`{asking[0]}` and {len(asking) - 1} more ask for `{switch.name}`"
    return Finding(
        NAME,
        route.span,
        f"`{route}` lets in whose account is switched off, where {len(asking)} siblings ask",
        evidence=(
            Evidence(EvidenceKind.SOURCE, others),
            Evidence(EvidenceKind.SOURCE, f"`{last(principal.dependency)}` alone does not"),
        ),
        related=tuple(r.span for r in asking[:3] if r.span is not None),
        symbol=route.handler,
        structural=True,
    )


def _fix(app: AppMap, function: Function, switch: Switch) -> Fix | None:
    """A refusal in front of the one ``return`` that gives the account."""
    given = [s for s in function.stops if s.kind == "return" and s.value not in ("", "None")]
    if len(given) != 1 or not given[0].value.isidentifier():
        return None
    path, stop = function.span.path, given[0]
    content = app.files[path]
    at, indent = layout.line_start(content, stop.start), layout.indentation(content, stop.start)
    if content[at : stop.start].strip():
        return None
    raised = ensure_import(app, path, "fastapi", "HTTPException")
    off = f"not {stop.value}.{switch.name}" if switch.off == "False" else _is_on(stop.value, switch)
    lines = f"{indent}if {off}:\n{indent}    raise {raised.local}(status_code=401)\n"
    edit = Edit(Span(path, at, at), lines, "an account that is switched off lets nobody in")
    title = f"Refuse whose `{switch.name}` says that the account is switched off"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, (*raised.edits, edit))


def _is_on(name: str, switch: Switch) -> str:
    return f"{name}.{switch.name}" + (" is not None" if switch.name.endswith("_at") else "")
