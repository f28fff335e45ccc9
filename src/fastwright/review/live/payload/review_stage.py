"""review_stage: the app, users who can call, and their rows, for the tests of a review.

Run them against a database for tests: they write to whatever the app's settings name.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import hmac
import importlib
import json
import secrets
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from inspect import signature
from typing import Any
from unittest.mock import patch

from fastapi.testclient import TestClient

FACTS: dict[str, Any] = {}
SIGNERS = (
    ("jwt.api_jws", "PyJWS", "encode"),
    ("jwt.api_jws", "", "encode"),
    ("jose.jws", "", "sign"),
)
"""Where PyJWT and python-jose make a signed text of claims."""

MOMENT = 0.2
"""Seconds for which a change waits, so that others read what was there before."""


class Scene:
    """The running app with its tables; a context manager."""

    def __init__(self) -> None:
        module, _, name = FACTS["target"].partition(":")
        made = getattr(importlib.import_module(module), name)
        app = made() if FACTS["factory"] else made
        address = (f"198.51.100.{secrets.randbelow(256)}", 1024 + secrets.randbelow(60000))
        # An address of its own for each test, so that no limit counts the tests before.
        options = {"client": address} if "client" in signature(TestClient).parameters else {}
        here = "http://localhost"  # a name that apps which trust some hosts alone do trust
        self.client = TestClient(app, here, raise_server_exceptions=False, **options)

    def __enter__(self) -> Scene:
        self.client.__enter__()
        try:
            for metadata in self.schemas:
                self.work(metadata.create_all)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        # A connection belongs to the loop that the app ran on: the next test has another one.
        for engine in filter(_is_asynchronous, gc.get_objects()):
            self._on_loop(engine.dispose)
        self.client.__exit__(*error)

    def work(self, work: Any) -> Any:
        """`work` done on a connection of the app's own engine, and committed."""
        if _is_asynchronous(self.engine):
            return self._on_loop(self._later, self.engine, work)
        with self.engine.begin() as connection:
            return work(connection)

    @cached_property
    def engine(self) -> Any:
        """The app's own engine, asynchronous where it has one."""
        kind = importlib.import_module("sqlalchemy").Engine
        found = [o for o in gc.get_objects() if isinstance(o, kind) or _is_asynchronous(o)]
        return max(found, key=_is_asynchronous)

    async def _later(self, engine: Any, work: Any) -> Any:
        async with engine.begin() as connection:
            return await connection.run_sync(work)

    def _on_loop(self, function: Any, *given: Any) -> Any:
        """Run a coroutine function where the app runs."""
        portal = self.client.portal
        assert portal is not None
        return portal.call(function, *given)

    def table(self, name: str) -> Any:
        """The app's table of that name."""
        return next(m.tables[name] for m in self.schemas if name in m.tables)

    @cached_property
    def schemas(self) -> list[Any]:
        """Everything that describes tables of the app; nothing where it has no SQLAlchemy."""
        kind = getattr(sys.modules.get("sqlalchemy"), "MetaData", None)
        return [m for m in gc.get_objects() if kind and type(m) is kind]

    def user(self, name: str, role: object = None) -> dict[str, Any]:
        """A new user who is logged in: their row, their headers, their token."""
        mark = f"{name}-{uuid.uuid4().hex[:8]}"
        person: dict[str, Any] = {"email": f"{mark}@example.com", "login": mark.replace("-", "")}
        if FACTS["sign_up"]:
            self.post(FACTS["sign_up"], person)
        else:
            self.add(FACTS["table"], {**FACTS["row"], **self._named(person)})
        person["row"] = self.found(FACTS["table"], self._named(person)) if FACTS["table"] else {}
        if role is not None:
            self.change(FACTS["table"], person["row"], {FACTS["privilege"]: role})
        answer = self.post(FACTS["login"], person)
        person["token"] = self._token(answer)
        name, prefix = FACTS["carry"]
        person["headers"] = {name: f"{prefix}{person['token']}"}
        return person

    def _named(self, person: dict[str, Any]) -> dict[str, str]:
        return {c: person["email" if "mail" in c else "login"] for c in FACTS["login_columns"]}

    def post(self, door: dict[str, Any], person: dict[str, Any], password: str = "") -> Any:
        """Send the credentials of `person` to a login or sign-up."""
        text = door["body"].replace("{email}", person["email"]).replace("{login}", person["login"])
        text = text.replace("{password}", password or FACTS["password"])
        headers = {"content-type": door["type"]}
        return self.client.post(door["path"], content=text, headers=headers)

    def _token(self, answer: Any) -> str:
        if FACTS["cookie"]:
            return str(answer.cookies[FACTS["cookie"]])
        waiting = [answer.json()]
        while waiting:
            value = waiting.pop(0)
            for key, inner in value.items() if isinstance(value, dict) else ():
                if key == FACTS["token"] and isinstance(inner, str):
                    return inner
                waiting.append(inner)
        raise AssertionError(f"the login gave no token: {answer.status_code}")

    def expired(self, person: dict[str, Any]) -> str:
        """A token of `person` that the app signs as ever, and whose time is over."""

        def late(sign: Any) -> Any:
            def signed(*given: Any, **options: Any) -> Any:
                return sign(*map(_aged, given), **{k: _aged(v) for k, v in options.items()})

            return signed

        with ExitStack() as stack:
            for module, kind, name in SIGNERS:
                try:
                    owner = importlib.import_module(module)
                except ImportError:
                    continue
                owner = getattr(owner, kind) if kind else owner
                stack.enter_context(patch.object(owner, name, late(getattr(owner, name))))
            return self._token(self.post(FACTS["login"], person))

    def rows(self, name: str, values: dict[str, Any], owner: dict[str, Any], count: int) -> None:
        """New rows of the owner's, which differ where no two may be the same."""
        table, single = self.table(name), [c for c in FACTS["unique"].get(name, ()) if c in values]
        mark = uuid.uuid4().hex[:6]
        made = [
            {**self._owned(name, values, owner), **{c: f"{n}{mark}{values[c]}" for c in single}}
            for n in range(count)
        ]
        rows = [{k: self._typed(table.c[k], v) for k, v in row.items()} for row in made]
        self.work(lambda connection: connection.execute(table.insert(), rows))

    def row(self, name: str, values: dict[str, Any], owner: dict[str, Any] | None = None) -> Any:
        """A new row, the owner's in every column that says whose it is."""
        return self.found(name, self.add(name, self._owned(name, values, owner)))

    def _owned(
        self, name: str, values: dict[str, Any], owner: dict[str, Any] | None
    ) -> dict[str, Any]:
        own = FACTS["owner_columns"].get(name, ()) if owner is not None else ()
        return {**values, **dict.fromkeys(own, owner["row"][FACTS["key"]] if owner else None)}

    def add(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Insert one row; what it can be found by."""
        table = self.table(name)
        known = {k: self._typed(table.c[k], v) for k, v in values.items()}
        keys = [c.name for c in table.primary_key]
        done = self.work(lambda connection: connection.execute(table.insert().values(known)))
        return dict(zip(keys, done.inserted_primary_key, strict=False))

    def _typed(self, column: Any, value: Any) -> Any:
        try:
            kind = column.type.python_type
        except NotImplementedError:
            return value
        reads = getattr(kind, "fromisoformat", None) or (uuid.UUID if kind is uuid.UUID else None)
        return reads(value) if reads is not None and isinstance(value, str) else value

    def found(self, name: str, where: dict[str, Any]) -> dict[str, Any]:
        """The row where the columns hold these values."""
        table = self.table(name)
        wanted = [table.c[k] == self._typed(table.c[k], v) for k, v in where.items()]
        query = table.select().where(*wanted)
        row = self.work(lambda connection: connection.execute(query).mappings().first())
        return dict(row) if row is not None else {}

    def change(self, name: str, row: dict[str, Any], values: dict[str, Any]) -> None:
        """Change one row."""
        table = self.table(name)
        wanted = [c == row[c.name] for c in table.primary_key]
        self.work(lambda c: c.execute(table.update().where(*wanted).values(**values)))

    def remove(self, name: str, row: dict[str, Any]) -> None:
        """Take one row away."""
        table = self.table(name)
        wanted = [c == row[c.name] for c in table.primary_key]
        self.work(lambda c: c.execute(table.delete().where(*wanted)))

    def number(self, name: str, row: dict[str, Any], column: str) -> Number:
        """The number that `column` of a row holds."""
        return Number(self, name, row, column)

    def together(self, count: int, table: str, method: str, path: str, *given: Any, **content: Any
                 ) -> list[Any]:  # fmt: skip
        """The same request many times at once, so that all have read before one changes `table`."""
        with self.slow_changes(table), ThreadPoolExecutor(count) as pool:
            sent = [pool.submit(self.send, method, path, *given, **content) for _ in range(count)]
            return [one.result() for one in sent]

    @contextmanager
    def slow_changes(self, table: str) -> Iterator[None]:
        """Whatever changes rows of `table` waits for a moment first."""
        if "sqlalchemy" not in sys.modules:
            yield
            return
        sqlalchemy = importlib.import_module("sqlalchemy")

        def wait(connection: Any, _: Any, statement: str, *more: Any) -> None:
            del more
            if statement.lstrip()[:6].upper() != "UPDATE" or table not in statement:
                return
            if getattr(connection.dialect, "is_async", False):
                sqlalchemy.util.await_only(asyncio.sleep(MOMENT))
            else:
                time.sleep(MOMENT)

        sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", wait)
        try:
            yield
        finally:
            sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", wait)

    @contextmanager
    def failing_commits(self) -> Iterator[None]:
        """Every commit of what was written fails, as when the database is lost at that moment."""
        sqlalchemy = importlib.import_module("sqlalchemy")

        def note(connection: Any, _: Any, statement: str, *more: Any) -> None:
            del more
            if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DELETE"):
                connection.info["review"] = "written"

        def fail(connection: Any) -> None:
            if connection.info.pop("review", "") != "written":
                return
            connection.dialect.do_rollback(connection.connection)
            raise sqlalchemy.exc.OperationalError(
                "COMMIT", None, Exception("the connection is lost")
            )

        listeners = (("before_cursor_execute", note), ("commit", fail))
        for name, listener in listeners:
            sqlalchemy.event.listen(sqlalchemy.Engine, name, listener)
        try:
            yield
        finally:
            for name, listener in listeners:
                sqlalchemy.event.remove(sqlalchemy.Engine, name, listener)

    def send(
        self, method: str, path: str, person: dict[str, Any] | None = None, **content: Any
    ) -> Any:
        """Send one request, as nobody where `person` is None."""
        mine, own = person["headers"] if person else {}, content.pop("headers", {})
        headers = {**mine, **own}
        if "cookie" in mine and "cookie" in own:  # the last of two of one name counts
            headers["cookie"] = b"; ".join(map(_bytes, (mine["cookie"], own["cookie"])))
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers, **content)


class Number:
    """What one column of one row holds, as it is at any moment."""

    def __init__(self, scene: Scene, table: str, row: dict[str, Any], column: str) -> None:
        self.scene, self.table, self.row, self.column = scene, table, row, column

    @property
    def now(self) -> float:
        """What the database holds now."""
        keys = {c.name: self.row[c.name] for c in self.scene.table(self.table).primary_key}
        return float(self.scene.found(self.table, keys)[self.column])

    def change(self, value: int) -> None:
        """Let it be `value`."""
        self.scene.change(self.table, self.row, {self.column: value})


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _is_asynchronous(one: Any) -> bool:
    return type(one).__name__ == "AsyncEngine"


def _aged(claims: Any) -> Any:
    """Claims with an end that is past, in whatever form they are signed; all else as it is."""
    if isinstance(claims, dict) and "exp" in claims:
        return {**claims, "exp": int(time.time()) - 7200}
    if isinstance(claims, bytes) and b'"exp"' in claims:
        return json.dumps(_aged(json.loads(claims))).encode()
    return claims


def longest(answer: Any) -> int:
    """How many elements the longest list of an answer has."""
    value = answer.json()
    lists = [value, *(value.values() if isinstance(value, dict) else ())]
    return max((len(one) for one in lists if isinstance(one, list)), default=0)


def forged(token: str, key: bytes | None) -> str:
    """The claims of `token` signed with `key`, or not signed at all."""
    header = {"typ": "JWT", "alg": "none" if key is None else "HS256"}
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    message = f"{first}.{token.split('.')[1]}"
    if key is None:
        return f"{message}."
    digest = hmac.new(key, message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
