"""All rules over one map: findings without repetition, and a rule that raises set aside."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.finding import Finding, Grade, Rule, Severity
from fastwright.model.places import Position, position
from fastwright.model.review import Fault, Objection
from fastwright.review.allowing import header
from fastwright.review.idle import weighed
from fastwright.survey.collecting import without_collector
from fastwright.survey.pool import WORTH_SHARING, shared_out

Files = Mapping[PurePosixPath, bytes]

HABIT = 10
"""From so many findings on, a smell that is not grave is a habit of the house."""

SHOWN_LINES = 8
"""Source lines that an objection keeps."""

_RANK = (Severity.HIGH, Severity.MEDIUM, Severity.LOW)
_SURE = (Grade.PROVEN, Grade.CERTAIN, Grade.POSSIBLE)


@dataclass(frozen=True, slots=True)
class Found:
    """What the rules found, in the order of their codes, and the rules that raised."""

    findings: tuple[Finding, ...]
    faults: tuple[Fault, ...] = ()


@without_collector()
def find_all(app: AppMap, rules: Iterable[Rule]) -> Found:
    """Everything that `rules` find in `app`.

    A rule that raises keeps what it found up to then and is reported as a fault of ours. One
    finding at one place is told once.
    """
    every = tuple(rules)
    shares = len(app.calls) >= WORTH_SHARING
    each = (shared_out if shares else _in_turn)(len(every), lambda n: _found(app, every[n]))
    found: dict[tuple[object, ...], Finding] = {}
    for one in each:
        for finding in one.findings:
            found.setdefault((finding.rule, finding.at, finding.message), finding)
    return Found(tuple(found.values()), tuple(fault for one in each for fault in one.faults))


def _in_turn(count: int, run: Callable[[int], Found]) -> list[Found]:
    return [run(number) for number in range(count)]


def _found(app: AppMap, rule: Rule) -> Found:
    """What one rule finds."""
    findings: list[Finding] = []
    try:
        findings.extend(weighed(app, finding) for finding in rule.check(app))
    except Exception as error:  # noqa: BLE001 - one rule must not take the others with it
        return Found(tuple(findings), (fault_of(rule.name, error),))
    return Found(tuple(findings))


def fault_of(name: str, error: Exception) -> Fault:
    """What a rule or probe of ours raised, with the file of it."""
    return Fault(name, _raised_at(error), f"{type(error).__name__}: {error}")


def _raised_at(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if re.search("/rules/|/live/", f.filename)] or frames[1:] or frames
    return f"{own[-1].filename}:{own[-1].lineno}" if own else "unknown"


def objection(files: Files, finding: Finding, rule: Rule) -> Objection:
    """A finding as it is told, with its place in lines and columns."""
    content = files.get(finding.at.path, b"")
    at = position(content, finding.at.start)
    first, last = header(finding.at, content)
    lines = content.decode("utf-8", "replace").splitlines()[first - 1 : last]
    return Objection(
        finding, rule.code, rule.area, rule.severity, rule.doc.partition("\n")[0],
        path=str(finding.at.path), at=at,
        end=max(at, _end(content, finding, last)),
        lines=tuple(lines[:SHOWN_LINES]),
        fingerprint=finding.fingerprint("\n".join(lines)),
        related=tuple(f"{s.path}:{position(files.get(s.path, b''), s.start).line}"
                      for s in finding.related),
    )  # fmt: skip


def _end(content: bytes, finding: Finding, last: int) -> Position:
    """Where the lines that stand for a finding end."""
    end = position(content, finding.at.end)
    if end.line <= last:
        return end
    lines = content.split(b"\n")
    return Position(last, len(lines[last - 1].decode("utf-8", "replace")) + 1)


def ordered(objections: Iterable[Objection]) -> tuple[Objection, ...]:
    """The gravest first, then the surest, then as they stand in the source."""
    return tuple(
        sorted(
            objections,
            key=lambda o: (_RANK.index(o.severity), _SURE.index(o.grade), o.code, o.path, o.at),
        )
    )


def by_rule(findings: Iterable[Finding], cards: Mapping[str, Rule]) -> Mapping[str, int]:
    """How many findings each rule has, the gravest rule first, then that with the most."""
    counted = Counter(finding.rule for finding in findings)
    grave = {rule: _RANK.index(cards[rule].severity) for rule in counted}
    order = sorted(counted, key=lambda rule: (grave[rule], -counted[rule], rule))
    return {rule: counted[rule] for rule in order}


def habits(objections: Sequence[Objection]) -> tuple[str, ...]:
    """Rules whose objections are so many, and so mild, that one line tells of all of them."""
    counted = Counter(o.rule for o in objections if o.severity is not Severity.HIGH)
    return tuple(sorted(rule for rule, count in counted.items() if count >= HABIT))


def fails(one: Objection, fail_on: Severity | None) -> bool:
    """True where an objection fails the run: sure, and at least of that severity."""
    sure = one.grade is not Grade.POSSIBLE
    return sure and fail_on is not None and _RANK.index(one.severity) <= _RANK.index(fail_on)
