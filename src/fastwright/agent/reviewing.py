"""A review from the source: rules over the map, less what is permitted, known or unchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from fastwright import __version__
from fastwright.agent import ground
from fastwright.agent.baselines import place_of, read, write
from fastwright.agent.digests import Digest, Files, digest, recalled
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.errors import DoesNotLoad
from fastwright.model.finding import Finding, Grade, Rule
from fastwright.model.review import Card, Fault, Objection, Review
from fastwright.review import allowing, baseline, engine, record
from fastwright.review.changed import Lines, touching
from fastwright.review.rule import find_rule, shelf
from fastwright.review.settings import Settings, read_settings, severity
from fastwright.survey.codebase import of_tests

if TYPE_CHECKING:
    from fastwright.agent.live_review import LiveReview
    from fastwright.review.live.replays import Replays
    from fastwright.review.live.telling import Shown


@dataclass(frozen=True, slots=True)
class Choices:
    """How a review is to go, as the person said on the command line.

    Attributes:
        diff: Tell only what stands on lines or in functions changed since this revision.
        possible: Tell also what is not certain.
        select: Rules to run, by name, code, beginning of a code or area; all, when empty.
        ignore: Rules to leave out, likewise.
        fail_on: The least severity that fails the run, or ``never``; the settings', when empty.
        baseline: File of what is known; the settings', when ``None``.
        write_baseline: Write what is found to the baseline instead of judging it.
        live: Run the app as well.
        write_tests: The folder for a test of each thing that is proven.
        repair: Apply fixes up to this safety.
    """

    diff: str = ""
    possible: bool = False
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = ""
    baseline: Path | None = None
    write_baseline: bool = False
    live: bool = False
    write_tests: Path | None = None
    repair: Safety | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules that run, and what is held against what they find."""

    settings: Settings
    rules: tuple[Rule, ...]
    broken: tuple[Fault, ...]
    known: str | None = None
    changed: Lines | None = None
    possible: bool = False
    proven: frozenset[tuple[str, str]] = frozenset()
    """Rule and symbol of what a run has proven: told, and repaired, also where source is unsure."""
    shown: tuple[Shown, ...] = ()
    """What a run has proven that no rule finds: told, and repaired, until it is mended."""
    replays: Replays | None = None
    """The tests of what a run has proven, to be run again on a repaired tree."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is objected to in one tree, and how much was set aside and why."""

    objections: tuple[Objection, ...]
    faults: tuple[Fault, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    possible: Mapping[str, int] = field(default_factory=dict)


def review(start: Path, person: Person, wishes: Wishes, choices: Choices) -> Review:
    """Review the project that `start` belongs to; runs nothing of it.

    Raises:
        NotAProject: There is no FastAPI app at `start`.
        UsageError: A rule, severity, revision or baseline that there is not.
    """
    watch = Stopwatch(person)
    writes = choices.live or choices.repair is not None
    stand = ground.open_project(start, person, reads_only=not writes)
    with watch.phase("applying the rules"):
        seen = _digest(start, stand, wishes)
    terms = terms_of(stand, PurePosixPath(seen.folder), choices)
    judged = weigh(seen, stand.files, terms)
    if choices.live or choices.repair is not None:
        stand = ground.mapped(stand, start, wishes)
    if choices.write_baseline:
        write(place_of(stand.project, terms.settings, choices.baseline), judged.objections)
    told = told_of(stand, terms, seen, judged)
    if choices.live:
        run = Run(stand, terms, person, wishes, watch)
        told, seen_live = _with_live(run, choices.write_tests)
        terms = replace(terms, shown=seen_live.shown, replays=seen_live.replays)
    if choices.repair is not None:
        seen_to_fail = frozenset(
            (o.finding.rule, o.finding.symbol)
            for o in told.objections
            if o.finding.grade is Grade.PROVEN
        )
        terms = replace(terms, proven=seen_to_fail)
        told = _with_repair(told, choices.repair, Run(stand, terms, person, wishes, watch))
    return replace(told, seconds=watch.total)


def _digest(start: Path, opened: Ground, wishes: Wishes) -> Digest:
    """What all rules find in the project, recalled where it has not changed."""

    def make() -> Digest:
        # What rules find is kept instead: the next review of this tree asks for no map.
        stand = ground.mapped(opened, start, wishes, keeps=False)
        return digest(stand.app, tuple(shelf().rules.values()), stand.target)

    target = wishes.target or opened.target
    return recalled(opened.project, opened.files, target, make)


@dataclass(frozen=True, slots=True)
class Run:
    """What both the live part and the repair of one review go by."""

    stand: Ground
    terms: Terms
    person: Person
    wishes: Wishes
    watch: Stopwatch


def _with_live(run: Run, tests: Path | None) -> tuple[Review, LiveReview]:
    """The review with what the running app showed, and that by itself.

    A test of each proof is written into the folder `tests`.
    """
    from fastwright.agent.live_review import (  # noqa: PLC0415 - running apps loads much
        review_live,
        write_tests,
    )

    known = engine.find_all(run.stand.app, run.terms.rules).findings
    seen = review_live(run.stand, known, run.person, run.wishes, run.watch)
    untested: tuple[str, ...] = ()
    if tests is not None:
        untested = seen.untested
        count = sum(name.startswith("test_") for name in seen.tests)
        with run.watch.phase(f"writing {count} tests to `{tests}`"):
            write_tests(tests, seen.tests, run.stand.app)
    app = seen.app or run.stand.app
    read = digest(app, run.terms.rules, run.stand.target)
    judged = weigh(read, app.files, run.terms, seen.findings)
    again = told_of(run.stand, run.terms, read, judged)
    notes = (*again.not_tried, *seen.not_tried, *untested)
    faults = (*again.faults, *seen.faults)
    told = replace(again, matrix=seen.matrix, not_tried=notes, faults=faults, loads=seen.loads)
    return told, seen


def _with_repair(told: Review, safety: Safety, run: Run) -> Review:
    """The review of the tree as it is after the repair, and what that was."""
    from fastwright.agent import applying  # noqa: PLC0415 - running apps loads much
    from fastwright.agent.repairing import Repairing  # noqa: PLC0415
    from fastwright.agent.worlds import Worlds  # noqa: PLC0415

    def find(files: Mapping[PurePosixPath, bytes]) -> tuple[AppMap, tuple[Objection, ...]]:
        app = run.stand.remap(files)
        return app, judge(app, run.terms).objections

    with (
        applying.telling_what_stands(run.stand.project),
        Worlds(run.stand, run.person, run.wishes, run.watch) as worlds,
    ):
        repairing = Repairing(
            run.stand, find, run.person, run.wishes, run.watch, worlds, run.terms.replays
        )
        try:
            files, repair = repairing.repair(safety)
        except DoesNotLoad as error:
            note = f"nothing was repaired, for the app does not boot: {error.because}"
            return replace(told, not_tried=(*told.not_tried, note), loads=False)
    app = run.stand.remap(files)
    read = digest(app, run.terms.rules, run.stand.target)
    left = weigh(read, files, run.terms, _standing(app, run.terms))
    return replace(told_of(run.stand, run.terms, read, left), repair=repair)


def terms_of(stand: Ground, folder: PurePosixPath, choices: Choices) -> Terms:
    """What the settings of the app in `folder` and the choices of the person come to."""
    settings = read_settings(stand.files, folder)
    for word in (*choices.select, *choices.ignore, *settings.select, *settings.ignore):
        _check(word)
    settings = replace(
        settings,
        select=choices.select or settings.select,
        ignore=(*choices.ignore, *(() if choices.select else settings.ignore)),
        fail_on=severity(choices.fail_on) if choices.fail_on else settings.fail_on,
    )
    loaded = shelf()
    place = place_of(stand.project, settings, choices.baseline)
    return Terms(
        settings,
        tuple(rule for rule in loaded.rules.values() if settings.wants(rule)),
        loaded.broken,
        known=None if place is None or choices.write_baseline else read(place),
        changed=_changed(stand, choices.diff),
        possible=choices.possible,
    )


def _check(word: str) -> None:
    """Know every word of `select` and `ignore`.

    Raises:
        UnknownName: No rule, area or beginning of a code is meant.
    """
    rules = shelf().rules.values()
    if not any(word == rule.area or rule.code.startswith(word) for rule in rules):
        find_rule(word)


def _changed(stand: Ground, base: str) -> Lines | None:
    if not base:
        return None
    from fastwright.lab.history import changed_lines  # noqa: PLC0415 - not every review asks git

    return changed_lines(stand.project.root, base)


def judge(app: AppMap, terms: Terms) -> Judged:
    """What `terms` object to in `app`."""
    return weigh(digest(app, terms.rules), app.files, terms, _standing(app, terms))


def _standing(app: AppMap, terms: Terms) -> tuple[Finding, ...]:
    """What a run has proven that no rule finds, and that is not mended in `app`."""
    if not terms.shown:
        return ()
    from fastwright.review.live.telling import standing  # noqa: PLC0415 - not every review runs

    return standing(app, terms.shown)


def weigh(seen: Digest, files: Files, terms: Terms, proven: Sequence[Finding] = ()) -> Judged:
    """What `terms` object to of all that was seen, with what was `proven` beside the rules."""
    wanted = {rule.name for rule in terms.rules}
    known = {(f.rule, f.symbol) for f in proven}
    shown = {(f.rule, at) for f in proven for at in (f.at, *f.related)}
    own = (
        f
        for f in seen.findings
        if not f.symbol or ((f.rule, f.symbol) not in known and (f.rule, f.at) not in shown)
    )
    asked = {rule.name for rule in terms.rules if terms.settings.names(rule)}
    findings = [
        f if f.rule in asked else record.weighed(f)
        for f in (*proven, *own)
        if f.rule in wanted and not of_tests(f.at.path)
    ]
    open_, permitted = allowing.sift(findings, files)
    kept = open_ if terms.changed is None else list(touching(open_, files, terms.changed))

    def is_told(f: Finding) -> bool:
        ran = (f.rule, f.at) in shown or (f.rule, f.symbol) in terms.proven
        return terms.possible or ran or f.grade is not Grade.POSSIBLE

    sure = [f for f in kept if is_told(f)]
    unsure = [f for f in kept if not is_told(f)]
    cards = {**shelf().rules, **{rule.name: rule for rule in terms.rules}}
    objections = engine.ordered(engine.objection(files, f, cards[f.rule]) for f in sure)
    before = baseline.read(terms.known) if terms.known is not None else Counter[str]()
    new, _ = baseline.unknown(objections, before)
    counts = {
        "allowed": len(permitted),
        "unchanged": len(open_) - len(kept),
        "possible": len(unsure),
        "baseline": len(objections) - len(new),
    }
    faults = tuple(fault for fault in seen.faults if fault.rule in wanted)
    return Judged(new, faults, counts, engine.by_rule(unsure, cards))


def told_of(stand: Ground, terms: Terms, seen: Digest, judged: Judged) -> Review:
    """The review as it is told."""
    counts = {"files": seen.modules, "routes": len(seen.routes), "rules": len(terms.rules)}
    return Review(
        app=seen.target,
        objections=judged.objections,
        cards=tuple(map(card, terms.rules)),
        habits=engine.habits(judged.objections),
        faults=(*terms.broken, *judged.faults),
        not_tried=seen.notes,
        counts={**counts, **judged.counts},
        possible=judged.possible,
        routes=seen.routes,
        failing=sum(engine.fails(o, terms.settings.fail_on) for o in judged.objections),
        root=str(stand.project.root),
        version=__version__,
    )


def card(rule: Rule) -> Card:
    """What reports need to know of a rule."""
    known = record.of(rule.name)
    return Card(rule.code, rule.name, rule.area, rule.severity, rule.since, rule.doc, known)
