"""The project's own linter and type checker, run on both trees and compared finding by finding."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side

SHOWN = 8
"""Findings that are shown as evidence; the count tells of the rest."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One checker.

    Attributes:
        module: What ``python -m`` runs.
        arguments: The arguments, for a side and the folder that it runs in.
        line: Matches one finding of its output, with the groups ``path``, ``code``, ``text``.
        fine: Exit codes of a run that came to its end, with findings or without.
        configured: File names that configure it, each with the text that it must contain.
        needs_configuration: False where it is worth running with its defaults.
        cache: The folder, next to its configuration, that speeds up the second run.
    """

    module: str
    arguments: Callable[[Side, PurePosixPath], tuple[str, ...]]
    line: re.Pattern[str]
    fine: tuple[int, ...]
    configured: tuple[tuple[str, str], ...]
    needs_configuration: bool = True
    cache: str = ""

    def home(self, files: Mapping[PurePosixPath, bytes]) -> PurePosixPath | None:
        """The folder of its configuration nearest to the root; ``None`` where there is none."""
        found = (
            path.parent
            for path, content in files.items()
            for name, text in self.configured
            if path.name == name and text.encode() in content
        )
        return min(found, key=lambda folder: (len(folder.parts), folder), default=None)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a tool said of one tree: the findings, or why it did not come to its end."""

    lines: tuple[tuple[str, str, str], ...] = ()
    """Path, code and text of each."""
    broke: str = ""

    def counts(self) -> Counter[tuple[str, str]]:
        """How many findings each file has of each code."""
        return Counter((path, code) for path, code, _ in self.lines)


def compare(gate: Gate, tools: Sequence[Tool], before: Side, after: Side, kind: str) -> Check:
    """The check of the first of `tools` that the project has; `kind` names what they are."""
    missing = []
    for tool in tools:
        home = tool.home(after.files)
        if home is None and tool.needs_configuration:
            continue
        if not _is_installed(tool, after):
            missing += [tool.module] if home is not None else []
            continue
        was = _run(tool, before, home or PurePosixPath())
        _pass_on_cache(tool, before, after, home or PurePosixPath())
        return _judge(gate, tool, was, _run(tool, after, home or PurePosixPath()))
    if missing:
        return gate.skipped(f"`{missing[0]}` is configured and not in the app's environment")
    return gate.skipped(f"the project configures no {kind}")


def _is_installed(tool: Tool, side: Side) -> bool:
    ended = side.world.run(("python", "-m", tool.module, "--version"), timeout=60)
    return bool(ended.ok)


def _run(tool: Tool, side: Side, home: PurePosixPath) -> Findings:
    argv = ("python", "-m", tool.module, *tool.arguments(side, home))
    ended = side.world.run(argv, cwd=side.world.copy / home, timeout=300)
    if ended.timed_out or ended.code not in tool.fine:
        said = (ended.err or ended.out).strip().splitlines()
        last = said[-1] if said else "it said nothing"
        return Findings(broke=f"`{tool.module}` ended with {ended.code}: {last}")
    found = (tool.line.match(line) for line in ended.out.splitlines())
    return Findings(tuple((m["path"], m["code"] or "", m["text"]) for m in found if m))


def _pass_on_cache(tool: Tool, before: Side, after: Side, home: PurePosixPath) -> None:
    """Give the second run what the first has learnt of third-party packages."""
    cache, known, new = home / tool.cache, before.world.fence, after.world.fence
    if not tool.cache or new.has_folder(cache):
        return
    for file in known.files(cache):
        content = known.read(cache / file)
        if content is not None:
            new.write(cache / file, content)


def _judge(gate: Gate, tool: Tool, was: Findings, now: Findings) -> Check:
    if was.broke:
        return gate.skipped(f"on the old tree {was.broke}")
    if now.broke:
        seen = Evidence(EvidenceKind.PROCESS, f"on the new tree {now.broke}")
        return gate.failed(f"{tool.module}: {len(was.lines)}", "did not run", seen)
    grown = now.counts() - was.counts()
    known = set(was.lines)
    new = [line for line in now.lines if line[:2] in grown and line not in known]
    figures = f"{tool.module}: {len(was.lines)}", f"{len(now.lines)}"
    evidence = tuple(
        Evidence(EvidenceKind.PROCESS, f"`{path}` {code} {text}".strip())
        for path, code, text in new[:SHOWN]
    )
    return gate.failed(*figures, *evidence) if grown else gate.passed(*figures)
