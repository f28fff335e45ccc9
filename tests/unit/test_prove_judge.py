"""The judge: the order of gates, what counts as a pass, and what the verdict is bound to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from threading import Barrier
from typing import Any

import pytest

from fastwright.lab.boot import App
from fastwright.lab.world import World
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, Edit, NewFile, Promise, fingerprint
from fastwright.model.places import Span
from fastwright.model.proof import Check, Proof, Verdict
from fastwright.prove import Gate, Side, attacks, every_gate, in_order, judge, prove
from fastwright.prove.idempotent import gate as idempotent
from fastwright.prove.side import WORTH_A_WORLD, on_both, with_twin
from fastwright.review.attack import Strike
from fastwright.testing.samples import sample_app

NOTHING = ChangeSet("", (), "nothing")
MAIN = PurePosixPath("main.py")


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Side]:
    """One tree in its world."""
    sample = sample_app("notebook")
    copied = sample.copy(tmp_path_factory.mktemp("app"))
    with World.open(sample.spec(copied, "newest")) as world:
        files = {MAIN: (copied / "main.py").read_bytes()}
        yield Side(AppMap(files, None), files, world)


def gate(name: str, verdict: Verdict = Verdict.PASSED, *after: str) -> Gate:
    """A gate that says `verdict`."""
    return Gate(name, name, lambda *_: Check(name, verdict, skipped_because="so"), after)


def verdicts(proof: Proof) -> dict[str, str]:
    """The verdict of each gate, in running order."""
    return {check.gate: check.verdict.value for check in proof.checks}


def test_gates_run_behind_those_they_wait_for() -> None:
    """Order is by `after` and `behind`, otherwise as given; ``*`` goes last."""
    last = Gate("last", "last", gate("last").run, behind=("*",))
    gates = in_order((last, gate("c", Verdict.PASSED, "b"), gate("a"), gate("b")))
    assert [g.name for g in gates] == ["a", "b", "c", "last"]


def test_a_later_gate_of_one_name_replaces_the_earlier() -> None:
    """A gate is configured by giving another of its name, which takes its place."""
    replaced = gate("a", Verdict.SKIPPED)
    gates = in_order((gate("a"), gate("b"), replaced))
    assert [(g.name, g.run is replaced.run) for g in gates] == [("a", True), ("b", False)]


def test_gates_exist_because_their_files_do() -> None:
    """Every module of the package that binds ``GATE`` is a gate, and the order is a full one."""
    gates = every_gate()
    names = [g.name for g in gates]
    assert {"parses", "boots", "tests", "lint", "types", "contract", "migrations"} <= {*names}
    assert {"idempotent", "scope"} <= {*names}
    assert names[-1] == "scope"
    assert all(names.index(n) < names.index(g.name) for g in gates for n in g.after if n in names)


def test_a_gate_that_raises_fails_the_proof(side: Side) -> None:
    """An error of ours is a failure with its last line as evidence, and never a pass."""

    def raises(*_: object) -> Check:
        raise KeyError("lost")

    proof = prove(NOTHING, side, side, gates=(gate("good"), Gate("bad", "bad", raises)))
    assert verdicts(proof) == {"good": "passed", "bad": "failed"}
    assert not proof.holds
    assert "KeyError: 'lost'" in proof.checks[1].evidence[0].text


def test_a_gate_behind_a_failed_one_is_skipped(side: Side) -> None:
    """It says which gate failed; behind a skipped one it runs."""
    failed, skipped = gate("failed", Verdict.FAILED), gate("skipped", Verdict.SKIPPED)
    behind = gate("behind", Verdict.PASSED, "failed"), gate("runs", Verdict.PASSED, "skipped")
    proof = prove(NOTHING, side, side, gates=(failed, skipped, *behind))
    assert verdicts(proof) == {
        "failed": "failed", "skipped": "skipped", "behind": "skipped", "runs": "passed"
    }  # fmt: skip
    assert proof.checks[2].skipped_because == "`failed` failed"


def test_skips_alone_prove_nothing(side: Side) -> None:
    """A proof without a single pass does not hold."""
    assert not prove(NOTHING, side, side, gates=(gate("a", Verdict.SKIPPED),)).holds
    assert not prove(NOTHING, side, side, gates=()).holds


def test_progress_is_told_gate_by_gate(side: Side) -> None:
    """The listener hears of each gate when it starts, and with its check when it has ended."""
    heard: list[tuple[str, bool]] = []
    ticks = iter((1.0, 3.5, 4.0, 4.25))
    proof = prove(
        NOTHING,
        side,
        side,
        gates=(gate("a"), gate("b")),
        tell=lambda name, check: heard.append((name, check is not None)),
        clock=lambda: next(ticks),
    )
    assert heard == [("a", False), ("a", True), ("b", False), ("b", True)]
    assert [check.seconds for check in proof.checks] == [2.5, 0.25]


def test_the_verdict_is_bound_to_the_new_tree(side: Side) -> None:
    """The proof carries the fingerprint of the bytes that were judged, and the isolation held."""
    proof = prove(NOTHING, side, side, gates=(gate("a"),))
    assert proof.tree == fingerprint(side.files)
    assert proof.sandbox == side.world.enforced != ()


def test_an_interrupt_gives_no_verdict(side: Side) -> None:
    """Ctrl-C in a gate is passed on."""

    def interrupted(*_: object) -> Check:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(NOTHING, side, side, gates=(Gate("a", "a", interrupted),))


def test_attacks_run_alone_on_a_tree_as_it_is(side: Side) -> None:
    """`attack` asks the one gate, behind no other; without promised attacks it proves nothing."""
    proof = judge.attack(NOTHING, side)
    assert verdicts(proof) == {"attacks": "skipped"}
    assert not proof.holds


def test_what_was_not_withstood_is_told_first(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first evidence, which the refusal quotes, is of an attack that got through."""
    ends = {"a": Strike(True, "it holds"), "b": Strike(False, "it leaks")}
    monkeypatch.setattr(attacks, "carry_out", lambda *_: ends)
    promise = Promise(attacks=tuple((name, {}) for name in ends))
    check = attacks.run(side, side, ChangeSet("", (), "a change", promise=promise))
    assert check.verdict is Verdict.FAILED
    assert check.after == "1 of 2 withstood"
    assert check.evidence[0].text == "`b` was not withstood: it leaks"


@pytest.mark.parametrize(
    ("again", "verdict"),
    [
        ((), Verdict.PASSED),
        ((Edit(Span(MAIN, 0, 0), "import os\n", "it is needed"),), Verdict.FAILED),
        ((NewFile(PurePosixPath("x.py"), "", "it is needed"),), Verdict.FAILED),
    ],
)
def test_a_second_run_must_be_empty(side: Side, again: tuple[Edit, ...], verdict: Verdict) -> None:
    """The change is built again on the new tree; whatever is left to do is named."""
    rebuild: Callable[[Side], ChangeSet] = lambda after: ChangeSet(  # noqa: E731
        fingerprint(after.files), again, "again"
    )
    check = idempotent(rebuild).run(side, side, NOTHING)
    assert check.verdict is verdict
    assert all("it is needed" in seen.text for seen in check.evidence)


def test_sides_keep_what_was_run(side: Side) -> None:
    """What costs time runs at its first use and never again."""
    runs: list[int] = []
    assert [side.once("key", lambda: runs.append(1)) for _ in range(3)] == [None] * 3
    assert runs == [1]


def test_both_sides_run_at_the_same_time(side: Side) -> None:
    """Each waits for the other; results come in the order of the sides; one side runs once."""
    other = Side(side.map, side.files, side.world)
    meeting = Barrier(2, timeout=20)

    def act(acting: Side) -> str:
        meeting.wait()
        return "before" if acting is side else "after"

    assert on_both(side, other, act) == ("before", "after")
    calls: list[Side] = []
    on_both(side, side, calls.append)
    assert calls == [side]


def test_neither_side_waits_for_the_other_to_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a side keeps is its own: two boot at the same time, and so do a side and its twin."""
    sample = sample_app("notebook")
    copied = sample.copy(tmp_path)
    meeting, boot = Barrier(2, timeout=30), World.boot

    def met(world: World, *arguments: Any) -> App:
        meeting.wait()
        return boot(world, *arguments)

    with World.open(sample.spec(copied, "newest")) as world:
        files = {MAIN: (copied / "main.py").read_bytes()}
        side = Side(AppMap(files, None), files, world)
        monkeypatch.setattr(World, "boot", met)
        assert [one.request("GET", "/openapi.json").status for one in
                with_twin(side, WORTH_A_WORLD, lambda one: one.app)] == [200, 200]  # fmt: skip
        assert side.twin is side.twin
        side.empty()
        assert [one.request("GET", "/openapi.json").status for one in
                on_both(side, side.twin, lambda one: one.app)] == [200, 200]  # fmt: skip


def test_what_fails_on_one_side_is_passed_on(side: Side) -> None:
    """An error of either side reaches the gate."""
    other = Side(side.map, side.files, side.world)

    def act(acting: Side) -> None:
        if acting is other:
            raise ValueError("on the new tree")

    with pytest.raises(ValueError, match="on the new tree"):
        on_both(side, other, act)
