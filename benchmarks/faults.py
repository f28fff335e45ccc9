"""How many planted faults each rule finds, how often it cries at their twins, and what it repairs.

``python benchmarks/faults.py`` counts the cases of ``tests/rules``, plants the mutations of
``benchmarks/faults`` in real apps, and prints one Markdown table. ``--own`` leaves the real apps
out; ``--fetch`` clones them first, at the commits of ``faults/apps.toml``; ``--apps DIR`` is where
they lie, in folders called ``<name>-<owner>``; ``--rule NAME`` looks at one rule.

A fault is found where the rule is certain of it at the planted place. The twin of a mutation is the
unmutated app: in the same file, or at the same line where the mutation names one. Exit code 1 where
a rule has fewer than six faults, or three of a kind, or a recall below 95 %, or alarms above 2 %;
2 where real apps are not at hand.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.finding import Finding, Grade, Rule
from fastwright.model.places import position
from fastwright.review.engine import find_all
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.survey.cache import DiskCache
from fastwright.testing.specs import cases, examples, fixes, places
from fastwright.workspace.project import Project

HERE = Path(__file__).parent
PAGES = HERE.parent / "tests" / "rules"
KEPT = Path.home() / ".cache" / "fastwright" / "apps"
LEAST_RECALL, MOST_ALARMS, LEAST_FAULTS, LEAST_OF_A_KIND = 0.95, 0.02, 6, 3
COLUMNS = ("code", "rule", "faults", "twins", "mutations", "recall", "alarms", "repair", "")


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
        after[self.path] = changed(self.path, after, self.pattern, self.replace, self.count)
        for row in self.also:
            path = PurePosixPath(row["path"])
            after[path] = changed(path, after, row["pattern"], row["replace"], 1)
        return after


def changed(
    path: PurePosixPath, files: Mapping[PurePosixPath, bytes], old: str, new: str, count: int
) -> bytes:
    """A file with the first `count` matches of a pattern replaced.

    Raises:
        ValueError: There are not so many.
    """
    text, made = re.subn(old, new, files[path].decode(), count=count, flags=re.MULTILINE)
    if made != count:
        raise ValueError(f"{path}: {old!r} occurs {made} times, not {count}")
    return text.encode()


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found of planted faults, what was said of their twins, and how fixes are offered.

    `repairs` holds the kinds of fix that the rule offered for its own faults.
    """

    faults: int = 0
    found: int = 0
    twins: int = 0
    alarms: int = 0
    mutations: int = 0
    mutations_found: int = 0
    repairs: frozenset[Safety] = frozenset()

    def __add__(self, other: Tally) -> Tally:
        """The sum of two rules' figures, or of two parts of one rule's."""
        return Tally(
            self.faults + other.faults,
            self.found + other.found,
            self.twins + other.twins,
            self.alarms + other.alarms,
            self.mutations + other.mutations,
            self.mutations_found + other.mutations_found,
            self.repairs | other.repairs,
        )

    @property
    def total(self) -> int:
        """Faults of both kinds."""
        return self.faults + self.mutations

    @property
    def recall(self) -> float:
        """Part of the faults that was found; 1 where there are none."""
        return (self.found + self.mutations_found) / self.total if self.total else 1.0

    @property
    def alarm_rate(self) -> float:
        """Part of the twins, unmutated apps among them, that the rule objected to."""
        total = self.twins + self.mutations
        return self.alarms / total if total else 0.0

    def lacks(self, *, own: bool) -> str:
        """What falls short of the bench's terms, in words; empty where nothing does."""
        few_planted = self.mutations < LEAST_OF_A_KIND or self.total < LEAST_FAULTS
        too_few = min(self.faults, self.twins) < LEAST_OF_A_KIND or (few_planted and not own)
        short = {
            "too few": too_few,
            "misses": self.recall < LEAST_RECALL,
            "alarms": self.alarm_rate > MOST_ALARMS,
        }
        return ", ".join(words for words, is_so in short.items() if is_so)

    def cells(self) -> tuple[str, ...]:
        """The figures of one row of the table."""
        return (
            f"{self.found}/{self.faults}",
            f"{self.twins}",
            f"{self.mutations_found}/{self.mutations}",
            f"{self.recall:.0%}",
            f"{self.alarms}/{self.twins + self.mutations}",
        )


def of_specification(rule: Rule) -> Tally:
    """The cases of the rule's own page, and the repairs that it offers there and in its example."""
    tally = Tally(repairs=_repairs(rule.check(examples(rule)[0])))
    for case in cases(PAGES / f"{rule.name}.md"):
        app = static.read(case.files)
        findings = list(rule.check(app))
        certain, wanted = places(findings, app, Grade.CERTAIN), case.marked("want")
        tally += Tally(
            faults=len(wanted),
            found=sum(place in certain for place in wanted),
            twins=int(case.is_twin),
            alarms=int(case.is_twin and bool(certain)),
            repairs=_repairs(findings),
        )
    return tally


def _repairs(findings: Iterable[Finding]) -> frozenset[Safety]:
    return frozenset(fix.safety for fix in fixes(findings) if fix.changes)


def mutations(rule: str) -> Iterator[Mutation]:
    """The mutations of a rule's file."""
    page = HERE / "faults" / f"{rule}.toml"
    if page.exists():
        yield from (Mutation.read(rule, r) for r in tomllib.loads(page.read_text())["mutation"])


def of_mutations(rule: Rule, apps: Path) -> Tally:
    """The rule's mutations of real apps, each with the unmutated app as its twin."""
    tally = Tally()
    for mutation in mutations(rule.name):
        before = _here(mutation, rule, mapped(mutation.app, apps))
        try:
            after = _here(mutation, rule, linked(mutation.planted(sources(mutation.app, apps))))
        except (ValueError, KeyError) as error:
            print(f"cannot plant {mutation.app} {mutation.path}: {error}", file=sys.stderr)
            after = frozenset()
        found = bool(after - before)
        if not found:
            print(f"missed: {rule.name} {mutation.app} {mutation.pattern!r}", file=sys.stderr)
        if before:
            print(f"alarm: {rule.name} {mutation.app} {sorted(before)}", file=sys.stderr)
        tally += Tally(mutations=1, mutations_found=int(found), alarms=int(bool(before)))
    return tally


def _here(mutation: Mutation, rule: Rule, app: AppMap) -> frozenset[str]:
    """Fingerprints of what the rule is certain of at the place of the mutation."""
    sure = (f for f in find_all(app, [rule]).findings if f.grade is not Grade.POSSIBLE)
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


def folder(app: str, apps: Path) -> Path:
    """Where a real app, ``owner/name``, lies."""
    owner, _, name = app.partition("/")
    return apps / f"{name}-{owner}"


def commits() -> Mapping[str, str]:
    """The real apps, each with the commit that the mutations were written for."""
    return tomllib.loads((HERE / "faults" / "apps.toml").read_text())


def clone(commits: Mapping[str, str], apps: Path) -> None:
    """Clone the real apps, ``owner/name``, that are not at hand."""
    for app, commit in commits.items():
        into = folder(app, apps)
        if not into.exists():
            words = ("git", "clone", "--quiet", f"https://github.com/{app}", str(into))
            subprocess.run(words, check=True)
            subprocess.run(("git", "checkout", "--quiet", commit), cwd=into, check=True)


@cache
def sources(app: str, apps: Path) -> Mapping[PurePosixPath, bytes]:
    """The files of a real app."""
    return Project(folder(app, apps)).read()


@cache
def mapped(app: str, apps: Path) -> AppMap:
    """The map of an app as it is."""
    return linked(sources(app, apps))


def linked(files: Mapping[PurePosixPath, bytes]) -> AppMap:
    """A map; facts of files that were read before are kept."""
    with DiskCache(KEPT / "facts") as kept:
        return static.read(files, cache=kept)


def print_table(rules: Sequence[Rule], apps: Path | None) -> bool:
    """Print a row a rule, then the totals; without `apps` of own cases alone.

    Returns:
        True where every rule holds.
    """
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    total, repairing, short = Tally(), 0, 0
    for rule in rules:
        tally = of_specification(rule)
        tally = tally if apps is None else tally + of_mutations(rule, apps)
        lacks = tally.lacks(own=apps is None)
        kinds = ", ".join(sorted(tally.repairs)) or "–"
        row = (rule.code, rule.name, *tally.cells(), kinds, lacks)
        print(f"| {' | '.join(row)} |", flush=True)
        total, repairing = total + tally, repairing + bool(tally.repairs)
        short += bool(lacks)
    share = f"{repairing}/{len(rules)} ({repairing / len(rules):.0%})"
    print(f"| | {len(rules)} rules | {' | '.join(total.cells())} | {share} | {short or ''} |")
    return not short


def _told(missing: Sequence[str], apps: Path) -> str:
    return (
        f"{len(missing)} of {len(commits())} real apps are not in {apps}: {', '.join(missing)}\n"
        f"clone them with `python benchmarks/faults.py --fetch --apps {apps}`, "
        "or count own cases alone with `--own`"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--own", action="store_true", help="the cases of tests/rules alone")
    parser.add_argument("--apps", type=Path, default=KEPT, help="folders of real apps")
    parser.add_argument("--fetch", action="store_true", help="clone the real apps first")
    parser.add_argument("--rule", action="append", default=[], help="a rule's name; repeatable")
    given = parser.parse_args()
    rules = [r for r in every_rule().values() if not given.rule or r.name in given.rule]
    if given.fetch:
        clone(commits(), given.apps)
    missing = [] if given.own else [a for a in commits() if not folder(a, given.apps).exists()]
    if missing:
        print(_told(missing, given.apps), file=sys.stderr)
        return 2
    return int(not print_table(rules, None if given.own else given.apps))


if __name__ == "__main__":
    sys.exit(main())
