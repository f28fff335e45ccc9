"""The imports at the top of a module's text: only those that are used, merged and sorted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from fastwright.source.import_block import Name, written
from fastwright.source.layout import WIDTH, text_of
from fastwright.source.module_names import section_of
from fastwright.source.syntax import Node, parse, walk

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")


@dataclass(frozen=True, slots=True)
class Imported:
    """One name that a module imports; an empty `name` stands for ``import module``."""

    module: str
    name: str
    alias: str | None = None

    @property
    def local(self) -> str:
        """What the module calls it."""
        return self.alias or self.name or self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Header:
    """A module's text in three parts: what stands before its imports, they, and what follows."""

    before: str
    imported: tuple[Imported, ...]
    after: str


def split(text: str) -> Header:
    """The imports at the top level of `text`, wherever they stand, and the text without them."""
    content = text.encode()
    root = parse(content)
    statements = [node for node in root.named_children if node.type in _IMPORTS]
    if not statements:
        head = _docstring_end(root)
        return Header(text[:head], (), text[head:])
    before = content[: statements[0].start_byte]
    pieces, done = [], statements[0].start_byte
    for node in statements:
        pieces.append(content[done : node.start_byte])
        done = _line_after(content, node.end_byte)
    pieces.append(content[done:])
    imported = tuple(entry for node in statements for entry in entries(node))
    return Header(before.decode(), imported, b"".join(pieces).decode())


def entries(statement: Node) -> Iterable[Imported]:
    """The names that one import statement binds."""
    module = text_of(statement.child_by_field_name("module_name"))
    if statement.type == "future_import_statement":
        module = "__future__"
    for child in statement.children_by_field_name("name"):
        aliased = child.type == "aliased_import"
        name = text_of(child.child_by_field_name("name")) if aliased else text_of(child)
        alias = text_of(child.child_by_field_name("alias")) if aliased else None
        if module:
            yield Imported(module, name, alias)
        else:
            yield Imported(name, "", alias)


def joined(
    before: str,
    imported: Iterable[Imported],
    after: str,
    *,
    first_party: Collection[str] = (),
    width: int = WIDTH,
) -> str:
    """A module's text of its parts, with those imports that `after` uses.

    Between the imports and the code stand two blank lines before a definition, else one.
    """
    used = names_used(after)
    kept = [i for i in imported if i.local in used or i.module == "__future__"]
    body = after.lstrip("\n")
    if not kept:
        return before + ("\n" if before and not before.endswith("\n\n") else "") + body
    gap = "\n\n\n" if body.startswith(("def ", "class ", "async ", "@")) else "\n\n"
    head = before if not before or before.endswith("\n\n") else before.rstrip("\n") + "\n\n"
    block = rendered(kept, first_party=first_party, width=width)
    return f"{head}{block}{gap}{body}" if body else f"{head}{block}\n"


def rearranged(text: str, *, first_party: Collection[str] = (), width: int = WIDTH) -> str:
    """`text` with its imports pruned to those used, merged and sorted."""
    header = split(text)
    return joined(
        header.before, header.imported, header.after, first_party=first_party, width=width
    )


def rendered(
    imported: Iterable[Imported], *, first_party: Collection[str] = (), width: int = WIDTH
) -> str:
    """Import statements in sections, sorted as isort and ruff do, without a final newline."""
    own = frozenset(first_party)
    unique = sorted(set(imported), key=lambda i: _order(i, own))
    lines: list[tuple[int, str]] = []
    for (module, plain), group in groupby(unique, key=lambda i: (i.module, not i.name)):
        section = section_of(module, own)
        if plain:
            lines += [(section, _plain(entry)) for entry in group]
        else:
            names = sorted({Name(e.name, e.alias) for e in group}, key=Name.sort_key)
            lines.append((section, written(module, names, width)))
    sections = groupby(lines, key=lambda line: line[0])
    return "\n\n".join("\n".join(text for _, text in section) for _, section in sections)


def names_used(text: str) -> frozenset[str]:
    """Every identifier in `text`, those in quoted annotations included, import lines left out."""
    found: set[str] = set()
    for node in walk(parse(text.encode()), inside=lambda n: n.type not in _IMPORTS):
        if node.type == "identifier":
            found.add(text_of(node))
        elif node.type == "string_content" and re.fullmatch(r"[\w.\[\], |]+", text_of(node)):
            found.update(re.findall(r"[A-Za-z_]\w*", text_of(node)))
    return frozenset(found)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """`text` with each identifier that is a key of `names` replaced; strings stay as they are."""
    content = text.encode()
    pieces, done = [], 0
    for node in walk(parse(content)):
        if node.type == "identifier" and text_of(node) in names:
            pieces += [content[done : node.start_byte], names[text_of(node)].encode()]
            done = node.end_byte
    return b"".join((*pieces, content[done:])).decode()


def _order(entry: Imported, first_party: frozenset[str]) -> tuple[int, int, int, str, str]:
    dots = len(entry.module) - len(entry.module.lstrip("."))
    section = section_of(entry.module, first_party)
    return section, bool(entry.name), -dots, entry.module.lower(), entry.module


def _plain(entry: Imported) -> str:
    return f"import {entry.module}" + (f" as {entry.alias}" if entry.alias else "")


def _docstring_end(root: Node) -> int:
    first = root.named_children[0] if root.named_children else None
    inner = first.named_children[0] if first is not None and first.named_children else None
    is_doc = first is not None and inner is not None and inner.type == "string"
    return first.end_byte if is_doc and first is not None else 0


def _line_after(content: bytes, offset: int) -> int:
    found = content.find(b"\n", offset)
    return len(content) if found < 0 else found + 1
