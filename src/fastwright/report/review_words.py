"""What every form of a review says the same way: headings, figures, groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Finding, Grade, Severity
from fastwright.model.review import Objection, Review

AREAS = ("design", "logic", "database", "performance", "security", "scale", "quality")
_SET_ASIDE = (
    ("baseline", "known from the baseline"),
    ("allowed", "permitted in the source"),
    ("unchanged", "on unchanged lines"),
    ("possible", "possible only: `--possible` tells them{rules}"),
)

_FIRST = 5
"""Rules that are named of those whose findings are not told."""


@dataclass(frozen=True, slots=True)
class Group:
    """Objections told together: of a habit several, else one."""

    objections: tuple[Objection, ...]

    @property
    def first(self) -> Objection:
        """The one that stands for all."""
        return self.objections[0]

    @property
    def is_habit(self) -> bool:
        """True where one line tells of many."""
        return len(self.objections) > 1


def groups(review: Review, objections: Sequence[Objection] | None = None) -> tuple[Group, ...]:
    """The objections in order, those of a habit of the house at the place of their first."""
    found: dict[object, list[Objection]] = {}
    for number, one in enumerate(review.objections if objections is None else objections):
        found.setdefault(one.rule if one.rule in review.habits else number, []).append(one)
    return tuple(Group(tuple(members)) for members in found.values())


def by_severity(review: Review) -> Iterator[tuple[Severity, tuple[Group, ...]]]:
    """The groups of each severity that has any, the gravest first."""
    for severity in Severity:
        found = tuple(g for g in groups(review) if g.first.severity is severity)
        if found:
            yield severity, found


def by_area(review: Review) -> Iterator[tuple[str, tuple[Group, ...]]]:
    """The groups of each area that has any, security first, then in the order of the codes."""
    for area in ("security", *(a for a in AREAS if a != "security")):
        found = tuple(g for g in groups(review) if g.first.area == area)
        if found:
            yield area, found


def headline(review: Review) -> str:
    """The outcome in a line: how many objections, how grave."""
    counts = [
        (severity.value, sum(o.severity is severity for o in review.objections))
        for severity in Severity
    ]
    told = ", ".join(f"{count} {name}" for name, count in counts if count)
    if not told:
        return "nothing objected to"
    return f"{count_of(len(review.objections), 'finding')}: {told}"


def figures(review: Review) -> str:
    """What was looked at, in a line."""
    counts = review.counts
    looked = (
        count_of(counts.get("routes", 0), "route"),
        count_of(counts.get("files", 0), "Python file"),
        count_of(counts.get("rules", 0), "rule"),
        f"{review.seconds:.1f} s" if review.seconds else "",
    )
    return " · ".join(part for part in looked if part)


def set_aside(review: Review) -> tuple[str, ...]:
    """What was found and is not told, and why."""
    first = [f"{count} {rule}" for rule, count in review.possible.items()][:_FIRST]
    more = ", …" if len(review.possible) > _FIRST else ""
    rules = f", first of all {', '.join(first)}{more}" if first else ""
    return tuple(
        f"{review.counts[name]} {words.format(rules=rules)}"
        for name, words in _SET_ASIDE
        if review.counts.get(name)
    )


def count_of(count: int, noun: str) -> str:
    """``1 route``, ``2 routes``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def place(one: Objection) -> str:
    """``path:line:column``."""
    return f"{one.path}:{one.at}"


def fix_line(fix: Fix, finding: Finding) -> str:
    """A fix with what it takes to have it."""
    run = "--live " if finding.grade is Grade.PROVEN and not finding.structural else ""
    if fix.safety is Safety.SAFE:
        return f"{fix.title} (`{run}--fix`)"
    return f"{fix.title} (changes behaviour: `{run}--fix-behaviour`)"


def elsewhere(group: Group, most: int = 4) -> str:
    """The further places of a habit, the first few by name."""
    rest = group.objections[1:]
    named = ", ".join(f"{o.path}:{o.at.line}" for o in rest[:most])
    more = len(rest) - most
    return f"{named} and {more} more places" if more > 0 else named
