"""A live review: the app booted in the lab, examined, and what it proves joined to the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastwright.agent.ground import Ground
from fastwright.agent.live_target import SturdyTarget
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.worlds import Worlds
from fastwright.lab.boot import App
from fastwright.lab.formatter import style_of, tidied
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad, FastwrightError, UsageError
from fastwright.model.finding import AccessMatrix, Finding
from fastwright.model.review import Fault
from fastwright.prove.side import Side
from fastwright.review.live.examine import examine
from fastwright.review.live.proof import Proof
from fastwright.review.live.replays import Replays
from fastwright.review.live.telling import Shown
from fastwright.source import edits

MARK = "review_stage"
"""Stands in every file that a review writes: another file of such a name is left alone."""


@dataclass(frozen=True, slots=True)
class LiveReview:
    """What a live review adds to one from the source.

    Attributes:
        findings: What was proven, each with its exchanges, and questions that are open. One of a
            rule that found the same handler is that finding, with the evidence added.
        matrix: Route by caller, to what was answered.
        not_tried: What was left out, with the reasons; where the app does not boot, all of it.
        app: The map, merged with what ran; the given one where nothing did.
        proofs: What the findings were made of.
        tests: Each proof as a test that runs without us, by file name.
        untested: The proofs that no test can be written of.
        faults: What of ours raised, and where.
        loads: The app booted, so that anything could be tried.
        shown: Of the findings those that no rule makes, to be looked for in another tree.
        replays: The tests by the findings that they are of.
    """

    findings: tuple[Finding, ...] = ()
    matrix: AccessMatrix = field(default_factory=AccessMatrix)
    not_tried: tuple[str, ...] = ()
    app: AppMap | None = None
    proofs: tuple[Proof, ...] = ()
    tests: Mapping[str, str] = field(default_factory=dict)
    untested: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    loads: bool = True
    shown: tuple[Shown, ...] = ()
    replays: Replays = field(default_factory=Replays)


def review_live(
    stand: Ground,
    known: Sequence[Finding],
    person: Person,
    wishes: Wishes,
    watch: Stopwatch,
) -> LiveReview:
    """Boot the app that `stand` holds, and examine it; `known` is what the rules found.

    Nothing of an app that does not boot is tried, and that is said.

    Raises:
        NeedsConsent: The person does not want their code to be run.
    """
    with Worlds(stand, person, wishes, watch) as worlds:
        try:
            side = worlds.before
        except DoesNotLoad as error:
            return LiveReview(not_tried=(_did_not_boot(error),), app=stand.app, loads=False)
        return _examined(side, known, worlds, watch)


def write_tests(folder: Path, tests: Mapping[str, str], app: AppMap) -> None:
    """Write `tests` of `app` by file name into `folder`, which the person named for them.

    Raises:
        UsageError: The folder cannot be written, or holds a file of such a name that is not ours.
    """
    files = {PurePosixPath(name): text.encode() for name, text in tests.items()}
    tidy = edits.apply(files, tidied({}, files, style_of(app)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in tidy.items():
            place = folder / name
            if place.exists() and MARK not in place.read_text("utf-8"):
                raise UsageError(
                    f"cannot write `{place}`", "there is a file that is not a test of a review"
                )
            place.write_bytes(content)
    except OSError as error:
        raise UsageError(f"cannot write tests to `{folder}`", str(error)) from error


def _did_not_boot(error: FastwrightError) -> str:
    return f"nothing was tried on the running app, for it does not boot: {error.because}"


def _examined(side: Side, known: Sequence[Finding], worlds: Worlds, watch: Stopwatch) -> LiveReview:
    booted = [side.app]

    def boot() -> App:
        if booted:
            return booted.pop()
        return side.world.boot(side.map.app.target if side.map.app else None)

    target = SturdyTarget(boot)
    with watch.phase("examining the running app"):
        try:
            seen = examine(target, side.map, known)
        except DoesNotLoad as error:
            return LiveReview(not_tried=(_ended(error),), app=side.map)
        finally:
            target.close()
    absent = tuple(f"not there while the app ran: {one}" for one in worlds.not_served)
    absent += tuple(f"made for the run alone: {one}" for one in worlds.made)
    notes = (*seen.not_tried, *target.crashed, *absent)
    return LiveReview(
        seen.findings, seen.matrix, tuple(dict.fromkeys(notes)), side.map, seen.proofs,
        seen.tests.files, seen.tests.left_out, seen.faults, shown=seen.shown,
        replays=seen.replays,
    )  # fmt: skip


def _ended(error: FastwrightError) -> str:
    return f"the examination ended early, for the app did not boot again: {error.because}"
