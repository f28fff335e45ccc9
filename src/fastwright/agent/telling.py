"""What happened, put together as a `Report`; how it reads is the report's business."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fastwright.agent.stopwatch import Stopwatch
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, NewFile
from fastwright.model.errors import Refused
from fastwright.model.plan import Plan, Presence
from fastwright.model.proof import Check, FileDiff, Outcome, Proof, Report, Verdict
from fastwright.workspace.journal import Entry, Recovery
from fastwright.workspace.undo import REDO, UNDO

if TYPE_CHECKING:
    from fastwright.agent.planner import Refusal

FOREIGN = "left `.fastwright/journal` alone: it was not made here, but came with a clone or a copy"

NOT_ENFORCED = "not enforced: "
UNSANDBOXED = "--unsandboxed"
"""In the words of the sandbox: what it lacks, and that the person accepted it."""

_LONGEST = 160


@dataclass(frozen=True, slots=True)
class Work:
    """What one job has come to: its plan, its changes and their proof, as far as it got.

    `absent` names what the app expects and the proof went without: services, and its own secrets.
    """

    plan: Plan
    changes: ChangeSet
    diffs: tuple[FileDiff, ...] = ()
    proof: Proof | None = None
    presence: Presence | None = None
    absent: tuple[str, ...] = ()


def to_refusal(error: Refused) -> Refusal:
    """The refusal that a layer below raised."""
    from fastwright.agent.planner import Refusal  # noqa: PLC0415 - a review reads no request

    return Refusal(error.cannot, error.because, error.do)


def refused(request: str, refusal: Refusal, watch: Stopwatch) -> Report:
    """Nothing was done, and why."""
    return Report(
        asked=request,
        outcome=Outcome.REFUSED,
        did=(),
        not_done=(request.strip() or "nothing was asked",),
        refusal=(refusal.cannot, refusal.because, refusal.do),
        seconds=watch.total,
        timings=watch.timings,
    )


def planned(request: str, plan: Plan, watch: Stopwatch) -> Report:
    """A plan by reading alone."""
    return Report(
        asked=request,
        outcome=Outcome.PLANNED,
        did=("read the source",),
        not_done=("nothing was run, changed or proved", *plan.unsure),
        plan=plan,
        next=("`fastwright do` with the same words carries it out",),
        seconds=watch.total,
        timings=watch.timings,
    )


def undone(entry: Entry, watch: Stopwatch) -> Report:
    """A change was taken back."""
    files = tuple(f"{_verb(move.before, move.after)} `{move.path}`" for move in entry.moves)
    redone = entry.title.startswith(REDO)
    title = entry.title.removeprefix(REDO if redone else UNDO)
    return Report(
        asked="undo",
        outcome=Outcome.UNDONE,
        did=(f"{'brought' if redone else 'took'} back: {title}", *files),
        not_done=("no other file was touched", *(() if redone else map(_stays, entry.installs))),
        next=(f"`fastwright undo {entry.id}` {'takes it' if redone else 'brings it'} back",),
        seconds=watch.total,
        timings=watch.timings,
    )


def _stays(requirement: str) -> str:
    return f"`{requirement}` stays installed in the app's environment"


def recovered(recovery: Recovery) -> str:
    """What was found interrupted, and how the tree is now."""
    entry = recovery.entry
    found = f"the earlier change `{entry.title}` (`{entry.id}`) had been interrupted"
    if not recovery.completed:
        return f"{found} before it touched a file of yours, and was taken back"
    done = f"{found} and was completed"
    kept = ", ".join(f"`{path}`" for path in recovery.left)
    return f"{done}; kept your edits since in {kept}" if kept else done


def interrupted(entry: Entry) -> str:
    """What awaits recovery, told by a command that writes nothing."""
    return (
        f"the earlier change `{entry.title}` (`{entry.id}`) was interrupted and may be half done: "
        "`fastwright undo` or any command that runs the app sees to it first"
    )


def first(report: Report, found: str, app: AppMap | None = None, *, done: bool = True) -> Report:
    """`report`, with what was `found` of an earlier change, and what of `app` could not be read."""
    report = replace(report, unread=read_in_part(app) if app else ())
    if not found:
        return report
    if done and found != FOREIGN:
        return replace(report, did=(found, *report.did))
    return replace(report, not_done=(found, *report.not_done))


def read_in_part(app: AppMap) -> tuple[str, ...]:
    """Each file whose source could not be read or parsed whole, with the place and the reason."""
    parsed = tuple(
        f"`{module.path}`, line {module.unread.line}: {module.unread.why}"
        for module in sorted(app.modules.values(), key=lambda m: m.path)
        if module.unread
    )
    return (*(f"`{one.path}` was left out: {one.why}" for one in app.left_out), *parsed)


def with_unread_source(refused: Refused, app: AppMap) -> Refused:
    """`refused`, which may be for what stands in a file that could not be parsed whole."""
    unread = "; ".join(read_in_part(app))
    told = f"{refused.because}; the source was read in part ({unread})" if unread else ""
    return Refused(refused.cannot, told or refused.because, refused.do)


def _verb(before: object, after: object) -> str:
    if after is None:
        return "removed"
    return "restored" if before else "brought back"


def already_there(work: Work, watch: Stopwatch) -> Report:
    """It is there; what was run against it, and where it falls short."""
    presence = work.presence
    gaps = presence.gaps if presence else ()
    failed = tuple(
        f"the attack of the gate `{check.gate}` got through: {_first(check)}"
        for check in (work.proof.checks if work.proof else ())
        if check.verdict is Verdict.FAILED
    )
    return Report(
        asked=work.plan.request,
        outcome=Outcome.ALREADY_THERE,
        did=("found it in the app and changed nothing",),
        not_done=work.plan.unsure or ("nothing was changed, since it is there",),
        plan=work.plan,
        presence=presence,
        proof=work.proof,
        next=tuple(f"close the gap: {gap}" for gap in gaps) + failed,
        seconds=watch.total,
        timings=watch.timings,
    )


def own_login(work: Work, offers: tuple[str, ...], watch: Stopwatch) -> Report:
    """The app's own login is there; how it stood the attacks, and how each gap can be closed."""
    checks = work.proof.checks if work.proof else ()
    tried = [c for c in checks if c.verdict is not Verdict.SKIPPED]
    did = [f"tried {len(tried)} of {len(checks)} attacks on it, in the sandbox"] if tried else []
    return Report(
        asked=work.plan.request,
        outcome=Outcome.ALREADY_THERE,
        did=("found it in the app and changed nothing", *did),
        not_done=(
            *work.plan.unsure,
            "nothing was changed, since it is there",
            *work.absent,
            *_untried(checks),
        ),
        plan=work.plan,
        presence=work.presence,
        proof=work.proof,
        next=offers,
        seconds=watch.total,
        timings=watch.timings,
    )


def _untried(checks: tuple[Check, ...]) -> Iterator[str]:
    """The attacks that were not tried, once for each reason."""
    reasons = dict.fromkeys(c.skipped_because for c in checks if c.verdict is Verdict.SKIPPED)
    for because in reasons:
        names = ", ".join(f"`{c.gate}`" for c in checks if c.skipped_because == because)
        yield f"not tried: {names}, since {because}"


def _first(check: Check) -> str:
    """The first line of what was seen, cut where it is long: the evidence has all of it."""
    lines = (check.evidence[0].text if check.evidence else check.after).splitlines()
    text = lines[0] if lines else "no evidence was given"
    return text if len(text) <= _LONGEST and len(lines) == 1 else f"{text[:_LONGEST]}…"


def finished(work: Work, outcome: Outcome, watch: Stopwatch, did: tuple[str, ...] = ()) -> Report:
    """A change was made and judged; `outcome` says what became of it."""
    open_sides = _open_sides(work.proof)
    left = (*work.plan.unsure, *work.changes.not_done, *work.absent, *open_sides)
    left = (*left, *_skipped(work.proof))
    unwritten = () if outcome is Outcome.PROVEN else ("nothing was written to your tree",)
    return Report(
        asked=work.plan.request,
        outcome=outcome,
        did=did or _in_the_copy(work.proof),
        not_done=(*unwritten, *left),
        why=work.changes.explains,
        plan=work.plan,
        presence=work.presence,
        changes=work.changes,
        diffs=work.diffs,
        proof=work.proof,
        deploy=work.changes.deploy,
        next=work.changes.next,
        refusal=_failure(work.proof) if outcome is Outcome.NOT_PROVEN else None,
        seconds=watch.total,
        timings=watch.timings,
    )


def _in_the_copy(proof: Proof | None) -> tuple[str, ...]:
    if proof is None:
        return ("planned the change",)
    return (f"made the change in a disposable copy and judged it by {len(proof.checks)} gates",)


def _open_sides(proof: Proof | None) -> tuple[str, ...]:
    """What the person accepted to go without, in the words of the sandbox."""
    words = proof.sandbox if proof else ()
    told = [word.removeprefix(NOT_ENFORCED) for word in words if word.startswith(NOT_ENFORCED)]
    if not any(UNSANDBOXED in word for word in told):
        return ()
    return tuple(f"the proof ran outside the sandbox in part: {word}" for word in told)


def _skipped(proof: Proof | None) -> tuple[str, ...]:
    checks = proof.checks if proof else ()
    return tuple(
        f"the gate `{check.gate}` was skipped: {check.skipped_because}"
        for check in checks
        if check.verdict is Verdict.SKIPPED
    )


_MISSING = re.compile(r"No module named '([\w.]+)'")


def _failure(proof: Proof | None) -> tuple[str, str, str]:
    failed = [c for c in (proof.checks if proof else ()) if c.verdict is Verdict.FAILED]
    told = "; ".join(f"the gate `{c.gate}` failed: {_first(c)}" for c in failed)
    missing = _MISSING.search(told)
    do = "the report holds the evidence and the diff; your tree is as it was"
    if missing:
        do = f"install what provides `{missing[1]}` into the app's environment, and ask again; {do}"
    return ("cannot vouch for this change", told or "no gate could be run", do)


def what_was_done(work: Work, secret: frozenset[PurePosixPath], was: AppMap) -> tuple[str, ...]:
    """One line an operation, a setting, a table; then the files. `was` is the app before."""
    promise = work.changes.promise
    lines = [f"added `{operation}`" for operation in promise.adds]
    lines += [f"added the setting `{name}`" for name in promise.settings]
    lines += [
        f"{'changed' if was.table(name) else 'added'} the table `{name}`" for name in promise.tables
    ]
    new = {str(c.path) for c in work.changes.changes if isinstance(c, NewFile)}
    lines += [
        f"{'wrote' if diff.path in new else 'changed'} `{diff.path}`"
        for diff in work.diffs
        if PurePosixPath(diff.path) not in secret
    ]
    lines += [f"wrote `{path}`, readable by you alone" for path in sorted(secret)]
    return tuple(lines)
