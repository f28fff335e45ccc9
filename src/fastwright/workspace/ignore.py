"""Which files git would ignore, without starting git.

The rules are those of ``gitignore(5)``: patterns of nested files, negation, anchoring, ``**``,
and that nothing below an ignored folder can be taken back. They are tested against git itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring lines of one ignore file that agree in sign, as one expression for each kind.

    They match paths relative to the folder of that file. A pattern that ends with a slash is in
    `folders` only; ``None`` where there is no pattern.
    """

    negated: bool
    files: re.Pattern[str] | None
    folders: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Rules:
    """The groups in force in one folder, outermost first, each with the folder it stands in."""

    groups: tuple[tuple[str, Group], ...] = ()

    def within(self, folder: PurePosixPath, text: str) -> Rules:
        """These rules and those of an ignore file with `text` in `folder`."""
        prefix = "" if folder == PurePosixPath() else _by_bytes(f"{folder}/")
        return Rules((*self.groups, *((prefix, group) for group in compile_lines(text))))

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """True where the last pattern that matches `path` (relative to the root) ignores it."""
        name = _by_bytes(path)
        for prefix, group in reversed(self.groups):
            regex = group.folders if is_folder else group.files
            if regex and name.startswith(prefix) and regex.fullmatch(name, len(prefix)):
                return not group.negated
        return False


def is_ignored(files: Mapping[PurePosixPath, bytes], path: PurePosixPath) -> bool:
    """True where the ignore files among `files` keep `path`, or a folder above it, out of git."""
    rules, folders = Rules(), tuple(reversed(path.parents))
    for folder in folders:
        if rules.ignores(str(folder), is_folder=True):
            return True
        text = files.get(folder / ".gitignore")
        if text is not None:
            rules = rules.within(folder, text.decode("utf-8", "replace"))
    return rules.ignores(str(path), is_folder=False)


def compile_lines(text: str) -> Iterator[Group]:
    """The groups of one ignore file, in its order."""
    lines = [line for line in map(_read, _by_bytes(text).split("\n")) if line is not None]
    for negated, group in groupby(lines, key=lambda line: line.negated):
        members = list(group)
        yield Group(
            negated,
            _union(line.regex for line in members if not line.folders_only),
            _union(line.regex for line in members),
        )


def _by_bytes(text: str) -> str:
    """One character a byte, since git matches bytes: ``?`` is half of an accented letter."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _union(regexes: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(regexes)
    return re.compile(joined, re.DOTALL) if joined else None


@dataclass(frozen=True, slots=True)
class _Line:
    regex: str
    negated: bool
    folders_only: bool


def _read(line: str) -> _Line | None:
    stripped = _without_trailing_spaces(line.removesuffix("\r"))
    if not stripped or stripped.startswith("#"):
        return None
    negated = stripped.startswith("!")
    glob = stripped[1:] if negated else stripped
    folders_only = glob.endswith("/")
    glob = glob.removesuffix("/")
    anchored = "/" in glob
    glob = glob.removeprefix("/")
    if not glob:
        return None
    regex = f"(?:{'' if anchored else '(?:.*/)?'}{_translate(glob)})"
    try:
        re.compile(regex)
    except re.error:
        return None
    return _Line(regex, negated, folders_only)


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
