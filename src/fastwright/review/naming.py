"""Words for one of several things, as paths and tables have them."""

from __future__ import annotations

import re
from functools import cache

_PLURALS = ((r"ies$", "y"), (r"ves$", "f"), (r"ves$", "fe"), (r"es$", ""), (r"(?<!s)s$", ""))


@cache
def one_of(word: str) -> frozenset[str]:
    """The words that a table's or segment's name may be the plural of, itself among them.

    English does not tell ``caches`` from ``branches``: both endings are taken away.
    """
    lowered = word.lower()
    return frozenset({lowered, *(re.sub(ending, single, lowered) for ending, single in _PLURALS)})


def alike(one: str, other: str) -> bool:
    """Whether two names are of the same thing, in whatever number."""
    return bool(one and other) and not one_of(one).isdisjoint(one_of(other))


def stem(path: str) -> str:
    """The segment of a route's path before the last parameter."""
    before = re.findall(r"/([\w-]+)/\{", path)
    return str(before[-1]).replace("-", "_") if before else ""
