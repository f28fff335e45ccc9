"""Where `jwt-auth` puts its endpoints, in apps that have a place for them already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet
from fastwright.model.errors import Refused
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


RUFF = str(Path(sys.executable).with_name("ruff"))


def shop(*features: str, **files: str) -> AppMap:
    """An app with one router a feature, each below `/api/v1`."""
    texts = {f"shop/{f}/routes.py": ROUTES.format(name=f, what="first") for f in features}
    imports = "\n".join(f"from shop.{f}.routes import {f}_router" for f in features)
    lines = [f'app.include_router({f}_router, prefix=f"{{prefix}}/{f}")' for f in features]
    texts["shop/main.py"] = MAIN.format(imports=imports, included="\n".join(lines))
    texts |= {f"shop/{f}/__init__.py": "" for f in features}
    texts |= {"shop/__init__.py": "", "shop/db.py": DB, "requirements.txt": "fastapi\n", **files}
    return static.read({PurePosixPath(p): t.encode() for p, t in texts.items()})


def served(app: AppMap, changes: ChangeSet) -> set[str]:
    """The operations that the app serves with the change."""
    after = static.read(edits.apply(app.files, changes.changes))
    return {str(route) for route in after.routes if route.reachable}


def test_a_router_for_authentication_is_joined() -> None:
    """Where the app has a router where ours would stand, the endpoints join it at its prefix."""
    app = shop("books", "auth")
    changes = JwtAuth().build(app)
    assert str(changes.promise.adds[0]) == "POST /api/v1/auth/login"
    assert {str(o) for o in changes.promise.adds} <= served(app, changes)
    after = static.read(edits.apply(app.files, changes.changes))
    assert {r.variable for r in after.routers} == {"auth_router", "books_router"}
    assert JwtAuth().build(after).is_empty


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/me", "/api/v1/auth/login/me"),
        ("/{name}", "/api/v1/auth/login/me"),
        ("/you", "/api/v1/auth/me"),
    ],
)
def test_a_path_that_the_app_answers_at_stays_its_own(path: str, ours: str) -> None:
    """Who is logged in is said beside what the app says itself, be it by a parameter."""
    routes = ROUTES.format(name="auth", what="first").replace("/first", path)
    app = shop("books", "auth", **{"shop/auth/routes.py": routes})
    changes = JwtAuth().build(app)
    assert str(changes.promise.adds[1]) == f"GET {ours}"
    assert ("protected", f"GET {ours}") in dict(changes.promise.attacks)["brute-force"].items()
    assert {str(o) for o in changes.promise.adds} <= served(app, changes)
    after = static.read(edits.apply(app.files, changes.changes))
    assert JwtAuth().build(after).is_empty
    (decision,) = [d for d in changes.explains if d.chose == f"`GET {ours}`"]
    assert ("is answered already" in decision.because) == (path != "/you")


@pytest.mark.parametrize("head", ["", "import pytest\n\n", "import os\nimport pytest\n\n"])
def test_the_secret_of_the_tests_is_set_by_a_name_that_is_bound(head: str) -> None:
    """`os` is imported above the line that needs it, however the imports are sorted."""
    own = "from shop.main import app\nfrom datetime import datetime\nimport uuid\n"
    app = shop("books", **{"tests/conftest.py": head + own})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    lines = after[PurePosixPath("tests/conftest.py")].decode().splitlines()
    (setting,) = [i for i, line in enumerate(lines) if line.startswith("os.environ.setdefault(")]
    assert lines.index("import os") < setting < lines.index("from shop.main import app")
    assert lines.count("import os") == 1


@pytest.mark.parametrize(("ruff", "place"), [("0.4.8", "__init__"), ("0.5.0", "conftest")])
def test_the_secret_of_the_tests_is_set_where_the_linter_lets_it(ruff: str, place: str) -> None:
    """Where a statement above an import is E402, the tests' own package sets the secret."""
    own = {"tests/__init__.py": "", "tests/conftest.py": "from shop.main import app\n"}
    app = shop("books", **own, **{"requirements.txt": f"fastapi\nruff=={ruff}\n"})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    setting = [path for path, text in after.items() if b"os.environ.setdefault(" in text]
    assert setting == [PurePosixPath(f"tests/{place}.py")]


def test_a_path_outside_of_a_joined_router_is_refused() -> None:
    """A joined router serves nothing beside its prefix, and the refusal names a path that works."""
    with pytest.raises(Refused) as refusal:
        JwtAuth(path="/login").build(shop("books", "auth"))
    assert "/api/v1/auth/login" in refusal.value.do
    changes = JwtAuth(path="/api/v1/auth/token").build(shop("books", "auth"))
    assert str(changes.promise.adds[0]) == "POST /api/v1/auth/token"


def test_the_prefix_that_all_routers_share_is_kept() -> None:
    """Where every prefix begins with the same folders, the login stands below them too."""
    app = shop("books", "orders")
    changes = JwtAuth().build(app)
    assert str(changes.promise.adds[0]) == "POST /api/v1/auth/login"
    assert {str(o) for o in changes.promise.adds} <= served(app, changes)


def test_a_mocked_session_is_not_tested_through() -> None:
    """A suite whose client has a mock for a database gets tests with a client of their own."""
    conftest = (
        "from unittest.mock import Mock\n\nimport pytest\n"
        "from fastapi.testclient import TestClient\n"
        "from shop.db import get_session\nfrom shop.main import app\n\n"
        "app.dependency_overrides[get_session] = lambda: {made}\n\n\n"
        "@pytest.fixture\ndef client():\n    return TestClient(app)\n"
    )
    for made, own in (("Mock()", True), ("None", False)):
        app = shop("books", **{"tests/conftest.py": conftest.format(made=made)})
        changes = JwtAuth().build(app)
        (test,) = changes.promise.tests
        text = edits.apply(app.files, changes.changes)[test].decode()
        assert ("def client(" in text) is own


CONFTEST = """
from collections.abc import AsyncIterator

import pytest
from httpx import ASGITransport, AsyncClient
from shop.main import app


@pytest.fixture
async def test_client() -> AsyncIterator[AsyncClient]:
    transport = ASGITransport(app=app)
    async with AsyncClient(transport=transport, base_url="http://testserver/api/v1") as client:
        yield client
"""


@pytest.mark.parametrize("roles", [False, True])
def test_a_client_with_a_path_in_its_address_is_asked_for_whole_ones(
    roles: bool, tmp_path: Path
) -> None:
    """Every name in the tests for such a client is defined, whatever was chosen."""
    app = shop("books", "orders", **{"tests/conftest.py": CONFTEST})
    changes = JwtAuth(roles=roles).build(app)
    (test,) = changes.promise.tests
    text = edits.apply(app.files, changes.changes)[test]
    assert b'LOGIN = "http://testserver/api/v1/auth/login"' in text
    (tmp_path / "test_it.py").write_bytes(text)
    ran = subprocess.run(
        [RUFF, "check", "--isolated", "--select", "F", "test_it.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout


def test_a_router_that_says_nothing_of_itself_is_made_on_one_line() -> None:
    """Where prefix and tags stand at the inclusion, the call that makes the router is empty."""
    imports = "\n".join(f"from shop.{f}.routes import {f}_router" for f in ("books", "orders"))
    included = "\n".join(
        f'app.include_router({f}_router, prefix="/api/{f}", tags=["{f}"])'
        for f in ("books", "orders")
    )
    main = MAIN.format(imports=imports, included=included)
    app = shop("books", "orders", **{"shop/main.py": main})
    changes = JwtAuth().build(app)
    after = edits.apply(app.files, changes.changes)
    made = [text for text in after.values() if b"OAuth2PasswordRequestForm" in text]
    assert any(b"router = APIRouter()\n" in text for text in made)


def test_what_the_tests_set_stands_apart_from_imports() -> None:
    """The variable for the tests has a blank line above and below it."""
    conftest = "import pytest\nfrom shop.main import app\n"
    app = shop("books", **{"tests/conftest.py": conftest})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    lines = after[PurePosixPath("tests/conftest.py")].decode().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("os.environ.setdefault"))
    assert lines[at - 1] == lines[at + 1] == ""
    assert lines[at - 2] == "import pytest"


def test_what_routes_ask_for_stands_with_the_other_dependencies() -> None:
    """Where the app has a file of dependencies, `CurrentUser` goes there, and is known there."""
    deps = (
        "from collections.abc import Iterator\n\nfrom sqlalchemy.orm import Session\n\n"
        "from shop.db import engine\n\n\n"
        "def get_session() -> Iterator[Session]:\n"
        "    with Session(engine) as session:\n        yield session\n"
    )
    routes = ROUTES.format(name="books", what="first").replace("shop.db", "shop.deps")
    given = {"shop/deps.py": deps, "shop/api/books.py": routes, "shop/api/__init__.py": ""}
    imports = "from shop.api.books import books_router"
    main = MAIN.format(imports=imports, included="app.include_router(books_router)")
    app = shop(**given, **{"shop/main.py": main})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    text = after[PurePosixPath("shop/deps.py")].decode()
    assert "\nSessionDep = Annotated[Session, Depends(get_session)]\n\noauth2_scheme" in text
    assert "\nCurrentUser = Annotated[User, Depends(current_user)]\n" in text
    assert JwtAuth().build(static.read(after)).is_empty
    circular = {**given, "shop/db.py": DB + "\nfrom shop import deps\n"}
    app = shop(**circular, **{"shop/main.py": main})
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    assert after[PurePosixPath("shop/deps.py")].decode() == deps


def test_a_new_package_hides_no_module() -> None:
    """Where the app has a module `security`, what is new goes into a package of another name."""
    routes = {f"shop/api/{n}.py": ROUTES.format(name=n, what="first") for n in ("books", "orders")}
    imports = "\n".join(f"from shop.api.{n} import {n}_router" for n in ("books", "orders"))
    included = "\n".join(f"app.include_router({n}_router)" for n in ("books", "orders"))
    main = MAIN.format(imports=imports, included=included)
    files = {**routes, "shop/main.py": main, "shop/api/__init__.py": "", "shop/security.py": ""}
    app = shop(**files)
    new = JwtAuth().build(app).paths()
    assert PurePosixPath("shop/auth/tokens.py") in new
    assert not [path for path in new if "security" in path.parts]


def test_names_that_are_the_same_object_are_not_imported_twice() -> None:
    """`HTTPException` and `status` from elsewhere are what FastAPI itself gives out."""
    routes = ROUTES.format(name="auth", what="first").replace(
        "from fastapi import APIRouter, Depends\n",
        "from fastapi import APIRouter, Depends\nfrom fastapi.exceptions import HTTPException\n"
        "from starlette import status\n\nfrom .names import NAMES\n",
    )
    names = {"shop/auth/names.py": "NAMES = ()\n", "shop/auth/routes.py": routes}
    app = shop("books", "auth", **names)
    after = edits.apply(app.files, JwtAuth().build(app).changes)
    text = after[PurePosixPath("shop/auth/routes.py")].decode()
    assert text.count("HTTPException\n") == text.count("import status\n") == 1
    assert "fastapi_HTTPException" not in text
    assert "from .dependencies import CurrentUser, SessionDep\n" in text
