"""How many planted faults each rule finds, and how often it cries at their twins.

``python benchmarks/faults.py`` counts the cases of ``tests/rules`` and plants the mutations of
``benchmarks/faults`` in real apps, which are cloned at first use; ``--own`` leaves the latter out,
``--apps DIR`` takes them from folders called ``<name>-<owner>``, ``--rule NAME`` looks at one rule.

A fault is found where the rule is certain of it at the planted place. The twin of a mutation is the
unmutated app, at the same place. Exit code 1 where a rule's recall is below 95 % or its alarms are
above 2 %.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.finding import Finding, Grade, Rule
from fastwright.model.places import position
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.survey.cache import DiskCache
from fastwright.testing.specs import cases, places
from fastwright.workspace.project import Project

HERE = Path(__file__).parent
PAGES = HERE.parent / "tests" / "rules"
KEPT = Path.home() / ".cache" / "fastwright" / "apps"
LEAST_RECALL, MOST_ALARMS = 0.95, 0.02


@dataclass(frozen=True, slots=True)
class Mutation:
    """One fault planted in a real app: `pattern` becomes `replace` in `path`, `count` times."""

    rule: str
    app: str
    path: PurePosixPath
    pattern: str
    replace: str
    count: int = 1
    line_of: str = ""
    also: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def read(cls, rule: str, row: Mapping[str, Any]) -> Mutation:
        """From one ``[[mutation]]`` table."""
        given = {**row, "path": PurePosixPath(row["path"]), "also": tuple(row.get("also", ()))}
        return cls(rule, **given)

    def planted(self, files: Mapping[PurePosixPath, bytes]) -> dict[PurePosixPath, bytes]:
        """The files of the app with the fault.

        Raises:
            ValueError: The pattern does not occur as often as it must.
        """
        after = dict(files)
        after[self.path] = _changed(self.path, after, self.pattern, self.replace, self.count)
        for row in self.also:
            path = PurePosixPath(row["path"])
            after[path] = _changed(path, after, row["pattern"], row["replace"], 1)
        return after


def _changed(
    path: PurePosixPath, files: Mapping[PurePosixPath, bytes], old: str, new: str, count: int
) -> bytes:
    text, made = re.subn(old, new, files[path].decode(), count=count, flags=re.MULTILINE)
    if made != count:
        raise ValueError(f"{path}: {old!r} occurs {made} times, not {count}")
    return text.encode()


@dataclass(frozen=True, slots=True)
class Tally:
    """What one rule found of its faults, and what it said of their twins."""

    faults: int = 0
    found: int = 0
    twins: int = 0
    alarms: int = 0
    mutations: int = 0
    mutations_found: int = 0

    @property
    def recall(self) -> float:
        """Part of the faults that was found; 1 where there are none."""
        total = self.faults + self.mutations
        return (self.found + self.mutations_found) / total if total else 1.0

    @property
    def alarm_rate(self) -> float:
        """Part of the twins that the rule objected to."""
        total = self.twins + self.mutations
        return self.alarms / total if total else 0.0


def of_specification(rule: Rule) -> Tally:
    """The cases of the rule's own page."""
    tally = Tally()
    for case in cases(PAGES / f"{rule.name}.md"):
        app = static.read(case.files)
        findings = list(rule.check(app))
        certain, wanted = places(findings, app, Grade.CERTAIN), case.marked("want")
        tally = replace(
            tally,
            faults=tally.faults + len(wanted),
            found=tally.found + sum(place in certain for place in wanted),
            twins=tally.twins + case.is_twin,
            alarms=tally.alarms + (case.is_twin and bool(certain)),
        )
    return tally


def mutations(rule: str) -> Iterator[Mutation]:
    """The mutations of a rule's file."""
    page = HERE / "faults" / f"{rule}.toml"
    if page.exists():
        yield from (Mutation.read(rule, r) for r in tomllib.loads(page.read_text())["mutation"])


def of_mutations(rule: Rule, tally: Tally, apps: Path | None) -> Tally:
    """The same with the rule's mutations of real apps."""
    for mutation in mutations(rule.name):
        files = sources(mutation.app, apps)
        before = _here(mutation, rule, mapped(mutation.app, apps))
        try:
            after = _here(mutation, rule, linked(mutation.planted(files)))
        except (ValueError, KeyError) as error:
            print(f"  cannot plant {mutation.app} {mutation.path}: {error}", file=sys.stderr)
            after = frozenset()
        found = bool(after - before)
        if not found:
            print(f"  missed: {rule.name} {mutation.app} {mutation.pattern!r}", file=sys.stderr)
        alarm = bool(before) if mutation.line_of else False
        tally = replace(
            tally,
            mutations=tally.mutations + 1,
            mutations_found=tally.mutations_found + found,
            alarms=tally.alarms + alarm,
        )
    return tally


def _here(mutation: Mutation, rule: Rule, app: AppMap) -> frozenset[str]:
    """Fingerprints of what the rule is certain of at the place of the mutation."""
    sure = (f for f in rule.check(app) if f.grade is not Grade.POSSIBLE)
    return frozenset(f"{f.symbol}|{f.message}" for f in sure if _is_here(mutation, f, app))


def _is_here(mutation: Mutation, finding: Finding, app: AppMap) -> bool:
    spans = [s for s in (finding.at, *finding.related) if s.path == mutation.path]
    if not mutation.line_of:
        return bool(spans)
    content = app.files[mutation.path]
    matches = re.finditer(mutation.line_of.encode(), content, flags=re.MULTILINE)
    lines = {position(content, match.start()).line for match in matches}
    return any(
        position(content, s.start).line <= line <= position(content, s.end).line
        for s in spans
        for line in lines
    )


@cache
def sources(app: str, apps: Path | None) -> Mapping[PurePosixPath, bytes]:
    """The files of a real app, cloned at its commit where it is not at hand."""
    owner, _, name = app.partition("/")
    folder = (apps or KEPT) / f"{name}-{owner}"
    if not folder.exists():
        commit = tomllib.loads((HERE / "faults" / "apps.toml").read_text())[app]
        clone = ("git", "clone", "--quiet", f"https://github.com/{app}", str(folder))
        subprocess.run(clone, check=True)
        subprocess.run(("git", "checkout", "--quiet", commit), cwd=folder, check=True)
    return Project(folder).read()


@cache
def mapped(app: str, apps: Path | None) -> AppMap:
    """The map of an app as it is."""
    return linked(sources(app, apps))


def linked(files: Mapping[PurePosixPath, bytes]) -> AppMap:
    """A map; facts of files that were read before are kept."""
    with DiskCache(KEPT / "facts") as kept:
        return static.read(files, cache=kept)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--own", action="store_true", help="the cases of tests/rules alone")
    parser.add_argument("--apps", type=Path, help="folders of real apps")
    parser.add_argument("--rule", action="append", default=[], help="a rule's name; repeatable")
    given = parser.parse_args()
    low = False
    print(
        f"{'rule':32} {'own faults':>12} {'mutations':>10} {'recall':>7} {'twins':>6} {'alarms':>7}"
    )
    for rule in every_rule().values():
        if given.rule and rule.name not in given.rule:
            continue
        tally = of_specification(rule)
        tally = tally if given.own else of_mutations(rule, tally, given.apps)
        bad = tally.recall < LEAST_RECALL or tally.alarm_rate > MOST_ALARMS
        low = low or bad
        print(
            f"{rule.name:32} {f'{tally.found}/{tally.faults}':>12} "
            f"{f'{tally.mutations_found}/{tally.mutations}':>10} {tally.recall:>7.0%} "
            f"{tally.twins + tally.mutations:>6} {tally.alarms:>7}{'  <' if bad else ''}",
            flush=True,
        )
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
