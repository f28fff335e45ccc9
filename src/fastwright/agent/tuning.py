"""One job of tuning, from the words to the tree: observe, try, prove, ask, apply."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from fastwright.agent import applying, keeping
from fastwright.agent.building import Building
from fastwright.agent.ground import Ground, read_source
from fastwright.agent.ordering import Order
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.telling import first
from fastwright.agent.worlds import Worlds
from fastwright.lab.formatter import style_of, tidied
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, Edit, NewFile, Promise, fingerprint
from fastwright.model.errors import Refused
from fastwright.model.places import Span
from fastwright.model.plan import Plan, Step
from fastwright.model.proof import Check, Outcome, Proof, Report, Verdict
from fastwright.model.tuning import Fate, Tuning
from fastwright.prove import Gate, Side, every_gate, in_order, judge, tests
from fastwright.prove.suite import home
from fastwright.source import edits
from fastwright.survey import merge
from fastwright.tune import choosing, holding, telling, verdict
from fastwright.tune.bench import Bench
from fastwright.tune.caching import Keeper
from fastwright.tune.indexing import Indexer
from fastwright.tune.tuner import ROUNDS, Course, Tuner

Files = Mapping[PurePosixPath, bytes]
WORST = 5
"""Routes that are tuned where nobody names any and `--all` is not given."""
GATES = (
    "parses",
    "boots",
    "types",
    "lint",
    "contract",
    "tests",
    "new-tests",
    "migrations",
    "scope",
)
"""The gates that a tuned tree passes beside those of tuning itself."""


_PINS = "pins how often the database is asked, at two sizes"


@dataclass(frozen=True, slots=True)
class TuningJob:
    """Carries out one order on `ground`."""

    ground: Ground
    person: Person
    wishes: Wishes
    watch: Stopwatch

    def carry_out(self, order: Order) -> Report:
        """Everything, or the reason why not.

        Raises:
            UnknownName: A route that the app does not have.
            NeedsConsent: The person was not asked, or said no, to running their code.
            DoesNotLoad: The app cannot be imported or started as it is.
        """
        began = datetime.now(UTC)
        deadline = time.monotonic() + order.budget
        chosen = choosing.named(order.routes, self.ground.app)
        seeds = self._seeds(order.seed)
        with Worlds(self.ground, self.person, self.wishes, self.watch) as worlds:
            chosen = chosen or self._spoken_of(order, worlds.known())
            worlds.before.world.overlay(seeds)
            report = self._work(order, chosen, deadline, worlds)
            report = first(report, self.ground.recovered, self.ground.app)
            return keeping.keep(self.ground.project, report, began, worlds.secrets)

    def _seeds(self, place: str) -> Files:
        """The file of `--seed`, which the copy has to have even where git ignores it.

        Raises:
            Refused: It is not there.
        """
        name = place.rpartition(":")[0] if ".py:" in place else place
        file = self.ground.project.root / name
        inside = file.resolve().is_relative_to(self.ground.project.root.resolve())
        if not name:
            return {}
        if not (inside and file.is_file()):
            raise Refused(
                f"cannot fill the database from `{place}`",
                f"the project has no file `{name}`",
                "name one below the project's folder: `--seed PATH.py:FUNCTION` or `DUMP.sql`",
            )
        return {PurePosixPath(name): file.read_bytes()}

    def _spoken_of(self, order: Order, app: AppMap) -> tuple[str, ...]:
        if order.every or not order.in_words:
            return ()
        return choosing.spoken_of(order.asked, app)

    def _work(
        self, order: Order, chosen: tuple[str, ...], deadline: float, worlds: Worlds
    ) -> Report:
        side, app = worlds.before, worlds.known()
        description = side.app.description
        side.close()
        bench = Bench(side.world, app, time.time(), seed=order.seed)
        remap = self._remap(description)
        tuner = Tuner(bench, remap, time.monotonic, deadline, self.person.phase)
        with self.watch.phase("observing the app"):
            course = tuner.begin(self.ground.files)
        tuner.wants = _wants(order, chosen, course)
        with self.watch.phase("trying what may help"):
            indexer = Indexer(tuner, description["tables"], is_postgres(side))
            uninterrupted(course, (tuner.run, indexer.run, Keeper(tuner).run))
        tuning = self._measured(course, bench)
        trees: list[Files] = [course.now.files]
        if course.kept:
            with self.watch.phase("pinning what was gained with tests"):
                held = holding.written(
                    remap(course.now.files), description, course, bench, home(side)
                )
            tuning = replace(tuning, notes=(*tuning.notes, *held.without))
            if held.text:
                trees.insert(0, {**course.now.files, held.path: held.text.encode()})
        bench.lay(self.ground.files)
        buildings = [self._building(order, course, files) for files in trees]
        return self._concluded(order, tuning, buildings, worlds)

    def _remap(self, description: Mapping[str, Any]) -> Callable[[Files], AppMap]:
        """Maps a tree by its source and by what ran before any change."""

        def remap(files: Files) -> AppMap:
            source = read_source(self.ground.project, files, self.ground.target)
            return merge.merge(source, description)

        return remap

    def _measured(self, course: Course, bench: Bench) -> Tuning:
        """What it came to; the old tree is timed against the new one where there is time."""
        routes = verdict.retraced(course.first.observed[-1], course.now.observed[-1])
        if not routes or course.ended:
            return telling.told(course)
        trees = (course.first.files, course.now.files)
        with self.watch.phase("timing the old tree against the new one"):
            return telling.told(course, bench.race(trees, routes, rounds=ROUNDS))

    # ---------------------------------------------------------------------------- conclusion

    def _building(self, order: Order, course: Course, after: Files) -> Building:
        before = self.ground.files
        after = edits.apply(after, tidied(before, after, style_of(self.ground.app)))
        changes = tuple(_whole_files(before, after, course))
        routes = dict.fromkeys(r for idea, _ in course.kept for r in idea.routes)
        title = f"tune {', '.join(routes)}" if routes else "nothing to tune"
        change_set = ChangeSet(fingerprint(before), changes, title, promise=_promise(changes))
        plan = Plan(order.asked, (Step("tune", "asked for", {}),))
        return Building(plan, after, change_set, edits.diff(before, after, changes), ())

    def _concluded(
        self, order: Order, tuning: Tuning, buildings: Sequence[Building], worlds: Worlds
    ) -> Report:
        """The first of `buildings` that every gate lets pass: with the tests, else without."""
        report = Report(
            order.asked,
            Outcome.PLANNED,
            did=_did(tuning),
            not_done=_not_done(tuning),
            plan=buildings[0].plan,
            tuning=tuning,
            next=_next(tuning),
            seconds=self.watch.total,
            timings=self.watch.timings,
        )
        if buildings[0].changes.is_empty:
            return replace(report, outcome=Outcome.ALREADY_THERE)
        for building in buildings:
            proof = self._proof(building, worlds)
            report = replace(report, changes=building.changes, diffs=building.diffs, proof=proof)
            if proof.holds:
                return self._applied(order, report, building, worlds)
            failed = ", ".join(c.gate for c in proof.checks if c.verdict is Verdict.FAILED)
            left_out = f"the tests that pin what was gained are left out: with them failed {failed}"
            report = replace(report, not_done=(left_out, *_not_done(tuning)))
        refusal = ("cannot vouch for this change", f"a gate failed: {failed}", "")
        return replace(
            report, outcome=Outcome.NOT_PROVEN, refusal=refusal, not_done=_not_done(tuning)
        )

    def _proof(self, building: Building, worlds: Worlds) -> Proof:
        with self.watch.phase("preparing the changed copy"):
            after = worlds.after(building.files, building.changes)
        own = tests.gate(tests.Selection(self.wishes.tests))
        gates = [g for g in in_order((*every_gate(), own)) if g.name in GATES]
        with self.watch.phase("proving"):
            return judge.prove(
                building.changes, worlds.before, after, gates=_alone(gates), tell=self._tell
            )

    def _applied(self, order: Order, report: Report, building: Building, worlds: Worlds) -> Report:
        if self.wishes.dry_run or not (order.applies or order.in_words):
            unwritten = "nothing was written to your tree; `--apply` writes it"
            return replace(report, not_done=(unwritten, *report.not_done))
        self.person.proposal(report)
        if not order.applies and not self.person.agrees("Apply it to your tree?"):
            return replace(report, not_done=("nothing was written to your tree", *report.not_done))
        with self.watch.phase("applying"):
            done = applying.apply(self.ground, building, worlds, self.person)
        return replace(
            report,
            outcome=Outcome.PROVEN,
            did=(*report.did, *done.did),
            seconds=self.watch.total,
            timings=self.watch.timings,
        )

    def _tell(self, gate: str, check: Check | None) -> None:
        if check is None:
            self.person.gate(gate)
        else:
            self.person.check(check)


def is_postgres(side: Side) -> bool:
    """True where the app's database is PostgreSQL."""
    endpoints = side.world.spec.env.values()
    return any(value.startswith("postgres") for value in endpoints)


def _alone(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    """The gates without waiting for those that are not asked here."""
    names = {gate.name for gate in gates}
    return tuple(
        replace(
            gate,
            after=tuple(n for n in gate.after if n in names),
            behind=tuple(n for n in gate.behind if n in names or n == "*"),
        )
        for gate in gates
    )


def _whole_files(before: Files, after: Files, course: Course) -> Iterator[Edit | NewFile]:
    """Each file that was touched, as one change with the reasons of all that were made in it."""
    reasons: dict[PurePosixPath, list[str]] = {}
    for change in (c for _, variant in course.kept for c in variant.changes):
        if isinstance(change, Edit | NewFile):
            path = change.span.path if isinstance(change, Edit) else change.path
            reasons.setdefault(path, []).append(change.why)
    for path, content in sorted(after.items()):
        why = "; ".join(dict.fromkeys(reasons.get(path, (_PINS,))))
        if path not in before:
            yield NewFile(path, content.decode(), why)
        elif before[path] != content:
            yield Edit(Span(path, 0, len(before[path])), content.decode(), why)


def _promise(changes: Sequence[Edit | NewFile]) -> Promise:
    new = [c.path for c in changes if isinstance(c, NewFile)]
    return Promise(tests=tuple(path for path in new if path.name.startswith("test_")))


def uninterrupted(course: Course, works: Sequence[Callable[[Course], None]]) -> None:
    """Ctrl-C ends the trying, and keeps what was proven by then."""
    try:
        for work in works:
            work(course)
    except KeyboardInterrupt:
        course.ended = "interrupted; what was proven by then is kept"


def _wants(order: Order, chosen: tuple[str, ...], course: Course) -> Callable[[str], bool]:
    if chosen:
        return chosen.__contains__
    if order.every:
        return lambda _route: True
    visits = course.first.observed[-1].visits
    worst = sorted(visits, key=lambda r: (visits[r].status < 500, -visits[r].statements))[:WORST]
    return worst.__contains__


def _did(tuning: Tuning) -> tuple[str, ...]:
    filled = telling.NOTHING_FILLED not in tuning.notes
    rows = f" with {_sizes(tuning)} rows in each table" if filled else ""
    driven = f"called {len(tuning.routes)} GET routes{rows}"
    return (driven, *(line for attempt in tuning.kept for line in attempt.because))


def _sizes(tuning: Tuning) -> str:
    return ", ".join(map(str, tuning.sizes[:-1])) + f" and {tuning.sizes[-1]}"


def _not_done(tuning: Tuning) -> tuple[str, ...]:
    ended = (f"ended early: {tuning.interrupted}",) if tuning.interrupted else ()
    return (*ended, *tuning.notes) or ("nothing was left out",)


def _next(tuning: Tuning) -> tuple[str, ...]:
    open_ones = (a for a in tuning.attempts if a.fate in (Fate.PROPOSED, Fate.UNTRIED))
    return tuple(f"{a.cause}, {', '.join(a.seen)}: {'; '.join(a.because)}" for a in open_ones)
