"""Settings: where each value comes from, what stands in for a real one, and what is learnt."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastwright.lab import settings_files, settings_values
from fastwright.lab.boot_failure import AppFailed
from fastwright.lab.environment import settle
from fastwright.lab.servers import NotServed, how_to_have
from fastwright.lab.services import Service
from fastwright.lab.settings import Environment, Origin, Value, infer
from fastwright.lab.settings_learning import TRIES, learn
from fastwright.lab.settings_values import Stack
from fastwright.lab.world import World, WorldSpec
from fastwright.model.app import AppMap, Setting
from fastwright.model.errors import DoesNotLoad
from fastwright.testing.environments import environment

LOCKS = Path(__file__).parents[1] / "locks"


def app_of(files: Mapping[str, str], *settings: Setting, **versions: str) -> AppMap:
    """A map of an app with these files, settings and installed packages."""
    return AppMap(
        files={PurePosixPath(path): text.encode() for path, text in files.items()},
        app=None,
        settings=settings,
        versions=versions,
    )


def inferred(files: Mapping[str, str], *settings: Setting, **options: Any) -> Environment:
    """The environment that `infer` finds, with chance that repeats."""
    chance = random.Random(7)
    return infer(app_of(files, *settings), {}, lambda _path: None, chance=chance, **options)


EVERYWHERE = {
    ".env.example": "NAME=example\n",
    "compose.yml": "services:\n  web:\n    build: .\n    environment:\n      NAME: compose\n",
    ".github/workflows/test.yml": "jobs:\n  t:\n    steps:\n      - env:\n          NAME: ci\n",
    "tests/conftest.py": "import os\nos.environ['NAME'] = 'tests'\n",
}


def test_the_most_trusted_source_wins() -> None:
    """What the person gives beats the example, then compose, CI and the tests, each by its name."""
    assert inferred(EVERYWHERE, given={"NAME": "mine"}).env == {"NAME": "mine"}
    left = dict(EVERYWHERE)
    for path, value in (
        (".env.example", "example"),
        ("compose.yml", "compose"),
        (".github/workflows/test.yml", "ci"),
        ("tests/conftest.py", "tests"),
    ):
        (found,) = inferred(left).values
        assert (found.value, found.source.partition(":")[0]) == (value, path)
        del left[path]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("backend/.env.sample", "export A='x y' # why\nB=2\n", {"A": "x y", "B": "2"}),
        (
            "docker-compose.yml",
            "services:\n w:\n  build: .\n  environment: [A=1, B=]\n",
            {"A": "1"},
        ),
        (
            "compose.yaml",
            "services:\n w:\n  build: .\n  environment:\n"
            "   A: ${X:-5}\n   B: p-${A-6}\n   C: true\n",
            {"A": "5", "B": "p-6", "C": "true"},
        ),
        ("pytest.ini", "[pytest]\nenv =\n    A=1\n    D:B=2\n", {"A": "1", "B": "2"}),
        (
            "pyproject.toml",
            '[tool.pytest.ini_options]\nenv = ["A=1", "B=2"]\n',
            {"A": "1", "B": "2"},
        ),
        (
            "conftest.py",
            "monkeypatch.setenv('A', '1')\nos.environ.setdefault(\"B\", '2')\n",
            {"A": "1", "B": "2"},
        ),
        ("Makefile", "test:\n\tA=1 B=two coverage run -m pytest -s\n", {"A": "1", "B": "two"}),
        ("ci.env", "A='1'\n", {"A": "1"}),
    ],
)
def test_suggestions_are_read_from(path: str, text: str, expected: dict[str, str]) -> None:
    """Each kind of file gives its variables, with references and quotes resolved."""
    assert inferred({path: text}).env == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("compose.yml", "services:\n  db:\n    image: postgres\n    environment: {A: x}\n"),
        ("ci.yml", "env: {A: x}\n"),
        (".github/workflows/a.yml", "env: {A: '${{ secrets.A }}'}\n"),
        (".github/workflows/b.yml", "jobs: {t: {services: {db: {env: {A: x}}}}}\n"),
        (".env.example", "PATH=/evil\nHOME=/evil\nPYTHONPATH=/evil\n"),
        ("compose.yml", "services: [not, a, mapping\n"),
        ("pyproject.toml", "not toml ["),
    ],
)
def test_what_is_not_the_apps_is_left(path: str, text: str) -> None:
    """A ready image's variables, CI secrets, the process's own paths and broken files give none."""
    assert inferred({path: text}).env == {}


def test_an_app_is_never_started_as_in_production() -> None:
    """A suggested stage that means production is passed over for one that does not."""
    files = {"compose.yml": "services: {w: {build: ., environment: {ENVIRONMENT: production}}}"}
    assert inferred(files).env == {}
    files[".env"] = "ENVIRONMENT=production\n"
    assert inferred(files).env == {"ENVIRONMENT": "local"}


REAL = {
    "SECRET_KEY": "real-secret-5f2c",
    "DATABASE_URL": "postgresql+asyncpg://root:hunter2@db.prod.example.com:5432/live",
    "API_TOKEN": "tok_live_99",
    "PORT": "9321",
    "DEBUG": "true",
    "SENTRY_DSN": "",
}


def test_a_real_value_never_reaches_the_world() -> None:
    """Every value of a real `.env` is replaced by one of its form, and the file is rewritten."""
    text = "".join(f"{name}={value}\n" for name, value in REAL.items())
    found = inferred({".env": text})
    written = found.files[PurePosixPath(".env")].decode()
    for name, value in REAL.items():
        if value:
            assert found.env[name] != value
            assert value not in written
    assert [line.partition("=")[0] for line in written.splitlines()] == list(REAL)
    assert found.env["DATABASE_URL"].startswith("postgresql+asyncpg://")
    assert found.env["PORT"].isdecimal()
    assert found.env["SENTRY_DSN"] == ""
    assert settings_files.dotenv_pairs(written) == {n: found.env[n] for n in REAL}


def test_a_rewritten_file_follows_what_was_learnt() -> None:
    """A value that the app refused and that was replaced is replaced in the copy's file too."""
    found = inferred({".env": "PORT=real\nOTHER=1\n"})
    grown = found.give(Value("PORT", "8000", "the app asked for it", Origin.LEARNT))
    assert grown.files[PurePosixPath(".env")] == b"PORT=8000\nOTHER=30\n"


def test_an_ignored_env_file_is_replaced_too() -> None:
    """A `.env` that the map does not hold is asked for by its path, and handled the same."""
    asked: list[PurePosixPath] = []

    def read(path: PurePosixPath) -> bytes | None:
        asked.append(path)
        return b"TOKEN=real-one\n" if path == PurePosixPath(".env") else None

    found = infer(app_of({}), {"TOKEN": "from the shell"}, read, chance=random.Random(1))
    assert PurePosixPath(".env") in asked
    assert found.env["TOKEN"] not in ("real-one", "from the shell")


def test_real_values_are_kept_where_the_person_allows() -> None:
    """With `allow_env` the shell's and the file's values are used, and no file is rewritten."""
    app = app_of({".env": "A=file\n"}, Setting("B", required=False, reader="environ"))
    found = infer(app, {"B": "shell", "C": "unasked"}, lambda _path: None, allow_env=True)
    assert found.env == {"A": "file", "B": "shell"}
    assert found.files == {}


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30))
def test_a_rewritten_file_says_the_same(value: str) -> None:
    """Any value survives being written to an env file and read again, quotes and all."""
    found = infer(
        app_of({".env": "KEY=x\n"}),
        {},
        lambda _path: None,
        given={"KEY": value},
        chance=random.Random(1),
    )
    written = found.files[PurePosixPath(".env")].decode()
    assert settings_files.dotenv_pairs(written)["KEY"] == value.strip() or value != value.strip()


def test_declared_settings_get_a_value_by_type_or_name() -> None:
    """What pydantic requires is filled; what is merely read is left to be learnt."""
    found = inferred(
        {},
        Setting("workers", required=True, reader="pydantic-settings", annotation="int"),
        Setting("FRONT", required=True, reader="pydantic-settings", annotation="AnyHttpUrl"),
        Setting("OPTIONAL", required=False, reader="pydantic-settings", annotation="str"),
        Setting("SOMETHING", required=True, reader="environ"),
    )
    assert found.env == {"workers": "30", "FRONT": "http://localhost:8000"}
    assert [v.source for v in found.values] == ["by type (AnyHttpUrl)", "by type (int)"]


@pytest.mark.parametrize(
    ("packages", "asynchronous", "url"),
    [
        ({"asyncpg", "sqlalchemy"}, None, "postgresql+asyncpg://app:app@localhost:5432/app"),
        ({"asyncpg"}, None, "postgresql://app:app@localhost:5432/app"),
        (
            {"asyncpg", "psycopg2-binary", "sqlalchemy"},
            False,
            "postgresql://app:app@localhost:5432/app",
        ),
        ({"psycopg", "sqlmodel"}, None, "postgresql+psycopg://app:app@localhost:5432/app"),
        ({"aiosqlite", "sqlalchemy"}, None, "sqlite+aiosqlite:///./fastwright.db"),
        (set(), None, "sqlite:///./fastwright.db"),
    ],
)
def test_a_database_is_of_the_apps_own_dialect(
    packages: set[str], asynchronous: bool | None, url: str
) -> None:
    """The URL is for the driver that is installed, async where the app's sessions are."""
    assert Stack(frozenset(packages), asynchronous).database_url() == url


@pytest.mark.parametrize(
    ("name", "annotation", "value"),
    [
        ("STAGE", "Literal['prod', 'test']", "test"),
        ("KIND", "typing.Literal['a', 'b']", "a"),
        ("MAIL_PORT", "int", "1025"),
        ("REDIS_PORT", None, "6379"),
        ("REDIS_DB", None, "0"),
        ("DEBUG", "bool", "false"),
        ("CORS_ORIGINS", "list[str]", "[]"),
        ("ADMIN", "EmailStr", "admin@example.com"),
        ("CACHE_URL", None, "redis://localhost:6379/0"),
        ("JWT_ALGORITHM", "str", "HS256"),
        ("OAUTHLIB_INSECURE_TRANSPORT", None, "oauthlib_insecure_transport"),
        ("POSTGRES_SERVER", "str", "localhost"),
    ],
)
def test_values_by_type_and_by_name(name: str, annotation: str | None, value: str) -> None:
    """The type decides where it tells something; otherwise the name does."""
    made, _how = settings_values.make_value(name, annotation, Stack(), random.Random(1))
    assert made == value


def test_secrets_are_long_and_never_alike() -> None:
    """Two secrets of one environment differ, and each has 64 hexadecimal digits."""
    chance = random.Random(3)
    made = [settings_values.by_name("SECRET_KEY", Stack(), chance) for _ in range(2)]
    assert made[0] != made[1]
    assert {len(one) for one in made} == {64}


def test_servers_are_known_from_values_defaults_and_the_running_app() -> None:
    """A literal default, a URL in the code and what the app computed name servers as values do."""
    app = app_of(
        {"db.py": "engine = create_engine('postgresql://a@code-host/x')\n"},
        Setting("REDIS_URL", required=False, reader="environ", default="'redis://cache-host:7000'"),
        Setting("RATE_URL", required=False, reader="environ", default='f"redis://{HOST}:1"'),
    )
    found = infer(app, {}, lambda _path: None)
    found = Environment(
        found.values, defaults=found.defaults, seen={"DB_URI": "postgresql://b@seen/y"}
    )
    assert {(s.kind, s.host, s.port) for s in found.servers()} == {
        ("postgresql", "code-host", 5432),
        ("redis", "cache-host", 7000),
        ("postgresql", "seen", 5432),
    }


def test_a_server_that_the_app_has_no_driver_for_is_not_expected() -> None:
    """A template's MySQL default counts only with a driver installed, or named by the person."""
    seen = {"MYSQL_HOST": "localhost", "MYSQL_USER": "me"}
    plain = Stack(frozenset({"fastapi", "asyncpg"}))
    assert Environment(seen=seen, stack=plain).servers() == ()
    driver = Stack(frozenset({"fastapi", "aiomysql"}))
    assert [s.kind for s in Environment(seen=seen, stack=driver).servers()] == ["MySQL"]
    named = (Value("DATABASE_URL", "mysql://a@b/c", "--env", Origin.GIVEN),)
    assert [s.kind for s in Environment(named, stack=plain).servers()] == ["MySQL"]


# ------------------------------------------------------------------------------------ learning


def asks_for(*wanted: tuple[str, str]) -> Callable[[Environment], str]:
    """An attempt that fails until each variable is there, naming them one at a time."""

    def attempt(given: Environment) -> str:
        for name, annotation in wanted:
            if name not in given.env:
                raise AppFailed(
                    "cannot load `main:app`",
                    {
                        "type": "KeyError",
                        "text": name,
                        "traceback": "",
                        "missing_module": "",
                        "missing_path": "",
                        "variables": [
                            {
                                "name": name,
                                "names": [name],
                                "annotation": annotation,
                                "problem": "missing",
                                "field": name,
                            }
                        ],
                    },
                )
        return "booted"

    return attempt


def test_what_the_app_asks_for_is_learnt() -> None:
    """Each variable is given by its type after it was asked for, and says so."""
    result, learnt = learn(asks_for(("A_PORT", "int"), ("B_KEY", "str")), Environment())
    assert result == "booted"
    assert [v.name for v in learnt.values] == ["A_PORT", "B_KEY"]
    assert {v.origin for v in learnt.values} == {Origin.LEARNT}
    assert "the app asked for it (KeyError)" in learnt.values[0].source


def test_learning_ends() -> None:
    """An app that asks for more and more is given up with its last error."""
    wanted = [(f"V{n}_KEY", "str") for n in range(TRIES + 1)]
    with pytest.raises(AppFailed) as caught:
        learn(asks_for(*wanted), Environment())
    assert caught.value.missing == f"V{TRIES - 1}_KEY"


def test_what_was_made_up_may_be_to_blame() -> None:
    """An app that fails over a value of ours is not just called broken: the value can be given."""
    asks = asks_for(("PAYMENT_KEY", "str"))
    nothing = {"text": "", "traceback": "", "missing_module": "", "missing_path": ""}

    def fail(given: Environment) -> str:
        asks(given)
        failure = {"type": "AssertionError", "variables": [], **nothing}
        raise AppFailed("cannot load `main:app`", failure)

    with pytest.raises(AppFailed) as caught:
        learn(fail, Environment((Value("PORT", "80", "--env", Origin.GIVEN),)))
    assert caught.value.blame.made_up == ("PAYMENT_KEY",)
    assert "made up for this run: `--env PAYMENT_KEY=…`" in caught.value.do


def test_a_server_that_is_not_there_may_be_to_blame() -> None:
    """Whoever has no PostgreSQL is told so, not sent into the driver's traceback."""
    named = Service("postgresql", "DATABASE_URL", host="db", port=5432)
    absent = NotServed(named, "there is none", "install PostgreSQL")
    nothing = {"text": "", "traceback": "", "missing_module": "", "missing_path": ""}
    failure = AppFailed("cannot start `a:b`", {"type": "OSError", "variables": [], **nothing})
    assert failure.blaming(absent=how_to_have((absent, absent))).do == (
        "install PostgreSQL, for the app was started without postgresql (named by DATABASE_URL): "
        "there is none, else mend the error that the traceback shows"
    )


def test_a_value_of_the_persons_is_not_replaced() -> None:
    """A given value that the app refuses is the person's to mend."""
    mine = Environment((Value("PORT", "many", "--env", Origin.GIVEN),))

    def refuse(given: Environment) -> str:
        raise AppFailed(
            "cannot load `main:app`",
            {
                "type": "ValidationError",
                "text": "PORT",
                "traceback": "",
                "missing_module": "",
                "missing_path": "",
                "variables": [
                    {
                        "name": "PORT",
                        "names": ["PORT"],
                        "annotation": "int",
                        "problem": "invalid",
                        "field": "port",
                    }
                ],
            },
        )

    with pytest.raises(AppFailed):
        learn(refuse, mine)


APP = """
import fastapi, os
from pydantic import EmailStr
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    token_key: str
    workers: int
    pg_host: str = "db.internal"
    pg_user: str = "shop"
    pg_database: str = "shop"
settings = Settings()
assert len(os.environ["SIGNING_KEY"]) > 20
class Current:
    def __getattr__(self, name):
        raise LookupError("there is no request")
current = Current()
app = fastapi.FastAPI()
"""


@pytest.mark.parametrize("lock", ["newest", "floor"])
def test_an_app_is_settled_by_importing_it(tmp_path: Path, lock: str) -> None:
    """From nothing but the app itself: its variables, and the server that its defaults name."""
    (tmp_path / "main.py").write_text(APP)
    spec = WorldSpec(tmp_path, environment(LOCKS / f"{lock}.txt"), target="main:app")
    settled = settle(spec, Environment())
    assert set(settled.environment.env) == {"TOKEN_KEY", "WORKERS", "SIGNING_KEY"}
    (server,) = settled.spec.services
    assert (server.kind, server.host, server.user, server.database) == (
        "postgresql",
        "db.internal",
        "shop",
        "shop",
    )


def test_an_app_that_lacks_a_module_is_not_settled(tmp_path: Path) -> None:
    """No variable helps a missing module: the app's own error comes at once."""
    (tmp_path / "main.py").write_text("import no_such_package\n")
    spec = WorldSpec(tmp_path, environment(LOCKS / "newest.txt"), target="main:app")
    with pytest.raises(DoesNotLoad) as caught:
        settle(spec, Environment())
    assert caught.value.missing == "no_such_package"


FOLDERS = """
import os
from contextlib import asynccontextmanager
from pathlib import Path
import fastapi
from fastapi.staticfiles import StaticFiles

@asynccontextmanager
async def lifespan(app):
    log = open("logs/today/app.log", "w")
    assert not list(Path("plugins").iterdir())
    os.environ["SHOP_KEY"]
    yield

app = fastapi.FastAPI(lifespan=lifespan)
app.mount("/static", StaticFiles(directory="static"))
"""


def test_what_an_app_asks_for_at_its_start_is_given(tmp_path: Path) -> None:
    """Folders that git does not keep, and a variable, which importing it does not tell of."""
    (tmp_path / "main.py").write_text(FOLDERS)
    spec = WorldSpec(tmp_path, environment(LOCKS / "newest.txt"), target="main:app")
    settled = settle(spec, Environment())
    assert settled.spec.folders == (PurePosixPath("static"),)

    def attempt(given: Environment) -> int:
        with World.open(settled.with_environment(given).spec) as world, world.boot() as app:
            return app.request("GET", "/static/").status

    status, learnt = learn(attempt, settled.environment)
    assert status == 404
    assert [*map(str, learnt.folders)] == ["static", "logs/today", "plugins"]
    assert set(learnt.env) == {"SHOP_KEY"}
    assert [path.name for path in tmp_path.iterdir()] == ["main.py"]


def test_a_file_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    """Its folder is there: only the app's own error is left."""
    (tmp_path / "main.py").write_text("open('rates.csv')\n")
    spec = WorldSpec(tmp_path, environment(LOCKS / "newest.txt"), target="main:app")
    with pytest.raises(AppFailed) as caught:
        settle(spec, Environment())
    assert (caught.value.missing_path, caught.value.missing_folder) == ("rates.csv", "")


def test_the_rewritten_env_file_is_what_the_app_reads(tmp_path: Path) -> None:
    """The app in its world reads stand-ins from `.env`; the person's own file is untouched."""
    (tmp_path / ".env").write_text("TOKEN=real-one\n")
    (tmp_path / "main.py").write_text(
        "import fastapi\nfrom dotenv import dotenv_values\n"
        "app = fastapi.FastAPI(title=dotenv_values('.env')['TOKEN'])\n"
    )
    found = infer(
        app_of({}),
        {},
        lambda path: (tmp_path / path).read_bytes() if (tmp_path / path).exists() else None,
    )
    spec = WorldSpec(tmp_path, environment(LOCKS / "newest.txt"), target="main:app")
    with World.open(settle(spec, found).spec) as world, world.boot() as app:
        assert app.evaluate("app.title") == found.env["TOKEN"] != "real-one"
    assert (tmp_path / ".env").read_text() == "TOKEN=real-one\n"
