"""How often the files of an app name something."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.review.once import once


class Mentions:
    """How often names stand in the files of an app: as code, in words or in a string."""

    def __init__(self, app: AppMap) -> None:
        self._files = app.files
        self._counted: dict[str, int] = {}

    def count(self, name: str) -> int:
        """The places of `name` as a whole word, in all files."""
        if name not in self._counted:
            plain = name.encode()
            word = re.compile(rb"\b%b\b" % re.escape(plain))
            holding = (content for content in self._files.values() if plain in content)
            self._counted[name] = sum(len(word.findall(content)) for content in holding)
        return self._counted[name]


mentions = once(Mentions)
