"""The import statements of one file: what they bind, how they are written, where one more goes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.source import layout
from fastwright.source.layout import text_of
from fastwright.source.module_names import (
    absolute,
    module_of,
    package_of,
    relative_to,
    section_of,
)
from fastwright.source.syntax import Node, parse

_IMPORTS = ("import_statement", "import_from_statement", "future_import_statement")


@dataclass(frozen=True, slots=True)
class Name:
    """One imported name; `str` gives it as written."""

    name: str
    alias: str | None = None

    @property
    def local(self) -> str:
        """What the file calls it."""
        return self.alias or self.name

    def sort_key(self) -> tuple[int, str, str]:
        """Constants, then classes, then the rest: the order of isort and of ruff."""
        kind = (
            0 if self.name.isupper() and len(self.name) > 1 else 1 if self.name[:1].isupper() else 2
        )
        return kind, self.name.lower(), self.name

    def __str__(self) -> str:
        return f"{self.name} as {self.alias}" if self.alias else self.name


@dataclass(frozen=True, slots=True)
class Row:
    """One name of a statement that has a line for each; `comma_end` is where its comma ends."""

    name: Name
    start: int
    end: int
    indent: str
    comma_end: int | None


@dataclass(frozen=True, slots=True)
class FromImport:
    """One import statement. `module` is absolute, `written_module` as in the file.

    `section` is 0 for ``__future__``, 1 for the standard library, 2 for third parties, 3 for the
    project's own, 4 for relative imports. `plain` tells ``import x`` from ``from x import y``.
    """

    module: str
    written_module: str
    names: tuple[Name, ...]
    section: int
    start: int = -1
    end: int = -1
    rows: tuple[Row, ...] = ()
    plain: bool = False

    @property
    def is_new(self) -> bool:
        """True where it is not in the file yet."""
        return self.start < 0

    @property
    def one_per_line(self) -> bool:
        """True where each name has a line of its own."""
        return bool(self.rows)

    @property
    def is_sorted(self) -> bool:
        """True where its names stand in sorted order."""
        return list(self.names) == sorted(self.names, key=Name.sort_key)

    def sort_key(self) -> tuple[int, int, int, str]:
        """The place among other statements: section, ``import`` before ``from``, deepest first."""
        dots = len(self.written_module) - len(self.written_module.lstrip("."))
        return self.section, not self.plain, -dots, self.written_module.lower()


@dataclass(frozen=True)
class Block:
    """The imports of one file, as `read` found them.

    Attributes:
        module: The file's own dotted name.
        statements: Those at the top level, in order.
        typing_only: Those below ``if TYPE_CHECKING``.
        bound: Every name that the top level binds.
        width: The longest line that may be written.
    """

    path: PurePosixPath
    content: bytes
    module: str
    statements: tuple[FromImport, ...]
    typing_only: tuple[FromImport, ...]
    bound: frozenset[str]
    first_party: frozenset[str]
    relative: bool
    width: int

    @cached_property
    def package(self) -> tuple[str, ...]:
        """The package that a relative import starts from."""
        return package_of(self.path, self.module)

    def local_of(self, module: str, name: str) -> str | None:
        """What the file calls `name` of `module`, where it imports it."""
        return next(
            (
                n.local
                for s in self.statements
                if s.module == module and not s.plain
                for n in s.names
                if n.name == name
            ),
            None,
        )

    def statement_of(self, module: str) -> FromImport | None:
        """The ``from module import …`` that a further name can join."""
        fitting = (
            s
            for s in self.statements
            if s.module == module
            and not s.plain
            and all(n.name != "*" for n in s.names)
            and s.section > 0
        )
        return next(fitting, None)

    def new_statement(
        self, module: str, names: tuple[Name, ...], *, own: bool = False
    ) -> FromImport:
        """A statement in the file's own style, relative or absolute; `own` is the project's."""
        target = module.split(".")
        shared = self._is_relative(target)
        written = relative_to(self.package, target) if shared else module
        section = 3 if own and not shared else self.section_of(written)
        return FromImport(module, written, names, section)

    def _is_relative(self, target: Sequence[str]) -> bool:
        """True where the file would import the module `target` by a relative name."""
        if not self.package or target[0] != self.package[0]:
            return False
        beside = [
            s.section for s in self.statements if s.module.split(".")[:-1] == list(self.package)
        ]
        if tuple(target[:-1]) == tuple(self.package) and beside:
            return beside.count(4) * 2 > len(beside)
        return self.relative

    def whole_module(self, module: str) -> FromImport:
        """A statement ``import module``."""
        names = (Name(module),)
        return FromImport(module, module, names, self.section_of(module), plain=True)

    def section_of(self, written: str) -> int:
        """The section that a statement belongs to by its module as written."""
        return section_of(written, self.first_party)

    def place_of(self, statement: FromImport, order: Sequence[FromImport]) -> int:
        """The index in `order` before which `statement` goes."""
        same = [i for i, s in enumerate(order) if s.section == statement.section]
        keys = [order[i].sort_key() for i in same]
        if same and keys == sorted(keys):
            later = (i for i in same if order[i].sort_key() > statement.sort_key())
            return next(later, same[-1] + 1)
        if same:
            return same[-1] + 1
        after = (i for i, s in enumerate(order) if s.section > statement.section)
        return next(after, len(order))

    def opening(self, above: FromImport | None, below: FromImport | None) -> tuple[int, str, str]:
        """Where new lines go between two statements, with what to put before and after them."""
        if above is not None:
            return layout.line_end(self.content, max(above.end - 1, 0)), "", ""
        if below is not None:
            return layout.line_start(self.content, below.start), "", ""
        return _first_place(self.content)


def read(app: AppMap, path: PurePosixPath) -> Block:
    """The imports of the file `path` of `app`."""
    content = app.files[path]
    module = module_of(app, path)
    first_party = frozenset(name.partition(".")[0] for name in app.modules) | {
        module.partition(".")[0]
    }
    root = parse(content)
    package = package_of(path, module)
    statements = tuple(_statements(root.named_children, package, first_party))
    return Block(
        path=path,
        content=content,
        module=module,
        statements=statements,
        typing_only=tuple(_statements(_typing_only(root), package, first_party)),
        bound=frozenset(_bound(root)),
        first_party=first_party,
        relative=_prefers_relative(app, path, statements, first_party),
        width=width_of(app),
    )


def width_of(app: AppMap) -> int:
    """The project's line length in columns, by its convention, else 88."""
    habit = app.convention("line-length")
    return int(habit.value) if habit and habit.value.isdigit() else layout.WIDTH


def written_in(app: AppMap, path: PurePosixPath, module: str) -> str:
    """`module` as a file at `path`, which need not exist yet, imports it: with dots or without."""
    own = module_of(app, path)
    package = package_of(path, own)
    target = module.split(".")
    names = {name.partition(".")[0] for name in app.modules} | {own.partition(".")[0]}
    if not package or target[0] != package[0]:
        return module
    return (
        relative_to(package, target)
        if _prefers_relative(app, path, (), frozenset(names))
        else module
    )


def statement_text(statement: FromImport, width: int) -> str:
    """`statement` as it is written, without a newline."""
    if statement.plain:
        return f"import {', '.join(map(str, statement.names))}"
    return written(statement.written_module, statement.names, width)


def written(module: str, names: Sequence[Name], width: int = layout.WIDTH) -> str:
    """A from-import on one line, or with a line for each name where that is too long."""
    line = f"from {module} import {', '.join(map(str, names))}"
    if len(line) <= width:
        return line
    return "\n".join((f"from {module} import (", *(f"    {name}," for name in names), ")"))


def _statements(
    nodes: Sequence[Node], package: tuple[str, ...], first_party: frozenset[str]
) -> Iterator[FromImport]:
    for node in nodes:
        if node.type in _IMPORTS:
            yield _statement(node, package, first_party)


def _statement(node: Node, package: tuple[str, ...], first_party: frozenset[str]) -> FromImport:
    names = tuple(_name(child) for child in node.children_by_field_name("name"))
    plain = node.type == "import_statement"
    if any(child.type == "wildcard_import" for child in node.named_children):
        names = (Name("*"),)
    written_module = text_of(node.child_by_field_name("module_name"))
    if node.type == "future_import_statement":
        written_module = "__future__"
    elif plain:
        written_module = names[0].name
    return FromImport(
        module=absolute(written_module, package),
        written_module=written_module,
        names=names,
        section=section_of(written_module, first_party),
        start=node.start_byte,
        end=node.end_byte,
        rows=_rows(node),
        plain=plain,
    )


def _name(node: Node) -> Name:
    if node.type == "aliased_import":
        return Name(
            text_of(node.child_by_field_name("name")), text_of(node.child_by_field_name("alias"))
        )
    return Name(text_of(node))


def _rows(node: Node) -> tuple[Row, ...]:
    entries = node.children_by_field_name("name")
    lines = {entry.start_point.row for entry in entries}
    if (
        not entries
        or len(lines) != len(entries)
        or entries[0].start_point.row == node.start_point.row
    ):
        return ()
    return tuple(_row(entry) for entry in entries)


def _row(entry: Node) -> Row:
    comma = entry.next_sibling
    while comma is not None and comma.type == "comment":
        comma = comma.next_sibling
    return Row(
        name=_name(entry),
        start=entry.start_byte,
        end=entry.end_byte,
        indent=" " * entry.start_point.column,
        comma_end=comma.end_byte if comma is not None and comma.type == "," else None,
    )


def _typing_only(root: Node) -> list[Node]:
    blocks = [
        node.child_by_field_name("consequence")
        for node in root.named_children
        if node.type == "if_statement"
        and text_of(node.child_by_field_name("condition")).endswith("TYPE_CHECKING")
    ]
    return [child for block in blocks if block is not None for child in block.named_children]


def _bound(root: Node) -> Iterator[str]:
    for node in root.named_children:
        yield from _bound_by(node)


def _bound_by(node: Node) -> Iterator[str]:
    if node.type in _IMPORTS:
        names = (_name(child) for child in node.children_by_field_name("name"))
        yield from (name.local.partition(".")[0] for name in names)
    elif node.type in ("function_definition", "class_definition"):
        yield text_of(node.child_by_field_name("name"))
    elif node.type == "assignment":
        yield from re.findall(r"\b[A-Za-z_]\w*\b", text_of(node.child_by_field_name("left")))
    elif node.type not in ("lambda", "call"):
        for child in node.named_children:
            yield from _bound_by(child)


def _prefers_relative(
    app: AppMap,
    path: PurePosixPath,
    statements: Sequence[FromImport],
    first_party: frozenset[str],
) -> bool:
    sections = [s.section for s in statements]
    if 3 in sections or 4 in sections:
        return sections.count(4) > sections.count(3)
    for folder in path.parents:
        near = islice(_modules_below(app, folder), 50)
        own = [s for p in near if p != path for s in _sections(app, p, first_party)]
        if 3 in own or 4 in own:
            return own.count(4) > own.count(3)
    return False


def _modules_below(app: AppMap, folder: PurePosixPath) -> Iterator[PurePosixPath]:
    """The Python files below a folder; as text, which is ten times as fast as by parts."""
    start = "" if folder == PurePosixPath() else f"{folder}/"
    for path in app.files:
        written = str(path)
        if written.endswith(".py") and written.startswith(start):
            yield path


def _sections(app: AppMap, path: PurePosixPath, first_party: frozenset[str]) -> Iterator[int]:
    package = package_of(path, module_of(app, path))
    for statement in _statements(parse(app.files[path]).named_children, package, first_party):
        yield statement.section


def _first_place(content: bytes) -> tuple[int, str, str]:
    """The first line that an import may take in a file without any: after the docstring."""
    nodes = [n for n in parse(content).named_children if n.type != "comment"]
    first = nodes[0] if nodes else None
    if first is None:
        return len(content), "", ""
    inner = first.named_children[0] if first.named_children else None
    if first.type == "expression_statement" and inner is not None and inner.type == "string":
        return layout.line_end(content, first.end_byte), "\n", ""
    gap = "\n\n" if first.type.endswith("definition") else "\n"
    return layout.line_start(content, first.start_byte), "", gap
