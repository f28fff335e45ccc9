"""The new tree parses: by our parser, and by the app's own Python."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side
from fastwright.source.syntax import error_count, parse

_COMPILE = """
import json, sys, warnings
warnings.simplefilter("ignore")
failed = {}
for path in json.loads(sys.argv[1]):
    try:
        with open(path, "rb") as file:
            compile(file.read(), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OSError) as error:
        failed[path] = "%s (line %s)" % (error, getattr(error, "lineno", "?"))
print(json.dumps(failed))
"""


def touched(before: Side, after: Side) -> tuple[PurePosixPath, ...]:
    """The files that differ between the two trees, sorted; removed ones included."""
    names = {*before.files, *after.files}
    return tuple(sorted(n for n in names if before.files.get(n) != after.files.get(n)))


def run(before: Side, after: Side, changes: ChangeSet) -> Check:  # noqa: ARG001
    """Every touched Python file is read whole; one that was broken before may stay so."""
    paths = [p for p in touched(before, after) if p.suffix == ".py" and p in after.files]
    if not paths:
        return GATE.passed("", "no Python file touched")
    broken = [*_by_parser(before, after, paths), *_by_python(after, paths)]
    if broken:
        return GATE.failed("", f"{len(broken)} of {len(paths)} files do not parse", *broken)
    seen = f"read by tree-sitter, and compiled by {after.map.python or 'the app'}'s own Python"
    if after.map.python:
        seen = f"read by tree-sitter, and compiled by Python {after.map.python}"
    files = "1 file parses" if len(paths) == 1 else f"{len(paths)} files parse"
    return GATE.passed("", files, Evidence(EvidenceKind.PROCESS, seen))


def _by_parser(before: Side, after: Side, paths: Sequence[PurePosixPath]) -> Iterator[Evidence]:
    for path in paths:
        old = error_count(parse(before.files.get(path, b"")))
        new = error_count(parse(after.files[path]))
        if new > old:
            text = f"`{path}` has {new} places that cannot be read, {old} before"
            yield Evidence(EvidenceKind.SOURCE, text)


def _by_python(after: Side, paths: Sequence[PurePosixPath]) -> Iterator[Evidence]:
    named = json.dumps([str(path) for path in paths])
    ended = after.world.run(("python", "-c", _COMPILE, named), cwd=after.world.copy)
    if not ended.ok:
        yield Evidence(
            EvidenceKind.PROCESS, f"the app's Python ended with {ended.code}: {ended.err}"
        )
        return
    for path, error in json.loads(ended.out.splitlines()[-1]).items():
        yield Evidence(EvidenceKind.PROCESS, f"`{path}` does not compile: {error}")


GATE = Gate("parses", "the new tree parses", run)
