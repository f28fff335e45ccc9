"""How long ``fastwright --help`` takes, against a bare interpreter and against its limit."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

LIMIT_MS = 300
RUNS = 15


def milliseconds(*arguments: str) -> list[float]:
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def main() -> int:
    rows = {
        "python -c pass": milliseconds("-c", "pass"),
        "fastwright --help": milliseconds("-m", "fastwright", "--help"),
    }
    for name, taken in rows.items():
        print(f"{name:20} median {statistics.median(taken):6.1f} ms, worst {max(taken):6.1f} ms")
    return int(statistics.median(rows["fastwright --help"]) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
