"""Payloads: real Python with placeholder names, rendered as the app would have written it.

A payload is a module in its recipe's ``payload`` package. What it imports from ``.host`` stands
for a symbol of the app; a line that ends in ``# when: flag`` (or ``# when: not-flag``) is written
only where the flag is set (or not). It is asynchronous; the other form is derived.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.recipes.ensure.drafting import insert_lines, module_for, split_symbol
from fastwright.source import import_block, import_header, layout, sync, wrapping
from fastwright.source.import_header import Imported
from fastwright.source.imports import ensure_import
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse, walk

_DEFINES = re.compile(r"(?m)^(?:async )?(?:def|class) ")
_WHEN = re.compile(r"  # when: (not-)?([a-z-]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How a payload becomes the app's own code.

    Attributes:
        is_async: False derives the synchronous form.
        flags: Those that are set.
        names: Placeholder identifiers, and what stands in their place.
        host: Names that the payload imports from ``.host``, and the app's dotted symbols.
        strings: Whole string values, and what stands in their place.
    """

    is_async: bool = True
    flags: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, str] = field(default_factory=dict)
    strings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rendered code in parts: docstring, imports with absolute modules, and the rest.

    `own` are the top-level packages among the imports that are the app's.
    """

    doc: str
    imported: tuple[Imported, ...]
    body: str
    own: frozenset[str] = frozenset()

    def taking(self, *names: str) -> Piece:
        """Only the top-level statements that define one of `names`, in their order."""
        root = parse(self.body.encode())
        content = self.body.encode()
        kept = [
            content[n.start_byte : layout.line_end(content, n.end_byte - 1)].decode().rstrip()
            for n in root.named_children
            if set(_defined(n)) & set(names)
        ]
        return replace(self, body=_spaced(kept))


def render(app: AppMap, package: str, unit: str, how: Rendering) -> Piece:
    """The payload `unit` of the recipe `package` (its ``__name__``), as `how` says."""
    source = (resources.files(f"{package}.payload") / f"{unit}.py").read_text("utf-8")
    text = _kept(source, how.flags)
    if not how.is_async:
        text = sync.render_sync(text)
    header = import_header.split(text)
    imported, renames = _bound(app, header.imported, how)
    body = import_header.renamed(header.after, {**how.names, **renames})
    body = _with_strings(body, how.strings)
    body = in_quotes(app, body)
    tops = (split_symbol(app, symbol)[0].partition(".")[0] for symbol in how.host.values())
    return Piece(header.before.strip(), imported, body.strip("\n") + "\n", frozenset(tops))


def with_names(piece: Piece, names: Mapping[str, str]) -> Piece:
    """`piece` with identifiers of its code replaced."""
    return replace(piece, body=import_header.renamed(piece.body, names))


def new_module(app: AppMap, path: PurePosixPath, pieces: Sequence[Piece], doc: str = "") -> str:
    """The text of the new file `path`: `pieces` one below the other, formatted and sorted."""
    own = module_for(app, path)
    first_party = {name.partition(".")[0] for name in app.modules} | {own.partition(".")[0]}
    first_party.update(name for piece in pieces for name in piece.own)
    imported = [
        replace(entry, module=import_block.written_in(app, path, entry.module))
        for piece in pieces
        for entry in piece.imported
        if entry.module != own
    ]
    head = doc or next((piece.doc for piece in pieces if piece.doc), "")
    width = import_block.width_of(app)
    body = wrapping.fitted(_together(pieces), width)
    lead = f"{head}\n" if head else ""
    return import_header.joined(lead, imported, body, first_party=first_party, width=width)


def appended(
    app: AppMap, path: PurePosixPath, piece: Piece, why: str, *, after: int | None = None
) -> tuple[Change, ...]:
    """`piece` written into the file `path`, with the imports that it needs there.

    It goes behind the top-level statement at byte `after`; else to the end of the file, before an
    ``if __name__ == "__main__"``.
    """
    own = module_for(app, path)
    used = import_header.names_used(piece.body)
    renames: dict[str, str] = {}
    changes: list[Change] = []
    for entry in piece.imported:
        if entry.local in used and entry.module != own:
            ours = entry.module.partition(".")[0] in piece.own
            bound = ensure_import(app, path, entry.module, entry.name, entry.alias, own=ours)
            renames[entry.local] = bound.local
            changes += bound.edits
    body = wrapping.fitted(import_header.renamed(piece.body, renames), import_block.width_of(app))
    content = app.files[path]
    place, leads = _place(content, after)
    text = f"\n\n{body}" if leads else f"{body}\n\n"
    return (*changes, insert_lines(app, path, place, text, why))


def in_quotes(app: AppMap, text: str) -> str:
    """`text`, written with double quotes, in the quotes that the app prefers."""
    return requoted(text) if _single_quotes(app) else text


def requoted(text: str) -> str:
    """`text` in single quotes where its strings hold no quotes; docstrings stay as they are."""
    content = text.encode()
    pieces, done = [], 0
    for node in walk(parse(content)):
        written = text_of(node)
        if node.type == "string" and re.fullmatch(r'[rbfRBF]*"[^"\']*"', written):
            pieces += [content[done : node.start_byte], written.replace('"', "'").encode()]
            done = node.end_byte
    return b"".join((*pieces, content[done:])).decode()


def joined(pieces: Sequence[Piece]) -> Piece:
    """`pieces` as one, in their order."""
    imported = tuple(entry for piece in pieces for entry in piece.imported)
    doc = next((piece.doc for piece in pieces if piece.doc), "")
    own = frozenset(name for piece in pieces for name in piece.own)
    return Piece(doc, tuple(dict.fromkeys(imported)), _together(pieces), own)


def _together(pieces: Sequence[Piece]) -> str:
    bodies = [piece.body.strip("\n") for piece in pieces]
    return _spaced([body for body in bodies if body])


def _spaced(statements: Sequence[str]) -> str:
    """Statements below each other, two lines apart where one of the neighbours is a definition."""
    text = ""
    for at, statement in enumerate(statements):
        starts = statement.startswith(("def ", "async ", "class ", "@"))
        wide = starts or bool(at and _DEFINES.search(statements[at - 1]))
        text += ("\n\n\n" if wide else "\n\n") * bool(at) + statement
    return text + "\n" if text else ""


def _kept(text: str, flags: frozenset[str]) -> str:
    lines = []
    for line in text.splitlines():
        match = _WHEN.search(line)
        if match is None:
            lines.append(line)
        elif (match[2] in flags) is not bool(match[1]):
            lines.append(line[: match.start()])
    # A function that is left out leaves the blank lines on both of its sides.
    text = re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines) + "\n")
    # A call whose arguments are all left out closes where it opens.
    text = re.sub(r"\(\n[ \t]*\)", "()", text)
    return re.sub(r"\n{3}(?=[ \t])", "\n\n", text)


def _bound(
    app: AppMap, imported: Sequence[Imported], how: Rendering
) -> tuple[tuple[Imported, ...], dict[str, str]]:
    """The imports with the app's symbols for the host's, and the renames that follow."""
    taken = {entry.local for entry in imported if entry.module != ".host"}
    found: list[Imported] = []
    renames: dict[str, str] = {}
    for entry in imported:
        if entry.module != ".host":
            found.append(entry)
        elif entry.name in how.host:
            module, name = split_symbol(app, how.host[entry.name])
            holder, *rest = name.split(".")  # a method of an object is reached through that
            local = holder if holder not in taken else f"{module.rpartition('.')[2]}_{holder}"
            taken.add(local)
            found.append(Imported(module, holder, None if local == holder else local))
            renames[entry.local] = ".".join((local, *rest))
    return tuple(found), renames


def _with_strings(text: str, strings: Mapping[str, str]) -> str:
    content = text.encode()
    pieces, done = [], 0
    for node in walk(parse(content)):
        if node.type == "string_content" and text_of(node) in strings:
            value = _escaped(strings[text_of(node)])
            pieces += [content[done : node.start_byte], value.encode()]
            done = node.end_byte
    return b"".join((*pieces, content[done:])).decode()


def _escaped(value: str) -> str:
    """`value` as it stands between double quotes: what could end the literal is escaped."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in plain)


def _single_quotes(app: AppMap) -> bool:
    habit = app.convention("quotes")
    if habit is not None:
        return habit.value in ("single", "'")
    return app.app is not None and layout.quote_of(app.files[app.app.path]) == "'"


def _defined(node: Node) -> list[str]:
    if node.type == "decorated_definition":
        return _defined(node.named_children[-1])
    if node.type in ("function_definition", "class_definition"):
        return [text_of(node.child_by_field_name("name"))]
    inner = node.named_children[0] if node.named_children else None
    if inner is not None and inner.type == "assignment":
        return [text_of(inner.child_by_field_name("left"))]
    return []


def _place(content: bytes, after: int | None) -> tuple[int, bool]:
    """Where code goes, and whether blank lines lead (or else trail) it."""
    root = parse(content)
    if after is not None:
        node = layout.top_level(root, after)
        return layout.line_end(content, (node.end_byte if node else after) - 1), True
    for node in root.named_children:
        if node.type == "if_statement" and "__main__" in text_of(node):
            return layout.line_start(content, node.start_byte), False
    return len(content), True
