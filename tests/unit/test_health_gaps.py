"""What is said of a health check that an app has already, and how gates count."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.change import NewFile
from fastwright.prove.gate import counted
from fastwright.recipes.ensure.suite import is_tested, learn_suite
from fastwright.recipes.health_checks.recipe import HealthChecks
from fastwright.survey import static

PING = """
from fastapi import Depends, FastAPI
app = FastAPI()
@app.get("/ping")
def ping(): ...
"""
SESSION = """
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
engine = create_engine("sqlite://")
def get_session():
    with Session(engine) as session:
        yield session
"""


def gaps(text: str) -> tuple[str, ...]:
    """What a health check of the app lacks."""
    app = static.read({PurePosixPath("main.py"): text.encode()})
    return HealthChecks().detect(app).gaps


def test_only_an_app_with_a_database_has_one_to_ask() -> None:
    """An app without a session is not told that it does not ask its database."""
    assert gaps(PING) == ()
    assert gaps(PING + SESSION) == ("no health check of the app asks its database",)


def test_one_is_not_told_as_many() -> None:
    """`1 operation`, and no other way."""
    assert [counted(n, "call") for n in (0, 1, 2)] == ["0 calls", "1 call", "2 calls"]


APP = "from fastapi import FastAPI\napp = FastAPI()\n"
TESTED = (
    "from fastapi.testclient import TestClient\nfrom {name}.main import app\n"
    "client = TestClient(app)\n\n\ndef test_it():\n    client.get('/health/live')\n"
    "    client.get('/health/ready')\n"
)


@pytest.mark.parametrize(
    ("layout", "place"),
    [
        ({"one/main.py": APP, "two/main.py": APP}, "tests/test_health_endpoints.py"),
        (
            {"a/one/main.py": APP, "b/two/main.py": APP, "b/tests/test_two.py": "import two.main"},
            "b/tests/test_health.py",
        ),
    ],
    ids=["one-root", "two-roots"],
)
def test_a_second_app_gets_tests_of_its_own(layout: dict[str, str], place: str) -> None:
    """Tests of another app in the repository count for that one, and no file of theirs is taken."""
    first = "a/tests/test_health.py" if "a/one/main.py" in layout else "tests/test_health.py"
    inits = {str(PurePosixPath(p).with_name("__init__.py")): "" for p in layout if "main" in p}
    files = {**layout, **inits, first: TESTED.format(name="one")}
    app = static.read(
        {PurePosixPath(p): t.encode() for p, t in files.items()}, target="two.main:app"
    )
    new = [str(c.path) for c in HealthChecks().build(app).changes if isinstance(c, NewFile)]
    assert [path for path in new if "test" in path] == [place]


def test_a_file_of_tests_is_always_free() -> None:
    """However many names are taken, one is found."""
    taken = ("health", "health_endpoints", "new_health", "health_2")
    names = [f"tests/test_{name}.py" for name in taken]
    files = {PurePosixPath(p): b"def test_a(): ...\n" for p in names}
    app = static.read({PurePosixPath("main.py"): APP.encode(), **files})
    assert learn_suite(app).file(app, "health") == PurePosixPath("tests/test_health_3.py")


def test_a_session_that_an_object_hands_out_is_reached_through_the_object() -> None:
    """``Depends(holder.session)`` imports `holder`, in the endpoints and in their tests."""
    database = """
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


class Holder:
    def __init__(self) -> None:
        self.maker = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))

    async def session(self):
        async with self.maker() as session:
            yield session


holder = Holder()
"""
    main = """
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession
from store.database import holder
app = FastAPI()
@app.get("/things")
async def things(session: AsyncSession = Depends(holder.session)): ...
"""
    files = {"store/__init__.py": "", "store/database.py": database, "store/main.py": main}
    app = static.read({PurePosixPath(p): t.encode() for p, t in files.items()})
    changes = HealthChecks().build(app).changes
    texts = [c.text for c in changes if isinstance(c, NewFile) and "holder.session" in c.text]
    assert texts
    assert all("from store.database import holder\n" in text for text in texts)


CLIENT = """
import pytest
from fastapi.testclient import TestClient
from main import API, app
BASE = f"http://testserver{API}"


@pytest.fixture
def client():
    return TestClient(app, base_url=%s)
"""


@pytest.mark.parametrize(
    ("base", "asked"),
    [
        ("BASE", "http://testserver/health/live"),
        ("'http://shop/v1'", "http://testserver/health/live"),
        ("'https://shop:8443/'", "/health/live"),
        ("f'http://{HOST}:{PORT}'", "/health/live"),
        ("UNKNOWN", "/health/live"),
    ],
)
def test_a_client_with_a_path_of_its_own_is_asked_for_the_whole_address(
    base: str, asked: str
) -> None:
    """Its path would be put before the one of the check; and what is tested once stays so."""
    texts = {"main.py": APP + 'API = "/v1"\n', "tests/conftest.py": CLIENT % base}
    files = {PurePosixPath(path): text.encode() for path, text in texts.items()}
    changes = HealthChecks().build(static.read(files)).changes
    (tests,) = (c for c in changes if isinstance(c, NewFile) and "test" in c.path.name)
    assert f'client.get("{asked}")' in tests.text
    assert is_tested(static.read({**files, tests.path: tests.text.encode()}), "/health/live")
