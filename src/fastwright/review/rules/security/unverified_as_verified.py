"""FW575 unverified-as-verified."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.review.course import around
from fastwright.review.growing import is_by_administrators
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.uncommented import uncommented
from fastwright.review.updating import updated
from fastwright.review.writing import writing_of
from fastwright.survey.codebase import of_tests
from fastwright.survey.passwords import is_password_hash

NAME = "unverified-as-verified"
_FLAG = re.compile(r"(?i)(?:is_)?(?:e_?mail_?)?(?:is_)?(?:verified|confirmed)")
_ADDRESS = re.compile(r"(?i)e_?mail(?:_address)?")
_CONFIRMS = re.compile(r"(?i)verif|confirm|activat")
_PROVES = re.compile(
    r"(?i)oauth|google|github|facebook|apple|microsoft|provider|telegram|saml|sso|ldap|invit|otp"
)
"""Somebody else has proven the address, or a code in the same request does."""
_PENDING = re.compile(r"(?i)pending|new_?e_?mail|unverified|verify_pass|check_pass|verif\w*_pass")
_MAILED = re.compile(r"(?i)token|code|key|otp|pin$|uid")
_BY_PHONE = re.compile(r"(?i)phone|sms|mobile|whatsapp")
_AGAIN = re.compile(r"(?i)password|token|code|otp")
"""What a body holds that proves more than the session does."""


@dataclass(frozen=True, slots=True)
class _Proof:
    """The accounts whose `flag` says that `address` is theirs, and the route that sets it."""

    accounts: Table
    flag: str
    address: str
    hashes: frozenset[str]
    confirming: Route


@rule(code="FW575", severity=Severity.MEDIUM)
def unverified_as_verified(app: AppMap) -> Iterator[Finding]:
    """An address that nobody has shown to be theirs counts as verified.

    ## Why is this bad?
    The app mails a link, and what the link sets says whose mailbox an account has. An account that
    begins with the mark, or keeps it with another address, has the address of anybody it likes:
    what is sent to the owner of that address, shared with it or linked by it goes to a stranger
    (CWE-287, CWE-345).

    ## Example
    ```python
    class Account(Base):
        __tablename__ = "accounts"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(unique=True)
        hashed_password: Mapped[str]
        is_verified: Mapped[bool] = mapped_column(default=False)
        token: Mapped[str | None]


    def send_verification_email(address: str, token: str) -> None: ...


    @app.post("/register")
    def register(email: str, password: str, session: SessionDep) -> None:
        row = Account(email=email, hashed_password=hash_password(password), is_verified=True)
        row.token = token_urlsafe()
        session.add(row)
        session.commit()
        send_verification_email(row.email, row.token)


    @app.post("/verify-email")
    def verify_email(token: str, session: SessionDep) -> None:
        row = session.scalars(select(Account).where(Account.token == token)).one()
        row.is_verified = True
        session.commit()


    @app.get("/accounts/{key}")
    def read_account(key: int, session: SessionDep) -> str:
        row = session.get_one(Account, key)
        if not row.is_verified:
            raise HTTPException(403)
        return row.email
    ```

    Use instead:
    ```python
    class Account(Base):
        __tablename__ = "accounts"
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(unique=True)
        hashed_password: Mapped[str]
        is_verified: Mapped[bool] = mapped_column(default=False)
        token: Mapped[str | None]


    def send_verification_email(address: str, token: str) -> None: ...


    @app.post("/register")
    def register(email: str, password: str, session: SessionDep) -> None:
        row = Account(email=email, hashed_password=hash_password(password), is_verified=False)
        row.token = token_urlsafe()
        session.add(row)
        session.commit()
        send_verification_email(row.email, row.token)


    @app.post("/verify-email")
    def verify_email(token: str, session: SessionDep) -> None:
        row = session.scalars(select(Account).where(Account.token == token)).one()
        row.is_verified = True
        session.commit()


    @app.get("/accounts/{key}")
    def read_account(key: int, session: SessionDep) -> str:
        row = session.get_one(Account, key)
        if not row.is_verified:
            raise HTTPException(403)
        return row.email
    ```

    ## Fix safety
    There is no fix to apply: what an account may do until it is verified is a decision.

    ## Known limits
    The mark is a column of the accounts called `is_verified` or much like it, which one route sets
    that is named for confirming and takes a token or a code, and which code asks for. Told are a
    sign-up with a password that makes accounts with the constant `True` and mails a link all the
    same, and a body that is written over the caller's account with its address, where nothing
    touches the mark. What a provider, an invitation or a code has proven, what administrators do,
    addresses that wait in a column of their own, and a password asked for again are passed over.
    """
    proofs = tuple(_proofs(app))
    told: set[Span] = set()
    for proof in proofs:
        for route in app.routes if _is_tested(app, proof) else ():
            if not route.reachable or is_by_administrators(app, route):
                continue
            for at, does in (*_begun(app, route, proof), *_kept(app, route, proof)):
                if at not in told:
                    told.add(at)
                    yield _finding(route, proof, at, does)


def _proofs(app: AppMap) -> Iterator[_Proof]:
    for table in app.tables:
        names = [c.attribute for c in table.columns]
        hashes = frozenset(filter(is_password_hash, names))
        address = next(filter(_ADDRESS.fullmatch, names), None)
        for flag in filter(_FLAG.fullmatch, names) if hashes and address else ():
            confirming = next((r for r in app.routes if _sets(app, r, table, flag)), None)
            if confirming is not None and address is not None:
                yield _Proof(table, flag, address, hashes, confirming)


def _sets(app: AppMap, route: Route, table: Table, flag: str) -> bool:
    """Whether a route is named for confirming, takes what was mailed, and sets the mark."""
    words = f"{route.path} {last(route.handler)}"
    if not route.reachable or not _CONFIRMS.search(words) or is_by_administrators(app, route):
        return False
    names = _sent(app, route)
    if not any(map(_MAILED.search, names)) or any(map(_BY_PHONE.search, (words, *names))):
        return False
    functions = _below(app, route)
    by_name = re.compile(rf"[\"']{flag}[\"']\s*(?::\s*|,\s*)True\b|\b{flag}\s*=\s*True\b")
    if any(by_name.search(uncommented(app, function)) for function in functions):
        return True
    touches = (touch for f in functions for touch in writing_of(app).touches(f))
    return any(t.call.text.endswith(f".{flag}") and table.name in t.changes for t in touches)


def _below(app: AppMap, route: Route) -> tuple[Function, ...]:
    """The handler of a route and what it runs, each function once."""
    root = reach(app).answering(route)
    below = reach(app).below(root) if root is not None else ()
    found = {f.span: f for f in (root, *(step.function for step in below)) if f is not None}
    return tuple(found.values())


def _is_tested(app: AppMap, proof: _Proof) -> bool:
    """Whether code of the app asks for the mark."""
    flag = proof.flag.encode()
    asks = re.compile(
        rb"\b(?:not|if|and|or)\s+[\w.]+\.%b\b|\.%b(?:\s*==|\s+is\b|\.is_)" % (flag, flag)
    )
    files = (t for p, t in app.files.items() if p.suffix == ".py" and not of_tests(p))
    return any(map(asks.search, files))


def _is_for_nobody(route: Route) -> bool:
    return not any(g.role in ("principal", "permission") for g in route.guards)


def _begun(app: AppMap, route: Route, proof: _Proof) -> Iterator[tuple[Span, str]]:
    """Where an open sign-up makes an account that is verified, and mails a link all the same."""
    if not _is_for_nobody(route) or _PROVES.search(f"{route.path} {route.handler}"):
        return
    functions = _below(app, route)
    if not _mails(app, functions):
        return
    for function in functions:
        for call in reach(app).calls_in(function):
            given = dict(call.keywords)
            is_marked = call.callee == proof.accounts.model and given.get(proof.flag) == "True"
            is_own = "**" in given or (proof.hashes & set(given) and proof.address in given)
            is_for_some = any(b.kind == "arm" for b in around(function, call.span.start))
            is_proven = _PROVES.search(uncommented(app, function)) is not None
            if is_marked and is_own and not is_for_some and not is_proven:
                yield call.span, "makes accounts that are"


def _mails(app: AppMap, functions: tuple[Function, ...]) -> bool:
    """Whether functions mail something, and speak of confirming."""
    mails = re.compile(r"(?i)mail|send")
    is_sent = any(mails.search(call.text) for f in functions for call in reach(app).calls_in(f))
    return is_sent and any(_CONFIRMS.search(uncommented(app, f)) for f in functions)


def _kept(app: AppMap, route: Route, proof: _Proof) -> Iterator[tuple[Span, str]]:
    """Where a body is written over the caller's account with its address, and the mark stays."""
    if _is_for_nobody(route) or not route.caller_uses:
        return
    functions = _below(app, route)
    words = " ".join(uncommented(app, function) for function in functions)
    if proof.flag in words or _PENDING.search(words) or _CONFIRMS.search(_called(app, functions)):
        return
    names = _sent(app, route)
    if proof.flag in names or any(map(_AGAIN.search, names)):
        return
    does = "gives an account a new address and leaves it"
    yield from ((at, does) for at in _moved(app, route, functions, proof))


def _sent(app: AppMap, route: Route) -> tuple[str, ...]:
    """The names of what a route is sent."""
    schema = next((s for s in app.schemas if s.name == route.body_model), None)
    fields = tuple(field.name for field in schema.fields) if schema is not None else ()
    return (*fields, *(parameter.name for parameter in route.parameters))


def _moved(
    app: AppMap, route: Route, functions: tuple[Function, ...], proof: _Proof
) -> Iterator[Span]:
    """Where the address in the body is written over that of the account."""
    for one in updated(app):
        is_body = one.schema.name == route.body_model and one.function in functions
        if is_body and one.table is proof.accounts and proof.address in _sent(app, route):
            yield one.at
    given = re.compile(rf"\.{proof.address}\s*=\s*\w+\.{proof.address}\b")
    for function in functions:
        for touch in writing_of(app).touches(function):
            row, _, column = touch.call.text.rpartition(".")
            is_here = row and column == proof.address and proof.accounts.name in touch.changes
            line = Span(function.span.path, touch.call.span.start, function.span.end)
            if is_here and given.search(app.text(line).partition("\n")[0]):
                yield touch.call.span


def _called(app: AppMap, functions: tuple[Function, ...]) -> str:
    """What functions call, by name."""
    return " ".join(c.text for f in functions for c in reach(app).calls_in(f))


def _finding(route: Route, proof: _Proof, at: Span, does: str) -> Finding:
    told = f"`{proof.confirming}` sets the mark of whoever brings what was mailed"
    return Finding(
        NAME,
        at,
        f"`{route}` {does} `{proof.flag}`, and nobody has shown that `{proof.address}` is theirs",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(proof.confirming.span,) if proof.confirming.span is not None else (),
        symbol=route.handler,
        structural=True,
    )
