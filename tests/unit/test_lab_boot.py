"""Booting: what loads, what does not and what is said of it, and running an app's own tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastwright.lab.boot import Launch, boot, open_guest
from fastwright.lab.boot_failure import AppFailed
from fastwright.lab.boot_tests import TestRun, differences, run_tests
from fastwright.lab.world import GUEST, World, WorldSpec
from fastwright.model.errors import DoesNotLoad
from fastwright.testing.environments import environment

LOCKS = Path(__file__).parents[1] / "locks"
FASTAPI = "import fastapi\napp = fastapi.FastAPI()\n"

Attempt = Callable[..., DoesNotLoad]


@pytest.fixture(params=["newest", "floor"])
def attempt(request: Any, tmp_path: Path) -> Attempt:
    """Boots ``main.py`` with the given text, and gives back why it does not load."""

    def run(text: str, target: str = "main:app", **options: Any) -> DoesNotLoad:
        (tmp_path / "main.py").write_text(text)
        spec = WorldSpec(tmp_path, environment(LOCKS / f"{request.param}.txt"))
        with World.open(spec) as world, pytest.raises(DoesNotLoad) as caught:
            world.boot(target, **options).close()
        return caught.value

    return run


def test_a_module_that_is_missing_is_named(attempt: Attempt) -> None:
    """The module's name, the app's own line, and how to provide it."""
    error = attempt("import fastapi\nimport no_such_package\n")
    assert error.missing == "no_such_package"
    assert error.because == "ModuleNotFoundError: No module named 'no_such_package'"
    assert "--python" in error.do
    assert 'main.py", line 2' in error.traceback
    assert "fastwright" not in error.traceback


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("import os\nKEY = os.environ['SHOP_KEY']\n", "SHOP_KEY"),
        (
            "import pydantic_settings\nclass Settings(pydantic_settings.BaseSettings):\n"
            "    model_config = {'env_prefix': 'shop_'}\n    key: str\nSettings()\n",
            "SHOP_KEY",
        ),
        ("from starlette.config import Config\nConfig()('SHOP_KEY')\n", "SHOP_KEY"),
        ("import os\nint(os.getenv('SHOP_KEY'))\n", "SHOP_KEY"),
        ("raise RuntimeError('SHOP_KEY is not set')\n", "SHOP_KEY"),
    ],
    ids=["environ", "pydantic-settings", "starlette", "line", "message"],
)
def test_a_variable_that_is_missing_is_named(attempt: Attempt, text: str, variable: str) -> None:
    """However the app reads its environment, the variable and how to give it are told."""
    error = attempt(text)
    assert error.missing == variable
    assert f"--env {variable}=" in error.do


def test_a_value_of_the_wrong_form_is_told(attempt: Attempt) -> None:
    """A variable that is there and does not fit is told apart from one that is missing."""
    text = (
        "import pydantic_settings\nclass Settings(pydantic_settings.BaseSettings):\n"
        "    port: int\nSettings()\n"
    )
    error = attempt(text, env={"PORT": "many"})
    assert isinstance(error, AppFailed)
    (wanted,) = error.variables
    assert (wanted.name, wanted.annotation, wanted.invalid) == ("PORT", "int", True)


def test_a_syntax_error_shows_its_line(attempt: Attempt) -> None:
    """The app's own error stands in the refusal."""
    error = attempt("def broken(:\n")
    assert error.because.startswith("SyntaxError: invalid syntax")
    assert "def broken(:" in error.traceback


def test_an_import_that_never_ends_says_where(attempt: Attempt) -> None:
    """It is ended after the time allowed, and the line that it hangs in is named."""
    text = (
        "import time\ndef wait_for_it():\n    while True:\n        time.sleep(1)\nwait_for_it()\n"
    )
    error = attempt(text, timeout=1.5)
    assert "had not started after 1.5 s" in error.because
    assert "main.py:4 `wait_for_it`" in error.because


def test_a_process_that_ends_itself_keeps_its_last_words(attempt: Attempt) -> None:
    """An app that calls `os._exit` is refused with its exit code and what it printed."""
    error = attempt("import os\nprint('last words')\nos._exit(7)\n")
    assert "exit code 7" in error.because
    assert "last words" in error.traceback


def test_sys_exit_is_an_answer(attempt: Attempt) -> None:
    """`sys.exit` at import is the app's own error, not the end of the guest."""
    error = attempt("import sys\nsys.exit('configure me first')\n")
    assert error.because == "SystemExit: configure me first"


def test_a_folder_that_the_app_wants_is_named(attempt: Attempt) -> None:
    """A missing static folder is the app's own error, with the folder."""
    error = attempt(
        FASTAPI + "from fastapi.staticfiles import StaticFiles\n"
        "app.mount('/static', StaticFiles(directory='static'), name='static')\n"
    )
    assert error.missing == "static"
    assert "must be there" in error.do


def test_a_life_span_that_fails_is_told(attempt: Attempt) -> None:
    """What is raised at start-up is the reason, and it is said that starting failed."""
    error = attempt(
        "import contextlib, fastapi\n@contextlib.asynccontextmanager\nasync def lifespan(app):\n"
        "    raise ConnectionRefusedError('nobody listens')\n    yield\n"
        "app = fastapi.FastAPI(lifespan=lifespan)\n"
    )
    assert error.cannot == "cannot start `main:app`"
    assert error.because == "ConnectionRefusedError: nobody listens"


@pytest.mark.parametrize(
    ("target", "because"),
    [
        ("main:nothing", "has no attribute `nothing`"),
        ("main:needy", "the factory `main:needy` requires settings"),
        ("main:number", "`main:number` is a int, not an ASGI application"),
    ],
)
def test_a_target_that_is_no_app(attempt: Attempt, target: str, because: str) -> None:
    """A missing attribute, a factory that asks for more, and something else are told apart."""
    error = attempt(FASTAPI + "number = 3\ndef needy(settings): ...\n", target)
    assert because in error.because


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with an app, a factory, a wrapped app, and tests of every outcome."""
    (tmp_path / "main.py").write_text(
        FASTAPI + "@app.get('/where')\ndef where():\n    import os\n    return os.getcwd()\n"
        "def create_app(debug=False):\n    return app\n"
        "class Wrapped:\n    def __init__(self, app):\n        self.app = app\n"
        "    async def __call__(self, *args):\n        await self.app(*args)\n"
        "wrapped = Wrapped(app)\n"
    )
    return tmp_path


@pytest.mark.parametrize("target", ["main:app", "main:create_app", "main:wrapped"])
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_an_app_boots_however_it_is_named(tree: Path, target: str, cold: bool) -> None:
    """An object, a factory and a wrapped app serve, in a warm fork as in a fresh interpreter."""
    with World.open(WorldSpec(tree, environment(LOCKS / "newest.txt"))) as world:
        guest = open_guest(world, GUEST)
        with boot(guest, Launch(target, tree, tree, cold=cold)) as app:
            assert app.request("GET", "/where").json() == str(tree)
            assert app.description["target"] == target


def test_boots_do_not_see_each_other(tree: Path) -> None:
    """Two apps of one world have their own environment and their own state."""
    with World.open(WorldSpec(tree, environment(LOCKS / "newest.txt"))) as world:
        one, two = world.boot("main:app", env={"MINE": "1"}), world.boot("main:app")
        one.evaluate("setattr(app, 'title', 'changed')")
        seen = "[app.title, __import__('os').environ.get('MINE')]"
        assert one.evaluate(seen) == ["changed", "1"]
        assert two.evaluate(seen) == ["FastAPI", None]


def test_a_package_that_starts_threads_is_left_out(tree: Path, tmp_path: Path) -> None:
    """The zygote begins anew without it, and stays single-threaded for the fork."""
    (tmp_path / "threads_at_import.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    spec = WorldSpec(tree, environment(LOCKS / "newest.txt"), env={"PYTHONPATH": str(tree)})
    with World.open(spec) as world:
        guest = open_guest(world, GUEST, warm=("threads_at_import", "fastapi", "no_such_package"))
        ready = guest.ready()
        assert (ready["threaded"], ready["warm"]) == (["threads_at_import"], ["fastapi"])
        assert "no_such_package" in ready["failed"]
        with boot(guest, Launch("main:app", tree, tree)) as app:
            assert app.request("GET", "/where").status == 200


def test_closing_leaves_no_process(tree: Path) -> None:
    """After an app is closed its process is gone, and the guest boots the next one."""
    with World.open(WorldSpec(tree, environment(LOCKS / "newest.txt"))) as world:
        world.boot("main:app").close()
        with world.boot("main:app") as app:
            mine = "__import__('os').getpid()"
            alive = "[p for p in __import__('os').listdir('/proc') if p.isdigit()]"
            pids = {int(pid) for pid in app.evaluate(alive)}
            assert app.evaluate(mine) in pids
            assert len(pids) == 3  # the sandbox's first process, the guest and this app


TESTS = """
import asyncio, pytest, time
from main import app

def test_passes(): assert app

def test_fails_by_assertion(): assert 1 == 2

def test_fails_by_error(): raise LookupError("no such thing")

@pytest.fixture
def broken(): raise OSError("no fixture")

def test_in_error(broken): ...

@pytest.fixture
def falls_later():
    yield
    raise OSError("afterwards")

def test_falls_later(falls_later): ...

@pytest.mark.skip(reason="not today")
def test_skipped(): ...

@pytest.mark.xfail
def test_expected(): assert False
"""


@pytest.fixture
def run(tree: Path) -> TestRun:
    """One run of tests of every outcome, and of a file that does not load."""
    (tree / "test_all.py").write_text(TESTS)
    (tree / "test_broken.py").write_text("import no_such_package\n")
    with World.open(WorldSpec(tree, environment(LOCKS / "newest.txt"))) as world:
        return run_tests(world, ("--continue-on-collection-errors",))


def test_each_test_has_its_outcome(run: TestRun) -> None:
    """Every outcome is told, and failed assertions are told from errors."""
    told = {one.test.rpartition("::")[2]: (one.outcome, one.kind) for one in run.outcomes}
    assert told == {
        "test_passes": ("passed", ""),
        "test_fails_by_assertion": ("failed", "assertion"),
        "test_fails_by_error": ("failed", "error"),
        "test_in_error": ("error", "error"),
        "test_falls_later": ("error", "error"),
        "test_skipped": ("skipped", ""),
        "test_expected": ("xfailed", ""),
        "test_broken.py": ("error", "collect"),
    }
    assert str(run) == "1 passed, 2 failed, 3 error, 1 skipped, 1 xfailed"
    assert run.ended
    assert "1 == 2" in run.by_test()["test_all.py::test_fails_by_assertion"].message
    assert differences(run, run) == ()


def test_a_run_that_takes_too_long_keeps_what_it_has(tree: Path) -> None:
    """After the time allowed the run is ended, and the outcomes until then stand."""
    (tree / "test_slow.py").write_text(
        "import time\ndef test_quick(): ...\ndef test_slow(): time.sleep(90)\n"
    )
    with World.open(WorldSpec(tree, environment(LOCKS / "newest.txt"))) as world:
        run = run_tests(world, timeout=12)
    assert run.timed_out
    assert not run.ended
    assert [one.test for one in run.outcomes] == ["test_slow.py::test_quick"]
    assert run.seconds < 80


def test_a_project_without_tests_has_not_ended_well(tree: Path) -> None:
    """No tests is not a pass: pytest says so with its exit code, and the run with it."""
    with World.open(WorldSpec(tree, environment(LOCKS / "newest.txt"))) as world:
        run = run_tests(world)
    assert (run.code, run.ended, str(run)) == (5, False, "no tests")
