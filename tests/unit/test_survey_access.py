"""Callers, guards, settings, middleware and what a recipe can bind to."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static

SECURITY = """
from passlib.context import CryptContext
pwd_context = CryptContext(schemes=["bcrypt"], deprecated="auto")
def verify_password(plain, hashed): return pwd_context.verify(plain, hashed)
def get_password_hash(password): return pwd_context.hash(password)
"""
MODELS = """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str]
    hashed_password: Mapped[str]
"""
DEPS = """
from typing import Annotated
import jwt
from fastapi import Depends, HTTPException, status
from fastapi.security import OAuth2PasswordBearer
from models import User
from schemas import User as UserSchema
reusable = OAuth2PasswordBearer(tokenUrl="/login/token")
lax = OAuth2PasswordBearer(tokenUrl="/login/token", auto_error=False)
def get_current_user(token: Annotated[str, Depends(reusable)]) -> User:
    if not jwt.decode(token, "k", algorithms=["HS256"]):
        raise HTTPException(status_code=status.HTTP_401_UNAUTHORIZED)
    return User()
CurrentUser = Annotated[User, Depends(get_current_user)]
def get_admin(user: CurrentUser) -> User:
    if not user.admin:
        raise HTTPException(403)
    return user
def get_optional_user(token: str | None = Depends(lax)) -> User | None:
    return None
def get_item_of(user: CurrentUser, item_id: int) -> dict: ...
"""
MAIN = """
from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware
import deps
app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"])
@app.middleware("http")
async def timing(request, call_next): ...
@app.get("/me")
def me(user: deps.CurrentUser): ...
@app.get("/mine")
def mine(user: deps.CurrentUser): ...
@app.get("/admin", dependencies=[Depends(deps.get_admin)])
def admin(): ...
@app.get("/maybe")
def maybe(user=Depends(deps.get_optional_user)): ...
@app.get("/item/{item_id}")
def item(item=Depends(deps.get_item_of)): ...
@app.get("/open")
def open_(): ...
"""
SCHEMAS = (
    "from pydantic import BaseModel\nclass User(BaseModel):\n    email: str\n    password: str\n"
)
CONFTEST = """
import pytest
from fastapi.testclient import TestClient
from main import app
@pytest.fixture
def client():
    with TestClient(app) as c:
        yield c
"""


def read(**files: str) -> AppMap:
    """The map of modules given by name."""
    named = {f"{n}.py" if "." not in n else n: t for n, t in files.items()}
    return static.read({PurePosixPath(p): t.encode() for p, t in named.items()})


@pytest.fixture(scope="module")
def app() -> AppMap:
    """An app with users, an administrator and an optional caller."""
    return read(
        security=SECURITY, models=MODELS, deps=DEPS, main=MAIN, schemas=SCHEMAS,
        **{"tests/conftest.py": CONFTEST},
    )  # fmt: skip


def test_the_caller_is_resolved_to_the_table_not_its_namesake(app: AppMap) -> None:
    """``User`` is the mapped class by module, though a schema has the same name."""
    first = app.principals[0]
    assert (first.dependency, first.model, first.alias) == (
        "deps.get_current_user", "models.User", "deps.CurrentUser",
    )  # fmt: skip
    assert (first.scheme, first.scheme_symbol, first.token_url) == (
        "OAuth2PasswordBearer", "deps.reusable", "/login/token",
    )  # fmt: skip
    assert first.used_by == 4
    assert [p.dependency for p in app.principals if p.permission] == ["deps.get_admin"]


@pytest.mark.parametrize(
    ("path", "guards"),
    [
        ("/me", {("deps.get_current_user", "principal", False)}),
        ("/admin", {("deps.get_admin", "permission", False)}),
        ("/maybe", {("deps.get_optional_user", "principal", True)}),
        ("/open", set()),
    ],
)
def test_guards(app: AppMap, path: str, guards: set[tuple[str, str, bool]]) -> None:
    """Each route says what can turn a request away, and whether it always does."""
    route = app.route("GET", path)
    assert route is not None
    found = {(g.name, g.role, g.optional) for g in route.guards}
    assert guards <= found
    assert bool(found) == bool(guards)
    assert {optional for _, role, optional in found if role == "scheme"} <= {path == "/maybe"}


def test_a_thing_loaded_for_the_caller_is_not_the_caller(app: AppMap) -> None:
    """A dependency that needs the caller and yields something else is no principal."""
    assert "deps.get_item_of" not in {p.dependency for p in app.principals}


def test_capabilities_name_the_users_own_symbols(app: AppMap) -> None:
    """What recipes bind to: by columns and by use, never by a fixed name."""
    found = {c.name: (c.symbol, c.because) for c in app.capabilities}
    assert found["app"][0] == "main.app"
    assert found["db.base"][0] == "models.Base"
    assert found["auth.current_user"][0] == "deps.get_current_user"
    assert found["auth.scheme"][0] == "deps.reusable"
    assert found["auth.user_table"] == (
        "models.User",
        "table `users` has the columns `email` and `hashed_password`",
    )
    assert found["auth.password_hash"] == ("security.get_password_hash", "bcrypt through passlib")
    assert found["tests.client"][0] == "tests.conftest.client"


def test_middleware_is_outermost_first(app: AppMap) -> None:
    """The last added runs first."""
    assert [m.name for m in app.middleware] == [
        "main.timing",
        "starlette.middleware.cors.CORSMiddleware",
    ]


def test_settings_classes_and_single_variables() -> None:
    """Prefixes, aliases, nested models, inheritance; who gives a value, and never the value."""
    config = """
from pydantic import AliasChoices, BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
class Database(BaseModel):
    host: str
    port: int = 5432
class Common(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_", env_nested_delimiter="__")
    debug: bool = False
class Settings(Common):
    secret: str
    db: Database
    url: str = Field(validation_alias=AliasChoices("REDIS_URL", "REDIS"))
settings = Settings()
"""
    other = "import os\nmode = os.getenv('MODE', 'dev')\nkey = os.environ['KEY']\n"
    app = read(
        config=config, other=other, **{".env.example": "SHOP_SECRET=hunter2\n# MODE=x\nMODE=\n"}
    )
    rows = {s.name: (s.required, s.reader) for s in app.settings}
    assert rows == {
        "SHOP_DEBUG": (False, "pydantic-settings"),
        "SHOP_SECRET": (True, "pydantic-settings"),
        "SHOP_DB__HOST": (True, "pydantic-settings"),
        "SHOP_DB__PORT": (False, "pydantic-settings"),
        "REDIS_URL": (True, "pydantic-settings"),
        "MODE": (False, "environ"),
        "KEY": (True, "environ"),
    }
    given = {s.name: s.given_by for s in app.settings if s.given_by}
    assert given == {"SHOP_SECRET": (".env.example",), "MODE": (".env.example",)}
    first = app.settings_classes[0]
    assert (first.name, first.instance, first.prefix) == (
        "config.Settings",
        "config.settings",
        "SHOP_",
    )
    assert app.files[first.span.path][: first.body_end].decode().endswith('"REDIS"))')


def test_old_pydantic_settings_and_starlette_config() -> None:
    """Version 1's ``Config`` class and starlette's ``config("NAME")``."""
    text = """
from pydantic import BaseSettings
from starlette.config import Config
class Settings(BaseSettings):
    key: str
    class Config:
        env_prefix = "OLD_"
config = Config(".env")
DEBUG = config("DEBUG", cast=bool, default=False)
HOST = config("HOST")
def get_settings() -> Settings:
    return Settings()
"""
    app = read(conf=text)
    assert {(s.name, s.required, s.reader) for s in app.settings} == {
        ("OLD_KEY", True, "pydantic-settings"),
        ("DEBUG", False, "starlette"),
        ("HOST", True, "starlette"),
    }
    assert app.settings_classes[0].getter == "conf.get_settings"


def test_a_caller_is_demanded_where_a_function_below_refuses() -> None:
    """A lax scheme whose dependency hands the refusal to helpers is no optional caller.

    It is one where the dependency gives up with ``None`` first, or catches what is raised below.
    """
    deps = """
import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPBearer
lax = HTTPBearer(auto_error=False)
class User: ...
def unauthorized(why):
    raise HTTPException(status_code=401, detail=why)
async def known(token) -> User:
    if claims := jwt.decode(token, "k", algorithms=["HS256"]):
        return User()
    return unauthorized("no")
async def demanded_user(token=Depends(lax)) -> User:
    return await known(token)
async def early_user(token=Depends(lax)) -> User:
    if not token:
        return None
    return await known(token)
async def caught_user(token=Depends(lax)) -> User:
    try:
        user = await known(token)
    except HTTPException:
        user = User()
    return user
"""
    main = """
from fastapi import Depends, FastAPI
import deps
app = FastAPI()
@app.get("/demanded")
def a(user=Depends(deps.demanded_user)): ...
@app.get("/early")
def b(user=Depends(deps.early_user)): ...
@app.get("/caught")
def c(user=Depends(deps.caught_user)): ...
"""
    app = read(deps=deps, main=main)
    found = {
        route.path: next(g.optional for g in route.guards if g.role != "scheme")
        for route in app.routes
    }
    assert found == {"/demanded": False, "/early": True, "/caught": True}


def test_a_guard_of_another_package_is_known_by_its_name_and_options() -> None:
    """What `fastapi-users` makes demands a caller, unless its options say that it is optional."""
    users = """
from fastapi_users import FastAPIUsers
made = FastAPIUsers(None, [])
current = made.current_user(active=True)
maybe = made.current_user(optional=True)
root = made.current_user(active=True, superuser=True)
"""
    main = """
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer
from vendor import Settings
import users
router = APIRouter(dependencies=[Depends(HTTPBearer(auto_error=False))])
@router.get("/current")
def a(user=Depends(users.current)): ...
@router.get("/maybe")
def b(user=Depends(users.maybe)): ...
@router.get("/root")
def c(user=Depends(users.root)): ...
@router.get("/open")
def d(settings=Depends(Settings)): ...
app = FastAPI()
app.include_router(router)
"""
    app = read(users=users, main=main)
    found = {r.path: [(g.role, g.optional) for g in r.guards if g.role != "scheme"]
             for r in app.routes}  # fmt: skip
    assert found == {
        "/current": [("principal", False)], "/maybe": [("principal", True)],
        "/root": [("permission", False)], "/open": [],
    }  # fmt: skip


ADMINS = """
import secrets
from fastapi import Depends, FastAPI, HTTPException, Header
from fastapi.security import HTTPBearer
from jwt import decode
class User: ...
class settings: admin_token = "s"
scheme = HTTPBearer()
app = FastAPI()
"""


@pytest.mark.parametrize(
    ("body", "role"),
    [
        ("if user.role != 'admin':\n        raise HTTPException(403)", "permission"),
        ("if not (user and user.is_superuser):\n        raise HTTPException(403)", "permission"),
        ("if user['role'] not in ('admin', 'staff'):\n        raise HTTPException(401)",
         "permission"),
        ("if user.is_admin:\n        return user\n    raise HTTPException(403)", "permission"),
        ("if not secrets.compare_digest(token.credentials, settings.admin_token):\n"
         "        raise HTTPException(403)", "permission"),
        ("if user is None:\n        raise HTTPException(401)", "principal"),
        ("if not user.is_active:\n        raise HTTPException(403)", "principal"),
        ("if user.is_admin and not token:\n        raise HTTPException(403)", "principal"),
        ("if user.role == 'banned':\n        raise HTTPException(403)", "principal"),
        ("if user.is_admin:\n        user.seen = True\n    if not user:\n"
         "        raise HTTPException(401)", "principal"),
    ],
)  # fmt: skip
def test_a_dependency_that_asks_for_a_right_itself_is_a_permission(body: str, role: str) -> None:
    """A role, a flag or an admin's key before a refusal, not a test that shuts some out."""
    text = (
        f"{ADMINS}def auth_current(token=Depends(scheme)) -> User:\n"
        f"    user = decode(token.credentials, 'k')\n    {body}\n    return user\n"
        "@app.get('/')\ndef index(user: User = Depends(auth_current)): ...\n"
    )
    app = static.read({PurePosixPath("main.py"): text.encode()})
    (found,) = [g.role for g in app.routes[0].guards if g.name == "main.auth_current"]
    assert found == role
    assert [p.permission for p in app.principals] == [role == "permission"]
