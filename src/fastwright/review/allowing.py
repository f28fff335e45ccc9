"""Inline permission: ``# fastwright: allow rule-name: reason``, at the place that is objected to.

It holds for what stands on its own line, or on the line below a comment that stands alone. For a
finding that spans a whole handler, a comment at its decorators or its ``def`` line counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.finding import Finding
from fastwright.model.places import Span
from fastwright.source.syntax import find, parse

_SIGN = b"fastwright: allow"
_FORM = re.compile(r"#\s*fastwright: allow\b(?P<rules>[^:#]*)(?::(?P<reason>[^#]*))?")
_HEADER_END = re.compile(rb":[ \t]*(?:#[^\n]*)?$")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One comment: the rules that it names, its reason, and the line that it is written for."""

    span: Span
    line: int
    rules: tuple[str, ...]
    reason: str

    def covers(self, finding: Finding, content: bytes) -> bool:
        """True where the comment permits this finding; one without a reason permits nothing."""
        if not self.reason or self.span.path != finding.at.path or finding.rule not in self.rules:
            return False
        first, last = header(finding.at, content)
        return first <= self.line <= last


def allowances(files: Mapping[PurePosixPath, bytes]) -> Iterator[Allowance]:
    """Every permission in Python files; text in strings is none."""
    for path, content in files.items():
        if path.suffix == ".py" and _SIGN in content:
            for comment in find(parse(content), "comment"):
                span = Span(path, comment.start_byte, comment.end_byte)
                match = _FORM.match(span.text(content))
                if match:
                    yield _allowance(match, span, content)


def _allowance(match: re.Match[str], span: Span, content: bytes) -> Allowance:
    line = content.count(b"\n", 0, span.start) + 1
    start = content.rfind(b"\n", 0, span.start) + 1
    alone = not content[start : span.start].strip()
    rules = re.split(r"[,\s]+", match["rules"].strip())
    return Allowance(
        span, line + alone, tuple(filter(None, rules)), (match["reason"] or "").strip()
    )


def header(span: Span, content: bytes) -> tuple[int, int]:
    """The first and last line that stand for a span: of a function those above its body."""
    first = content.count(b"\n", 0, span.start) + 1
    lines = content[span.start : span.end].split(b"\n")
    is_definition = re.match(rb"@|(async )?def |class ", lines[0])
    if is_definition is None:
        return first, first + len(lines) - 1
    below = (n for n, line in enumerate(lines) if not line.startswith(b"@"))
    ends = (n for n in below if _HEADER_END.search(lines[n]))
    return first, first + next(ends, 0)


def sift(
    findings: Iterable[Finding], files: Mapping[PurePosixPath, bytes]
) -> tuple[list[Finding], list[Finding]]:
    """The findings that nobody has permitted, and those that somebody has."""
    by_file: dict[PurePosixPath, list[Allowance]] = {}
    for one in allowances(files):
        by_file.setdefault(one.span.path, []).append(one)
    open_: list[Finding] = []
    permitted: list[Finding] = []
    for finding in findings:
        at = by_file.get(finding.at.path, ())
        content = files.get(finding.at.path, b"")
        (permitted if any(one.covers(finding, content) for one in at) else open_).append(finding)
    return open_, permitted
