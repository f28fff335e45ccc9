"""What a change made of files, left as tidy as they were: imports in use and in order, and layout.

The layout is ruff's, which is asked about text alone: it reads no settings, and no file of the
project. What was not its layout before, as in a project that is formatted by hand, is left as it
is but for statements that outgrew their line.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.places import Span
from fastwright.source.import_block import width_of

Files = Mapping[PurePosixPath, bytes]

_UNUSED, _UNSORTED = "F401", "I001"


@dataclass(frozen=True, slots=True)
class Style:
    """How a project writes.

    Attributes:
        width: Columns in a line.
        own: The packages that are the project's.
        quotes: Of a new file: ``double`` or ``single``.
    """

    width: int
    own: tuple[str, ...] = ()
    quotes: str = "double"


def style_of(app: AppMap) -> Style:
    """How the project of `app` writes."""
    own = {name.partition(".")[0] for name in app.modules}
    quotes = app.convention("quotes")
    return Style(width_of(app), tuple(sorted(own)), quotes.value if quotes else "double")


def tidied(before: Files, after: Files, style: Style) -> tuple[Edit, ...]:
    """The edits of `after` that leave each Python file as tidy as it was in `before`.

    A file that is new is laid out whole.
    """
    found: list[Edit] = []
    for path, content in after.items():
        old = before.get(path)
        if path.suffix == ".py" and content != old:
            tidy = _tidy(old, content, _Options(path.name, style, _indentation(old or content)))
            found += _differences(path, content, tidy)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Options:
    """What ruff is told of one file."""

    name: str
    style: Style
    indentation: str

    def settings(self) -> tuple[str, ...]:
        """Options of every command."""
        return ("--isolated", "--no-cache", "--quiet", "--stdin-filename", self.name,
                "--config", f"line-length = {min(self.style.width, 320)}",
                "--config", self.indentation)  # fmt: skip


def _tidy(old: bytes | None, content: bytes, options: _Options) -> bytes:
    was_sorted = old is None or not _told(old, options, _UNSORTED)
    content = _without_unused(old or b"", content, options)
    if was_sorted:
        content = _sorted(content, options)
    if old is None:
        return _laid_out(content, options, options.style.quotes)
    for quotes in ("double", "single", "preserve"):
        if _laid_out(old, options, quotes) == old:
            return _laid_out(content, options, quotes)
    for first, last in reversed(list(_outgrown(old, content, options.style.width))):
        content = _laid_out(content, options, "preserve", f"{first}-{last + 1}")
    return content


def _without_unused(old: bytes, content: bytes, options: _Options) -> bytes:
    """`content` without the imports that are used no more, but were."""
    unused = {row["message"] for row in _told(old, options, _UNUSED)}
    fixes = [row["fix"] for row in _told(content, options, _UNUSED)
             if row["message"] not in unused and row["fix"]]  # fmt: skip
    # Names of one statement share the edit that takes them away.
    every = {_begin(edit): edit for fix in fixes for edit in fix["edits"]}
    lines = content.decode("utf-8", "replace").split("\n")
    for _, edit in sorted(every.items(), reverse=True):
        (row, column), (last, end) = _begin(edit), _begin(edit, "end_location")
        head = lines[row - 1][: column - 1] if row <= len(lines) else ""
        tail = lines[last - 1][end - 1 :] if last <= len(lines) else ""
        lines[row - 1 : last] = [f"{head}{edit['content'] or ''}{tail}"]
    return "\n".join(lines).encode() if fixes else content


def _begin(edit: Mapping[str, Any], which: str = "location") -> tuple[int, int]:
    return edit[which]["row"], edit[which]["column"]


def _told(content: bytes, options: _Options, code: str) -> Sequence[Mapping[str, Any]]:
    """What ruff has to say of the imports in `content`; nothing of what it cannot read."""
    words = ("check", *_linting(options), "--select", code, "--output-format", "json", "-")
    found: list[Mapping[str, Any]] = json.loads(_ruff(words, content) or b"[]")
    return [row for row in found if row["code"] == code]


def _sorted(content: bytes, options: _Options) -> bytes:
    words = ("check", *_linting(options), "--select", _UNSORTED, "--fix", "-")
    return _ruff(words, content) or content


def _linting(options: _Options) -> tuple[str, ...]:
    own = f"lint.isort.known-first-party = {json.dumps(options.style.own)}"
    return (*options.settings(), "--config", own, "--exit-zero")


def _laid_out(content: bytes, options: _Options, quotes: str, lines: str = "") -> bytes:
    """`content` in ruff's layout, or only its `lines`; as it is where ruff cannot read it."""
    part = ("--range", lines) if lines else ()
    style = ("--config", f'format.quote-style = "{quotes}"')
    return _ruff(("format", *options.settings(), *style, *part, "-"), content) or content


def _indentation(content: bytes) -> str:
    """The setting of the indentation that `content` has."""
    if re.search(rb"(?m):\n\t+\S", content):
        return 'format.indent-style = "tab"'
    return "indent-width = 2" if re.search(rb"(?m):\r?\n  \S", content) else "indent-width = 4"


def _outgrown(old: bytes, content: bytes, width: int) -> Iterator[tuple[int, int]]:
    """Lines that are new and too long or end in a blank: the first and last of each run."""
    known = set(old.splitlines())
    for number, line in enumerate(content.splitlines(), 1):
        if line not in known and (
            len(line.decode("utf-8", "replace")) > width or line[-1:] == b" "
        ):
            yield number, number


def _differences(path: PurePosixPath, content: bytes, tidy: bytes) -> Iterator[Edit]:
    """The edits, in whole lines, that make `tidy` of `content`."""
    if content == tidy:
        return
    lines, wanted = content.splitlines(keepends=True), tidy.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for tag, a, b, c, d in SequenceMatcher(None, lines, wanted, autojunk=False).get_opcodes():
        if tag != "equal":
            text = b"".join(wanted[c:d]).decode()
            yield Edit(Span(path, starts[a], starts[b]), text, "laid out as the rest of the file")


@lru_cache(maxsize=256)
def _ruff(words: tuple[str, ...], content: bytes) -> bytes:
    """What ruff writes; nothing where it could not read the text, or is not to be found.

    A file is asked about for every fix that is tried on it, so answers are kept. The person's own
    environment, which may hold settings of ruff, is kept from it.
    """
    from ruff.__main__ import find_ruff_bin  # noqa: PLC0415 - not every command writes code

    try:
        command = (find_ruff_bin(), *words)
        ended = subprocess.run(command, input=content, capture_output=True, check=False, env={})
    except OSError:
        return b""
    return ended.stdout if ended.returncode == 0 else b""
