"""How long a survey takes, cold and warm, beside tools that read the same tree.

``python benchmarks/survey.py PATH`` measures the project at PATH; without a path, one app of 1,000
files is made of the example's packages. Times are wall and processor seconds. Where bandit is not
installed, a scratch environment is made for it first.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from many_files import one_large_app

from fastwright.survey import static
from fastwright.survey.cache import DiskCache

SKIPPED = frozenset({".git", ".venv", "node_modules", ".fastwright", "__pycache__", ".ruff_cache"})


@dataclass(frozen=True, slots=True)
class Row:
    """One measured run: wall and processor time in seconds."""

    what: str
    wall: float
    processor: float
    note: str


def files_below(root: Path) -> dict[PurePosixPath, bytes]:
    """Every file up to one megabyte, by its path relative to `root`."""
    found = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if SKIPPED & set(relative.parts) or not path.is_file() or path.is_symlink():
            continue
        if path.stat().st_size <= 1_000_000:
            found[PurePosixPath(relative.as_posix())] = path.read_bytes()
    return found


def processor() -> float:
    """Processor seconds of this process and of children that have ended."""
    uses = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def measured(what: str, run: Callable[[], str]) -> Row:
    """One run of `run`, whose result is the note of the row."""
    wall, spent = time.perf_counter(), processor()
    note = run()
    return Row(what, time.perf_counter() - wall, processor() - spent, note)


def survey(root: Path, cache: Path) -> str:
    """A survey from disk to map, and what it found."""
    with DiskCache(cache) as kept:
        app = static.read(files_below(root), cache=kept)
    return f"{len(app.modules)} modules, {len(app.routes)} routes, {len(app.calls)} calls"


def tool(*command: str) -> str:
    """Another tool's run; its exit code is part of what is shown."""
    done = subprocess.run(command, capture_output=True, check=False)
    return f"exit {done.returncode}"


def bandit(scratch: Path) -> str:
    """The bandit that is installed, else one in an environment of its own."""
    found = shutil.which("bandit") or shutil.which("bandit", path=str(Path(sys.executable).parent))
    if found is not None:
        return found
    venv.create(scratch, with_pip=True)
    pip = (str(scratch / "bin" / "python"), "-m", "pip", "install", "-q", "bandit")
    subprocess.run(pip, check=True, capture_output=True)
    return str(scratch / "bin" / "bandit")


def rows(root: Path, cache: Path, bandit: str) -> list[Row]:
    """All runs, one after the other, on one tree."""
    found = [measured("survey, cold", lambda: survey(root, cache))]
    found += [measured("survey, warm", lambda: survey(root, cache)) for _ in range(2)]
    ruff = (sys.executable, "-m", "ruff", "check", "--no-cache", "--isolated", str(root))
    found.append(measured("ruff check", lambda: tool(*ruff)))
    found.append(measured("bandit -r", lambda: tool(bandit, "-q", "-r", str(root))))
    return found


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path)
    chosen = parser.parse_args().path
    with tempfile.TemporaryDirectory() as scratch:
        root = chosen or one_large_app(Path(scratch) / "tree")
        count = sum(path.suffix == ".py" for path in files_below(root))
        other = bandit(Path(scratch) / "bandit")
        print(f"{count} Python files")
        print(f"{'':16}{'wall s':>8}{'cpu s':>8}  result")
        for row in rows(root, Path(scratch) / "cache", other):
            print(f"{row.what:16}{row.wall:8.2f}{row.processor:8.2f}  {row.note}")


if __name__ == "__main__":
    main()
