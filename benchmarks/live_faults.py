"""What `fastwright review --live` proves of faults planted in real apps, and of the apps alone.

``python benchmarks/live_faults.py`` examines each app of ``live_faults.toml`` twice, with its
faults and without, and prints a row a fault. ``--app OWNER/NAME`` looks at one app; ``--apps DIR``
and ``--pythons DIR`` are where apps and their interpreters lie, as for `slow_apps`.

Exit code 1 where a fault is not proven, or its twin is accused of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import faults
from rich.console import Console
from slow_apps import laid

from fastwright.agent import ground
from fastwright.agent.live_review import LiveReview, review_live
from fastwright.agent.stopwatch import Stopwatch
from fastwright.cli.screen import Screen
from fastwright.review.engine import find_all
from fastwright.review.live.proof import Proof
from fastwright.review.rule import every_rule

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the rule that it is of, the operation that shows it, and words of its message."""

    app: str
    rule: str
    operation: str
    changes: tuple[Mapping[str, str], ...]
    words: str = ""

    def is_proven(self, proofs: Iterable[Proof]) -> bool:
        """Whether one of `proofs` is of this fault."""
        return any(
            p.rule == self.rule
            and self.operation in (p.operation, *p.beside)
            and self.words in p.message
            and p.is_meant
            for p in proofs
        )


def planned() -> tuple[Fault, ...]:
    """Every fault of `live_faults.toml`."""
    rows = tomllib.loads((HERE / "live_faults.toml").read_text())["fault"]
    return tuple(
        Fault(r["app"], r["rule"], r["operation"], tuple(r["change"]), r.get("words", ""))
        for r in rows
    )


def examined(
    app: str,
    changes: Iterable[tuple[Mapping[str, str], str]],
    apps: Path | None,
    pythons: Path | None,
) -> tuple[LiveReview, float]:
    """A live review of a copy of the app with these changes, and the seconds that it took.

    A change is the place that its pattern finds, and what stands there then.
    """
    with tempfile.TemporaryDirectory() as folder:
        root, wishes = laid(app, Path(folder), apps, pythons)
        top = Path(folder) / app.partition("/")[2]
        for change, replace in changes:
            path = PurePosixPath(change["path"])
            files = {path: (top / path).read_bytes()}
            text = faults.changed(path, files, change["pattern"], replace, 1)
            (top / path).write_bytes(text)
        person = Screen(Console(stderr=True), yes=True, quiet=True)
        began = time.monotonic()
        stand = ground.mapped(ground.open_project(root, person), root, wishes)
        known = find_all(stand.app, every_rule().values()).findings
        seen = review_live(stand, known, person, wishes, Stopwatch(person))
        return seen, time.monotonic() - began


def compared(app: str, mine: Iterable[Fault], apps: Path | None, pythons: Path | None) -> bool:
    """Print the rows of one app; True where every fault is proven and no twin is accused."""
    mine = tuple(mine)
    changes = [change for fault in mine for change in fault.changes]
    twins = [(change, change["twin"]) for change in changes if "twin" in change]
    good, seconds = examined(app, twins, apps, pythons)
    bad, longer = examined(app, [(c, c["replace"]) for c in changes], apps, pythons)
    print(
        f"{app}: {len(good.proofs)} proofs in {seconds:.1f} s, {len(bad.proofs)} in {longer:.1f} s"
    )
    fine = True
    for note in () if good.matrix.outcomes and bad.matrix.outcomes else good.not_tried:
        print(f"  not tried: {note}")
    for fault in mine:
        found, accused = fault.is_proven(bad.proofs), fault.is_proven(good.proofs)
        fine = fine and found and not accused
        told = "proven" if found else "missed"
        print(
            f"  {told}{', and so is its twin' if accused else ''}: {fault.rule} {fault.operation}"
        )
    return fine


def main() -> int:
    """Examine every app."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--app", action="append", default=[], help="an app; repeatable")
    parser.add_argument("--apps", type=Path, help="folders of real apps")
    parser.add_argument("--pythons", type=Path, help="folders of their environments")
    given = parser.parse_args()
    found = planned()
    names = given.app or list(dict.fromkeys(fault.app for fault in found))
    results = [
        compared(name, (f for f in found if f.app == name), given.apps, given.pythons)
        for name in names
    ]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
