"""FW308 expired-after-commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import follows
from fastwright.review.reach import Reach, last, reach
from fastwright.review.rule import rule
from fastwright.review.statements import statement

_MADE = re.compile(r"\b(?:async_sessionmaker|sessionmaker|AsyncSession)\b")


@rule(code="FW308", severity=Severity.HIGH)
def expired_after_commit(app: AppMap) -> Iterator[Finding]:
    """A row of an async session that is read after the commit has expired it.

    ## Why is this bad?
    A commit expires the attributes of all rows, and the next read loads them again: with an async
    session, outside an `await`, it raises `MissingGreenlet` and the request ends in a 500, though
    the row is written. A client that repeats it writes it twice (CWE-394).

    ## Example
    ```python
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

    make_session = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


    @app.post("/users", status_code=201)
    async def add_user(email: str) -> str:
        async with make_session() as session:
            user = User(email=email, hashed_password="")
            session.add(user)
            await session.commit()
            return user.email
    ```

    Use instead:
    ```python
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

    make_session = async_sessionmaker(
        create_async_engine("sqlite+aiosqlite://"), expire_on_commit=False
    )


    @app.post("/users", status_code=201)
    async def add_user(email: str) -> str:
        async with make_session() as session:
            user = User(email=email, hashed_password="")
            session.add(user)
            await session.commit()
            return user.email
    ```

    ## Fix safety
    Changes behaviour: with `expire_on_commit=False` rows keep what they held. A value that the
    database itself makes on update is then the old one until `refresh`.

    ## Known limits
    Rows made and read in one function are followed, and only in an app whose session maker is
    seen. A `refresh` of the row behind the commit is the other repair.
    """
    makers = list(_makers(app))
    if not makers or any("expire_on_commit" in dict(call.keywords) for call in makers):
        return
    reached, fixes = reach(app), _fixes(app, makers)
    for ran in reached.ran():
        found = _expired(app, reached, ran.function)
        if found is not None:
            yield _finding(ran.function, found, str(ran.route), fixes)


@dataclass(frozen=True, slots=True)
class _Expired:
    """A commit, and the place behind it that reads the row `name` of before it."""

    name: str
    commit: Call
    place: Span


def _makers(app: AppMap) -> Iterator[Call]:
    """The calls that say how async sessions are made."""
    for call in app.calls:
        dotted, made = call.callee or "", last(call.text)
        if not _MADE.fullmatch(made):
            continue
        known = dotted.startswith(("sqlalchemy.", "sqlmodel.")) and _MADE.fullmatch(last(dotted))
        is_async = "asyncio" in dotted or "AsyncSession" in str(dict(call.keywords).get("class_"))
        if known and is_async and not _is_test(call):
            yield call


def _is_test(call: Call) -> bool:
    return any(part.startswith(("test", "conftest")) for part in call.span.path.parts)


def _expired(app: AppMap, reached: Reach, function: Function) -> _Expired | None:
    models = {table.model for table in app.tables if table.model}
    calls = list(reached.calls_in(function))
    rows = {c.target: c for c in calls if c.callee in models and c.target.isidentifier()}
    for commit in filter(_commits, calls):
        for name, made in rows.items():
            place = _read_after(app, function, commit, name)
            if place is None or not follows(function, made.span.start, commit.span.start):
                continue
            if not _is_refreshed(calls, name, range(commit.span.start, place.start)):
                return _Expired(name, commit, place)
    return None


def _commits(call: Call) -> bool:
    asked = statement(call)
    return asked is not None and asked.verb == "commit" and asked.is_async and call.awaited


def _is_refreshed(calls: list[Call], name: str, between: range) -> bool:
    """True where the row is loaded again, or its name given to something else."""
    later = (call for call in calls if call.span.start in between)
    return any(c.target == name or (last(c.text) == "refresh" and name in c.arguments)
               for c in later)  # fmt: skip


def _read_after(app: AppMap, function: Function, commit: Call, name: str) -> Span | None:
    """Where a row is read, or answered, behind a commit on its path: the first such place."""
    path = function.span.path
    read = re.compile(rf"(?<![\w.]){re.escape(name)}\.\w+(?!\w*\s*=[^=])".encode())
    found = read.finditer(app.files[path], commit.span.end, function.span.end)
    places = [Span(path, match.start(), match.end()) for match in found]
    answers = any(route.handler == function.name for route in app.routes)
    returns = [s for s in function.stops if s.kind == "return" and s.value == name and answers]
    places += [Span(path, stop.start, stop.end) for stop in returns]
    behind = (p for p in sorted(places) if follows(function, commit.span.start, p.start))
    return next(behind, None)


def _finding(function: Function, found: _Expired, route: str, fixes: tuple[Fix, ...]) -> Finding:
    return Finding(
        "expired-after-commit",
        found.place,
        f"`{function.name}` reads `{found.name}` after the commit that expired it",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it runs for `{route}`"),),
        related=(found.commit.span,),
        fixes=fixes,
        symbol=f"{function.name}:{found.name}",
        structural=True,
    )


def _fixes(app: AppMap, makers: list[Call]) -> tuple[Fix, ...]:
    edits = []
    for call in makers:
        written = app.text(call.span)
        inside = written[:-1].rstrip()
        at = call.span.start + len(inside.encode())
        lead = " " if inside.endswith(",") else "" if inside.endswith("(") else ", "
        why = "rows keep what they held, and are read without the database"
        text = f"{lead}expire_on_commit=False"
        edits.append(Edit(Span(call.span.path, at, at), text, why))
    title = "Keep the attributes of rows at a commit"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, tuple(edits)),)
