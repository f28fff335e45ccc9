"""Which findings stand on lines, or in functions, that differ from an older tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.finding import Finding
from fastwright.model.places import Span, position

Lines = Mapping[PurePosixPath, tuple[range, ...]]
"""Of each file that differs the lines that do, counted from 1; where lines were only taken away,
those around the gap."""


def touching(findings: Iterable[Finding], app: AppMap, changed: Lines) -> tuple[Finding, ...]:
    """The findings of which a place, or the function around it, was changed."""
    bodies: dict[PurePosixPath, list[Span]] = {path: [] for path in changed}
    for function in app.functions:
        if function.span.path in bodies:
            bodies[function.span.path].append(function.span)
    return tuple(f for f in findings if any(_is_touched(s, app, changed, bodies) for s in _of(f)))


def _of(finding: Finding) -> tuple[Span, ...]:
    return finding.at, *finding.related


def _is_touched(
    span: Span, app: AppMap, changed: Lines, bodies: Mapping[PurePosixPath, list[Span]]
) -> bool:
    lines = changed.get(span.path)
    if not lines:
        return False
    around = [b for b in bodies[span.path] if b.start <= span.start and span.end <= b.end]
    widest = min(around, key=lambda b: b.end - b.start, default=span)
    content = app.files[span.path]
    first, last = (position(content, at).line for at in (widest.start, widest.end))
    return any(first < one.stop and one.start <= last for one in lines)
