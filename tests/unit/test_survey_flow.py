"""Values of requests followed to where they do harm: facts, carriers, limits, sinks."""

from __future__ import annotations

from fastwright.survey.extract import extract


def test_tests_and_catches_are_facts() -> None:
    """What an `if` governs, how it leaves, what an `assert` demands, and what is caught."""
    facts = extract(
        b"def f(x):\n    if not x:\n        raise V\n    elif x in y:\n        pass\n"
        b"    assert x == 1\n    try:\n        pass\n    except (A, B) as e:\n        return e\n"
    )
    scope = facts.scopes[1]
    assert [(b.test, b.leaves) for b in scope.branches] == [
        (["!", "x"], "raise"),
        (["b", "in", "x", "y"], ""),
        (["!", ["b", "==", "x", ["k", 1]]], "raise"),
    ]
    assert [(c.types, c.name) for c in scope.catches] == [(["l", "A", "B"], "e")]
    assert (scope.values, len(scope.returned)) == (["e"], 1)
