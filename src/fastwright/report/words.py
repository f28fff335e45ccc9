"""What every form of a report says alike: headings, rows, groups. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.change import ChangeSet, Manual, NewFile, Notice
from fastwright.model.errors import FastwrightError
from fastwright.model.finding import Evidence
from fastwright.model.plan import Option, Plan, Step
from fastwright.model.proof import Check, FileDiff, Outcome, Report, Verdict

NAMED = 2
"""Of things that fail for one cause, how many are named beside the first."""

_TITLES = MappingProxyType(
    {
        Outcome.PROVEN: "Proven",
        Outcome.ALREADY_THERE: "Already there",
        Outcome.REFUSED: "Refused",
        Outcome.NOT_PROVEN: "Not proven: your tree is as it was",
        Outcome.PLANNED: "Planned: nothing was written",
        Outcome.UNDONE: "Undone",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """One gate as a line of the table; `figures` is *before → after* or why it was skipped."""

    gate: str
    verdict: str
    figures: str
    evidence: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Group:
    """The files that were changed for the same reasons."""

    reasons: tuple[str, ...]
    files: tuple[FileDiff, ...]


def title(report: Report) -> str:
    """How it ended, in a word or two."""
    if report.outcome is Outcome.PLANNED and report.proof is not None and report.proof.holds:
        return "Proven, and not applied"
    return _TITLES[report.outcome]


def refused(error: FastwrightError) -> tuple[str, str, str]:
    """*cannot*, *because*, *do* of an error."""
    return error.cannot, error.because, error.do


def rows(checks: Iterable[Check]) -> tuple[Row, ...]:
    """The table of gates."""
    return tuple(map(row, checks))


def row(check: Check) -> Row:
    """One gate's line."""
    seen = tuple(evidence_text(evidence) for evidence in check.evidence)
    return Row(
        check.gate,
        check.verdict.value,
        figures(check),
        folded(seen) if check.verdict is Verdict.FAILED else seen,
        check.seconds,
    )


def folded(lines: Iterable[str]) -> tuple[str, ...]:
    """`lines` with those that say the same of several things told once, with the others' names.

    What a line is about stands in backticks at its beginning. Numbers and addresses in what is
    said of it do not make two causes of one.
    """
    causes: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        name, said = _subject(line)
        causes.setdefault(re.sub(r"0x[0-9a-f]+|\d+", "0", said), []).append((name, line))
    return tuple(_once_for_all(alike) for alike in causes.values())


def _subject(line: str) -> tuple[str, str]:
    found = re.match(r"(`[^`\n]+`)(.+)", line, re.DOTALL)
    return (found[1], found[2]) if found else ("", line)


def _once_for_all(alike: Sequence[tuple[str, str]]) -> str:
    others = [name for name, _ in alike[1:] if name]
    if not others:
        return alike[0][1]
    more = len(others) - NAMED
    shown = ", ".join(others[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{alike[0][1]}; the same of {shown}"


def figures(check: Check) -> str:
    """``before → after``, or the reason of a skip."""
    if check.verdict is Verdict.SKIPPED:
        return check.skipped_because
    if check.before and check.after and check.before != check.after:
        return f"{check.before} → {check.after}"
    return check.after or check.before


def untold_gaps(report: Report) -> tuple[str, ...]:
    """Where what is there falls short, but for what a gate or a remedy of the report says too."""
    gaps = report.presence.gaps if report.presence else ()
    told = [check.after for check in (report.proof.checks if report.proof else ())]
    return tuple(gap for gap in gaps if not any(gap in text for text in (*told, *report.next)))


def evidence_text(evidence: Evidence) -> str:
    """The sentence, with its values behind it."""
    values = ", ".join(f"{name} {value}" for name, value in evidence.values)
    return f"{evidence.text} ({values})" if values else evidence.text


def groups(diffs: Iterable[FileDiff]) -> tuple[Group, ...]:
    """The diff by reason: files changed for the same reasons stand together, in order."""
    found: dict[tuple[str, ...], list[FileDiff]] = {}
    for diff in diffs:
        found.setdefault(diff.why, []).append(diff)
    return tuple(Group(_once(reasons), tuple(files)) for reasons, files in found.items())


def _once(reasons: Iterable[str]) -> tuple[str, ...]:
    """The reasons without the parts that an earlier one has said."""
    parts = (part for reason in reasons for part in reason.split("; "))
    return tuple(dict.fromkeys(parts))


def why_no_text(report: Report, file: FileDiff) -> str:
    """What to say of a file whose diff is empty: it is secret, or there is nothing in it."""
    changes = report.changes.changes if report.changes else ()
    hidden = {str(c.path) for c in changes if isinstance(c, NewFile) and c.secret}
    return "secret: its text is not shown" if file.path in hidden else "a new, empty file"


def tally(diffs: Iterable[FileDiff]) -> str:
    """``5 files, +210 −3``."""
    kept = tuple(diffs)
    added, removed = sum(d.added for d in kept), sum(d.removed for d in kept)
    return f"{count(len(kept), 'file')}, +{added} −{removed}"


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"


def verdict_line(report: Report) -> str:
    """How many gates passed, failed and were skipped; empty without a proof."""
    if report.proof is None:
        return ""
    verdicts = [check.verdict for check in report.proof.checks]
    parts = [f"{verdicts.count(v)} {v.value}" for v in Verdict if v in verdicts]
    return ", ".join(parts)


def step_line(step: Step) -> str:
    """``jwt-auth (path=/auth/token, refresh=yes)``."""
    chosen = ", ".join(f"{name}={spoken(value)}" for name, value in step.options.items())
    return f"{step.recipe} ({chosen})" if chosen else step.recipe


def instead(option: Option) -> str:
    """What else an option may be, with the price of it where that is known."""
    others = [name for name in option.alternatives if name not in (spoken(False), spoken(True))]
    return option.costs or (f"or {', '.join(others)}" if others else "")


def spoken(value: object) -> str:
    """An option's value as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "chosen for this app" if value is None else str(value)


def by_hand(changes: ChangeSet | None) -> tuple[Manual, ...]:
    """Steps for the person, with their snippets."""
    return tuple(c for c in changes.changes if isinstance(c, Manual)) if changes else ()


def notices(changes: ChangeSet | None) -> tuple[str, ...]:
    """What the reader must know and no file says."""
    return tuple(c.text for c in changes.changes if isinstance(c, Notice)) if changes else ()


def touched(plan: Plan) -> str:
    """``3 files, 1 table`` as the plan foresees it."""
    tables = f", {count(len(plan.tables), 'table')}" if plan.tables else ""
    return f"{count(len(plan.files), 'file')}{tables}"
