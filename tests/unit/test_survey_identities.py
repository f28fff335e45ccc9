"""Callers that no security scheme knows, and errors that only sound like a refusal."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static

HEAD = """
from fastapi import Cookie, Depends, FastAPI, Header, HTTPException, Request
class User: ...
class Cart: ...
app = FastAPI()
"""


def read(body: str) -> AppMap:
    """The map of one file."""
    return static.read({PurePosixPath("main.py"): (HEAD + body).encode()})


@pytest.mark.parametrize(
    ("dependency", "guard"),
    [
        ("who(request: Request) -> User:\n    return find(request.cookies.get('s'))", True),
        ("who(request: Request) -> User | None:\n    return find(request.session['id'])", True),
        ("get_user_id(request: Request) -> int:\n    return request.session['id']", True),
        ("who(session_token: str = Cookie()) -> User:\n    return find(session_token)", True),
        ("who(request: Request) -> User:\n    return find(request.headers['X-API-Key'])", True),
        ("who(request: Request) -> Cart:\n    return find(request.cookies.get('s'))", False),
        ("user_agent(request: Request):\n    return request.headers['user-agent']", False),
        ("get_user(name: str) -> User:\n    '''Not by cookies.'''\n    return find(name)", False),
        ("who(theme: str = Cookie('dark')) -> User:\n    return find(theme)", False),
    ],
)
def test_a_cookie_tells_who_is_calling(dependency: str, guard: bool) -> None:
    """What reads a cookie, the session or a key and yields an account is a principal, if a lax one.

    What yields something else, or reads something else, is none.
    """
    name = dependency.partition("(")[0]
    app = read(f"def {dependency}\n@app.get('/')\ndef index(given=Depends({name})): ...\n")
    found = [(g.name, g.role, g.optional) for g in app.routes[0].guards]
    assert found == ([(f"main.{name}", "principal", True)] if guard else [])
    assert [p.dependency for p in app.principals] == ([f"main.{name}"] if guard else [])


def test_a_cookie_that_is_demanded_is_a_strict_principal() -> None:
    """Where nobody is refused with 401 the caller is always there."""
    app = read(
        "def token(request: Request) -> str | None:\n    return request.cookies.get('s')\n"
        "def who(given: str | None = Depends(token)) -> User:\n    user = find(given)\n"
        "    if user is None:\n        raise HTTPException(401)\n    return user\n"
        "@app.get('/')\ndef index(user: User = Depends(who)): ...\n"
    )
    assert [(g.role, g.optional) for g in app.routes[0].guards] == [("principal", False)]


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        ("PermissionDeniedError()", (403,)),
        ("Error(Code.PERMISSION_DENIED)", (403,)),
        ("InvalidCredentials()", (401,)),
        ("LoginRequired()", (401,)),
        ("PermissionNotFoundException(permission_id)", ()),
        ("PermissionAlreadyExistsError(name)", ()),
        ("PermissionAlreadyAssigned(name)", ()),
        ("InvalidPermissionFormatException(name)", ()),
        ("RowMissing(permission_id)", ()),
        ("RowMissing(body.permission_id)", ()),
        ("Error(Code.PERMISSION_NOT_FOUND)", ()),
        ("UserHasNotPermissionException()", (403,)),
    ],
)
def test_a_missing_permission_is_a_row_and_a_lacking_one_a_refusal(
    raised: str, status: tuple[int, ...]
) -> None:
    """Errors about rows of permissions are none that turn somebody away."""
    text = (
        f"@app.put('/p/{{permission_id}}')\ndef change(permission_id: int):\n    raise {raised}\n"
    )
    assert read(text).routes[0].refuses == status


def test_a_handler_may_have_the_name_of_the_guard_that_it_asks_for() -> None:
    """In its own signature the name stands for what was imported, and below it for the handler."""
    guards = HEAD + "def caller():\n    raise HTTPException(403)\n"
    main = """
from fastapi import Depends, FastAPI
from guards import caller
app = FastAPI()
@app.get("/before")
def before(who=Depends(caller)): ...
@app.get("/me")
def caller(who=Depends(caller)): ...
@app.get("/after")
def after(who=Depends(caller)): ...
"""
    files = {PurePosixPath(f"{n}.py"): t.encode() for n, t in (("guards", guards), ("main", main))}
    found = {r.path: [g.name for g in r.guards] for r in static.read(files).routes}
    assert found == {path: ["guards.caller"] for path in ("/before", "/me", "/after")}
