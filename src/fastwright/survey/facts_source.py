"""Facts of files: from a cache where it has them, else by reading the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Protocol

from fastwright.survey.extract import extract
from fastwright.survey.facts import VERSION, Facts
from fastwright.survey.pool import FEWEST, extract_all


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
    sources = {path: content for path, content in files.items() if path.suffix == ".py"}
    if cache is None and len(sources) < FEWEST:
        return {path: (content, extract(content)) for path, content in sources.items()}
    keys = {path: key_of(content) for path, content in sources.items()}
    known = _known(keys.values(), cache)
    missing = {keys[path]: content for path, content in sources.items() if keys[path] not in known}
    for key, found in zip(missing, extract_all(list(missing.values())), strict=True):
        known[key] = found.facts()
        if cache is not None:
            cache.put(key, found.text)
    return {path: (content, known[keys[path]]) for path, content in sources.items()}


def _known(keys: Iterable[str], cache: FactCache | None) -> dict[str, Facts]:
    if cache is None:
        return {}
    found = ((key, _kept(cache.get(key))) for key in dict.fromkeys(keys))
    return {key: facts for key, facts in found if facts is not None}


def _kept(text: str | None) -> Facts | None:
    """Facts as cached; ``None`` where there are none, or what is there cannot be read."""
    if text is None:
        return None
    try:
        return Facts.from_json(json.loads(text))
    except (ValueError, TypeError):
        return None
