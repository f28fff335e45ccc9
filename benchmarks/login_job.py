"""Where the time of the main job goes: a login in the example app, from request to applied.

Run it with ``python benchmarks/login_job.py [RUNS]``. The environment is made before the clock
starts; each run works on a fresh copy of the app.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fastwright.testing.samples import python_of, sample_app

REQUEST = (
    "I need to create a login endpoint that validates user credentials and returns a JWT token"
)


def one_run(python: Path) -> tuple[float, dict[str, float]]:
    """Seconds of the whole command, and of each phase and gate."""
    with tempfile.TemporaryDirectory() as folder:
        app = sample_app("bookshop").copy(Path(folder))
        command = [sys.executable, "-m", "fastwright", "do", REQUEST, "--yes", "--json"]
        began = time.perf_counter()
        ended = subprocess.run(
            [*command, "--python", str(python)],
            cwd=app,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
    if ended.returncode:
        sys.exit(f"the job ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    report = json.loads(ended.stdout)
    spent = dict(report["timings"])
    gates = {f"  gate {c['gate']}": c["seconds"] for c in report["proof"]["checks"]}
    return seconds, {**spent, **gates}


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    python = python_of("newest")
    taken = [one_run(python) for _ in range(runs)]
    load = os.getloadavg()[0]
    print(f"{runs} runs on {os.cpu_count()} cores, load {load:.1f}; median seconds")
    for phase in dict.fromkeys(name for _, spent in taken for name in spent):
        print(f"{statistics.median(spent.get(phase, 0.0) for _, spent in taken):8.2f}  {phase}")
    whole = [seconds for seconds, _ in taken]
    print(f"{statistics.median(whole):8.2f}  whole command (worst {max(whole):.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
