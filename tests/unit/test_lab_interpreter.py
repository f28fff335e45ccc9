"""Interpreters: which one is the app's, what a project asks for, and environments made for it."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from fastwright.lab.interpreter import Install, Needs, create, extended, find, probe, read_needs
from fastwright.lab.interpreter_create import choose_python, needs_setuptools, pythons
from fastwright.lab.interpreter_manifests import poetry_specifier
from fastwright.model.errors import Refused, UsageError
from fastwright.testing.environments import environment
from fastwright.workspace.home import home
from fastwright.workspace.project import Project

LOCKS = Path(__file__).parents[1] / "locks"


def files(texts: Mapping[str, str]) -> dict[PurePosixPath, bytes]:
    """Files of a project from their texts."""
    return {PurePosixPath(path): text.encode() for path, text in texts.items()}


def fake_environment(folder: Path, *, fastapi: bool = True) -> Path:
    """An environment folder that runs our own Python and claims to hold FastAPI."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    if fastapi:
        (packages / "fastapi-0.100.0.dist-info").mkdir()
    return folder / "bin" / "python"


def test_the_order_in_which_an_interpreter_is_found(tmp_path: Path) -> None:
    """Named, in the project, activated, made by us, Poetry's: each when those before are gone."""
    poetry = tmp_path / "cache" / "virtualenvs" / poetry_folder(tmp_path / "app")
    pythons = [
        fake_environment(tmp_path / "named"),
        fake_environment(tmp_path / "app" / "backend" / ".venv"),
        fake_environment(tmp_path / "app" / "venv"),
        fake_environment(tmp_path / "active"),
        fake_environment(tmp_path / "app" / ".fastwright" / "venv"),
        fake_environment(poetry),
    ]
    (tmp_path / "app" / "pyproject.toml").write_text('[tool.poetry]\nname = "My App"\n')
    environ = {"VIRTUAL_ENV": str(tmp_path / "active"), "POETRY_CACHE_DIR": str(tmp_path / "cache")}
    explicit: Path | None = pythons[0]
    for expected in pythons:
        found = find(tmp_path / "app", explicit, environ, working=(tmp_path / "app" / "backend",))
        assert found is not None
        assert found.python == expected
        explicit = None
        expected.unlink()
    assert find(tmp_path / "app", None, environ) is None


def poetry_folder(project: Path) -> str:
    """The folder that Poetry names for a project called ``My App``; by its own algorithm."""
    digest = hashlib.sha256(os.path.realpath(project).encode()).digest()
    return f"my_app-{base64.urlsafe_b64encode(digest).decode()[:8]}-py3.11"


def test_an_environment_without_fastapi_is_passed_over(tmp_path: Path) -> None:
    """A `.venv` for something else is not the app's; the next candidate is."""
    fake_environment(tmp_path / ".venv", fastapi=False)
    expected = fake_environment(tmp_path / "env")
    found = find(tmp_path, None, {})
    assert found is not None
    assert (found.python, found.source) == (expected, "env in the project")


@pytest.mark.parametrize("way", ["program", "link", "home"])
def test_a_program_of_the_repository_is_not_started(tmp_path: Path, way: str) -> None:
    """What a clone brings as its interpreter would run outside the sandbox: it must be named."""
    ran = tmp_path / "ran"
    python = fake_environment(tmp_path / "app" / ".venv")
    program = f'#!/bin/sh\ntouch {ran}\nexec {sys.executable} "$@"\n'
    if way == "home":
        (tmp_path / "app" / ".venv" / "pyvenv.cfg").write_text(f"home = {tmp_path / 'app'}\n")
    else:
        place = python if way == "program" else tmp_path / "app" / "tool"
        python.unlink()
        place.write_text(program)
        place.chmod(0o755)
        if way == "link":
            python.symlink_to("../../tool")
    with pytest.raises(Refused) as refused:
        find(tmp_path / "app", None, {})
    assert "--python" in refused.value.do
    assert not ran.exists()
    activated = find(tmp_path / "app", None, {"VIRTUAL_ENV": str(tmp_path / "app" / ".venv")})
    named = find(tmp_path / "app", tmp_path / "app" / ".venv", {})
    assert activated is not None
    assert named is not None
    assert activated.python == named.python == python


def test_an_environment_that_was_interrupted_is_not_used(tmp_path: Path) -> None:
    """Ctrl-C during the installation: what is there is not taken for the app's environment."""
    python = fake_environment(tmp_path / ".fastwright" / "venv")
    found = find(tmp_path, None, {})
    assert found is not None
    assert found.python == python
    needs = Needs(requirements=("fastapi",))

    def interrupted(*_: object, **__: object) -> None:
        fake_environment(tmp_path / ".fastwright" / "venv")
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastwright.lab.interpreter_create.run_installer", interrupted)
        with pytest.raises(KeyboardInterrupt):
            create(tmp_path / ".fastwright" / "venv", tmp_path, needs, Install(dict(os.environ)))
    assert python.is_file()
    assert find(tmp_path, None, {}) is None


def test_our_own_environment_is_not_the_apps(tmp_path: Path) -> None:
    """Where fastwright itself runs in the activated environment, that one is not taken."""
    assert find(tmp_path, None, {"VIRTUAL_ENV": sys.prefix}) is None


def test_a_named_interpreter_that_does_not_run(tmp_path: Path) -> None:
    """A path that is no Python is a usage error that says so; a folder is taken as environment."""
    (tmp_path / "python").write_text("not a program")
    with pytest.raises(UsageError, match="does not run as a Python"):
        find(tmp_path, tmp_path / "python", {})
    with pytest.raises(UsageError, match="there is no"):
        find(tmp_path, tmp_path / "nowhere" / "python", {})
    python = fake_environment(tmp_path / "env")
    named = find(tmp_path, tmp_path / "env", {})
    assert named is not None
    assert named.python == python


def test_asking_runs_nothing_of_the_environment(tmp_path: Path) -> None:
    """A `.pth` file and a `sitecustomize` in the environment do not run while it is asked."""
    python = fake_environment(tmp_path / "env")
    packages = next((tmp_path / "env" / "lib").glob("*/site-packages"))
    mark = tmp_path / "ran"
    code = f"import pathlib; pathlib.Path({str(mark)!r}).touch()\n"
    (packages / "run.pth").write_text(code)
    (packages / "sitecustomize.py").write_text(code)
    found = probe(python)
    assert found is not None
    assert found.packages == {"fastapi": "0.100.0"}
    assert not mark.exists()
    subprocess.run((str(python), "-c", ""), check=True)
    assert mark.exists()


def test_what_an_interpreter_is() -> None:
    """Version, prefix, folders and packages of a real environment are as it says itself."""
    python = environment(LOCKS / "newest.txt")
    found = probe(python)
    assert found is not None
    asked = subprocess.run(
        (str(python), "-c", "import sys, fastapi; print(sys.prefix); print(fastapi.__version__)"),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [str(found.prefix), found.packages["fastapi"]] == asked
    assert found.packages["pydantic-settings"]
    assert found.has_fastapi


# ------------------------------------------------------------------------------- what it needs


STANDARD = """
[project]
name = "shop"
version = "1.2"
requires-python = ">=3.10"
dependencies = ["fastapi>=0.100", "sqlalchemy[asyncio]"]
[project.optional-dependencies]
dev = ["pytest"]
docs = ["mkdocs"]
[dependency-groups]
dev = ["ruff", {include-group = "lint"}]
"""

POETRY = """
[tool.poetry]
name = "shop"
version = "0.3.0"
[tool.poetry.dependencies]
python = "^3.9"
fastapi = "^0.79.1"
pydantic = { version = "^1.9", extras = ["email", "dotenv"] }
local = { path = "../local" }
tomli = { version = "*", python = "<3.11" }
[tool.poetry.dev-dependencies]
pytest = "~7.1"
[tool.poetry.group.docs.dependencies]
mkdocs = "*"
"""


def test_a_standard_project() -> None:
    """Dependencies, extras and groups are wanted, documentation is not; the lock pins versions."""
    lock = (
        '[[package]]\nname = "fastapi"\nversion = "0.110.0"\nsource = {registry = "r"}\n'
        '[[package]]\nname = "shop"\nversion = "1.2"\nsource = {virtual = "."}\n'
        '[[package]]\nname = "numpy"\nversion = "1.0"\n'
        '[[package]]\nname = "numpy"\nversion = "2.0"\n'
    )
    found = read_needs(files({"pyproject.toml": STANDARD, "uv.lock": lock}))
    assert found.requirements == ("fastapi>=0.100", "sqlalchemy[asyncio]", "pytest", "ruff")
    assert found.constraints == ("fastapi==0.110.0",)
    assert (found.name, found.version, str(found.python)) == ("shop", "1.2", ">=3.10")


def test_a_lock_with_tables_over_several_lines() -> None:
    """Where a tool writes inline tables as TOML 1.1 allows, its lock pins versions all the same."""
    lock = (
        '[[package]]\nname = "fastapi"\nversion = "0.110.0"\n'
        'source = {\n  registry = "r", # "}\n}\nsdist = {\n  url = "u,}",\n  hash = "h",\n}\n'
        'wheels = [\n  {\n    url = "w"\n  },\n]\n'
        '[[package]]\nname = "shop"\nversion = "1.2"\nsource = { virtual = "." }\n'
    )
    assert read_needs(files({"uv.lock": lock})).constraints == ("fastapi==0.110.0",)


def test_a_suite_wants_pytest_although_nothing_names_it() -> None:
    """Tests that import pytest need it; a file that merely sounds like a test does not."""
    tests = files({"tests/test_shop.py": "import pytest\n"})
    assert read_needs(tests).tested
    assert not read_needs(files({"shop/test_drive.py": "import shop\n"})).tested


def test_a_poetry_project() -> None:
    """Carets, tildes, extras and Python markers become what pip takes; local paths are left."""
    found = read_needs(files({"pyproject.toml": POETRY}))
    assert found.requirements == (
        "fastapi>=0.79.1,<0.80",
        "pydantic[email,dotenv]>=1.9,<2",
        "tomli ; python_version < '3.11'",
        "pytest>=7.1,<7.2",
    )
    assert all(Requirement(line) for line in found.requirements)
    assert str(found.python) in ("<4,>=3.9", ">=3.9,<4")


@pytest.mark.parametrize(
    ("wanted", "specifier"),
    [
        ("^1.2.3", ">=1.2.3,<2"),
        ("^0.2.3", ">=0.2.3,<0.3"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0", ">=0,<1"),
        ("~1.2.3", ">=1.2.3,<1.3"),
        ("~1", ">=1,<2"),
        ("1.2.3", "==1.2.3"),
        (">=1,<3", ">=1,<3"),
        ("~=1.4", "~=1.4"),
        ("*", ""),
    ],
)
def test_poetrys_specifiers(wanted: str, specifier: str) -> None:
    """Each of Poetry's forms means the range that its documentation gives."""
    assert poetry_specifier(wanted) == specifier


def test_pipenv_and_requirement_files() -> None:
    """Pipfiles with their lock, and all requirement files, the plain one first."""
    found = read_needs(
        files(
            {
                "Pipfile": '[packages]\nhttpx = "==0.27"\n'
                'fastapi = {extras = ["all"], version = "*"}\n'
                '[requires]\npython_version = "3.10"\n',
                "Pipfile.lock": '{"default": {"httpx": {"version": "==0.27"}}, "develop": {}}',
            }
        )
    )
    assert found.requirements == ("httpx==0.27", "fastapi[all]")
    assert found.constraints == ("httpx==0.27",)
    assert str(found.python) == "==3.10.*"
    listed = read_needs(
        files(
            {
                "api/requirements_dev.txt": "pytest",
                "api/requirements.txt": "fastapi",
                "docs/requirements.txt": "mkdocs",
                "api/requirements-docs.txt": "x",
            }
        )
    )
    assert [str(path) for path in listed.files] == [
        "api/requirements.txt",
        "api/requirements_dev.txt",
    ]


def test_the_project_with_fastapi_is_meant() -> None:
    """In a repository of several projects the one that names FastAPI is read."""
    found = read_needs(
        files(
            {
                "pyproject.toml": '[project]\nname = "tools"\ndependencies = ["click"]\n',
                "backend/pyproject.toml": '[project]\nname = "api"\ndependencies = ["fastapi"]\n',
                "uv.lock": '[[package]]\nname = "fastapi"\nversion = "0.120.0"\n',
            }
        )
    )
    assert (found.name, found.constraints) == ("api", ("fastapi==0.120.0",))


# ---------------------------------------------------------------------------- which Python


def test_pythons_that_another_user_keeps_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`PYENV_ROOT` may be that of the person who called us, whose folder we may not enter."""
    real = os.stat

    def refuse(path: object, *args: object, **options: object) -> os.stat_result:
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "stat", refuse)
    assert pythons({"PYENV_ROOT": str(tmp_path), "PATH": os.environ["PATH"]})


def test_a_user_without_a_home_is_one_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may run as a number that has no name, and so no home folder."""
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert home() == Path("/")
    assert Project.find(Path(__file__)).root
    assert pythons({"PATH": os.environ["PATH"]})


def test_the_python_that_a_project_means() -> None:
    """`.python-version` decides; else the oldest allowed; an exact patch means its minor."""
    here = pythons(dict(os.environ))
    version = ".".join(map(str, sys.version_info[:2]))
    exact = Needs(exact=f"{version}.0")
    assert version_of(choose_python(exact, here)).startswith(version)
    demanded = read_needs(
        files(
            {
                "pyproject.toml": f'[project]\nrequires-python = "=={version}.0"\n'
                'dependencies = ["fastapi"]\n'
            }
        )
    )
    assert version_of(choose_python(demanded, here)).startswith(version)
    wide = read_needs(
        files(
            {"pyproject.toml": '[project]\nrequires-python = ">=3.8"\ndependencies = ["fastapi"]\n'}
        )
    )
    allowed = [version for path in here if Version(version := version_of(path)) >= Version("3.8")]
    oldest = min(allowed, key=Version)
    assert version_of(choose_python(wide, here)) == oldest
    with pytest.raises(Refused, match=r"demands Python >=9\.9"):
        choose_python(
            read_needs(
                files(
                    {
                        "pyproject.toml": '[project]\nrequires-python = ">=9.9"\n'
                        'dependencies = ["fastapi"]\n'
                    }
                )
            ),
            here,
        )


def version_of(python: Path) -> str:
    """The version of the Python at that path."""
    found = probe(python)
    assert found is not None
    return found.version


# ------------------------------------------------------------------------------ environments


@pytest.mark.slow
def test_an_environment_is_made_from_the_projects_files(tmp_path: Path) -> None:
    """What is locked is installed, and the project's own version can be asked for."""
    needs = read_needs(
        files(
            {
                "pyproject.toml": '[project]\nname = "the-shop"\nversion = "4.5"\n'
                'dependencies = ["idna"]\n',
                "uv.lock": '[[package]]\nname = "idna"\nversion = "3.7"\n',
            }
        )
    )
    made = create(tmp_path / "env", tmp_path, needs, Install(dict(os.environ)))
    assert made.packages["idna"] == "3.7"
    said = subprocess.run(
        (str(made.python), "-c", "import importlib.metadata as m; print(m.version('the-shop'))"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "4.5"


@pytest.mark.slow
def test_an_environment_can_run_the_tests(tmp_path: Path) -> None:
    """Although nothing names pytest it is there, and ``pkg_resources`` comes without a warning."""
    needs = Needs(("idna",), exact="3.11", tested=True)
    made = create(tmp_path / "env", tmp_path, needs, Install(dict(os.environ)))
    assert "pytest" in made.packages
    if needs_setuptools(made.python):
        program = (str(made.python), "-W", "error", "-c", "import pkg_resources")
        subprocess.run(program, check=True)


@pytest.mark.slow
def test_a_build_is_refused_until_it_is_agreed_to(tmp_path: Path) -> None:
    """A package without a wheel is named, with the way to go without running its build."""
    needs = Needs(requirements=("docopt==0.6.2",))
    with pytest.raises(Refused, match="docopt") as caught:
        create(tmp_path / "env", tmp_path, needs, Install(dict(os.environ)))
    assert "--python" in caught.value.do


@pytest.mark.slow
def test_a_layer_leaves_the_environment_alone(tmp_path: Path) -> None:
    """A further package is importable over the environment, whose own files stay as they are."""
    python = environment(LOCKS / "newest.txt")
    found = probe(python)
    assert found is not None
    before = sorted(str(path) for path in found.site_packages[0].iterdir())
    layer = extended(found, ("iniconfig", "toolz"), tmp_path / "layer", Install(dict(os.environ)))
    assert set(layer.added) == {"toolz"}
    assert sorted(str(path) for path in found.site_packages[0].iterdir()) == before
    seen = subprocess.run(
        (str(python), "-c", "import toolz, iniconfig; print(toolz.__file__)"),
        capture_output=True,
        text=True,
        check=True,
        env=layer.env,
    )
    assert seen.stdout.startswith(str(tmp_path / "layer"))
