"""What `jwt-auth` takes from the habits of an app: keys, settings, errors, caches and hashes."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import NewFile
from fastwright.model.errors import Refused
from fastwright.model.plan import State
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static

DB = """
from collections.abc import Iterator

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

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
"""
ROUTES = """
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from shop.db import get_session

{name}_router = APIRouter()


@{name}_router.get("/{what}")
def read(session: Session = Depends(get_session)) -> list[int]:
    return []
"""
MAIN = """
from fastapi import FastAPI

{imports}

version = "v1"
prefix = f"/api/{{version}}"
app = FastAPI()
{included}
"""


def shop(*features: str, **files: str) -> AppMap:
    """An app with one router a feature, each below `/api/v1`."""
    texts = {f"shop/{f}/routes.py": ROUTES.format(name=f, what="first") for f in features}
    imports = "\n".join(f"from shop.{f}.routes import {f}_router" for f in features)
    lines = [f'app.include_router({f}_router, prefix=f"{{prefix}}/{f}")' for f in features]
    texts["shop/main.py"] = MAIN.format(imports=imports, included="\n".join(lines))
    texts |= {f"shop/{f}/__init__.py": "" for f in features}
    texts |= {"shop/__init__.py": "", "shop/db.py": DB, "requirements.txt": "fastapi\n", **files}
    return static.read({PurePosixPath(p): t.encode() for p, t in texts.items()})


PARTS = """
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True, unique=True, autoincrement=True)
    number: Mapped[int] = mapped_column(primary_key=True, default=1)
"""


def test_a_unique_part_of_a_key_names_an_account() -> None:
    """A key of several columns will do where one of them tells accounts apart by itself."""
    whole = DB.split('    __tablename__ = "users"')[1].split("    email", maxsplit=1)[0]
    app = shop("books", **{"shop/db.py": DB.replace(f'    __tablename__ = "users"{whole}', PARTS)})
    changes = JwtAuth().build(app)
    texts = [text.decode() for text in edits.apply(app.files, changes.changes).values()]
    (service,) = [text for text in texts if "def find_by_subject" in text]
    assert "select(User).where(User.id == key)" in service
    assert "session.get(" not in service
    plain = PARTS.replace("unique=True, ", "")
    app = shop("books", **{"shop/db.py": DB.replace(f'    __tablename__ = "users"{whole}', plain)})
    with pytest.raises(Refused, match="2 columns"):
        JwtAuth().build(app)


CONFIG = """
from pydantic_settings import BaseSettings
from starlette.config import Config

config = Config(".env")


class Naming(BaseSettings):
    APP_NAME: str = config("APP_NAME", default="shop")


class Settings(Naming):
    pass


settings = Settings()
"""


def test_a_setting_is_read_as_its_siblings_are() -> None:
    """Fields that starlette's ``Config`` reads get further ones that it reads too."""
    app = shop("books", **{"shop/config.py": CONFIG})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    text = after[PurePosixPath("shop/config.py")].decode()
    assert '    JWT_SECRET: SecretStr = config("JWT_SECRET", cast=SecretStr)\n' in text
    assert 'JWT_ACCESS_MINUTES: int = config("JWT_ACCESS_MINUTES", cast=int, default=15)' in text
    assert "pass\n" not in text


HANDLED = """
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

{imports}

app = FastAPI()
{included}


@app.exception_handler(HTTPException)
async def answer(_: Request, exc: HTTPException) -> JSONResponse:
    return JSONResponse(
        status_code=exc.status_code,
        content={{"status": "error", "code": exc.status_code, "message": exc.detail}},
    )
"""


def test_errors_are_declared_as_the_app_answers_them() -> None:
    """Where a handler of the app's own answers errors, its fields are those that are declared."""
    imports = "\n".join(f"from shop.{f}.routes import {f}_router" for f in ("books", "orders"))
    lines = [
        f'app.include_router(router={f}_router, tags=["{f.title()}"])' for f in ("books", "orders")
    ]
    main = HANDLED.format(imports=imports, included="\n".join(lines))
    app = shop("books", "orders", **{"shop/main.py": main})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    text = after[PurePosixPath("shop/auth/schemas.py")].decode()
    assert "    status: str\n    code: int\n    message: str\n" in text
    assert "detail" not in text
    included = after[PurePosixPath("shop/main.py")].decode()
    assert 'app.include_router(router=auth_router, tags=["Auth"])' in included


def test_rows_of_the_tests_fit_their_columns() -> None:
    """What is unique is told apart within the width that the table gives it."""
    narrow = DB.replace(
        "    password_hash",
        "    handle: Mapped[str] = mapped_column(String(20), unique=True)\n    password_hash",
    ).replace("mapped_column\n", "mapped_column\nfrom sqlalchemy import String\n")
    for text, login, row in (
        (narrow, "@example.com", "handle=login[:20],"),
        (narrow.replace("email", "username").replace("(unique", "(String(12), unique"),
         "login = uuid4().hex[:12]\n", "handle=login[:20],"),
    ):  # fmt: skip
        app = shop("books", **{"shop/db.py": text})
        changes = JwtAuth().build(app)
        (test,) = changes.promise.tests
        written = edits.apply(app.files, changes.changes)[test].decode()
        assert row in written
        assert login in written


CACHING = """
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware

{imports}


class ClientCache(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["Cache-Control"] = f"public, max-age={{60}}"
        return response


app = FastAPI()
app.add_middleware(ClientCache)
{included}
"""


def test_middleware_does_not_have_a_token_cached() -> None:
    """Middleware that sets how long answers keep leaves those alone that say it themselves."""
    imports = "\n".join(f"from shop.{f}.routes import {f}_router" for f in ("books", "orders"))
    included = "\n".join(f"app.include_router({f}_router)" for f in ("books", "orders"))
    main = CACHING.format(imports=imports, included=included)
    app = shop("books", "orders", **{"shop/main.py": main})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    text = after[PurePosixPath("shop/main.py")].decode()
    assert 'response.headers.setdefault("Cache-Control", f"public, max-age={60}")\n' in text
    assert JwtAuth().build(static.read(after)).is_empty


CHANGING = """
from fastapi import APIRouter, Depends
from passlib.context import CryptContext
from sqlalchemy.orm import Session

from shop.db import User, get_session

context = CryptContext(schemes=["bcrypt"])
accounts_router = APIRouter()


def is_right(password: str, stored: str) -> bool:
    return context.verify(password, stored)


@accounts_router.put("/password")
def change_password(old: str, new: str, session: Session = Depends(get_session)) -> None:
    account = session.query(User).one()
    if {check}:
        account.password_hash = context.hash(new)
        session.commit()
"""


def test_hashes_that_a_route_of_the_app_reads_stay() -> None:
    """Where a route verifies bcrypt hashes itself, a login leaves it hashes that it can read."""
    for check, is_kept in (("is_right(old, account.password_hash)", True), ("new", False)):
        routes = CHANGING.format(check=check)
        app = shop("books", "accounts", **{"shop/accounts/routes.py": routes})
        changes = JwtAuth().build(app)
        texts = "".join(getattr(change, "text", "") for change in changes.changes)
        assert ("_hashes.verify(password, target), None" in texts) is is_kept
        assert ("def test_a_login_replaces_a_stored_hash" in texts) is not is_kept
        said = " ".join((*(e.because for e in changes.explains), *changes.deploy))
        assert ("`PUT /api/v1/accounts/password` verifies them itself" in said) is is_kept
        assert ("let `PUT /api/v1/accounts/password` verify by `check_password`" in said) is is_kept


OWN_LOGIN = """
import jwt
from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

SECRET_KEY = "written-here"
auth_router = APIRouter()


def read(token: str) -> dict[str, str]:
    return jwt.decode(token, SECRET_KEY, ["HS256"], options={"verify_exp": False})


@auth_router.post("/login")
def login(form: OAuth2PasswordRequestForm = Depends()) -> str:
    return jwt.encode({"sub": form.username, "exp": 1, "aud": "shop"}, SECRET_KEY)
"""


def test_a_login_that_is_there_is_told_what_it_lacks() -> None:
    """A key in the source and an expiry that nobody looks at are gaps, whoever wrote the login."""
    app = shop("books", "auth", **{"shop/auth/routes.py": OWN_LOGIN})
    found = JwtAuth().detect(app)
    assert found.state is State.PRESENT
    assert set(found.gaps) == {
        "`SECRET_KEY` stands in the source",
        "a token is read whether or not it has expired",
        "failed logins meet no limit",
    }


CLASS = """
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file="{file}")
    app_name: str = "shop"


settings = Settings()
"""


@pytest.mark.parametrize(
    ("named", "place"),
    [
        (".env", ".env.example"),
        ("deploy/.env", "deploy/.env.example"),
        ("../../.env", ".env.example"),
        ("/run/shop/.env", ".env.example"),
    ],
)
def test_the_example_stands_beside_the_env_file(named: str, place: str) -> None:
    """What shows the variables is written where the settings class looks for their values."""
    app = shop("books", **{"shop/config.py": CLASS.format(file=named)})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    written = [str(path) for path in after if path.name == ".env.example"]
    assert written == [place]


def test_of_several_examples_the_one_beside_the_env_file_gets_the_line() -> None:
    """An example of something else, nearer to the root, is left as it is."""
    files = {
        "shop/config.py": CLASS.format(file="deploy/.env"),
        ".env.example": "OTHER=\n",
        "deploy/.env.example": "APP_NAME=shop\n",
    }
    app = shop("books", **files)
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    assert after[PurePosixPath(".env.example")] == b"OTHER=\n"
    assert b"JWT_SECRET=" in after[PurePosixPath("deploy/.env.example")]


HASHER = """
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

password_hash = PasswordHash((Argon2Hasher(time_cost=2), BcryptHasher()))
"""


def test_an_own_hasher_is_the_only_one() -> None:
    """Where the app has pwdlib's hasher set up, a login verifies and hashes by that very object."""
    app = shop("books", **{"shop/security.py": HASHER})
    changes = JwtAuth(registration=True).build(app)
    texts = [text.decode() for text in edits.apply(app.files, changes.changes).values()]
    (passwords,) = [text for text in texts if "def check_password" in text]
    assert "from shop.security import password_hash\n" in passwords
    assert "_hashes = password_hash\n" in passwords
    assert "PasswordHash(" not in passwords
    assert not any("class StoredBcrypt" in text for text in texts)
    told = [decision.chose for decision in changes.explains]
    assert any("the app's own hasher, `shop.security.password_hash`" in chose for chose in told)
    assert dict(changes.promise.attacks)["brute-force"]["hash_by"] == "shop.security.password_hash"


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("hasher = PasswordHasher()", "hashing on the event loop"),
        ("hashed = bcrypt.hashpw(b'a', bcrypt.gensalt())", "bcrypt"),
    ],
)
def test_what_is_chosen_instead_is_what_would_have_been(line: str, instead: str) -> None:
    """An app that hashes with argon2 already is not told that argon2 replaces bcrypt."""
    app = shop("books", **{"shop/security.py": f"{line}\n"})
    (decision,) = [d for d in JwtAuth().build(app).explains if "argon2id" in d.chose]
    assert decision.instead_of == instead


SQLMODEL = """
from collections.abc import Iterator
from fastapi import Depends, FastAPI
from sqlmodel import Field, Session, SQLModel, create_engine
engine = create_engine("sqlite://")
app = FastAPI()
class User(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    password_hash: str
def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session
@app.get("/users")
def users(session: Session = Depends(get_session)) -> list[int]:
    return []
"""


def test_the_written_tests_of_an_app_on_sqlmodel_know_one_session() -> None:
    """A client with a database of its own opens the session that the app's routes take."""
    settings = b"import os\n\nDEBUG = os.environ['DEBUG']\n"
    files = {PurePosixPath("main.py"): SQLMODEL.encode(), PurePosixPath("config.py"): settings}
    changes = JwtAuth().build(static.read(files)).changes
    (text,) = (c.text for c in changes if isinstance(c, NewFile) and c.path.name == "test_login.py")
    assert "    with Session(engine) as session:" in text
    assert re.findall(r"(?m)^from (\S+) import .*\bSession\b", text) == ["sqlmodel"]
