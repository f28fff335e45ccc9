"""What fastwright makes of real apps: do they boot, is the map true, do their tests run as outside.

``python benchmarks/real_apps.py [--only NAME …]`` copies each app of `APPS` (``--apps DIR`` has
them as folders ``<name>-<owner>``, else they are cloned; ``--pythons DIR`` has their environments)
and measures, as ``fastwright`` itself would open it:

- whether it boots in the sandbox with inferred settings, and where those come from;
- which operations of the running app, mounted apps and routes outside the schema included, are
  found with method, full path and handler by reading alone, and after merging;
- whether what the map says of guards is what an anonymous call gets;
- how each of its own tests ends inside the sandbox, twice, and in two plain runs outside of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import real_tests
from real_guards import Guards, compare
from rich.console import Console
from slow_apps import Missing, laid

from fastwright.agent import ground
from fastwright.agent.person import Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.worlds import Worlds
from fastwright.cli.screen import Screen
from fastwright.lab.settings import Environment, Origin
from fastwright.model.app import AppMap
from fastwright.model.errors import FastwrightError
from fastwright.prove.side import Side

APPS = (
    "fastapi/full-stack-fastapi-template",
    "jomomg/conduit",
    "cds-snc/list-manager",
    "evroon/bracket",
    "nsidnev/fastapi-realworld-example-app",
    "borys25ol/fastapi-realworld-backend",
    "benavlabs/FastAPI-boilerplate",
    "jod35/fastapi-beyond-CRUD",
    "teamhide/fastapi-boilerplate",
    "lnbits/lnbits",
    "Gozargah/Marzban",
    "fastapi-practices/fastapi_best_architecture",
)
COLUMNS = ("app", "boots in", "settings", "operations", "by reading", "merged", "guards",
           "tests inside", "again", "outside", "again", "same")  # fmt: skip
_DOCUMENTS = ("openapi", "swagger_ui_html", "swagger_ui_redirect", "redoc_html")
Operations = Mapping[tuple[str, str], str]
"""The handler of each method and full path; empty where only the contract tells of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One app: the cells of the table, what counts for the totals, and what is to be told."""

    cells: tuple[str, ...]
    boots: bool = False
    same: bool = False
    operations: int = 0
    by_reading: int = 0
    merged: int = 0
    notes: tuple[str, ...] = ()


def operations(description: Mapping[str, Any]) -> Operations:
    """All of the running app: its routes, and what its contracts tell beyond them."""
    found = {
        (row["method"], row["path"]): str(row["handler"])
        for row in description["routes"]
        if row["method"] != "HEAD" and not _is_document(str(row["handler"]))
    }
    contracts = {"": description["openapi"] or {}, **description["openapi_mounted"]}
    for mount, document in contracts.items():
        for path, item in document.get("paths", {}).items():
            for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
                found.setdefault((method.upper(), mount + path), "")
    return found


def _is_document(handler: str) -> bool:
    return handler.startswith("fastapi.") and handler.rpartition(".")[2] in _DOCUMENTS


def found_in(app: AppMap, wanted: Operations) -> set[tuple[str, str]]:
    """Those that a map has with method, full path and handler."""
    known = {(r.method, r.path): r.handler for r in app.routes if r.reachable}
    return {at for at, handler in wanted.items() if at in known and _is_one(known[at], handler)}


def _is_one(ours: str, theirs: str) -> bool:
    """Whether two dotted names are one function: the import root may differ between runs."""
    return not theirs or f".{ours}".endswith(f".{theirs}") or f".{theirs}".endswith(f".{ours}")


def measured(name: str, apps: Path | None, pythons: Path | None, seconds: float) -> Row:
    """Everything of one app."""
    with tempfile.TemporaryDirectory() as folder:
        root, wishes = laid(name, Path(folder), apps, pythons)
        person = Screen(Console(stderr=True), yes=True, quiet=True)
        began = time.monotonic()
        found = ground.find(root, person, wishes)
        read = time.monotonic() - began
        with Worlds(found, person, wishes, Stopwatch(person)) as worlds:
            began = time.monotonic()
            try:
                side = worlds.before
            except FastwrightError as error:
                because = f"does not boot: {error.because}"
                return Row((name, "no", *["–"] * (len(COLUMNS) - 2)), notes=(because,))
            booted = f"{read:.1f} + {time.monotonic() - began:.0f} s"
            return _opened(name, (found.app, worlds, side, wishes), booted, seconds)


def _opened(
    name: str, opened: tuple[AppMap, Worlds, Side, Wishes], booted: str, seconds: float
) -> Row:
    read, worlds, side, wishes = opened
    wanted = operations(side.app.description)
    by_reading, merged = found_in(read, wanted), found_in(worlds.known(), wanted)
    guards = compare(side.app, worlds.known())
    tests = _tests(side, worlds, seconds)
    cells = (
        name, booted, _sources(worlds.settled.environment), str(len(wanted)),
        _share(len(by_reading), len(wanted)), _share(len(merged), len(wanted)),
        str(guards), *tests.cells,
    )  # fmt: skip
    lost = (f"not found by reading: {m} {p}" for m, p in sorted(wanted.keys() - by_reading))
    notes = (*_told(worlds, side), *lost, *_differences(worlds.known(), guards), *tests.notes)
    given = {v.name for v in worlds.settled.environment.values if v.origin is Origin.GIVEN}
    inferred = not given & set(wishes.env)
    return Row(cells, inferred, tests.same, len(wanted), len(by_reading), len(merged), notes)


def _tests(side: Side, worlds: Worlds, seconds: float) -> real_tests.Compared:
    first = real_tests.inside(side, 1, seconds)
    second = real_tests.inside(side, 2, seconds)
    side.empty()
    if first.outcomes:
        spec = worlds.settled.spec
        plain = (real_tests.outside(side, spec, seconds), real_tests.outside(side, spec, seconds))
    else:
        plain = (real_tests.Outside({}, "was not tried, for inside there are no tests"),) * 2
    return real_tests.compared(first, second, plain)


def _sources(environment: Environment) -> str:
    counts = Counter(value.origin.value for value in environment.values)
    return ", ".join(f"{count} {origin}" for origin, count in counts.most_common()) or "none"


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else "–"


def _told(worlds: Worlds, side: Side) -> Iterator[str]:
    yield f"enforced: {'; '.join(side.world.enforced)}"
    yield from (f"not served: {server}" for server in worlds.not_served)
    yield from (f"made for it: {one}" for one in worlds.made)
    for value in worlds.settled.environment.values:
        if value.origin in (Origin.LEARNT, Origin.GIVEN):
            yield f"`{value.name}`: {value.source}"


def _differences(app: AppMap, guards: Guards) -> Iterator[str]:
    for one in app.disagreements:
        yield f"`{one.subject}`: source: {one.source}; running: {one.running}"
    yield from guards.disagreements
    yield from guards.undecided


def main() -> int:
    """Print the table and what stands behind it; 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--only", action="append", default=[], help="an app's name; repeatable")
    parser.add_argument("--apps", type=Path, help="folders of real apps")
    parser.add_argument("--pythons", type=Path, help="folders of their environments")
    parser.add_argument("--seconds", type=float, default=400.0, help="for one run of a suite")
    given = parser.parse_args()
    rows = []
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for name in (
        a for a in APPS if not given.only or a in given.only or Path(a).name in given.only
    ):
        try:
            rows.append(measured(name, given.apps, given.pythons, given.seconds))
        except Missing as error:
            print(f"cannot measure: {error}", file=sys.stderr)
            return 2
        print(f"| {' | '.join(rows[-1].cells)} |", flush=True)
    for row in rows:
        print(f"\n{row.cells[0]}\n" + "\n".join(f"- {note}" for note in row.notes))
    return verdict(rows)


def verdict(rows: list[Row]) -> int:
    """The last line; 0 where every limit is held."""
    total, read, merged = (
        sum(getattr(row, name) for row in rows) for name in ("operations", "by_reading", "merged")
    )
    both = sum(row.boots and row.same for row in rows)
    print(f"\n{both} of {len(rows)} boot with inferred settings and have the same tests; "
          f"{read} of {total} operations by reading, {merged} merged; "
          f"load {os.getloadavg()[0]:.1f}")  # fmt: skip
    return int(4 * both < 3 * len(rows) or read < 0.8 * total or merged < 0.95 * total)


if __name__ == "__main__":
    sys.exit(main())
