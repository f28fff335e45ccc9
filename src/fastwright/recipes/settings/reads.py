"""The app's own reads of the environment, as fields of a settings class."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Setting
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.layout import text_of
from fastwright.source.syntax import parse, walk


@dataclass(frozen=True, slots=True)
class Read:
    """One read of the environment at a module's top level, and the field that takes its place."""

    setting: Setting
    span: Span
    field: str
    annotation: str
    default: str | None

    @property
    def line(self) -> str:
        """The field's declaration."""
        return f"{self.field}: {self.annotation}" + (f" = {self.default}" if self.default else "")


def adoptable(app: AppMap) -> tuple[Read, ...]:
    """Reads that can become fields: by name, at the top level, with a plain default if any.

    A read inside a function stays: it happens when the function runs, and tests may rely on it.
    """
    found: dict[tuple[str, int], Read] = {}
    for setting in app.settings:
        span = setting.span
        if setting.reader == "environ" and span is not None and _is_at_top(app, span):
            read = _read(setting, span)
            if read is not None:
                found.setdefault((str(span.path), span.start), read)
    reads = tuple(found.values())
    fields = {read.field: read.line for read in reads}
    return tuple(read for read in reads if fields[read.field] == read.line)


def left_alone(app: AppMap, adopted: Sequence[Read]) -> tuple[str, ...]:
    """Variables that the app goes on reading by itself."""
    taken = {read.span for read in adopted}
    names = (s.name for s in app.settings if s.attribute is None and s.span not in taken)
    return tuple(dict.fromkeys(names))


def replaced(app: AppMap, reads: Sequence[Read], module: str) -> tuple[Change, ...]:
    """Each read of `reads` turned into one of ``get_settings()`` of `module`."""
    changes: list[Change] = []
    for path in dict.fromkeys(read.span.path for read in reads):
        here = [read for read in reads if read.span.path == path]
        bound = ensure_import(app, path, module, "get_settings", own=True)
        changes += bound.edits
        for read in here:
            why = f"`{read.setting.name}` is a field of the settings"
            changes.append(Edit(read.span, f"{bound.local}().{read.field}", why))
        changes += _unused_import(app, path, here)
    return tuple(changes)


def _read(setting: Setting, span: Span) -> Read | None:
    field = setting.name.lower()
    if not field.isidentifier() or keyword.iskeyword(field) or field.startswith(("model_", "_")):
        return None
    if setting.default is None:
        annotation, default = ("str", None) if setting.required else ("str | None", "None")
        return Read(setting, span, field, annotation, default)
    if re.fullmatch(r"\"[^\"\\]*\"|'[^'\\]*'", setting.default):
        return Read(setting, span, field, "str", f'"{setting.default[1:-1]}"')
    return None


def _is_at_top(app: AppMap, span: Span) -> bool:
    content = app.files[span.path]
    node = layout.smallest(content, span.start, span.end, "call", "subscript")
    while node is not None:
        if node.type in ("function_definition", "class_definition", "lambda"):
            return False
        node = node.parent
    return True


def _unused_import(app: AppMap, path: PurePosixPath, reads: Sequence[Read]) -> Iterator[Change]:
    """The line ``import os`` taken out, where nothing else of the file uses it."""
    content = app.files[path]
    spans = [(read.span.start, read.span.end) for read in reads]
    root = parse(content)
    for node in root.named_children:
        if node.type == "import_statement" and text_of(node) == "import os":
            used = [
                n
                for n in walk(root)
                if n.type == "identifier"
                and text_of(n) == "os"
                and not node.start_byte <= n.start_byte < node.end_byte
                and not any(start <= n.start_byte < end for start, end in spans)
            ]
            if not used:
                end = layout.line_end(content, node.end_byte - 1)
                if node.start_byte == 0 and content[end : end + 1] == b"\n":
                    end += 1
                yield Edit(Span(path, node.start_byte, end), "", "`os` is not used any more")
