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
import uuid
from inspect import signature
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import Engine, MetaData
from sqlalchemy.ext.asyncio import AsyncEngine

FACTS: dict[str, Any] = json.loads("{}")


class Scene:
    """The running app with its tables; a context manager."""

    def __init__(self) -> None:
        module, _, name = FACTS["target"].partition(":")
        made = getattr(importlib.import_module(module), name)
        app = made() if FACTS["factory"] else made
        address = (f"198.51.100.{secrets.randbelow(256)}", 1024 + secrets.randbelow(60000))
        # An address of its own for each test, so that no limit counts the tests before.
        options = {"client": address} if "client" in signature(TestClient).parameters else {}
        self.client = TestClient(app, raise_server_exceptions=False, **options)

    def __enter__(self) -> Scene:
        self.client.__enter__()
        for metadata in {id(m): m for m in gc.get_objects() if type(m) is MetaData}.values():
            self.work(metadata.create_all)
        return self

    def __exit__(self, *error: object) -> None:
        self.client.__exit__(*error)

    def work(self, work: Any) -> Any:
        """`work` done on a connection of the app's own engine, and committed."""
        found = [o for o in gc.get_objects() if isinstance(o, AsyncEngine | Engine)]
        asynchronous = [one for one in found if isinstance(one, AsyncEngine)]
        if asynchronous:
            return asyncio.run(self._later(asynchronous[0], work))
        with found[0].begin() as connection:
            return work(connection)

    async def _later(self, engine: AsyncEngine, work: Any) -> Any:
        async with engine.begin() as connection:
            result = await connection.run_sync(work)
        await engine.dispose()
        return result

    def table(self, name: str) -> Any:
        """The app's table of that name."""
        known = (m for m in gc.get_objects() if type(m) is MetaData)
        return next(m.tables[name] for m in known if name in m.tables)

    def user(self, name: str, role: object = None) -> dict[str, Any]:
        """A new user who is logged in: their row, their headers, their token."""
        mark = f"{name}-{uuid.uuid4().hex[:8]}"
        person: dict[str, Any] = {"email": f"{mark}@example.com", "login": mark.replace("-", "")}
        if FACTS["sign_up"]:
            self.post(FACTS["sign_up"], person)
        else:
            self.add(FACTS["table"], {**FACTS["row"], **self._named(person)})
        person["row"] = self.found(FACTS["table"], self._named(person))
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

    def row(self, name: str, values: dict[str, Any], owner: dict[str, Any] | None = None) -> Any:
        """A new row, the owner's in every column that says whose it is."""
        own = FACTS["owner_columns"].get(name, ()) if owner is not None else ()
        key = owner["row"][FACTS["key"]] if owner is not None else None
        made = {**values, **dict.fromkeys(own, key)}
        return self.found(name, self.add(name, made))

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

    def send(
        self, method: str, path: str, person: dict[str, Any] | None = None, **content: Any
    ) -> Any:
        """Send one request, as nobody where `person` is None."""
        headers = {**content.pop("headers", {}), **(person["headers"] if person else {})}
        self.client.cookies.clear()
        return self.client.request(method, path, headers=headers, **content)


def forged(token: str, key: bytes | None) -> str:
    """The claims of `token` signed with `key`, or not signed at all."""
    header = {"typ": "JWT", "alg": "none" if key is None else "HS256"}
    first = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    message = f"{first}.{token.split('.')[1]}"
    if key is None:
        return f"{message}."
    digest = hmac.new(key, message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
