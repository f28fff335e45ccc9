"""What handlers refuse by themselves: nobody, and whoever is no administrator."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.review.guarding import is_for_administrators
from fastwright.review.turning_away import refuses_nobody
from fastwright.survey import static

HEAD = """
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from jwt import decode
class User: ...
app = FastAPI()
def get_current_user(token=Depends(HTTPBearer())) -> User:
    return decode(token.credentials, 'k')
def ensure_admin(user):
    if not user.is_admin:
        raise HTTPException(403)
def touch(user):
    user.is_admin = False
def check_role(roles, user):
    if user.role not in roles:
        raise HTTPException(403)
@app.post('/films')
def add(title: str, user: User = Depends(get_current_user)):
"""


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ("if user.role != 'admin':\n        raise HTTPException(403)", True),
        ("if not user.is_superuser:\n        raise HTTPException(403)", True),
        ("if not user or not user.is_admin:\n        raise HTTPException(403)", True),
        ("if user.role != Role.ADMIN:\n        raise HTTPException(403)", True),
        ("if user.role not in ('admin', 'superadmin'):\n        raise HTTPException(403)", True),
        ("if user['role'] != 'admin':\n        raise HTTPException(403)", True),
        ("ensure_admin(user)", True),
        ("check_role(['ADMIN'], user)", True),
        ("check_role([Role.ADMIN, 'superadmin'], user)", True),
        ("check_role(['ADMIN', 'EDITOR'], user)", False),
        ("check_role(allowed, user)", False),
        ("touch(user)", False),
        ("if user.role not in ('admin', 'editor'):\n        raise HTTPException(403)", False),
        ("if not user.is_admin and film.by != user.id:\n        raise HTTPException(403)", False),
        ("if user.role == 'admin':\n        raise HTTPException(403)", False),
        ("if not user.is_admin:\n        title = ''", False),
        ("if title:\n        if not user.is_admin:\n            raise HTTPException(403)", False),
        ("if title:\n        pass\n    elif not user.is_admin:\n        raise HTTPException(403)",
         False),
        ("if title:\n        return\n    if not user.is_admin:\n        raise HTTPException(403)",
         False),
    ],
)  # fmt: skip
def test_a_test_in_the_handler_is_for_administrators(body: str, holds: bool) -> None:
    """Each run must meet it, and it must let no owner and no other role pass."""
    app = static.read({PurePosixPath("main.py"): f"{HEAD}    {body}\n".encode()})
    assert is_for_administrators(app.routes[0], app) is holds
    assert not is_for_administrators(app.routes[0])


LAX = """
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, RedirectResponse
class User: ...
app = FastAPI()
def get_current_user(request: Request) -> User | None:
    return request.session.get('user')
@app.get('/films')
def films(user: User = Depends(get_current_user)):
"""


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        ("if not user:\n        raise HTTPException(404)", True),
        ("if user is None:\n        return RedirectResponse('/login')", True),
        (
            "if user is None or user.id == 1:\n        return JSONResponse({}, status_code=401)",
            True,
        ),
        ("return user.films", True),
        ("if not user:\n        return []\n    return user.films", False),
        ("if user is None and True:\n        raise HTTPException(404)", False),
        ("return user.films if user else []", False),
        ("if user:\n        return user.films", False),
        ("return 1", False),
    ],
)
def test_nobody_is_refused_by_a_handler(body: str, holds: bool) -> None:
    """An error, a login, or code that fails without a caller: whoever is nobody gets nothing."""
    app = static.read({PurePosixPath("main.py"): f"{LAX}    {body}\n".encode()})
    assert refuses_nobody(app, app.routes[0]) is holds
