"""Facts of files: from a cache where it has them, else by reading the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Protocol

from fastwright.survey.extract import extract
from fastwright.survey.facts import VERSION, Facts


class FactCache(Protocol):
    """Keeps the facts of files, as JSON text, under keys made of their content."""

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
    return {
        path: (content, _facts(content, cache))
        for path, content in files.items()
        if path.suffix == ".py"
    }


def _facts(content: bytes, cache: FactCache | None) -> Facts:
    if cache is None:
        return extract(content)
    key = key_of(content)
    kept = _kept(cache.get(key))
    if kept is None:
        kept = extract(content)
        cache.put(key, json.dumps(kept.to_json(), separators=(",", ":")))
    return kept


def _kept(text: str | None) -> Facts | None:
    """Facts as cached; ``None`` where there are none, or what is there cannot be read."""
    if text is None:
        return None
    try:
        return Facts.from_json(json.loads(text))
    except (ValueError, TypeError):
        return None
