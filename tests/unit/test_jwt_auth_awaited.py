"""The path of a login, learnt from the app's own tests that post to it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static

APP = """
from collections.abc import Iterator

from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from shop.config import settings

engine = create_engine("sqlite://")


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


books = APIRouter(prefix="/books")
users = APIRouter(prefix="/users")


@books.get("/")
def read_books(session: Session = Depends(get_session)) -> list[int]:
    return []


@users.post("/")
def register(session: Session = Depends(get_session)) -> None: ...


api = APIRouter()
api.include_router(books)
api.include_router(users)
app = FastAPI()
app.include_router(api, prefix=settings.api_prefix)
"""
CONFIG = """
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    api_prefix: str = "/api/v1"


settings = Settings()
"""
HEAD = """
from fastapi.testclient import TestClient

from shop.config import settings
from shop.main import app

client = TestClient(app)


"""
FORM = "data={'username': 'a@b.example', 'password': 'secret'}"
JSON = "json={'user': {'email': 'a@b.example', 'password': 'secret'}}"


def shop(*posts: str, **more: str) -> AppMap:
    """An app without a login, with one test for each of `posts`."""
    tests = HEAD + "\n\n".join(f"def test_{n}():\n    {post}\n" for n, post in enumerate(posts))
    files = {
        "shop/__init__.py": "",
        "shop/main.py": APP,
        "shop/config.py": CONFIG,
        "tests/test_users.py": tests,
        "requirements.txt": "fastapi\n",
        **more,
    }
    return static.read({PurePosixPath(p): t.encode() for p, t in files.items()})


def path_of(changes: ChangeSet) -> tuple[str, str]:
    """The path of the login, and what speaks for it."""
    found = next(r for r in changes.resolved if r.option == "path")
    return found.value, found.because


@pytest.mark.parametrize(
    ("posts", "path", "evidence"),
    [
        ((f"client.post('/auth/token', {FORM})",), "/auth/token", "1 of 1 such post in"),
        ((f"client.post('api/users/login', {JSON})",) * 2, "/api/users/login", "2 of 2 such posts"),
        (
            (f"client.post(f'{{settings.api_prefix}}/login/access-token', {FORM})",),
            "/api/v1/login/access-token",
            "1 of 1",
        ),
        (
            (f"client.post('/auth/token', {FORM})", *(f"client.post('/login', {FORM})",) * 2),
            "/login",
            "`tests/test_users.py:15` posts to it, 2 of 3 such posts in the tests",
        ),
    ],
)
def test_the_path_that_tests_post_credentials_to_is_taken(
    posts: tuple[str, ...], path: str, evidence: str
) -> None:
    """The most common one, with its place and the count of its evidence, and it is promised."""
    changes = JwtAuth().build(shop(*posts))
    found, because = path_of(changes)
    assert found == path
    assert evidence in because
    assert f"POST {path}" in [str(o) for o in changes.promise.adds]


FIXTURE = """
import pytest
from fastapi.testclient import TestClient
from shop.main import app


@pytest.fixture
def based_client():
    return TestClient(app, base_url="http://testserver/api/v2/")
"""


@pytest.mark.parametrize(
    ("post", "path"),
    [
        (f"based_client.post('/users/login', {JSON})", "/api/v2/users/login"),
        (f"client.post('/users/login', {JSON})", "/users/login"),
        (
            f"TestClient(app, base_url='http://t/api').post('/users/login', {JSON})",
            "/api/users/login",
        ),
    ],
)
def test_the_base_url_of_a_client_comes_before(post: str, path: str) -> None:
    """Where the client that posts has a base URL with a path, the login is awaited below it."""
    app = shop(post, **{"tests/conftest.py": FIXTURE})
    assert path_of(JwtAuth().build(app))[0] == path


@pytest.mark.parametrize(
    "post",
    [
        f"client.post('/api/v1/users/', {JSON})",
        f"client.post('/auth/refresh-token', {FORM})",
        f"client.post('/users/password-reset/token', {FORM})",
        "client.post('/auth/token', data={'grant': 'x'})",
        f"client.post(f'{{unknown}}/auth/token', {FORM})",
        f"client.put('/auth/token', {FORM})",
    ],
)
def test_what_is_no_login_or_is_served_says_nothing(post: str) -> None:
    """A path that is served, that renews or resets, or that no credentials go to is not taken."""
    assert path_of(JwtAuth().build(shop(post)))[0] == "/api/v1/auth/login"


def test_the_person_has_the_last_word() -> None:
    """`--path` wins over what the tests say."""
    app = shop(f"client.post('/auth/token', {FORM})")
    changes = JwtAuth(path="/api/v1/enter").build(app)
    assert "POST /api/v1/enter" in [str(o) for o in changes.promise.adds]


def test_a_prefix_that_a_setting_moves_moves_the_login_with_it() -> None:
    """Where the tests write the setting, the router joins below it, and not beside it."""
    app = shop(f"client.post(f'{{settings.api_prefix}}/login/access-token', {FORM})")
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    main = after[PurePosixPath("shop/main.py")].decode()
    assert "api.include_router(" in main.split("api.include_router(users)")[1].split("app = ")[0]
    texts = [text.decode() for text in after.values()]
    assert any('tokenUrl=f"{settings.api_prefix}/login/access-token"' in text for text in texts)


def test_json_that_tests_send_is_named() -> None:
    """A login takes a form: tests that send JSON are told of it, those that send a form are not."""
    for body, is_named in ((JSON, True), (FORM, False)):
        changes = JwtAuth().build(shop(f"client.post('/auth/token', {body})"))
        assert any("send JSON to `/auth/token`" in line for line in changes.not_done) is is_named


def test_a_second_run_finds_what_the_first_has_built() -> None:
    """The path is known again once it is served by what was written for it."""
    app = shop(f"client.post('/auth/token', {FORM})")
    after = static.read(edits.apply(app.files, JwtAuth().build(app).changes))
    assert JwtAuth().build(after).is_empty
