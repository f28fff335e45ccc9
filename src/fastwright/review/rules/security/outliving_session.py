"""FW574 outliving-session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Query, Route
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.growing import is_by_administrators
from fastwright.review.logins import logins_of
from fastwright.review.reach import holds, last, reach
from fastwright.review.rule import rule
from fastwright.review.uncommented import uncommented
from fastwright.review.writing import writing_of
from fastwright.survey.passwords import is_password_hash

NAME = "outliving-session"
_LASTING = re.compile(
    r"(?i)refresh_?token|^(?:user|auth|login|account|customer|member|web)?_?sessions?(?:model)?$"
    r"|^(?:user|auth|access|login)_?tokens?(?:model)?$"
)
"""What a table is called whose rows let somebody in again."""
_FOR_ONCE = re.compile(r"(?i)reset|verif|confirm|activat|invit|otp|magic|chat|cart|black|deny|push")
"""What a table is called whose rows are something else."""
_SECRET = re.compile(r"(?i)token|jti|hash")
_NEW_WORD = re.compile(r"(?i)passw|pwd|credential")
_FIRST = re.compile(r"(?i)invit|activat|set_?-?up|first|initial|complet|regist|sign_?-?up|onboard")
"""A route that gives somebody the first password: there are no sessions yet."""
_VERSION = re.compile(
    r"(?i)\.(\w*(?:version|(?:changed|reset|rotated)_(?:at|on)|stamp|epoch"
    r"|valid_(?:after|from|since)|not_before|invalid\w*_(?:before|at)"
    r"|(?:token|session)_(?:id|key|salt|nonce)))\s*\+?=(?!=)"
)
"""A column that what was issued before may be compared with."""
_RENEWS = re.compile(r"(?i)refresh|renew|rotat|log_?-?in|sign_?-?in")
"""A route that takes the place of one session by another."""
_ABOUT = re.compile(r"(?i)log_?-?out|sign_?-?out|session|revok|passw|pwd|token|device")
"""A route that is about sessions, and does not only take them with the account."""
_ENDS = re.compile(
    r"(?i)revok|invalidat|blacklist|denylist|log_?out|sign_?out|terminat|purge|flush_?all"
)
_REHASHES = re.compile(r"needs_(?:update|rehash)|verify_and_update|check_needs")


@dataclass(frozen=True, slots=True)
class _Kept:
    """The rows of `table` that let people of `accounts` in again, by the key `owner`."""

    table: Table
    owner: Column
    accounts: Table
    hashes: frozenset[str]


@rule(code="FW574", severity=Severity.MEDIUM)
def outliving_session(app: AppMap) -> Iterator[Finding]:
    """A new password leaves those in who came in by the old one.

    ## Why is this bad?
    People change their password because somebody else may know it. The app keeps its sessions or
    refresh tokens as rows and has a route that ends all of one account, but this route does not:
    whoever has stolen a token goes on renewing it after the victim has done the one thing that
    should help (CWE-613, OWASP ASVS 7.4.3).

    ## Example
    ```python
    class RefreshToken(Base):
        __tablename__ = "refresh_tokens"
        id: Mapped[int] = mapped_column(primary_key=True)
        token_hash: Mapped[str] = mapped_column(unique=True)
        user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


    @app.post("/refresh")
    def refresh(token: str, session: SessionDep) -> bool:
        stored = select(RefreshToken).where(RefreshToken.token_hash == token)
        return session.scalars(stored).first() is not None


    @app.post("/logout-everywhere")
    def log_out_everywhere(user: CurrentUser, session: SessionDep) -> None:
        session.execute(delete(RefreshToken).where(RefreshToken.user_id == user.id))
        session.commit()


    @app.post("/change-password")
    def change_password(new: str, user: CurrentUser, session: SessionDep) -> None:
        row = session.get_one(User, user.id)
        row.hashed_password = hash_password(new)
        session.commit()
    ```

    Use instead:
    ```python
    class RefreshToken(Base):
        __tablename__ = "refresh_tokens"
        id: Mapped[int] = mapped_column(primary_key=True)
        token_hash: Mapped[str] = mapped_column(unique=True)
        user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


    @app.post("/refresh")
    def refresh(token: str, session: SessionDep) -> bool:
        stored = select(RefreshToken).where(RefreshToken.token_hash == token)
        return session.scalars(stored).first() is not None


    @app.post("/logout-everywhere")
    def log_out_everywhere(user: CurrentUser, session: SessionDep) -> None:
        session.execute(delete(RefreshToken).where(RefreshToken.user_id == user.id))
        session.commit()


    @app.post("/change-password")
    def change_password(new: str, user: CurrentUser, session: SessionDep) -> None:
        row = session.get_one(User, user.id)
        row.hashed_password = hash_password(new)
        session.execute(delete(RefreshToken).where(RefreshToken.user_id == user.id))
        session.commit()
    ```

    ## Fix safety
    There is no fix to apply: whether the session that asks is kept is a decision.

    ## Known limits
    The sessions must be rows of a table with a key to the accounts, that some route looks up and
    another ends by their owner. A route is passed over that touches that table in any way, moves a
    version or a time that tokens may be compared with, calls anything that is named for ending
    sessions, is for administrators, or gives somebody the first password; and so is a login that
    only hashes anew. It is only possible where nothing but the hash says that the route is about a
    password.
    """
    for kept in _kept(app):
        if _is_listened(app, kept):
            continue
        ending = [r for r in app.routes if r.reachable and _ends_all(app, r, kept)]
        if not ending or not any(_is_asked(r, kept) for r in app.routes if r.reachable):
            continue
        told: set[Span] = set()
        for route in app.routes:
            at = _sets_password(app, route, kept) if route.reachable else None
            if at is not None and at not in told and _leaves(app, route, kept):
                told.add(at)
                yield _finding(route, kept, at, _named(app, ending, kept))


def _kept(app: AppMap) -> Iterator[_Kept]:
    """The tables of sessions, each with that of the accounts."""
    for table in app.tables:
        name = f"{table.name} {last(table.model or '')}"
        if not any(map(_LASTING.search, name.split())) or _FOR_ONCE.search(name):
            continue
        for column in table.columns:
            accounts = app.table((column.foreign_key or "").rpartition(".")[0])
            hashes = _hashes(accounts) if accounts is not None else frozenset()
            is_secret = any(_SECRET.search(c.name) for c in table.columns)
            if accounts is not None and hashes and is_secret:
                yield _Kept(table, column, accounts, hashes)
                break


def _hashes(table: Table) -> frozenset[str]:
    return frozenset(c.attribute for c in table.columns if is_password_hash(c.attribute))


def _is_listened(app: AppMap, kept: _Kept) -> bool:
    """Whether an event of SQLAlchemy may end sessions, or tokens hold a part of the hash."""
    name, hashes = last(kept.accounts.model or kept.accounts.name), "|".join(kept.hashes)
    words = rf"listens_for\(\s*(?:\w+\.)*{name}\b|before_flush|after_flush|\.(?:{hashes})\["
    found = re.compile(words.encode())
    return any(found.search(text) for path, text in app.files.items() if path.suffix == ".py")


def _of(route: Route, kept: _Kept) -> Iterator[Query]:
    return (q for q in route.queries if q.tables[:1] == (kept.table.name,))


def _is_asked(route: Route, kept: _Kept) -> bool:
    """Whether a route looks for one session, by something else than its owner."""
    owner = {kept.owner.name, kept.owner.attribute}
    return any(
        q.kind in ("select", "update") and any(last(f) not in owner for f in q.filters)
        for q in _of(route, kept)
    )


def _touches(app: AppMap, route: Route, kept: _Kept) -> bool:
    """Whether anything that runs for a route writes to the sessions."""
    if any(q.kind != "select" for q in _of(route, kept)):
        return True
    writing = writing_of(app)
    functions = {f.span: f for f in reach(app).running(route)}.values()
    return any(kept.table.name in t.writes for f in functions for t in writing.touches(f))


def _ends_all(app: AppMap, route: Route, kept: _Kept) -> bool:
    """Whether a route ends the sessions of one owner."""
    words = f"{route.path} {last(route.handler)}"
    if _RENEWS.search(words) or not _ABOUT.search(words):
        return False
    owner = {kept.owner.name, kept.owner.attribute}
    by_owner = [q for q in _of(route, kept) if any(last(f) in owner for f in q.filters)]
    if any(q.kind in ("update", "delete") for q in by_owner):
        return True
    return bool(by_owner) and _changes(app, route, kept)


def _changes(app: AppMap, route: Route, kept: _Kept) -> bool:
    """Whether a route sets columns of sessions that were there, or deletes their rows."""
    writing = writing_of(app)
    functions = {f.span: f for f in reach(app).running(route)}.values()
    touched = (t for f in functions for t in writing.touches(f) if kept.table.name in t.changes)
    return any(last(t.call.text) not in ("add", "add_all", "merge") for t in touched)


def _sets_password(app: AppMap, route: Route, kept: _Kept) -> Span | None:
    """Where a route writes a new hash over that of an account that was there."""
    writing, root = writing_of(app), reach(app).answering(route)
    below = reach(app).below(root) if root is not None else ()
    functions = {f.span: f for f in (root, *(step.function for step in below)) if f is not None}
    for function in functions.values():
        if _REHASHES.search(uncommented(app, function)):
            continue
        for touch in writing.touches(function):
            row, _, column = touch.call.text.rpartition(".")
            if row and column in kept.hashes and kept.accounts.name in touch.changes:
                return touch.call.span
        found = _by_statement(app, route, function, kept)
        if found is not None:
            return found
    return None


def _by_statement(app: AppMap, route: Route, function: Function, kept: _Kept) -> Span | None:
    """Where a function runs an UPDATE of the accounts that gives a hash."""
    calls = reach(app).calls_in(function)
    given = {k for c in calls if last(c.text) == "values" for k, _ in c.keywords}
    if not given & kept.hashes:
        return None
    updates = (q for q in route.queries if q.kind == "update" and holds(function.span, q.span))
    return next((q.span for q in updates if q.tables[:1] == (kept.accounts.name,)), None)


def _leaves(app: AppMap, route: Route, kept: _Kept) -> bool:
    """Whether the sessions are as good after the route as before."""
    words = f"{route.path} {last(route.handler)}"
    if _FIRST.search(words) or is_by_administrators(app, route) or route in logins_of(app).routes:
        return False
    functions = {f.span: f for f in reach(app).running(route)}.values()
    calls = (call for function in functions for call in reach(app).calls_in(function))
    if any(_ENDS.search(call.text) for call in calls):
        return False
    written = {m[1] for f in functions for m in _VERSION.finditer(uncommented(app, f))}
    return not any(_is_read(app, name) for name in written) and not _touches(app, route, kept)


def _is_read(app: AppMap, name: str) -> bool:
    """Whether any code of the app asks for a column, which it may compare tokens with."""
    asked = re.compile(rf"\.{name}\b(?!\s*\+?=(?!=))|[\"']{name}[\"']".encode())
    return any(asked.search(text) for path, text in app.files.items() if path.suffix == ".py")


def _named(app: AppMap, ending: list[Route], kept: _Kept) -> Route:
    """The route that ends sessions, one that sets a password before others."""
    return next((r for r in ending if _sets_password(app, r, kept) is not None), ending[0])


def _finding(route: Route, kept: _Kept, at: Span, ending: Route) -> Finding:
    is_said = _NEW_WORD.search(f"{route.path} {last(route.handler)}") is not None
    told = f"`{ending}` ends those of one account, and a row is all that a renewal asks for"
    return Finding(
        NAME,
        at,
        f"`{route}` sets a new password and leaves the rows of `{kept.table.name}` as they are",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(ending.span,) if ending.span is not None else (),
        symbol=route.handler,
        structural=is_said,
    )
