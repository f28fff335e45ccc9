"""Which findings stand on lines, or in functions, that differ from an older tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from fastwright.model.finding import Finding
from fastwright.model.places import Span, position
from fastwright.source.syntax import find, parse

Lines = Mapping[PurePosixPath, tuple[range, ...]]
"""Of each file that differs the lines that do, counted from 1; where lines were only taken away,
those around the gap."""


def touching(
    findings: Iterable[Finding], files: Mapping[PurePosixPath, bytes], changed: Lines
) -> tuple[Finding, ...]:
    """The findings of which a place, or the innermost function around it, was changed."""
    bodies = {path: _functions(path, files) for path in changed if path in files}
    return tuple(f for f in findings if any(_is_touched(s, files, changed, bodies) for s in _of(f)))


def _functions(path: PurePosixPath, files: Mapping[PurePosixPath, bytes]) -> tuple[Span, ...]:
    """The functions of a Python file, with their decorators."""
    if path.suffix != ".py":
        return ()
    found = find(parse(files[path]), "function_definition")
    whole = (n.parent if n.parent and n.parent.type == "decorated_definition" else n for n in found)
    return tuple(Span(path, node.start_byte, node.end_byte) for node in whole)


def _of(finding: Finding) -> tuple[Span, ...]:
    return finding.at, *finding.related


def _is_touched(
    span: Span,
    files: Mapping[PurePosixPath, bytes],
    changed: Lines,
    bodies: Mapping[PurePosixPath, tuple[Span, ...]],
) -> bool:
    lines = changed.get(span.path)
    if not lines or span.path not in files:
        return False
    around = [b for b in bodies[span.path] if b.start <= span.start and span.end <= b.end]
    nearest = min(around, key=lambda b: b.end - b.start, default=span)
    content = files[span.path]
    first, last = (position(content, at).line for at in (nearest.start, nearest.end))
    return any(first < one.stop and one.start <= last for one in lines)
