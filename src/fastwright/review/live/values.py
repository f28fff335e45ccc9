"""What odd values are called, in the words of a finding."""

from __future__ import annotations

TWICE = "the same values twice"
UNKNOWN_ROW = "an id that no row has"
GONE = "a token of a user who is gone"
NULL = "null"
NUL = "a NUL character"
NEGATIVE = "a negative number"
WORD = "a word that nobody foresaw"
LONG = "a very long text"
BEYOND_COLUMN = "a text longer than its column"
MEGABYTE = "a text of 1 MB"
BEYOND_32, BEYOND_64 = "an integer beyond 32 bits", "an integer beyond 64 bits"

LENGTHS = frozenset({LONG, BEYOND_COLUMN, MEGABYTE})
"""Texts that meet the same limit, if there is one."""
