"""How often the files of an app name something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from fastwright.model.app import AppMap
from fastwright.review.once import once


class Mentions:
    """How often names stand in the files of an app: as code, in words or in a string."""

    def __init__(self, app: AppMap) -> None:
        self._files = app.files
        self._counted: dict[str, int] = {}
        self._alone: dict[str, bool] = {}

    def count(self, name: str) -> int:
        """The places of `name` as a whole word, in all files."""
        if name not in self._counted:
            self._counted[name] = sum(1 for _ in self._places(name))
        return self._counted[name]

    def is_alone(self, name: str) -> bool:
        """True where `name` stands once as a whole word, in all files."""
        if name not in self._alone:
            self._alone[name] = len(list(islice(self._places(name), 2))) == 1
        return self._alone[name]

    def _places(self, name: str) -> Iterator[re.Match[bytes]]:
        plain = name.encode()
        word = re.compile(rb"\b%b\b" % re.escape(plain))
        for content in self._files.values():
            if plain in content:
                yield from word.finditer(content)


mentions = once(Mentions)
