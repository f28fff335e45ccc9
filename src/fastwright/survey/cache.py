"""Facts of files kept between runs, by content and by the version of the extractor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Protocol

from fastwright.survey.extract import extract
from fastwright.survey.facts import VERSION, Facts


class FactCache(Protocol):
    """Keeps the facts of one file, as JSON text, under a key made of its content."""

    def get(self, key: str) -> str | None:
        """What was put under `key`; ``None`` if nothing was."""

    def put(self, key: str, facts: str) -> None:
        """Keep `facts` under `key`."""


def key_of(content: bytes) -> str:
    """The key of a file's facts: its content and the extractor's version, nothing else."""
    return hashlib.blake2b(content, digest_size=16, person=VERSION.encode()).hexdigest()


def read_facts(
    files: Mapping[PurePosixPath, bytes], cache: FactCache | None = None
) -> dict[PurePosixPath, tuple[bytes, Facts]]:
    """The facts of every Python file, from `cache` where it has them."""
    found: dict[PurePosixPath, tuple[bytes, Facts]] = {}
    for path, content in files.items():
        if path.suffix == ".py":
            found[path] = (content, _facts(content, cache))
    return found


def _facts(content: bytes, cache: FactCache | None) -> Facts:
    key = key_of(content)
    kept = cache.get(key) if cache is not None else None
    if kept is not None:
        try:
            return Facts.from_json(json.loads(kept))
        except (ValueError, TypeError):
            pass
    facts = extract(content)
    if cache is not None:
        cache.put(key, json.dumps(facts.to_json(), separators=(",", ":")))
    return facts
