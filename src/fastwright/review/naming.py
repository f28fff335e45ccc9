"""Words for one of several things, as paths and tables have them."""

from __future__ import annotations


def singular(word: str) -> str:
    """A table's or segment's name for one of its things."""
    word = word.lower()
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
