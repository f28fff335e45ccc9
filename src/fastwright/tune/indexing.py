"""Index by index: build it on a large table, measure, keep or drop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastwright.model.change import Change, NewFile
from fastwright.model.errors import DoesNotLoad, Refused
from fastwright.model.tuning import Attempt, Fate
from fastwright.source import edits
from fastwright.tune import indexes, verdict
from fastwright.tune.bench import NotSent
from fastwright.tune.idea import Idea, Variant
from fastwright.tune.indexes import Candidate, Measured
from fastwright.tune.tuner import Course, Standing, Tuner

CAUSE = "missing index"
MOST = 8
"""Candidates that are measured, those of the most routes first."""
_MOST_SAID = 200
_TIES = (
    "rows that are alike in what they are sorted by come as the database happens to find them; "
    "with a key as the last of ORDER BY the index holds"
)


@dataclass(frozen=True, slots=True)
class Indexer:
    """Tries the indexes that a course of tuning left to be tried.

    `tables` are those of the running app; `postgres` says that indexes can be built concurrently.
    """

    tuner: Tuner
    tables: Sequence[Mapping[str, Any]]
    postgres: bool

    def run(self, course: Course) -> None:
        """One candidate after the other, until none is left or the time is over."""
        visits = course.now.observed[-1].visits
        wanted = {r: v for r, v in visits.items() if self.tuner.wants(r) and v.status < 400}
        found = sorted(
            indexes.candidates(self.tables, wanted), key=lambda c: (-len(c.routes), -len(c.then))
        )
        built: set[tuple[str, ...]] = set()
        for candidate in found[:MOST]:
            if (candidate.table, *candidate.columns) in built:
                continue
            if course.ended or self.tuner.seconds() > self.tuner.deadline:
                course.ended = course.ended or "the budget is used up"
                return
            self.tuner.tell(f"{CAUSE}: {candidate}")
            course.attempts.append(self._tried(candidate, course))
            if course.attempts[-1].fate is Fate.KEPT:  # it begins with these, too
                names = candidate.columns
                built |= {(candidate.table, *names[:n]) for n in range(1, len(names) + 1)}

    def _tried(self, candidate: Candidate, course: Course) -> Attempt:
        try:
            changes = indexes.changes(
                self.tuner.remap(course.now.files), candidate, concurrently=self.postgres
            )
            self.tuner.bench.lay(course.now.files)
            measured = self.tuner.bench.index(candidate)
        except (DoesNotLoad, Refused, NotSent) as error:
            return _attempt(candidate, Fate.DROPPED, (str(error).partition("\n")[0][:_MOST_SAID],))
        reasons = tuple(indexes.objections(candidate, measured))
        if reasons:
            return self._dropped(candidate, measured, reasons)
        if not changes:
            why = (
                indexes.gains(candidate, measured),
                "the column is not defined where a flag fits",
            )
            return _attempt(candidate, Fate.PROPOSED, why, measured)
        return self._gated(candidate, changes, measured, course)

    def _gated(
        self,
        candidate: Candidate,
        changes: tuple[Change, ...],
        measured: Measured,
        course: Course,
    ) -> Attempt:
        """It stands in the database by now: every GET has to answer as before."""
        files = edits.apply(course.now.files, changes)
        self.tuner.bench.lay(files)
        seen = self.tuner.bench.observe()
        before = course.now.observed
        reasons = tuple(verdict.changed_answers(before, seen, unsteady=course.unsteady))
        reasons = reasons or tuple(verdict.more_statements(before, seen, ()))
        if reasons and candidate.sorts:
            self.tuner.bench.drop(candidate)
            open_ = (*reasons, indexes.gains(candidate, measured), _TIES)
            return _attempt(candidate, Fate.PROPOSED, open_, measured)
        if reasons:
            return self._dropped(candidate, measured, reasons)
        diff = "".join(d.diff for d in edits.diff(course.now.files, files, changes))
        course.now = Standing(files, seen)
        idea = Idea(candidate.name, CAUSE, candidate.routes, ())
        course.kept.append((idea, Variant(candidate.name, changes)))
        said: tuple[str, ...] = (indexes.gains(candidate, measured),)
        if not any(isinstance(change, NewFile) for change in changes):
            said = (*said, "the app has no Alembic: build the index by hand")
        return _attempt(candidate, Fate.KEPT, said, measured, diff)

    def _dropped(
        self, candidate: Candidate, measured: Measured, reasons: tuple[str, ...]
    ) -> Attempt:
        self.tuner.bench.drop(candidate)
        return _attempt(candidate, Fate.DROPPED, reasons, measured)


def _attempt(
    candidate: Candidate,
    fate: Fate,
    because: tuple[str, ...],
    measured: Measured | None = None,
    diff: str = "",
) -> Attempt:
    used = "sorted by" if candidate.sorts else "compared by"
    seen = (f"{candidate} is {used} {', '.join(candidate.routes)}",)
    plans = measured.plans if measured else ()
    return Attempt(CAUSE, candidate.routes, candidate.name, fate, seen, because, diff, plans)
