"""How long a whole ``fastwright tune --all`` takes, and how much of that is computing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from fastwright.testing.samples import python_of

WIDE = Path(__file__).parent / "slow" / "wide"
LIMIT = 60.0
"""Seconds for twenty routes on SQLite, end to end."""
_EVERY = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


def measure() -> tuple[float, float, str]:
    """Seconds and seconds of CPU time of a run on a copy of the wide app, and its last words."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "wide"
        shutil.copytree(WIDE, root, ignore=shutil.ignore_patterns("__pycache__"))
        (root / ".git").mkdir()
        words = ("tune", "--all", "--yes", "--python", str(python_of("newest")))
        began = time.monotonic()
        run = subprocess.Popen(
            (sys.executable, "-m", "fastwright", *words),
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        spent: dict[int, float] = {}
        over = threading.Event()
        watcher = threading.Thread(target=_watch, args=(run.pid, spent, over))
        watcher.start()
        told, _ = run.communicate()
        seconds = time.monotonic() - began
        over.set()
        watcher.join()
    return seconds, sum(spent.values()), told


def _watch(root: int, spent: dict[int, float], over: threading.Event) -> None:
    """Keep the CPU time of `root` and of everything below it, sampled; `spent` is by process."""
    while not over.wait(_EVERY):
        parents, times = _processes()
        for process, ticks in times.items():
            if _is_below(process, root, parents):
                spent[process] = ticks / _TICKS


def _processes() -> tuple[Mapping[int, int], Mapping[int, int]]:
    """The parent of each process, and the ticks that it has used."""
    parents, times = {}, {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                fields = Path(entry.path, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            times[int(entry.name)] = int(fields[11]) + int(fields[12])
    return parents, times


def _is_below(process: int, root: int, parents: Mapping[int, int]) -> bool:
    while process not in (0, root):
        process = parents.get(process, 0)
    return process == root


def main() -> int:
    """Print one line; 1 where it takes longer than `LIMIT`."""
    seconds, computing, told = measure()
    kept = told.count("- kept:")
    print(f"20 routes on SQLite, end to end: {seconds:.0f} s ({computing:.0f} s of CPU time, "
          f"load {os.getloadavg()[0]:.1f}), {kept} repairs kept; limit {LIMIT:.0f} s")  # fmt: skip
    return int(seconds > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
