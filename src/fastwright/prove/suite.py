"""The person's own test suite: where it is, what of it a change can reach, and running it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath

from fastwright.lab.boot_tests import TestRun, run_tests
from fastwright.model.app import AppMap
from fastwright.prove.side import Side
from fastwright.workspace.walk import NEVER_ENTERED

_TEST_FILE = re.compile(r"(?:test_.*|.*_tests?)\.py")
_SQLITE = b"SQLite format 3\0"
_DATABASES = frozenset({".db", ".db3", ".sqlite", ".sqlite3"})
_CONFIGURED = (
    ("pytest.ini", b""),
    ("pyproject.toml", b"[tool.pytest"),
    ("tox.ini", b"[pytest]"),
    ("setup.cfg", b"[tool:pytest]"),
)


def suite_files(files: Collection[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """The files that pytest would collect by their names, sorted."""
    return tuple(sorted(path for path in files if _TEST_FILE.fullmatch(path.name)))


def home(side: Side) -> PurePosixPath:
    """The folder that the suite runs in: that of pytest's configuration, else the app's."""
    suite = suite_files(side.files.keys())
    configured = (
        path.parent
        for path, content in side.files.items()
        for name, text in _CONFIGURED
        if path.name == name and text in content
    )
    over = [f for f in configured if any(path.is_relative_to(f) for path in suite)]
    return min(over, key=lambda f: (len(f.parts), f), default=side.map.roots.working)


def run_suite(
    side: Side, selected: tuple[PurePosixPath, ...], timeout: float, turn: int
) -> TestRun:
    """Run the tests in `selected` files (all, where none is named), in databases of their own.

    The files that they have made are taken away, and SQLite databases hold again what they did.
    What ran is kept: the same `turn` on the same side is not run again.

    Args:
        side: The tree and its world.
        selected: Test files relative to the repository root.
        timeout: Seconds for the whole run.
        turn: 1 for the first run, 2 for the repetition.
    """
    return side.once((selected, turn), lambda: _run(side, selected, timeout))


def _run(side: Side, selected: tuple[PurePosixPath, ...], timeout: float) -> TestRun:
    folder = home(side)
    chosen = [str(path.relative_to(folder)) for path in selected if path in side.files]
    if selected and not chosen:
        return TestRun((), 5, 0.0)
    side.empty()
    side.prepare_schema()
    held = _held(side)
    result = run_tests(side.world, chosen, cwd=Path(folder), timeout=timeout, guest=side.tester)
    side.empty()
    # A suite that keeps its database in a file of its own meets none of the last run in it.
    left = _held(side)
    side.world.overlay({path: held.get(path) for path in left if left[path] != held.get(path)})
    return result


def _held(side: Side) -> dict[PurePosixPath, bytes]:
    """Every file of the copy outside of caches: what it holds, where it is an SQLite database."""
    fence = side.world.fence
    found = {}
    for path in fence.files(PurePosixPath()):
        if NEVER_ENTERED.isdisjoint(path.parts):
            is_ours = path in side.files or path.suffix not in _DATABASES
            content = None if is_ours else fence.read(path)
            found[path] = content if content and content.startswith(_SQLITE) else b""
    return found


def affected(app: AppMap, touched: Collection[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """The test files that import a touched module, over however many others, sorted.

    Imports of the ``conftest`` modules above a test file count as its own.
    """
    by_path = {module.path: name for name, module in app.modules.items()}
    reached = {by_path[path] for path in touched if path in by_path}
    imports = {name: set(_imported(name, app)) for name in app.modules}
    while True:
        more = {name for name, found in imports.items() if found & reached} - reached
        if not more:
            break
        reached |= more
    suite = suite_files(by_path.keys())
    return tuple(path for path in suite if _modules_of(path, by_path) & reached)


def _modules_of(path: PurePosixPath, by_path: Mapping[PurePosixPath, str]) -> set[str]:
    conftests = (folder / "conftest.py" for folder in path.parents)
    return {by_path[found] for found in (path, *conftests) if found in by_path}


def _imported(name: str, app: AppMap) -> Iterator[str]:
    for target in app.modules[name].imports.values():
        parts = target.split(".")
        for length in range(len(parts), 0, -1):
            candidate = ".".join(parts[:length])
            if candidate in app.modules:
                yield candidate
                break
