"""The house rules, held over every file: size, complexity, names, imports, docstrings."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "fastwright"
FILES = sorted(p for p in SOURCE.rglob("*.py"))
OURS = [p for p in FILES if "payload" not in p.relative_to(SOURCE).parts]
TESTS = sorted(
    p
    for p in (ROOT / "tests").rglob("test_*.py")
    if "apps" not in p.relative_to(ROOT / "tests").parts
)
VAGUE = frozenset(
    ["utils", "util", "helpers", "helper", "common", "manager", "base", "handler", "data", "info"]
)
STANDARD_ONLY = ("model", "guest")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    """A test id that a person can find the file by."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[Function]:
    """Every function of a file, nested ones included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, Function):
            yield node


def length(node: Function) -> int:
    """Lines of a function without its docstring, which may be as long as it must."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short(path: Path) -> None:
    """No file has more than 400 lines, and no line more than 100 columns."""
    lines = path.read_text().splitlines()
    assert len(lines) <= 400
    assert [n for n, line in enumerate(lines, 1) if len(line) > 100] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    """No function has more than 40 lines or more than 5 positional parameters."""
    long = [(f.name, length(f)) for f in functions(path) if length(f) > 40]
    wide = [f.name for f in functions(path) if len(f.args.posonlyargs + f.args.args) > 6]
    assert (long, wide) == ([], [])


def test_median_function_is_small() -> None:
    """Half of all functions have at most nine lines."""
    assert statistics.median(length(f) for path in OURS for f in functions(path)) <= 9


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_names_say_something(path: Path) -> None:
    """No module, class or function is named by a word that fits everything."""
    tree = ast.parse(path.read_text())
    named = [n.name for n in ast.walk(tree) if isinstance(n, Function | ast.ClassDef)]
    words = {w for name in [path.stem, *named] for w in split_words(name)}
    assert words & VAGUE == set()


def split_words(name: str) -> list[str]:
    """The words of a snake_case or CamelCase name, in lower case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_").split("_")


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_modules_hold_no_mutable_state(path: Path) -> None:
    """No module binds a list, dict or set display at its top level; constants are frozen."""
    kinds = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    bound = [
        ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, kinds)
    ]
    assert [name for name in bound if name != "__all__"] == []


@pytest.mark.parametrize("room", STANDARD_ONLY)
def test_the_bottom_imports_the_standard_library_only(room: str) -> None:
    """`model` and `guest` import nothing but the standard library at import time."""
    foreign = set()
    for path in (SOURCE / room).rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            foreign |= {n.split(".")[0] for n in names}
    assert foreign - set(sys.stdlib_module_names) <= ({"fastwright"} if room == "model" else set())


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_every_test_states_its_claim(path: Path) -> None:
    """Every test function has a docstring."""
    tests = [f for f in functions(path) if f.name.startswith("test_")]
    assert [f.name for f in tests if not ast.get_docstring(f)] == []


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]])
def test_the_tools_are_content(tool: list[str]) -> None:
    """Lint, format and strict types have nothing to say."""
    run_tool([sys.executable, "-m", *tool])


def test_imports_point_downwards() -> None:
    """The import contracts in pyproject.toml hold."""
    run_tool([str(Path(sys.executable).parent / "lint-imports"), "--no-cache"])


def run_tool(command: list[str]) -> None:
    """Run one of the project's tools at the root, and show what it printed when it objects."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_commit_names_a_registry_or_a_machine() -> None:
    """No tracked file names a package registry's host or a path of one machine."""
    hosts = ["pypi" + ".org", "python" + "hosted", "/wo" + "rk/", "/ro" + "ot/"]
    found = subprocess.run(
        ["git", "grep", "-lF", *(part for host in hosts for part in ("-e", host)), "--", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
