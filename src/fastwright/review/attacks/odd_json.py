"""JSON that no client of good will sends: values in the place of a text, and whole bodies."""

from __future__ import annotations

import json
from collections.abc import Iterator

MEGABYTE = 1_000_000
_VALUES = ("NaN", "-Infinity", "1e999", "null", "true", "[]", "{}", '{"$ne": null}')
_LONG = ("9" * 5000, "[" * 400 + "]" * 400)
_TEXTS = ("\\ud800", "a\\u0000b", "\\u001b[2J\\r\\n\\u0007", "\\u202e\\ufeff", "a" * MEGABYTE)


def odd_values() -> Iterator[tuple[str, str]]:
    """Values that are no text, and half a surrogate pair: how each is shown, and its JSON."""
    for value in (*_VALUES, f'"{_TEXTS[0]}"', *_LONG):
        yield _shown(value), value


def odd_texts() -> Iterator[tuple[str, str]]:
    """Texts that few stores take: control characters, a million letters; shown, and as JSON."""
    for text in _TEXTS[1:]:
        yield _shown(f'"{text}"'), f'"{text}"'


def odd_bodies(field: str) -> Iterator[tuple[str, bytes]]:
    """Bodies that are no object with the `field` in it, and what is said of each."""
    yield "NaN for the whole body", b"NaN"
    yield "JSON cut short", f"{{{json.dumps(field)}: ".encode()
    yield "bytes that are no UTF-8", b'{"\xff\xfe": 1}'
    yield "nesting without end", b"[" * 100_000


def _shown(value: str) -> str:
    return value if len(value) < 40 else f"{value[:5]}… of {len(value)} characters"
