"""Payload units → pieces of the app's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fastwright.model.app import AppMap
from fastwright.recipes import payload
from fastwright.recipes.payload import Piece, Rendering
from fastwright.source.import_header import Imported

_LOCAL_IMPORT = re.compile(r"(?m)^( +from )\.(\w+)( import )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How units become the app's own code.

    Attributes:
        how: The rendering of asynchronous units.
        sync: Units that are rendered to synchronous code.
        words: Expressions of the rendered units, and what the app says instead.
        homes: The dotted module that each unit is written into.
        extra: Further names to import where a unit takes ``settings`` from the app.
        of_app: Those of them that the app has already.
    """

    how: Rendering
    sync: frozenset[str]
    words: Mapping[str, str]
    homes: Mapping[str, str]
    extra: tuple[Imported, ...] = field(default=())
    of_app: tuple[Imported, ...] = field(default=())

    def is_async(self, unit: str) -> bool:
        """False where `unit` is rendered to synchronous code."""
        return unit not in self.sync


def rendered(app: AppMap, units: Sequence[str], style: Style) -> Mapping[str, Piece]:
    """Each of `units` in the app's words, with what it imports by absolute modules."""
    return {unit: _piece(app, unit, style) for unit in units}


def worded(text: str, words: Mapping[str, str]) -> str:
    """`text` with all `words` replaced at once, the longest first."""
    longest = sorted(words, key=len, reverse=True)
    pattern = "|".join(rf"(?<![\w.]){re.escape(word)}(?!\w)" for word in longest)
    return re.sub(pattern, lambda m: words[m[0]], text) if pattern else text


def _piece(app: AppMap, unit: str, style: Style) -> Piece:
    how = replace(style.how, is_async=style.is_async(unit))
    piece = payload.render(app, __package__, unit, how)
    body = _LOCAL_IMPORT.sub(lambda m: f"{m[1]}{style.homes[m[2]]}{m[3]}", piece.body)
    imported = tuple(_homed(piece.imported, style))
    own = frozenset(home.partition(".")[0] for home in style.homes.values())
    doc = worded(piece.doc, style.words)
    return replace(piece, doc=doc, imported=imported, body=worded(body, style.words), own=own)


def _homed(imported: Sequence[Imported], style: Style) -> Iterator[Imported]:
    """The imports of a unit, with the app's modules for the payload's."""
    for entry in imported:
        inside = entry.module.startswith(".")
        yield replace(entry, module=style.homes[entry.module[1:]]) if inside else entry
    yield from style.extra
