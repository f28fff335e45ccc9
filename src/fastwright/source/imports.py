"""Imports added to a file the way that its own imports are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.model.wire import UNTOLD
from fastwright.source import import_block, layout
from fastwright.source.import_block import Block, FromImport, Name

_ALSO: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("fastapi", "HTTPException"): ("fastapi.exceptions",),
        ("fastapi", "Request"): ("fastapi.requests", "starlette.requests"),
        ("fastapi", "Response"): ("fastapi.responses", "starlette.responses"),
        ("fastapi", "status"): ("starlette",),
        **{
            ("fastapi.responses", f"{kind}Response"): ("starlette.responses",)
            for kind in ("File", "HTML", "JSON", "PlainText", "Redirect", "Streaming")
        },
    }
)
"""Modules that have the very same object under the same name."""


@dataclass(frozen=True, slots=True)
class ImportEdit(Edit):
    """One edit that makes `wanted` available in its file.

    `combine` replaces all of these that stand in one file by edits that do not collide. Told as
    JSON it is a plain edit, so that what was kept and what was just found are told alike.
    """

    wanted: Wanted = field(metadata={UNTOLD: True})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One name to be imported: ``from module import name as alias``."""

    module: str
    name: str
    alias: str | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class Bound:
    """A name within reach: `local` is what the file calls it once `edits` are made."""

    local: str
    edits: tuple[Edit, ...] = ()


def ensure_import(
    app: AppMap,
    path: PurePosixPath,
    module: str,
    name: str,
    alias: str | None = None,
    *,
    own: bool = False,
) -> Bound:
    """Have `name` of `module` at the top level of `path`.

    An import that is there is used under the name it has. A new one joins the file's own from that
    module, else takes its sorted place in its section, relative where the file's siblings are. A
    name that the file uses for something else gives way: `alias`, else one made of the module.

    Args:
        app: The map that holds `path`.
        path: A Python file of the project.
        module: The module to import from, dotted and absolute.
        name: What is imported; empty for ``import module``.
        alias: The local name to prefer.
        own: True where `module` is the project's, though the map does not have it yet.
    """
    block = import_block.read(app, path)
    if not name:
        return _whole_module(block, module)
    if module == block.module and name in block.bound:
        return Bound(name)
    known = (module, *_ALSO.get((module, name), ()))
    existing = next((local for m in known if (local := block.local_of(m, name))), None)
    if existing and alias in (None, existing):
        return Bound(existing)
    local = _free_name(block, module, name, alias)
    wanted = Wanted(module, name, None if local == name else local, own)
    edits = _edits(block, (wanted,))
    return Bound(local, tuple(ImportEdit(e.span, e.text, e.why, wanted) for e in edits))


def _whole_module(block: Block, module: str) -> Bound:
    known = (n for s in block.statements if s.plain for n in s.names if n.name == module)
    existing = next(known, None)
    if existing is not None:
        return Bound(existing.local)
    wanted = Wanted(module, "")
    edits = _edits(block, (wanted,))
    return Bound(module, tuple(ImportEdit(e.span, e.text, e.why, wanted) for e in edits))


def combine(app: AppMap, changes: Iterable[Change]) -> tuple[Change, ...]:
    """`changes` without repetitions, and with all imports of a file computed together."""
    unique = tuple(dict.fromkeys(changes))
    wishes: dict[PurePosixPath, list[Wanted]] = {}
    for change in unique:
        if isinstance(change, ImportEdit) and change.wanted not in wishes.setdefault(
            change.span.path, []
        ):
            wishes[change.span.path].append(change.wanted)
    together: list[Change] = []
    for path, wanted in wishes.items():
        together += _edits(import_block.read(app, path), wanted)
    return (*together, *(c for c in unique if not isinstance(c, ImportEdit)))


def _free_name(block: Block, module: str, name: str, alias: str | None) -> str:
    last = module.rpartition(".")[2]
    wishes = (alias or name, f"{last}_{name}", f"{module.replace('.', '_')}_{name}")
    taken = block.bound - {n.local for s in block.typing_only for n in s.names if n.name == name}
    return next((wish for wish in wishes if wish not in taken), f"{wishes[-1]}_")


def _edits(block: Block, wanted: Sequence[Wanted]) -> list[Edit]:
    edits: list[Edit] = []
    fresh: list[FromImport] = []
    fresh += [block.whole_module(w.module) for w in wanted if not w.name]
    for module in dict.fromkeys(w.module for w in wanted if w.name):
        names = sorted(
            {Name(w.name, w.alias) for w in wanted if w.module == module}, key=Name.sort_key
        )
        statement = block.statement_of(module)
        if statement is not None:
            edits += _extended(block, statement, names)
        else:
            own = any(w.own for w in wanted if w.module == module)
            fresh.append(block.new_statement(module, tuple(names), own=own))
    return edits + _new_lines(block, fresh)


def _extended(block: Block, statement: FromImport, names: Sequence[Name]) -> list[Edit]:
    if not statement.one_per_line:
        return [_rewritten(block, statement, names)]
    return [_row(block, statement, name) for name in names]


def _rewritten(block: Block, statement: FromImport, names: Sequence[Name]) -> Edit:
    present = list(statement.names)
    every = [*present, *names]
    if present == sorted(present, key=Name.sort_key):
        every.sort(key=Name.sort_key)
    text = import_block.written(statement.written_module, tuple(every), block.width)
    return Edit(Span(block.path, statement.start, statement.end), text, _why(names))


def _row(block: Block, statement: FromImport, name: Name) -> Edit:
    rows = statement.rows
    following = next((row for row in rows if row.name.sort_key() > name.sort_key()), None)
    if following is not None and statement.is_sorted:
        at = layout.line_start(block.content, following.start)
        return _insert(block, at, f"{rows[0].indent}{name},\n", (name,))
    last = rows[-1]
    if last.comma_end is None:
        return _insert(block, last.end, f",\n{rows[0].indent}{name}", (name,))
    at = layout.line_end(block.content, last.comma_end)
    return _insert(block, at, f"{rows[0].indent}{name},\n", (name,))


def _insert(block: Block, at: int, text: str, names: Sequence[Name]) -> Edit:
    return Edit(Span(block.path, at, at), text, _why(names))


def _why(names: Iterable[Name]) -> str:
    listed = ", ".join(f"`{name.local}`" for name in names)
    return f"{listed} {'is' if listed.count('`') == 2 else 'are'} used below"


def _new_lines(block: Block, fresh: Sequence[FromImport]) -> list[Edit]:
    """One insertion for each run of new statements between two that are there."""
    order = list(block.statements)
    for statement in sorted(fresh, key=FromImport.sort_key):
        order.insert(block.place_of(statement, order), statement)
    edits: list[Edit] = []
    run: list[FromImport] = []
    above: FromImport | None = None
    for entry in (*order, None):
        if entry is not None and entry.is_new:
            run.append(entry)
            continue
        if run:
            edits += _joined(block, above, run, entry)
        run, above = [], entry
    return edits


def _joined(
    block: Block, above: FromImport | None, run: Sequence[FromImport], below: FromImport | None
) -> list[Edit]:
    """The statements of the section that begins with `below` go to it, the others to `above`."""
    if below is None or (above is not None and above.section == below.section):
        return [_run(block, above, run, below)]
    upper = [statement for statement in run if statement.section != below.section]
    lower = [statement for statement in run if statement.section == below.section]
    edits = [_run(block, above, upper, below)] if upper else []
    if lower:
        lines = (import_block.statement_text(s, block.width) + "\n" for s in lower)
        names = [name for s in lower for name in s.names]
        place = layout.line_start(block.content, below.start)
        edits.append(_insert(block, place, "".join(lines), names))
    return edits


def _run(
    block: Block, above: FromImport | None, run: Sequence[FromImport], below: FromImport | None
) -> Edit:
    lines: list[str] = []
    previous = above
    for statement in run:
        if previous is not None and previous.section != statement.section:
            lines.append("\n")
        lines.append(import_block.statement_text(statement, block.width) + "\n")
        previous = statement
    at, lead, tail = block.opening(above, below)
    joins = above is None and below is not None and below.section != run[-1].section
    gap = "\n" if joins else ""
    if above is not None and below is not None and below.section != run[-1].section:
        at, gap = _between(block, above, below)
    text = layout.insertion(block.content, at, lead + "".join(lines) + gap + tail)
    return _insert(block, at, text, [name for s in run for name in s.names])


def _between(block: Block, above: FromImport, below: FromImport) -> tuple[int, str]:
    at = layout.line_end(block.content, max(above.end - 1, 0))
    parted = b"\n" in block.content[at : below.start].strip(b" \t")
    return at, "" if parted and above.section != below.section else "\n"
