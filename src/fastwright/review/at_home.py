"""What an app does at its developers' alone: code under a test for the stage that it runs in."""

from __future__ import annotations

import re

_AT_HOME = re.compile(
    r"(?i)(?<!!)=\s*['\"](?:local|dev|develop|development|test|testing)['\"]"
    r"|!=\s*['\"]prod|\b(?:[a-z0-9]+_)*debug(?:_\w+)?\b|\bis_(?:dev|local|debug|test)"
)
_NEGATED = re.compile(r"(?i)\bnot\s[\w.]*(?:debug|is_)")


def is_at_home(words: str | None) -> bool:
    """True for the words of a test that holds in development, and not where the app serves."""
    return bool(words and _AT_HOME.search(words)) and not _NEGATED.search(words or "")
