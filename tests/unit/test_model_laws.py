"""Laws of the model's values: fingerprints, access matrices, verdicts, places."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fastwright.model.app import Dependency
from fastwright.model.change import AddDependency, ChangeSet, Edit, Manual, NewFile, fingerprint
from fastwright.model.finding import AccessMatrix, Evidence, EvidenceKind, Finding, Grade
from fastwright.model.places import Position, Span, position
from fastwright.model.proof import Check, Proof, Verdict

NAMES = st.sampled_from(["a.py", "b.py", "b/c.py", "ab", "c"]).map(PurePosixPath)
TREES = st.dictionaries(NAMES, st.binary(max_size=4))


@given(TREES, TREES)
def test_a_fingerprint_tells_trees_apart(one: dict, other: dict) -> None:
    """Equal trees have equal fingerprints, and different trees different ones."""
    assert (fingerprint(one) == fingerprint(other)) == (one == other)


@given(TREES)
def test_a_fingerprint_does_not_depend_on_order(tree: dict) -> None:
    """The order in which files were read is no part of it."""
    assert fingerprint(tree) == fingerprint(dict(reversed(tree.items())))


@given(TREES, NAMES)
def test_a_missing_file_is_not_an_empty_one(tree: dict, name: PurePosixPath) -> None:
    """A named file counts when it is missing, and differs from an empty one."""
    without = {path: text for path, text in tree.items() if path != name}
    assert fingerprint(without, (name,)) != fingerprint({**without, name: b""}, (name,))


@given(TREES, TREES, st.sets(NAMES, min_size=1))
def test_only_named_files_count(one: dict, other: dict, names: set) -> None:
    """Files outside the named ones may differ."""
    same = all(one.get(name) == other.get(name) for name in names)
    assert (fingerprint(one, names) == fingerprint(other, names)) == same


OUTCOMES = st.dictionaries(
    st.sampled_from(["GET /a", "PUT /b"]),
    st.dictionaries(st.sampled_from(["anonymous", "owner"]), st.sampled_from(["200", "401"])),
)


@given(OUTCOMES)
def test_a_matrix_does_not_differ_from_itself(outcomes: dict) -> None:
    """No cell differs from the same cell."""
    assert AccessMatrix(outcomes).differences(AccessMatrix(outcomes)) == ()


@given(OUTCOMES, OUTCOMES)
def test_every_cell_that_differs_is_named_once(one: dict, other: dict) -> None:
    """There are as many differences as cells whose outcome differs, in either direction."""
    cells = {(r, c) for m in (one, other) for r, row in m.items() for c in row}
    differing = [(r, c) for r, c in cells if one.get(r, {}).get(c) != other.get(r, {}).get(c)]
    there = AccessMatrix(one).differences(AccessMatrix(other))
    back = AccessMatrix(other).differences(AccessMatrix(one))
    assert len(there) == len(set(there)) == len(back) == len(differing)


def test_a_route_that_is_new_differs_from_being_absent() -> None:
    """A cell that only one matrix has is shown as absent in the other."""
    old, new = AccessMatrix({}), AccessMatrix({"GET /a": {"anonymous": "401"}})
    assert old.differences(new) == ("GET /a anonymous: absent → 401",)
    assert new.differences(old) == ("GET /a anonymous: 401 → absent",)


@given(st.lists(st.sampled_from(Verdict), max_size=4))
def test_a_proof_holds_by_passes_alone(verdicts: list) -> None:
    """It holds where no gate failed and at least one passed; skips never count."""
    proof = Proof("", tuple(Check(str(n), v) for n, v in enumerate(verdicts)))
    assert proof.holds == (Verdict.FAILED not in verdicts and Verdict.PASSED in verdicts)


@given(st.text(st.sampled_from("a\nbé\U0001f600"), max_size=12), st.integers(0, 12))
def test_a_position_counts_as_editors_do(text: str, characters: int) -> None:
    """Line and column come from bytes and count characters, from one."""
    assume(characters <= len(text))
    before = text[:characters]
    expected = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert position(text.encode(), len(before.encode())) == expected


def test_a_change_set_names_the_files_it_writes() -> None:
    """Edits and new files count, once each and sorted; advice alone writes nothing."""
    edits = [Edit(Span(PurePosixPath("b.py"), n, n), "x", "y") for n in (0, 5)]
    new = NewFile(PurePosixPath("a.py"), "", "y")
    changes = ChangeSet("", (*edits, new), "t")
    assert changes.paths() == (PurePosixPath("a.py"), PurePosixPath("b.py"))
    assert not changes.is_empty
    assert ChangeSet("", (Manual("somewhere", "x", "y"),), "t").is_empty
    assert not ChangeSet("", (AddDependency("x>=1", "y"),), "t").is_empty


@pytest.mark.parametrize(
    ("evidence", "structural", "grade"),
    [
        ((), False, Grade.POSSIBLE),
        ((), True, Grade.CERTAIN),
        ((EvidenceKind.SOURCE,), False, Grade.POSSIBLE),
        ((EvidenceKind.SOURCE, EvidenceKind.HTTP), False, Grade.PROVEN),
    ],
)
def test_a_grade_follows_from_evidence(
    evidence: tuple[EvidenceKind, ...], structural: bool, grade: Grade
) -> None:
    """What ran proves, structure makes certain, and source alone is possible."""
    seen = tuple(Evidence(kind, "") for kind in evidence)
    at = Span(PurePosixPath("a.py"), 0, 0)
    assert Finding("r", at, "m", seen, structural=structural).grade is grade


def test_a_findings_fingerprint_survives_moving_and_grading() -> None:
    """Other lines, white space and evidence leave it; another symbol or code does not."""
    finding = Finding("rule", Span(PurePosixPath("a.py"), 0, 9), "m", symbol="f")
    moved = Finding(
        "rule", Span(PurePosixPath("a.py"), 40, 49), "other", structural=True, symbol="f"
    )
    other = Finding("rule", finding.at, "m", symbol="g")
    assert finding.fingerprint("x = 1") == moved.fingerprint("x  =\n 1 ")
    assert len({finding.fingerprint("x = 1"), other.fingerprint("x = 1")}) == 2
    assert finding.fingerprint("x = 1") != finding.fingerprint("x = 2")


def test_a_dependency_walks_depth_first() -> None:
    """A node comes before its children, and those before its siblings."""
    tree = Dependency("a", children=(Dependency("b", children=(Dependency("c"),)), Dependency("d")))
    assert [node.call for node in tree.walk()] == ["a", "b", "c", "d"]
