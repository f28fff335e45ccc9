"""Changes applied to the bytes of files, and shown as diffs. Bytes in, bytes out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from fastwright.model.change import Change, Edit, NewFile
from fastwright.model.errors import Refused
from fastwright.model.places import position
from fastwright.model.proof import FileDiff

Files = Mapping[PurePosixPath, bytes]

_BOM = b"\xef\xbb\xbf"


def apply(files: Files, changes: Iterable[Change]) -> dict[PurePosixPath, bytes]:
    """`files` as they are after `changes`, which are all relative to `files` as given.

    Edits are independent of their order, but for insertions at one place, which keep it. Line ends
    of an edit become those of its file; a byte order mark and a missing final newline stay as they
    are. Changes other than edits and new files have no effect here.

    Raises:
        Refused: Two edits overlap, or a new file stands where there is one.
        ValueError: An edit lies outside its file; no map of these files can have asked for it.
    """
    written = tuple(changes)
    after = dict(files)
    for new in (c for c in written if isinstance(c, NewFile)):
        if new.path in after:
            raise Refused(
                f"cannot create `{new.path}`", "the file is there already", "move it, and ask again"
            )
        after[new.path] = new.text.encode()
    for path, edits in _by_file(written).items():
        if path not in files:
            raise ValueError(f"an edit of {path}, which is not among the files")
        after[path] = edited(path, files[path], edits)
    return after


def edited(path: PurePosixPath, content: bytes, edits: Sequence[Edit]) -> bytes:
    """`content` with all `edits`, as `apply` makes them; `path` is only named in a refusal."""
    ordered = sorted(edits, key=lambda edit: (edit.span.start, edit.span.end))
    for left, right in pairwise(ordered):
        if right.span.start < left.span.end:
            raise _overlap(path, content, left, right)
    newline = newline_of(content)
    pieces, done = [], 0
    for edit in ordered:
        start = max(edit.span.start, len(_BOM) if content.startswith(_BOM) else 0)
        if not start <= max(edit.span.end, start) <= len(content):
            raise ValueError(f"an edit of {path} at {edit.span.start}, outside of the file")
        pieces += [content[done:start], _in_style(edit.text, newline)]
        done = max(edit.span.end, start)
    return b"".join((*pieces, content[done:]))


def newline_of(content: bytes) -> str:
    """The line end that most lines of `content` have: CRLF or LF."""
    return "\r\n" if content.count(b"\r\n") * 2 > content.count(b"\n") else "\n"


def diff(before: Files, after: Files, changes: Iterable[Change] = ()) -> tuple[FileDiff, ...]:
    """A unified diff for each file that differs, with the reasons that `changes` give for it.

    Files stand together by their first reason, in the order in which `changes` give the reasons.
    The text of a secret file is left out.
    """
    given = tuple(changes)
    reasons = _reasons(given)
    secret = {c.path for c in given if isinstance(c, NewFile) and c.secret}
    order = {why: at for at, why in enumerate(why for found in reasons.values() for why in found)}
    found = [
        _file_diff(path, before.get(path, b""), after.get(path, b""), reasons.get(path, ()))
        if path not in secret
        else FileDiff(str(path), "", reasons.get(path, ()))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]
    return tuple(sorted(found, key=lambda file: order.get(file.why[0], -1) if file.why else -1))


def _by_file(changes: Iterable[Change]) -> dict[PurePosixPath, list[Edit]]:
    found: dict[PurePosixPath, list[Edit]] = {}
    for change in changes:
        if isinstance(change, Edit):
            found.setdefault(change.span.path, []).append(change)
    return found


def _overlap(path: PurePosixPath, content: bytes, left: Edit, right: Edit) -> Refused:
    at = position(content, right.span.start)
    return Refused(
        f"cannot edit `{path}` at {at}",
        f"two edits overlap there: {left.why}; {right.why}",
        "ask for one at a time",
    )


def _in_style(text: str, newline: str) -> bytes:
    plain = text.replace("\r\n", "\n")
    return plain.replace("\n", newline).encode()


def _reasons(changes: Iterable[Change]) -> dict[PurePosixPath, tuple[str, ...]]:
    found: dict[PurePosixPath, tuple[str, ...]] = {}
    for change in changes:
        if isinstance(change, Edit | NewFile):
            path = change.span.path if isinstance(change, Edit) else change.path
            seen = found.get(path, ())
            found[path] = seen if change.why in seen else (*seen, change.why)
    return found


def _file_diff(path: PurePosixPath, before: bytes, after: bytes, why: tuple[str, ...]) -> FileDiff:
    lines = list(
        difflib.unified_diff(
            before.decode("utf-8", "replace").splitlines(keepends=True),
            after.decode("utf-8", "replace").splitlines(keepends=True),
            f"a/{path}" if before else "/dev/null",
            f"b/{path}" if after else "/dev/null",
        )
    )
    return FileDiff(
        path=str(path),
        diff="".join(_terminated(line) for line in lines),
        why=why,
        added=sum(line.startswith("+") for line in lines[2:]),
        removed=sum(line.startswith("-") for line in lines[2:]),
    )


def _terminated(line: str) -> str:
    return line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
