"""Code that is quoted in a message."""

from __future__ import annotations

from fastwright.source.layout import shortened


def test_code_is_quoted_on_one_line() -> None:
    """Line breaks and the space inside brackets go; what is short stays whole."""
    assert shortened("notify(\n    name,\n    text=1\n)") == "notify(name, text=1)"


def test_long_code_shows_that_it_is_cut() -> None:
    """Of what is longer, the beginning is shown, and that there is more."""
    assert shortened("find( first, second )", 12) == "find(first,…"
    assert shortened("find(first)", 11) == "find(first)"
