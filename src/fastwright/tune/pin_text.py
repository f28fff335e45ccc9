"""What stands around the tests that pin statement counts: imports, and how they are counted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SYNC = """
    def session() -> Iterator[Session]:
        with Session(engine) as opened:
            yield opened
"""
_ASYNC = """
    async_engine = create_async_engine(f"sqlite+aiosqlite:///{place}")

    async def session() -> AsyncIterator[AsyncSession]:
        async with AsyncSession(async_engine) as opened:
            yield opened
"""
_CALLER = '''

def first(model: type[object]) -> Callable[..., object]:
    """A dependency that yields row 1 of `model`: who is calling."""

    DEF caller(opened: Annotated[SESSION, Depends(PROVIDER)]) -> object:
        return AWAITopened.get(model, KEY)

    return caller
'''
_COUNT = '''
def statements(
    place: Path,
    rows: dict[str, list[dict[str, object]]],
    path: str,
    callers: dict[Callable[..., object], type[object]] | None = None,
) -> int:
    """How many statements the app sends to answer `path` with `rows` in its database."""
    engine = create_engine(f"sqlite:///{place}", connect_args={"check_same_thread": False})
    MODEL.metadata.create_all(engine)
    with engine.begin() as connection:
        for table, made in rows.items():
            connection.execute(MODEL.metadata.tables[table].insert(), made)
    sent: list[str] = []
SESSIONS
    event.listen(LISTENED)
MAKES    overridden = {dependency: first(model) for dependency, model in (callers or {}).items()}
    with patch.dict(APP.dependency_overrides, {PROVIDER: session, **overridden}):
        answer = TestClient(APP).get(path)
    assert answer.status_code == 200, answer.text
    return len(sent)
'''


@dataclass(frozen=True, slots=True)
class Around:
    """What the tests of one file share.

    Attributes:
        app: The application, as an expression.
        provider: The session dependency's local name.
        is_async: It yields an async session.
        api: ``sqlalchemy`` or ``sqlmodel``.
        model: The local name of a mapped class, for its metadata.
        key: Row 1's key of the user table, as an expression.
        imports: Names by the module of the project that they come from.
    """

    app: str
    provider: str
    is_async: bool
    api: str
    model: str
    key: str
    imports: Mapping[str, Iterable[str]]


def module(around: Around, bodies: Iterable[str]) -> str:
    """The whole file, its imports sorted as formatters want them."""
    tests = "\n\n".join(f"\n{body}" for body in bodies)
    needs_caller = "first(model)" in _COUNT and ", {" in tests
    body = _COUNT.replace("SESSIONS", _ASYNC if around.is_async else _SYNC)
    body = _CALLER.strip("\n") + "\n\n\n" + body.lstrip("\n") if needs_caller else body.lstrip("\n")
    if not needs_caller:
        for wide, narrow in _WITHOUT_CALLERS:
            body = body.replace(wide, narrow)
    text = _filled(body, around) + "\n" + tests + "\n"
    return f"{_DOC}\n\n{_imports(around, text)}\n\n\n{text}"


_DOC = '"""How often each route asks its database: as often for many rows as for few."""'
_LISTENED = 'engine, "before_cursor_execute", lambda *told: sent.append(told[2])'
_LISTENED_ASYNC = (
    "\n        async_engine.sync_engine,"
    '\n        "before_cursor_execute",'
    "\n        lambda *told: sent.append(told[2]),\n    "
)
_WITHOUT_CALLERS = (
    (
        """def statements(
    place: Path,
    rows: dict[str, list[dict[str, object]]],
    path: str,
    callers: dict[Callable[..., object], type[object]] | None = None,
) -> int:""",
        "def statements(place: Path, rows: dict[str, list[dict[str, object]]], path: str) -> int:",
    ),
    (
        "    overridden = {dependency: first(model) "
        "for dependency, model in (callers or {}).items()}\n",
        "",
    ),
    (", **overridden}", "}"),
)


def _filled(body: str, around: Around) -> str:
    makes = f"    tested = {around.app}\n" if around.app.endswith("()") else ""
    body = body.replace("MAKES", makes)
    values = {
        "LISTENED": _LISTENED_ASYNC if around.is_async else _LISTENED,
        "DEF": "async def" if around.is_async else "def",
        "AWAIT": "await " if around.is_async else "",
        "SESSION": "AsyncSession" if around.is_async else "Session",
        "PROVIDER": around.provider,
        "MODEL": around.model,
        "APP": "tested" if makes else around.app,
        "KEY": around.key,
    }
    for token, value in values.items():
        body = re.sub(rf"\b{token}(?=\b|opened)", value, body)
    return body


def _imports(around: Around, text: str) -> str:
    sections = (_standard(text), _third_party(around, text), _own(around))
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _standard(text: str) -> list[str]:
    """The imports of the standard library that `text` uses."""
    wanted = (
        ("collections.abc", ("AsyncIterator", "Callable", "Iterator")),
        ("datetime", ("date", "datetime")),
        ("pathlib", ("Path",)),
        ("typing", ("Annotated",)),
        ("unittest.mock", ("patch",)),
        ("uuid", ("UUID",)),
    )
    lines = []
    for name, members in wanted:
        used = [
            member for member in members if re.search(rf"\b{member}\b[\[(.:,]|\b{member}\)", text)
        ]
        lines += [f"from {name} import {', '.join(used)}"] if used else []
    return lines


def _third_party(around: Around, text: str) -> list[str]:
    lines = ["from fastapi import Depends"] if "Depends(" in text else []
    lines += [
        "from fastapi.testclient import TestClient",
        "from sqlalchemy import create_engine, event",
    ]
    if around.is_async and around.api == "sqlmodel":
        lines += ["from sqlalchemy.ext.asyncio import create_async_engine"]
        return [*lines, "from sqlmodel.ext.asyncio.session import AsyncSession"]
    if around.is_async:
        return [*lines, "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine"]
    return [
        *lines,
        f"from {'sqlmodel' if around.api == 'sqlmodel' else 'sqlalchemy.orm'} import Session",
    ]


def _own(around: Around) -> list[str]:
    return [
        f"from {name} import {', '.join(sorted(names))}"
        for name, names in sorted(around.imports.items())
    ]
