"""What a column that gives rights may hold to give most of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.storage import Column
from fastwright.survey.codebase import of_tests

_HIGH = re.compile(r"[\"']((?:super_?)?(?:admin\w*|super_?user|staff|owner))[\"']", re.IGNORECASE)
_FALLING = ("super", "admin", "owner", "staff")


def highest(app: AppMap, column: Column) -> tuple[object, ...]:
    """True, or for a column of words those that the app's source has for it, the highest first."""
    if "role" not in column.attribute:
        return (True,)
    words = (word for text in _sources(app) for word in _HIGH.findall(text))
    return tuple(dict.fromkeys(sorted(words, key=_rank)))


def _sources(app: AppMap) -> Iterator[str]:
    """The app's own modules as text, those of its tests left out."""
    for path, content in app.files.items():
        if path.suffix == ".py" and not of_tests(path):
            yield content.decode("utf-8", "replace")


def _rank(word: str) -> int:
    lower = word.lower()
    return next((n for n, name in enumerate(_FALLING) if lower.startswith(name)), len(_FALLING))
