"""Tests that are brought run also where the app's environment has nothing to run tests with."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fastwright.agent.lent_tools import needed
from fastwright.lab.boot_tests import run_tests
from fastwright.lab.interpreter import Interpreter
from fastwright.lab.world import World, WorldSpec
from fastwright.testing.environments import environment

NEWEST = Path(__file__).parents[1] / "locks" / "newest.txt"
SERVED = ("fastapi", "starlette", "pydantic", "pydantic-core", "annotated-types", "annotated-doc",
          "typing-extensions", "typing-inspection", "anyio", "idna")  # fmt: skip
"""What an app without a database needs to be served."""


@pytest.mark.parametrize(
    ("version", "client", "wanted"),
    [
        ("0.16.0", "requests ; extra == 'full'", "requests"),
        ("0.26.1", 'httpx>=0.22.0; extra == "full"', "httpx<0.28,>=0.22.0"),
        ("0.47.3", 'httpx<0.29.0,>=0.27.0; extra == "full"', "httpx<0.29.0,>=0.27.0"),
    ],
)
def test_the_client_is_the_one_that_the_installed_starlette_takes(
    tmp_path: Path, version: str, client: str, wanted: str
) -> None:
    """Old ones take `requests`, then an httpx whose client takes an app, then any."""
    folder = tmp_path / f"starlette-{version}.dist-info"
    folder.mkdir()
    lines = ("Metadata-Version: 2.1", "Name: starlette", f"Version: {version}",
             f"Requires-Dist: {client}", "")  # fmt: skip
    (folder / "METADATA").write_text("\n".join(lines))
    own = Interpreter(Path("python"), "3.11.7", Path(), Path(), (tmp_path,))
    assert needed(own) == ("pytest", wanted)


@pytest.mark.slow
def test_a_change_with_tests_is_proven_in_an_environment_without_pytest(tmp_path: Path) -> None:
    """They run from a folder beside the environment, which stays as it is; and that is told."""
    lock = tmp_path / "served.txt"
    names = "|".join(SERVED)
    pins = re.findall(rf"(?m)^(?:{names})==[^\s;]+", NEWEST.read_text())
    lock.write_text("\n".join(pins))
    python = environment(lock)
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "main.py").write_text("from fastapi import FastAPI\n\napp = FastAPI()\n")
    command = (sys.executable, "-m", "fastwright", "add", "health-checks", "--yes")
    ended = subprocess.run(
        [*command, "--app", str(shop), "--python", str(python)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    said = " ".join(ended.stdout.split())
    assert ended.returncode == 0, said
    assert "lent for the tests alone, install it to run them: `pytest`" in said
    asked = subprocess.run([python, "-c", "import pytest"], capture_output=True, check=False)
    assert asked.returncode == 1


@pytest.mark.slow
def test_tests_are_named_as_they_are_selected(tmp_path: Path) -> None:
    """From where they ran: not from a manifest above, nor from where a test went meanwhile."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n')
    folder = tmp_path / "app" / "tests"
    folder.mkdir(parents=True)
    (folder / "test_it.py").write_text("import os\ndef test_it():\n    os.chdir('/tmp')\n")
    with World.open(WorldSpec(tmp_path, environment(NEWEST))) as world:
        every = run_tests(world, cwd=Path("app"))
        (name,) = every.by_test()
        assert name == "tests/test_it.py::test_it"
        assert run_tests(world, [name], cwd=Path("app")).by_test().keys() == {name}
