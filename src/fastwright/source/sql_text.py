"""SQL built as an f-string, taken apart into text with named parameters and the values for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.source import syntax
from fastwright.source.syntax import Node

_BEFORE_VALUE = re.compile(
    r"(?:=|<|>|\blike|\bilike|\blimit|\boffset|\bbetween|\bvalues\s*\((?:[^()]*,)?|"
    r"\bin\s*\((?:[^()]*,)?)\s*\Z",
    re.IGNORECASE,
)
_CONSTANT = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Bound:
    """A literal for ``text(…)`` and the values that it names, each with its expression.

    `quoted` says that every value stood in quotes, and is a string to the database already.
    """

    literal: str
    values: tuple[tuple[str, str], ...]
    quoted: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    code: str = ""


def bound(node: Node, content: bytes) -> Bound | None:
    """The f-string at `node` with a parameter for every value that is put into it.

    ``None`` where something is put in that no parameter can stand for: a column, a direction, a
    part with a format; and for anything but one plain f-string.
    """
    if node.type != "string" or not node.children:
        return None
    opening, closing = syntax.text(node.children[0], content), node.children[-1]
    pieces = list(_pieces(node, content))
    if opening.lower().strip("\"'") != "f" or any(p.text == "\0" for p in pieces):
        return None
    made = _Parameters("".join(piece.text for piece in pieces))
    for piece in pieces:
        made.add(piece)
    if made.lost or made.open:
        return None
    quotes = opening.lstrip("fF")
    prefix = "f" if "{" in made.literal.replace("{{", "").replace("}}", "") else ""
    literal = made.literal if prefix else made.literal.replace("{{", "{").replace("}}", "}")
    return Bound(
        f"{prefix}{quotes}{literal}{syntax.text(closing, content)}", tuple(made.values.items()),
        made.quoted,
    )  # fmt: skip


def _pieces(node: Node, content: bytes) -> Iterator[_Piece]:
    """Text and expressions in order; a piece of text ``NUL`` where one cannot be moved."""
    for child in node.named_children:
        if child.type == "string_content":
            yield _Piece(syntax.text(child, content))
        elif child.type == "interpolation":
            inner = child.child_by_field_name("expression")
            plain = inner is not None and child.named_child_count == 1
            yield _Piece("", syntax.text(inner, content)) if plain and inner else _Piece("\0")


class _Parameters:
    """Rewrites pieces one after the other."""

    def __init__(self, whole: str) -> None:
        self.literal = ""
        self.values: dict[str, str] = {}
        self.quoted = True
        self.lost = False
        self._whole = whole
        self._inside: list[_Piece] = []
        self.open = False

    def add(self, piece: _Piece) -> None:
        """One more piece of the string."""
        if piece.code:
            self._value(piece)
            return
        *closed, rest = piece.text.split("'")
        for part in closed:
            self._text(part)
            self._quote()
        self._text(rest)

    def _text(self, text: str) -> None:
        if self.open:
            self._inside.append(_Piece(text))
        else:
            self.literal += text

    def _quote(self) -> None:
        """The beginning or the end of a quoted literal of SQL."""
        if not self.open:
            self.open, self._inside = True, []
            return
        self.open = False
        parts = [piece for piece in self._inside if piece.text or piece.code]
        if not any(piece.code for piece in parts):
            self.literal += "'" + "".join(piece.text for piece in parts) + "'"
        elif len(parts) == 1:
            self._bind(parts[0].code, parts[0].code)
        else:
            code = "".join(f"{{{p.code}}}" if p.code else p.text for p in parts)
            first = next(p.code for p in parts if p.code)
            quote = "'" if '"' in code else '"'
            self._bind(first, f"f{quote}{code}{quote}")

    def _value(self, piece: _Piece) -> None:
        if self.open:
            self._inside.append(piece)
        elif _CONSTANT.fullmatch(piece.code):
            self.literal += f"{{{piece.code}}}"
        elif _BEFORE_VALUE.search(self.literal):
            self.quoted = False
            self._bind(piece.code, piece.code)
        else:
            self.lost = True

    def _bind(self, code: str, value: str) -> None:
        words = re.findall(r"[A-Za-z_]\w*", code)
        wished = words[-1] if words else "value"
        name, count = wished, 2
        while self.values.get(name, value) != value or f":{name}" in self._whole:
            name, count = f"{wished}_{count}", count + 1
        self.values[name] = value
        self.literal += f":{name}"
