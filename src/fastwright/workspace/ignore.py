"""Which files git would ignore, without starting git.

The rules are those of ``gitignore(5)``: patterns of nested files, negation, anchoring, ``**``,
and that nothing below an ignored folder can be taken back. They are tested against git itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line of an ignore file, compiled: matches paths relative to that file's folder."""

    regex: re.Pattern[str]
    negated: bool
    folders_only: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns in force in one folder, outermost first, each with the folder it stands in."""

    patterns: tuple[tuple[str, Pattern], ...] = ()

    def within(self, folder: PurePosixPath, text: str) -> Rules:
        """These rules and those of an ignore file with `text` in `folder`."""
        prefix = "" if folder == PurePosixPath() else f"{folder}/"
        return Rules((*self.patterns, *((prefix, pattern) for pattern in compile_lines(text))))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """True where the last pattern that matches `path` (relative to the root) ignores it."""
        for prefix, pattern in reversed(self.patterns):
            if pattern.folders_only and not is_folder:
                continue
            if path.startswith(prefix) and pattern.regex.fullmatch(path, len(prefix)):
                return not pattern.negated
        return False


def compile_lines(text: str) -> Iterable[Pattern]:
    """The patterns of one ignore file."""
    for line in text.splitlines():
        pattern = _compile(line)
        if pattern is not None:
            yield pattern


def _compile(line: str) -> Pattern | None:
    stripped = _without_trailing_spaces(line)
    if not stripped or stripped.startswith("#"):
        return None
    negated = stripped.startswith("!")
    glob = stripped[1:] if negated else stripped
    folders_only = glob.endswith("/")
    glob = glob.rstrip("/") if folders_only else glob
    anchored = "/" in glob
    glob = glob.removeprefix("/")
    if not glob:
        return None
    start = "" if anchored else "(?:.*/)?"
    try:
        return Pattern(re.compile(start + _translate(glob), re.DOTALL), negated, folders_only)
    except re.error:
        return None


def _without_trailing_spaces(line: str) -> str:
    end = len(line)
    while end and line[end - 1] == " " and not (end > 1 and line[end - 2] == "\\"):
        end -= 1
    return line[:end]


_TOKEN = re.compile(
    r"(?P<lead>^\*\*/)|(?P<middle>/\*\*/)|(?P<tail>/\*\*$)|(?P<star>\*+)|(?P<any>\?)"
    r"|\[(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\]\\])*)\]|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)
_REGEX = MappingProxyType(
    {"lead": "(?:.*/)?", "middle": "/(?:.*/)?", "tail": "/.+", "star": "[^/]*", "any": "[^/]"}
)


def _translate(glob: str) -> str:
    return "".join(_piece(match) for match in _TOKEN.finditer(glob))


def _piece(match: re.Match[str]) -> str:
    kind = match.lastgroup or "plain"
    if kind in _REGEX:
        return _REGEX[kind]
    if kind == "set":
        inside = match["set"].replace("[", "\\[")
        return f"(?!/)[{'^' if match['not'] else ''}{inside}]"
    return re.escape(match["escaped"] or match["plain"] or match[0])
