"""Places in a file where text can go, and the shape that text has there."""

from __future__ import annotations

import re
from functools import lru_cache

from fastwright.source.syntax import Node, around, parse, walk

WIDTH = 88


def text_of(node: Node | None) -> str:
    """The source of `node`; empty for no node."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text else ""


@lru_cache(maxsize=32)
def quote_of(content: bytes) -> str:
    """The quotation mark that most strings of one line in `content` stand in; ``"`` for none."""
    single = double = 0
    for node in walk(parse(content)):
        if node.type == "string":
            written = text_of(node).lstrip("rbfuRBFU")
            single += written.startswith("'") and not written.startswith("'''")
            double += written.startswith('"') and not written.startswith('"""')
    return "'" if single > double else '"'


def line_start(content: bytes, offset: int) -> int:
    """The offset of the first byte of the line that `offset` lies on."""
    return content.rfind(b"\n", 0, offset) + 1


def line_end(content: bytes, offset: int) -> int:
    """The offset after the newline that ends the line of `offset`; the file's end at the last."""
    found = content.find(b"\n", offset)
    return len(content) if found < 0 else found + 1


def indentation(content: bytes, offset: int) -> str:
    """The white space that the line of `offset` begins with."""
    line = content[line_start(content, offset) : line_end(content, offset)]
    return line[: len(line) - len(line.lstrip(b" \t"))].decode()


def indented(text: str, by: str) -> str:
    """`text` with `by` before each line that is not blank."""
    return "".join(by + line if line.strip() else line for line in text.splitlines(keepends=True))


def shortened(text: str, longest: int = 60) -> str:
    """Code on one line, to be quoted: cut behind `longest` characters, and then it shows that."""
    line = re.sub(r"(?<=[(\[{])\s+|\s+(?=[)\]}])", "", " ".join(text.split()))
    return line if len(line) <= longest else f"{line[:longest].rstrip()}…"


def smallest(content: bytes, start: int, end: int, *kinds: str) -> Node | None:
    """The innermost node of one of `kinds` that spans bytes `start` to `end`."""
    found = None
    for node in around(parse(content), start, end):
        if node.type in kinds:
            found = node
    return found


def insertion(content: bytes, offset: int, lines: str) -> str:
    """`lines`, whole lines, as they must be inserted at `offset`, the beginning of a line.

    At the end of a file without a final newline they begin with one and end without.
    """
    if offset == len(content) and content and not content.endswith(b"\n"):
        return "\n" + lines.removesuffix("\n")
    return lines


def after_statement(content: bytes, offset: int) -> int:
    """Where the line after the statement at `offset` begins, a comment behind it included."""
    node = statement_at(parse(content), offset)
    return line_end(content, max(node.end_byte - 1, 0) if node else offset)


def statement_at(root: Node, offset: int) -> Node | None:
    """The innermost statement that `offset` lies in."""
    found = None
    for node in around(root, offset, offset):
        inside = node.start_byte <= offset < max(node.end_byte, node.start_byte + 1)
        if inside and node.parent is not None and node.parent.type in ("module", "block"):
            found = node
    return found


def class_body_end(content: bytes, node: Node) -> int:
    """Where a further statement of the class or function body `node` goes, as a line's beginning.

    `node` is a ``class_definition`` or ``function_definition``; comments that end the body stay
    above the place.
    """
    body = node.child_by_field_name("body")
    last = body.named_children[-1] if body is not None and body.named_children else node
    return line_end(content, max(last.end_byte - 1, 0))


def before_return(content: bytes, node: Node) -> int:
    """Where a statement goes that must run before the function `node` returns its result.

    The beginning of the line of the last ``return`` at the top of the body; else its end.
    """
    body = node.child_by_field_name("body")
    statements = body.named_children if body is not None else []
    if statements and statements[-1].type == "return_statement":
        return line_start(content, statements[-1].start_byte)
    return class_body_end(content, node)


def outermost(content: bytes, start: int, end: int, kind: str) -> Node | None:
    """The first and widest node of `kind` that lies within bytes `start` to `end`."""
    for node in walk(parse(content)):
        if node.type == kind and start <= node.start_byte and node.end_byte <= end:
            return node
    return None


def within(node: Node, *kinds: str) -> bool:
    """True where a node of one of `kinds` lies around `node`, in the same function."""
    parent = node.parent
    while parent is not None and parent.type not in ("function_definition", "module"):
        if parent.type in kinds:
            return True
        parent = parent.parent
    return False


def top_level(root: Node, offset: int) -> Node | None:
    """The statement of the module that `offset` lies in."""
    return next((n for n in root.named_children if n.start_byte <= offset < n.end_byte), None)
