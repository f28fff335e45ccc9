"""What a review can repair, repaired: fixes proved by running the app, and applied if they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from fastwright.agent import applying, keeping, replaying
from fastwright.agent.fixing import Chosen, Files, Find, Fixed, fix
from fastwright.agent.ground import Ground
from fastwright.agent.person import Person, Wishes
from fastwright.agent.stopwatch import Stopwatch
from fastwright.agent.worlds import Worlds
from fastwright.model.change import ChangeSet, Safety
from fastwright.model.proof import Check, Outcome, Proof, Report, Verdict
from fastwright.model.review import Repair
from fastwright.prove import Gate, Side, every_gate, idempotent, in_order, judge, tests
from fastwright.review.live.replays import Replays
from fastwright.source import edits
from fastwright.workspace import journal

_SHOWN = ("contract", "access")
"""Gates whose differences a fix that changes behaviour is meant to have: they are told instead."""


@dataclass(frozen=True, slots=True)
class Repairing:
    """Repairs the tree of `ground`; `find` judges a tree, `worlds` runs it."""

    ground: Ground
    find: Find
    person: Person
    wishes: Wishes
    watch: Stopwatch
    worlds: Worlds
    replays: Replays | None = None
    left: dict[str, str] = field(default_factory=dict)

    def repair(self, safety: Safety) -> tuple[Files, Repair]:
        """The tree as it is left, and what was repaired in it.

        Safe fixes are proved as one batch, which is halved where it fails; of those that change
        behaviour each one is proved, shown and agreed to by itself.

        Raises:
            NeedsConsent: The person does not want their code to be run.
            DoesNotLoad: The app cannot be started as it is, so nothing can be proved.
            Refused: The tree cannot be written.
        """
        began = datetime.now(UTC)
        _ = self.worlds.before
        files = self.ground.files
        batch = fix(files, self.find, Safety.SAFE)
        kept = self._settled(list(batch.chosen), [])
        if safety is Safety.CHANGES_BEHAVIOUR:
            kept = self._one_by_one(kept)
        fixed = self._fixed(kept)
        if not fixed.chosen:
            return files, Repair(kept_out=tuple(self.left.values()))
        proof = self._proof(fixed, strict=False)
        report = self._report(fixed, proof)
        agreed = proof.holds and not self.wishes.dry_run
        if agreed:
            self.person.proposal(report)
            agreed = self.person.agrees(f"Apply {len(fixed.chosen)} fixes to your tree?")
        entry = self._apply(fixed) if agreed else ""
        outcome = Outcome.PROVEN if entry else Outcome.PLANNED
        kept_report = replace(report, outcome=outcome if proof.holds else Outcome.NOT_PROVEN)
        keeping.keep(self.ground.project, kept_report, began, self.worlds.secrets)
        return fixed.files if entry else files, replace(self._told(fixed, proof), entry=entry)

    def _settled(self, tried: list[Chosen], kept: list[Chosen]) -> list[Chosen]:
        """`kept` and those of `tried` that hold with them; a batch that fails is halved."""
        if not tried:
            return kept
        proof = self._proof(self._fixed([*kept, *tried]), strict=True)
        if proof.holds:
            return [*kept, *tried]
        if len(tried) == 1:
            self._leave(tried[0], proof)
            return kept
        half = len(tried) // 2
        return self._settled(tried[half:], self._settled(tried[:half], kept))

    def _one_by_one(self, kept: list[Chosen]) -> list[Chosen]:
        for one in self._fixed(None).chosen:
            if one.key in self.left or one in kept:
                continue
            proof = self._proof(self._fixed([*kept, one]), strict=False)
            if not proof.holds:
                self._leave(one, proof)
            elif self._wanted(one, proof):
                kept = [*kept, one]
            else:
                self.left[one.key] = f"{one.title}: not wanted"
        return kept

    def _wanted(self, one: Chosen, proof: Proof) -> bool:
        differences = "; ".join((*_differences(proof, "contract"), *_differences(proof, "access")))
        told = f"differs: {differences}" if differences else "neither contract nor access differ"
        return self.person.agrees(f"{one.title} ({told})?")

    def _fixed(self, chosen: Sequence[Chosen] | None) -> Fixed:
        """The tree with exactly these fixes; with all that there are, for ``None``."""
        only = None if chosen is None else {one.key for one in chosen}
        return fix(self.ground.files, self.find, Safety.CHANGES_BEHAVIOUR, only=only)

    def _leave(self, one: Chosen, proof: Proof) -> None:
        failed = next((c for c in proof.checks if c.verdict is Verdict.FAILED), None)
        because = "nothing could be proved of it"
        if failed is not None:
            seen = failed.evidence[0].text if failed.evidence else failed.after
            because = f"the gate `{failed.gate}` failed: {seen}"
        self.left[one.key] = f"{one.title}: {because}"

    def _proof(self, fixed: Fixed, *, strict: bool) -> Proof:
        if not fixed.chosen:
            return Proof("", ())
        with self.watch.phase(f"proving {len(fixed.chosen)} fixes"):
            after = self.worlds.after(fixed.files, fixed.changes)
            try:
                return judge.prove(
                    fixed.changes, self.worlds.before, after,
                    gates=self._gates(fixed, strict=strict), tell=self._tell,
                )  # fmt: skip
            finally:
                after.close()

    def _gates(self, fixed: Fixed, *, strict: bool) -> tuple[Gate, ...]:
        own_tests = tests.gate(tests.Selection(self.wishes.tests))
        keys = {one.key for one in fixed.chosen}

        def again(side: Side) -> ChangeSet:
            return fix(side.files, self.find, Safety.CHANGES_BEHAVIOUR, only=keys).changes

        gates = (*every_gate(), own_tests, idempotent.gate(again))
        if self.replays is not None:
            mended = [(one.rule, one.handler) for one in fixed.chosen]
            gates = (*gates, replaying.gate(self.replays, mended))
        if not strict:
            gates = (*gates, *(_showing(g) for g in every_gate() if g.name in _SHOWN))
        return in_order(gates)

    def _tell(self, gate: str, check: Check | None) -> None:
        if check is None:
            self.person.gate(gate)
        else:
            self.person.check(check)

    def _report(self, fixed: Fixed, proof: Proof) -> Report:
        told = self._told(fixed, proof)
        return Report(
            "review --fix", Outcome.PLANNED, told.titles, told.kept_out, changes=fixed.changes,
            diffs=told.diffs, proof=proof, seconds=self.watch.total, timings=self.watch.timings,
        )  # fmt: skip

    def _told(self, fixed: Fixed, proof: Proof) -> Repair:
        return Repair(
            tuple(one.title for one in fixed.chosen),
            edits.diff(self.ground.files, fixed.files, fixed.changes.changes),
            proof,
            tuple(self.left.values()),
            _differences(proof, "contract"),
            _differences(proof, "access"),
            replayed=tuple(e.text for c in proof.checks if c.gate == replaying.NAME
                           for e in c.evidence),
        )  # fmt: skip

    def _apply(self, fixed: Fixed) -> str:
        before, after = self.ground.files, fixed.files
        changed = {path: after[path] for path in sorted(after) if after[path] != before.get(path)}
        with self.watch.phase("applying"), applying.uninterrupted():
            return journal.apply(self.ground.project, before, changed, fixed.changes.title).id


def _showing(gate: Gate) -> Gate:
    """`gate`, which tells of a difference instead of failing for it."""

    def run(before: Side, after: Side, changes: ChangeSet) -> Check:
        check = gate.run(before, after, changes)
        return replace(check, verdict=Verdict.PASSED) if _is_failed(check) else check

    return replace(gate, run=run)


def _is_failed(check: Check) -> bool:
    return check.verdict is Verdict.FAILED


def _differences(proof: Proof, gate: str) -> tuple[str, ...]:
    """What a gate saw differ."""
    seen = (c.evidence for c in proof.checks if c.gate == gate and c.ok)
    return tuple(
        _plain(e.text)
        for evidence in seen
        for e in evidence
        if "→" in e.text or ", which" in e.text
    )


def _plain(text: str) -> str:
    """A difference without what a gate says of promises, which a fix makes none of."""
    for tail in (", which was not promised", ", which breaks its clients"):
        if text.endswith(tail):
            return text.removesuffix(tail) + (" (breaks clients)" if "breaks" in tail else "")
    return text
