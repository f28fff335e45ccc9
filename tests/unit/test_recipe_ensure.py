"""Steps of recipes ask the map, copy the siblings, and refuse what is not certain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Manual
from fastwright.model.errors import Refused, UnknownName, UsageError
from fastwright.recipes import find, from_options, registry
from fastwright.recipes.ensure import (
    NewColumn,
    NewTable,
    WantedSetting,
    change_set,
    ensure_dependency_package,
    ensure_error_answer,
    ensure_error_headers,
    ensure_lifespan_step,
    ensure_middleware,
    ensure_migration,
    ensure_router,
    ensure_setting,
    router_place,
)
from fastwright.recipes.ensure.drafting import Words
from fastwright.recipes.ensure.suite import learn_suite
from fastwright.recipes.jwt_auth.suite import find_suite
from fastwright.source import edits
from fastwright.survey import static

ROUTER = "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/x')\ndef x(): ...\n"
APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def mapped(**files: str) -> AppMap:
    """The map of an app; ``__`` in a file's name stands for a slash, ``_dot_`` for a dot."""
    spelt = (("__", "/"), ("_dot_", "."), ("INIT", "__init__"))
    names = dict(files)
    for short, long in spelt:
        names = {name.replace(short, long): text for name, text in names.items()}
    return static.read({PurePosixPath(n): text.encode() for n, text in names.items()})


def written(app: AppMap, changes: Iterable[Change], path: str) -> str:
    """One file after `changes`."""
    combined = change_set(app, changes, Words(title="a step")).changes
    return edits.apply(app.files, combined)[PurePosixPath(path)].decode()


def test_a_router_joins_its_siblings() -> None:
    """Prefix and tags are given at the inclusion where the siblings have theirs there."""
    app = mapped(
        main_dot_py=(
            "from fastapi import FastAPI\nfrom shop import a, b\n\napp = FastAPI()\n"
            "app.include_router(a.router, prefix='/a', tags=['a'])\n"
            "app.include_router(b.router, prefix='/b', tags=['b'])\n"
        ),
        shop__INIT_dot_py="",
        shop__a_dot_py=ROUTER,
        shop__b_dot_py=ROUTER,
    )
    place = router_place(app, "auth")
    assert (str(place.path), place.prefix_at_creation) == ("shop/auth.py", False)
    text = written(app, ensure_router(app, place, prefix="/auth", tags=("auth",)), "main.py")
    assert "from shop import a, auth, b\n" in text
    assert text.endswith("app.include_router(auth.router, prefix='/auth', tags=['auth'])\n")


def test_a_folder_without_init_is_a_package_all_the_same() -> None:
    """Where the app imports through a plain folder, so does what is added."""
    app = mapped(
        main_dot_py=(
            "from fastapi import FastAPI\nfrom shop.a import router as a\n\napp = FastAPI()\n"
            "app.include_router(a)\n"
        ),
        shop__a_dot_py=ROUTER,
    )
    place = router_place(app, "auth")
    assert place.module == "shop.auth"
    text = written(app, ensure_router(app, place), "main.py")
    assert "from shop.a import router as a\nfrom shop.auth import router as auth\n" in text


def test_a_router_that_is_included_stays() -> None:
    """The map's inclusion is what counts: nothing is added to a router that is served."""
    app = mapped(
        main_dot_py="from fastapi import FastAPI\nfrom auth import router\napp = FastAPI()\n"
        "app.include_router(router)\n",
        auth_dot_py=ROUTER,
    )
    assert ensure_router(app, router_place(app, "auth")) == ()


def test_a_setting_follows_the_class() -> None:
    """A field takes the letter case of its siblings; a secret is required and has no default."""
    app = mapped(
        main_dot_py=APP,
        config_dot_py=(
            "from pydantic_settings import BaseSettings\n\n\nclass Settings(BaseSettings):\n"
            '    NAME: str = "x"\n    SIZE: int = 3\n\n\nsettings = Settings()\n'
        ),
    )
    reader = ensure_setting(app, WantedSetting(name="jwt_secret", annotation="SecretStr"))
    assert (reader.expression, reader.variable) == ("settings.JWT_SECRET", "JWT_SECRET")
    text = written(app, reader.changes, "config.py")
    assert "from pydantic import SecretStr\nfrom pydantic_settings" in text
    assert "    SIZE: int = 3\n    JWT_SECRET: SecretStr\n" in text


def test_a_setting_joins_the_class_that_every_environment_inherits() -> None:
    """Where a class is chosen for each environment, all of them must have the field."""
    chosen = (
        "from pydantic_settings import BaseSettings\n\n\nclass Common(BaseSettings):\n"
        "    url: str\n\n\nclass Production(Common):\n    level: int = 1\n    deep: int = 2\n\n\n"
        "class Test(Common):\n    level: int = 3\n\n\nsettings: Production | Test = Production()\n"
    )
    app = mapped(main_dot_py=APP, settings_dot_py=chosen)
    reader = ensure_setting(app, WantedSetting(name="secret", default='"x"'))
    text = written(app, reader.changes, "settings.py")
    assert 'class Common(BaseSettings):\n    url: str\n    secret: str = "x"\n' in text


def test_a_setting_follows_the_constants() -> None:
    """Where the app reads ``os.environ``, a constant is read beside the others."""
    app = mapped(main_dot_py="import os\n\nURL = os.environ['URL']\n\n" + APP)
    reader = ensure_setting(app, WantedSetting(name="minutes", annotation="int", default="15"))
    assert reader.expression == "MINUTES"
    text = written(app, reader.changes, "main.py")
    assert 'MINUTES = int(os.environ.get("MINUTES", "15"))\n' in text


def test_a_setting_is_read_by_decouple_where_its_siblings_are() -> None:
    """python-decouple reads an env file of its own, which ``os.environ`` does not see."""
    own = (
        "from decouple import config as read\n\n"
        "URL = read('URL')\nDEBUG = read('DEBUG', default=False)\n"
    )
    app = mapped(main_dot_py=own + APP)
    assert [(s.name, s.required, s.reader) for s in app.settings] == [
        ("URL", True, "decouple"), ("DEBUG", False, "decouple"),
    ]  # fmt: skip
    reader = ensure_setting(app, WantedSetting(name="minutes", annotation="int", default="15"))
    text = written(app, reader.changes, "main.py")
    assert 'MINUTES = read("MINUTES", cast=int, default=15)\n' in text
    assert "import os" not in text


def test_a_setting_of_an_app_without_any_is_refused() -> None:
    """Nowhere to read from is a refusal that names the recipe to run first."""
    with pytest.raises(Refused) as refusal:
        ensure_setting(mapped(main_dot_py=APP), WantedSetting(name="jwt_secret"))
    assert "settings" in refusal.value.do


def test_the_tests_are_given_a_required_setting() -> None:
    """A required variable is set in ``conftest.py`` before the project is imported."""
    app = mapped(
        main_dot_py="import os\n\nURL = os.environ['URL']\n" + APP,
        conftest_dot_py="import pytest\n\nfrom main import app\n",
        test_x_dot_py="def test_x(): ...\n",
    )
    reader = ensure_setting(app, WantedSetting(name="token", testing="t"))
    text = written(app, reader.changes, "conftest.py")
    assert text.index('environ.setdefault("TOKEN", "t")') < text.index("from main import app")
    assert "import os\n" in text


def test_a_lifespan_is_joined_around_its_yield() -> None:
    """Steps stand directly before and after the ``yield``; a second time nothing is added."""
    app = mapped(
        main_dot_py=(
            "from contextlib import asynccontextmanager\n\nfrom fastapi import FastAPI\n\n\n"
            "@asynccontextmanager\nasync def lifespan(app):\n    yield\n\n\n"
            "app = FastAPI(lifespan=lifespan)\n"
        )
    )
    wanted = {"startup": "await pool.open()", "shutdown": "await pool.close()", "why": "a pool"}
    text = written(app, ensure_lifespan_step(app, symbols=("db:pool",), **wanted), "main.py")
    assert "    await pool.open()\n    yield\n    await pool.close()\n" in text
    again = mapped(main_dot_py=text, db_dot_py="pool = 1\n")
    assert ensure_lifespan_step(again, symbols=("db.pool",), **wanted) == ()


def test_a_lifespan_with_two_yields_is_left_to_the_person() -> None:
    """Where the place is not certain the snippet is handed over instead."""
    app = mapped(
        main_dot_py=(
            "from contextlib import asynccontextmanager\n\nfrom fastapi import FastAPI\n\n\n"
            "@asynccontextmanager\nasync def lifespan(app):\n    if app:\n        yield 1\n"
            "    else:\n        yield 2\n\n\napp = FastAPI(lifespan=lifespan)\n"
        )
    )
    (manual,) = ensure_lifespan_step(app, shutdown="await f()", why="an end")
    assert isinstance(manual, Manual)
    assert "yield\nawait f()\n" in manual.snippet


def test_an_app_without_a_lifespan_gets_one() -> None:
    """The function stands before the app, and the app is given it."""
    app = mapped(main_dot_py=APP)
    text = written(app, ensure_lifespan_step(app, shutdown="await f()", why="an end"), "main.py")
    assert "    yield\n    await f()\n\n\napp = FastAPI(lifespan=lifespan)\n" in text


def test_middleware_and_answers_are_added_once() -> None:
    """Both stand behind the app's creation, and neither is added where the map has it."""
    app = mapped(main_dot_py=APP)
    gzip = "starlette.middleware.gzip.GZipMiddleware"
    steps = (
        *ensure_middleware(app, gzip, options=(("minimum_size", "500"),), why="less to send"),
        *ensure_error_answer(app, "sqlalchemy.exc.DBAPIError", "errors:answer", why="a 503"),
    )
    text = written(app, steps, "main.py")
    assert "app.add_middleware(GZipMiddleware, minimum_size=500)\n" in text
    assert "app.add_exception_handler(DBAPIError, answer)\n" in text
    again = mapped(main_dot_py=text)
    assert ensure_middleware(again, gzip, why="less to send") == ()
    assert ensure_error_answer(again, "sqlalchemy.exc.DBAPIError", "errors:answer", why="x") == ()


HANDLERS = {
    "one line": (
        "@app.exception_handler(HTTPException)\n"
        "def answer(request: Request, exc: HTTPException):\n"
        "    return JSONResponse({'error': exc.detail}, status_code=exc.status_code)\n",
        "{'error': exc.detail}, status_code=exc.status_code, headers=exc.headers)\n",
    ),
    "several lines": (
        "def answer(request, error):\n"
        "    return JSONResponse(\n"
        "        status_code=error.status_code,\n"
        "        content={'error': error.detail},\n"
        "    )\n"
        "app.add_exception_handler(HTTPException, answer)\n",
        "        status_code=error.status_code,\n        headers=error.headers,\n        content=",
    ),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_keeps_the_headers_of_an_exception(name: str) -> None:
    """The app's own answer to an ``HTTPException`` gains its headers, once."""
    before, after = HANDLERS[name]
    imported = (
        "from fastapi import HTTPException, Request\nfrom fastapi.responses import JSONResponse\n"
    )
    app = mapped(main_dot_py=f"{imported}{APP}{before}")
    text = written(app, ensure_error_headers(app, why="as the status asks"), "main.py")
    assert after in text
    assert ensure_error_headers(mapped(main_dot_py=text), why="as the status asks") == ()


def test_a_handler_of_other_errors_stays_as_it_is() -> None:
    """Neither the handler of another exception is touched, nor one with a status of its own."""
    text = (
        f"from fastapi.responses import JSONResponse\n{APP}"
        "@app.exception_handler(KeyError)\n"
        "def answer(request, exc):\n"
        "    return JSONResponse({}, status_code=exc.status_code)\n"
        "def masked(request, exc):\n"
        "    return JSONResponse({}, status_code=400)\n"
        "app.add_exception_handler(HTTPException, masked)\n"
    )
    assert ensure_error_headers(mapped(main_dot_py=text), why="x") == ()


@pytest.mark.parametrize(
    ("name", "before", "line"),
    [
        (
            "requirements_dot_txt",
            "fastapi>=0.100\nuvicorn>=0.2\n",
            "fastapi>=0.100\npyjwt>=2.8\nuv",
        ),
        (
            "pyproject_dot_toml",
            '[project]\nname = "x"\ndependencies = [\n  "fastapi>=0.1",\n]\n',
            '  "fastapi>=0.1",\n  "pyjwt>=2.8",\n]',
        ),
        (
            "pyproject_dot_toml",
            '[tool.poetry.dependencies]\npython = "^3.11"\nfastapi = "^0.100"\n\n[x]\n',
            'fastapi = "^0.100"\npyjwt = "^2.8"\n\n[x]',
        ),
        (
            "Pipfile",
            '[packages]\nfastapi = {extras = ["all"], version = "*"}\nuvicorn = "*"\n\n[x]\n',
            'version = "*"}\npyjwt = "*"\nuvicorn = "*"\n\n[x]',
        ),
    ],
)
def test_a_package_is_declared_as_its_siblings(name: str, before: str, line: str) -> None:
    """A requirement stands in sorted place, with a pin of the others' kind."""
    app = mapped(main_dot_py=APP, **{name: before})
    changes = ensure_dependency_package(app, "pyjwt>=2.8", "tokens")
    assert line in written(app, changes, name.replace("_dot_", "."))


def test_an_installed_package_needs_no_declaration_where_none_is_declared() -> None:
    """A project that declares no packages is asked for a missing one, not for one that is there."""
    app = mapped(main_dot_py=APP)
    assert ensure_dependency_package(app, "pyjwt>=2.8", "tokens")
    there = replace(app, versions={"PyJWT": "2.9.0"})
    assert ensure_dependency_package(there, "pyjwt>=2.8", "tokens") == ()


def test_a_revision_stands_on_the_head() -> None:
    """Upgrade makes the table, downgrade takes it away, and the head is its parent."""
    table = NewTable(
        name="tokens",
        columns=(
            NewColumn(name="id", type="sa.Integer()", primary_key=True),
            NewColumn(name="hash", type="sa.String(64)", index=True, unique=True),
        ),
    )
    app = mapped(**ALEMBIC)
    (revision,) = ensure_migration(app, "add tokens", [table])
    text = written(app, [revision], str(getattr(revision, "path", "")))
    assert 'down_revision = "aaaa"' in text
    assert text.index("op.create_table(") < text.index("def downgrade()") < text.index("op.drop_t")


def test_two_heads_are_refused() -> None:
    """A history with two heads must be merged by its owner."""
    second = ALEMBIC["alembic__versions__a_dot_py"].replace("aaaa", "bbbb")
    app = mapped(**ALEMBIC, alembic__versions__b_dot_py=second)
    with pytest.raises(Refused, match="2 heads"):
        ensure_migration(app, "add", [NewTable(name="t", columns=())])


ALEMBIC = {
    "main_dot_py": APP,
    "alembic_dot_ini": "[alembic]\nscript_location = alembic\n",
    "alembic__env_dot_py": "from alembic import context\n",
    "alembic__versions__a_dot_py": 'revision = "aaaa"\ndown_revision = None\n',
}


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    """A name with a slip is answered by the names most like it."""
    with pytest.raises(UnknownName) as unknown:
        find("helth-check")
    assert unknown.value.nearest[0] == "health-checks"


def test_options_are_checked() -> None:
    """Options come as text from a command line; what is not allowed is said."""
    database = registry()["database"]
    assert from_options(database, {"migrations": "yes"}) == from_options(
        database, {"migrations": True}
    )
    with pytest.raises(UsageError, match="postgresql"):
        from_options(database, {"server": "oracle"})
    with pytest.raises(UnknownName):
        from_options(database, {"sever": "sqlite"})


def test_a_fixture_is_asked_for_by_the_name_that_its_decorator_gives() -> None:
    """``@pytest.fixture(name="client")`` over ``client_fixture`` is `client` to every test."""
    conftest = (
        "import pytest\nfrom fastapi.testclient import TestClient\nfrom main import app\n\n\n"
        '@pytest.fixture(\n    name="client", scope="session"\n)\n'
        "def client_fixture():\n    yield TestClient(app)\n"
    )
    app = mapped(main_dot_py=APP, tests__conftest_dot_py=conftest,
                 tests__test_x_dot_py="def test_x(client): ...\n")  # fmt: skip
    assert learn_suite(app).fixture == "client"
    assert find_suite(app, "main.get_session").fixture == "client"


def test_the_mark_of_asynchronous_tests_is_copied_with_its_loop() -> None:
    """Fixtures on the loop of a session serve no test that runs on a loop of its own."""
    conftest = (
        "import pytest_asyncio\nfrom httpx import AsyncClient\nfrom main import app\n\n\n"
        "@pytest_asyncio.fixture(name='client')\nasync def fixture_client():\n"
        "    async with AsyncClient(app=app) as client:\n        yield client\n"
    )
    test = (
        'import pytest\n\n\n@pytest.mark.asyncio(loop_scope="session")\n'
        "async def test_x(client): ...\n"
    )
    app = mapped(main_dot_py=APP, tests__conftest_dot_py=conftest, tests__test_x_dot_py=test)
    wanted = 'asyncio(loop_scope="session")'
    assert learn_suite(app).mark == wanted
    assert find_suite(app, "main.get_session").mark == wanted
