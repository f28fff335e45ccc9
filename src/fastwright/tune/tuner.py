"""Idea by idea: make the change in the copy, judge it, keep it or drop it."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad, Refused
from fastwright.model.tuning import Attempt, Fate
from fastwright.source import edits
from fastwright.tune import checking, ideas, symptoms, verdict
from fastwright.tune.bench import SMALL, Bench, Files, Timing, Written
from fastwright.tune.idea import Idea, Variant
from fastwright.tune.seen import Observation

Remap = Callable[[Files], AppMap]
Timings = Mapping[str, Timing]
ROUNDS = 3
_MOST_TURNS = 60


@dataclass(frozen=True, slots=True)
class Standing:
    """The tree as it stands now, and what was observed of it at each size."""

    files: Files
    observed: tuple[Observation, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One variant, screened: `failures` are why it may not be kept.

    `seen` are the routes that it is to help, at the largest size.
    """

    variant: Variant
    files: Files
    failures: tuple[str, ...]
    seen: tuple[Observation, ...] = ()


@dataclass(frozen=True, slots=True)
class Writes:
    """What every write route does on a tree, and which of them differ from themselves."""

    done: Mapping[str, Written]
    unsteady: frozenset[str]


@dataclass(slots=True)
class Course:
    """What a run has come to so far; complete at every moment, so that it may end at any."""

    first: Standing
    now: Standing
    unsteady: frozenset[str]
    attempts: list[Attempt] = field(default_factory=list)
    kept: list[tuple[Idea, Variant]] = field(default_factory=list)
    ended: str = ""


@dataclass(slots=True)
class Tuner:
    """Tunes one app.

    Attributes:
        bench: Where it runs.
        remap: The map of the app with other files.
        seconds: A clock that only has to advance.
        deadline: When to begin nothing more, by that clock.
        tell: Hears what is being done.
        wants: Whether a route is to be tuned.
    """

    bench: Bench
    remap: Remap
    seconds: Callable[[], float]
    deadline: float
    tell: Callable[[str], None]
    wants: Callable[[str], bool] = field(default=lambda _route: True)
    _writes: Writes | None = None
    _next_writes: Writes | None = None

    def begin(self, files: Files) -> Course:
        """Observe the tree as it is, and hold it against itself.

        Raises:
            DoesNotLoad: It does not start.
        """
        self.bench.lay(files)
        self.tell("filling a scratch database at three sizes and calling every GET route")
        first = Standing(files, self.bench.observe())
        self.tell("calling them again, to see what differs by itself")
        again = self.bench.observe(sizes=(SMALL,))[0]
        alike = next(o for o in first.observed if o.size == SMALL)
        return Course(first, first, frozenset(verdict.unsteady(alike, again)))

    def run(self, course: Course) -> None:
        """Try one idea after the other, until none is left or the time is over."""
        tried: set[str] = set()
        for _ in range(_MOST_TURNS):
            idea = next((i for i in self._ideas(course) if i.key not in tried), None)
            if idea is None:
                return
            if self.seconds() > self.deadline:
                course.ended = "the budget is used up"
                self._leave(course, tried)
                return
            tried.add(idea.key)
            self._try(idea, course)

    def _ideas(self, course: Course) -> Iterator[Idea]:
        app = self.remap(course.now.files)
        found = [s for s in symptoms.find(course.now.observed) if self.wants(s.route)]
        every = ideas.every(app, found, course.now.observed)
        return (idea for idea in every if any(map(self.wants, idea.routes)))

    def _leave(self, course: Course, tried: Collection[str]) -> None:
        """What takes no time is still said; what was not tried is named."""
        for idea in self._ideas(course):
            if idea.key in tried:
                continue
            fate, why = (
                (Fate.UNTRIED, course.ended) if idea.variants else (Fate.PROPOSED, idea.because)
            )
            course.attempts.append(_attempt(idea, "", fate, (why,)))

    def _try(self, idea: Idea, course: Course) -> None:
        if not idea.variants:
            course.attempts.append(_attempt(idea, "", Fate.PROPOSED, (idea.because,)))
            return
        self.tell(f"{idea.cause}: {', '.join(idea.routes)}")
        trials = [self._screened(idea, variant, course) for variant in idea.variants]
        if not self._keep(idea, course, trials):
            for variant in idea.fallbacks:
                if self.seconds() > self.deadline:
                    break
                if self._keep(idea, course, [self._screened(idea, variant, course)]):
                    break

    def _keep(self, idea: Idea, course: Course, trials: Sequence[Trial]) -> bool:
        """Keep the best of `trials` that holds; all of them are told of. True where one was."""
        before = course.now
        said: dict[str, tuple[str, ...]] = {t.variant.title: t.failures for t in trials}
        kept: Trial | None = None
        ranked = self._ranked(idea, course, [t for t in trials if not t.failures], said)
        for trial in ranked:
            standing, failures = self._judged(trial, idea, course)
            if standing is not None and not failures:
                kept = trial
                course.kept.append((idea, trial.variant))
                course.now = standing
                self._writes = self._next_writes
                break
            said[trial.variant.title] = failures
        for other in ranked[ranked.index(kept) + 1 :] if kept is not None else ():
            better = f"`{kept.variant.title}` gained more than this" if kept else ""
            said[other.variant.title] = (better, *said[other.variant.title])
        for trial in trials:
            fate = Fate.KEPT if trial is kept else Fate.DROPPED
            reasons = said[trial.variant.title]
            course.attempts.append(
                _attempt(idea, trial.variant.title, fate, reasons, _diff(before.files, trial))
            )
        return kept is not None

    # ------------------------------------------------------------------------------- judging

    def _screened(self, idea: Idea, variant: Variant, course: Course) -> Trial:
        """The routes that it is to help alone: most of what fails, fails there."""
        outside = [route for route in idea.routes if route in course.unsteady]
        if outside:
            why = f"{', '.join(outside)}: differs from itself, so that no gate can hold it"
            return Trial(variant, course.now.files, (why,))
        try:
            files = edits.apply(course.now.files, variant.changes)
            self.bench.lay(files)
            seen = self.bench.observe(sizes=self.bench.sizes[-1:], only=idea.routes)
        except (DoesNotLoad, Refused, ValueError) as error:
            why = f"the app does not start with it: {error}"
            return Trial(variant, course.now.files, (why,))
        return Trial(variant, files, self._failures(seen, idea, course), seen)

    def _failures(self, seen: Sequence[Observation], idea: Idea, course: Course) -> tuple[str, ...]:
        sizes = {one.size for one in seen}
        before = tuple(one for one in course.now.observed if one.size in sizes)
        mending = [r for r in idea.routes if before[-1].visits[r].status >= 500]
        changed = tuple(
            verdict.changed_answers(before, seen, unsteady=course.unsteady, mending=mending)
        )
        return changed or tuple(verdict.more_statements(before, seen, idea.routes, idea.gain))

    def _judged(
        self, trial: Trial, idea: Idea, course: Course
    ) -> tuple[Standing | None, tuple[str, ...]]:
        """Every GET at every size, what was slowed, and the writes that enter what was touched."""
        try:
            self.bench.lay(trial.files)
            standing = Standing(trial.files, self.bench.observe())
            failures = self._failures(standing.observed, idea, course)
            failures = failures or self._unchecked(idea, standing, course)
            failures = failures or self._written(trial.files, course)
        except DoesNotLoad as error:
            return None, (f"the app does not run with it: {error}",)
        retraced = verdict.retraced(course.now.observed[-1], standing.observed[-1])
        others = [route for route in retraced if route not in idea.routes]
        if failures or not others:
            return standing, failures
        was, now = self.bench.race((course.now.files, trial.files), others, rounds=ROUNDS)
        return standing, tuple(verdict.slower(was, now))

    def _unchecked(self, idea: Idea, standing: Standing, course: Course) -> tuple[str, ...]:
        """Of routes that failed before: what is not what a direct query gives."""
        before = course.now.observed[-1].visits
        mended = [route for route in idea.routes if before[route].status >= 500]
        if not mended:
            return ()
        if idea.mends is None:
            return (f"{mended[0]}: failed before, and its rows cannot be checked",)
        rows, app = self.bench.rows(), self.remap(standing.files)
        visits = next(o.visits for o in standing.observed if o.size == SMALL)
        entity, relationships = idea.mends
        return tuple(
            dict.fromkeys(
                doubt
                for route in mended
                for doubt in checking.doubts(app, visits[route], entity, relationships, rows)
            )
        )

    def _written(self, files: Files, course: Course) -> tuple[str, ...]:
        """The write routes that enter a file that was touched, on both trees."""
        touched = {str(p) for p, c in files.items() if course.now.files.get(p) != c}
        was = self._writes = self._next_writes = self._writes or self._writes_of(course.now.files)
        chosen = {
            route: one
            for route, one in was.done.items()
            if {entered.partition(":")[0] for entered in one.visit.entered} & touched
        }
        if not chosen:
            return ()
        self.bench.lay(files)
        now = self.bench.write(chosen.__contains__)
        self._next_writes = Writes({**was.done, **now}, was.unsteady)
        return tuple(verdict.changed_writes(chosen, now, was.unsteady))

    def writes(self, course: Course) -> Mapping[str, Written]:
        """What every write route does on the tree as it stands."""
        self._writes = self._writes or self._writes_of(course.now.files)
        return self._writes.done

    def _writes_of(self, files: Files) -> Writes:
        self.bench.lay(files)
        first, again = self.bench.write(), self.bench.write()
        differing = verdict.changed_writes(first, again, ())
        return Writes(first, frozenset(text.partition(": ")[0] for text in differing))

    def _ranked(
        self, idea: Idea, course: Course, trials: Sequence[Trial], said: dict[str, tuple[str, ...]]
    ) -> Sequence[Trial]:
        """`trials` that make nothing slower, the best first; what is to be said of each."""
        if not trials:
            return ()
        before = course.now
        routes = [r for r in idea.routes if before.observed[-1].visits[r].status < 400]
        trees = [before.files, *(trial.files for trial in trials)]
        timed: Sequence[Timings] = [{}] * len(trees)
        if routes:
            timed = self.bench.race(trees, routes, rounds=ROUNDS, until_clear=True)
        ranks: dict[str, tuple[float, float]] = {}
        for trial, after in zip(trials, timed[1:], strict=True):
            slower = tuple(verdict.slower(timed[0], after))
            gains = tuple(_gains(idea, before, trial, timed[0], after))
            said[trial.variant.title] = slower or gains
            if not slower:
                ranks[trial.variant.title] = _rank(idea, trial, after)
        fitting = [trial for trial in trials if trial.variant.title in ranks]
        return sorted(fitting, key=lambda trial: ranks[trial.variant.title])


def _rank(idea: Idea, trial: Trial, timings: Timings) -> tuple[float, float]:
    """Fewer statements first; of about as many, less CPU time."""
    visits = trial.seen[-1].visits
    statements = sum(visits[route].statements for route in idea.routes)
    cpu = sum(statistics.median(timings[r].cpu) for r in idea.routes if r in timings)
    return round(statements / (4 * len(idea.routes))), cpu


def _gains(idea: Idea, before: Standing, trial: Trial, was: Timings, now: Timings) -> Iterator[str]:
    old, new = before.observed[-1], trial.seen[-1]
    for route in idea.routes:
        counts = (verdict.amount(one.visits[route], idea.gain) for one in (old, new))
        text = f"{route}: {' → '.join(map(str, counts))} {idea.gain.value} with {old.size} rows"
        if route in was:
            cpu = [statistics.median(t[route].cpu) * 1000 for t in (was, now)]
            text += f", {cpu[0]:.1f} → {cpu[1]:.1f} ms of CPU time"
        yield text


def _attempt(
    idea: Idea, title: str, fate: Fate, because: tuple[str, ...], diff: str = ""
) -> Attempt:
    return Attempt(idea.cause, idea.routes, title, fate, idea.seen, because, diff)


def _diff(files: Files, trial: Trial) -> str:
    try:
        after = edits.apply(files, trial.variant.changes)
    except (Refused, ValueError):
        return ""
    return "".join(diff.diff for diff in edits.diff(files, after, trial.variant.changes))
