"""Tables and what speaks of one of their rows are told to be of the same thing."""

from __future__ import annotations

import pytest

from fastwright.review.naming import alike


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ("notes", "note"), ("categories", "category"), ("shelves", "shelf"), ("knives", "knife"),
        ("addresses", "address"), ("branches", "branch"), ("caches", "cache"), ("boxes", "box"),
        ("statuses", "status"), ("matches", "match"), ("waves", "wave"), ("Item", "items"),
        ("user", "user"),
    ],
)  # fmt: skip
def test_a_table_is_alike_to_one_of_its_rows(table: str, word: str) -> None:
    """Whatever the ending is that makes many of one."""
    assert alike(table, word)
    assert alike(word, table)


@pytest.mark.parametrize(("one", "other"), [("notes", "nodes"), ("glass", "glas"), ("", "")])
def test_other_words_are_not(one: str, other: str) -> None:
    """A word that only looks like it is of something else; no word is of nothing."""
    assert not alike(one, other)
