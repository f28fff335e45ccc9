"""One job from plan to tree: needs, build, proof, consent, apply. Stops at the first refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from fastwright.agent import applying, ground, keeping, needs, telling
from fastwright.agent.building import Building, build
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person, Wishes
from fastwright.agent.planner import LOGIN
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.telling import Work
from fastwright.agent.worlds import Worlds
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, NewFile
from fastwright.model.errors import Refused
from fastwright.model.plan import Plan, Presence, State
from fastwright.model.proof import Check, Outcome, Proof, Report
from fastwright.prove import (
    Gate,
    Side,
    every_gate,
    idempotent,
    in_order,
    judge,
    own_login,
    tests,
)
from fastwright.recipes.recipe import registry

Files = Mapping[PurePosixPath, bytes]


@dataclass(frozen=True, slots=True)
class Job:
    """Carries out one plan on `ground`, for `person`, as they wish."""

    ground: Ground
    person: Person
    wishes: Wishes
    watch: Stopwatch

    def carry_out(self, plan: Plan) -> Report:
        """The plan done, or the reason why not; what is kept of it lies in the run's folder.

        Raises:
            NeedsConsent: The person was not asked, or said no, to running their code.
            DoesNotLoad: The app cannot be imported or started as it is.
            Refused: The app cannot be run, or its tree cannot be written.
        """
        began = datetime.now(UTC)
        self._refuse_old_pydantic(plan, self.ground.app)
        with (
            applying.telling_what_stands(self.ground.project),
            Worlds(self.ground, self.person, self.wishes, self.watch) as worlds,
        ):
            report = self._work(plan, worlds)
            report = telling.first(report, self.ground.recovered, self.ground.app)
            return keeping.keep(self.ground.project, report, began, worlds.secrets)

    def _refuse_old_pydantic(self, plan: Plan, app: AppMap) -> None:
        """Where there is something to write: what is there can be attacked on any pydantic."""
        recipes = registry()
        if not all(needs.is_there(recipes[step.recipe], app) for step in plan.steps):
            ground.refuse_old_pydantic(app)

    def _work(self, plan: Plan, worlds: Worlds) -> Report:
        app = worlds.known()
        self._refuse_old_pydantic(plan, app)
        try:
            building = self._built(plan, app, worlds)
        except Refused as refused:
            return telling.refused(plan.request, telling.to_refusal(refused), self.watch)
        self.person.plan(building.plan)
        if building.changes.is_empty:
            return self._already_there(building, worlds)
        if not self.person.agrees("Make this change in a disposable copy, and prove it?"):
            work = Work(building.plan, building.changes, building.diffs)
            return telling.finished(work, Outcome.PLANNED, self.watch)
        return self._prove_and_apply(building, worlds)

    def _built(self, plan: Plan, app: AppMap, worlds: Worlds) -> Building:
        with self.watch.phase("planning"):
            steps = needs.in_order(plan.steps, app, registry(), plan.declined)
            unsure = (*plan.unsure, *ground.other_apps(app, self.ground.target))
            return build(replace(plan, steps=steps, unsure=unsure), app, worlds.remap)

    def _already_there(self, building: Building, worlds: Worlds) -> Report:
        proof, there = None, _there(building)
        work = Work(building.plan, building.changes, (), proof, there)
        if _has_own_login(building):
            with self.watch.phase("attacking the app's own login"):
                proof = own_login.attack_own_login(worlds.before, tell=self._tell)
            return self._own_login(replace(work, proof=proof), proof, worlds.known())
        if building.changes.promise.attacks:
            with self.watch.phase("attacking what is there"):
                proof = judge.attack(building.changes, worlds.before, tell=self._tell)
        return telling.already_there(replace(work, proof=proof), self.watch)

    def _own_login(self, work: Work, proof: Proof, app: AppMap) -> Report:
        """What the attacks on the app's own login came to, with the gaps and how to close them."""
        from fastwright.agent import closing  # noqa: PLC0415 - its rules are slow to load

        found = closing.gaps(work.presence, proof)
        told = tuple(gap.text for gap in found)
        presence = replace(work.presence, gaps=told) if work.presence else None
        offers = tuple(closing.offers(app, found))
        borrowed = tuple(closing.borrowed(app, proof))
        told_work = replace(work, presence=presence, absent=borrowed)
        return telling.own_login(told_work, offers, self.watch)

    def _prove_and_apply(self, building: Building, worlds: Worlds) -> Report:
        building = worlds.pinned(building)
        proof = self._proof(building, worlds)
        absent = tuple(f"not there for the proof: {one}" for one in worlds.not_served)
        absent += tuple(f"made for the proof alone: {one}" for one in worlds.made)
        absent += tuple(
            f"lent for the tests alone, install it to run them: `{one}`" for one in worlds.lent
        )
        there = _there(building)
        work = Work(building.plan, building.changes, building.diffs, proof, there, absent)
        if not proof.holds:
            return telling.finished(work, Outcome.NOT_PROVEN, self.watch)
        if self.wishes.dry_run:
            return telling.finished(work, Outcome.PLANNED, self.watch)
        self.person.proposal(telling.finished(work, Outcome.PLANNED, self.watch))
        if not self.person.agrees("Apply it to your tree?"):
            return telling.finished(work, Outcome.PLANNED, self.watch)
        with self.watch.phase("applying"):
            done = applying.apply(self.ground, building, worlds, self.person)
        secret = frozenset(
            c.path for c in building.changes.changes if isinstance(c, NewFile) and c.secret
        )
        did = (*telling.what_was_done(work, secret, worlds.known()), *done.did)
        report = telling.finished(work, Outcome.PROVEN, self.watch, did)
        return replace(report, deploy=(*done.remains, *report.deploy))

    def _proof(self, building: Building, worlds: Worlds) -> Proof:
        with self.watch.phase("preparing the changed copy"):
            after = worlds.after(building.files, building.changes)
            worlds.before.warm_up()  # not earlier: it tests by what the new tree has been lent
            after.warm_up()
        with self.watch.phase("proving"):
            return judge.prove(
                building.changes,
                worlds.before,
                after,
                gates=self._gates(building, worlds),
                tell=self._tell,
            )

    def _gates(self, building: Building, worlds: Worlds) -> tuple[Gate, ...]:
        def rebuild(side: Side) -> ChangeSet:
            return build(building.plan, worlds.running(side), worlds.remap).changes

        own_tests = tests.gate(tests.Selection(self.wishes.tests))
        return in_order((*every_gate(), own_tests, idempotent.gate(rebuild)))

    def _tell(self, gate: str, check: Check | None) -> None:
        if check is None:
            self.person.gate(gate)
        else:
            self.person.check(check)


def _has_own_login(building: Building) -> bool:
    """True where a login was asked for, and the app has one that is none of ours."""
    there = [p for name, p in building.presences if name == LOGIN and p.state is State.PRESENT]
    return bool(there) and not building.changes.promise.attacks


def _there(building: Building) -> Presence | None:
    """What of the plan the app had before, as one; ``None`` where that is nothing."""
    found = [p for _, p in building.presences if p.state is not State.ABSENT]
    if not found:
        return None
    return Presence(
        found[0].state,
        "; ".join(p.because for p in found),
        tuple(s for p in found for s in p.symbols),
        tuple(g for p in found for g in p.gaps),
    )
