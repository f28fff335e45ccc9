"""What differs from an older state of the repository, as git tells it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from fastwright.model.errors import UsageError

_HUNK = re.compile(r"@@ -\S+ \+(?P<start>\d+)(?:,(?P<count>\d+))? @@")
_WHOLE_FILE = range(1, 10_000_000)
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.external=")


def changed_lines(root: Path, base: str) -> Mapping[PurePosixPath, tuple[range, ...]]:
    """The lines below `root` that differ from where `base` and the current state part.

    Edits that are not committed count, and every line of a file that git does not know. A place
    where lines were only taken away is given by the two lines around it. Runs no hook and no
    program that the repository's own settings name.

    Raises:
        UsageError: There is no git, no repository, or no such revision.
    """
    if base.startswith("-"):
        raise UsageError(f"cannot compare with `{base}`", "it is not a revision")
    since = _git(root, "merge-base", base, "HEAD", or_else=base).strip()
    options = ("--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--relative")
    found = dict(_hunks(_git(root, "diff", *options, since, "--")))
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    return found | {PurePosixPath(path): (_WHOLE_FILE,) for path in new if path}


def _hunks(diff: str) -> Mapping[PurePosixPath, tuple[range, ...]]:
    found: dict[PurePosixPath, tuple[range, ...]] = {}
    path: PurePosixPath | None = None
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = PurePosixPath(line[6:].rstrip("\t")) if line.startswith("+++ b/") else None
        hunk = _HUNK.match(line)
        if hunk and path is not None:
            found[path] = (*found.get(path, ()), _lines(hunk))
    return found


def _lines(hunk: re.Match[str]) -> range:
    start, count = int(hunk["start"]), int(hunk["count"] or 1)
    return range(start, start + count) if count else range(start, start + 2)


def _git(root: Path, *words: str, or_else: str | None = None) -> str:
    command: Sequence[str] = ("git", *_QUIET, *words)
    try:
        ended = subprocess.run(
            command, cwd=root, capture_output=True, text=True, check=False, errors="replace"
        )
    except OSError as error:
        raise UsageError("cannot ask git what changed", str(error)) from error
    if ended.returncode == 0:
        return ended.stdout
    if or_else is not None:
        return or_else
    said = ended.stderr.strip().splitlines() or ["it gave no reason"]
    raise UsageError("cannot ask git what changed", said[0], "name a revision that git has")
