"""Lines brought to a width by their brackets, as ruff's formatter does it.

It serves text whose names have been replaced: what was formatted before can have become too long
for its line, or short enough for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.source.layout import WIDTH, indentation, text_of
from fastwright.source.syntax import Node, parse, walk

_SIMPLE = (
    "expression_statement", "return_statement", "raise_statement", "assert_statement",
    "type_alias_statement", "decorator", "global_statement", "delete_statement",
)  # fmt: skip
_COMPOUND = (
    "function_definition", "class_definition", "with_statement", "if_statement", "for_statement",
    "while_statement", "elif_clause",
)  # fmt: skip
_BRACKETS = (
    "argument_list", "parameters", "list", "tuple", "dictionary", "set", "subscript",
    "type_parameter", "parenthesized_expression",
)  # fmt: skip


def fitted(text: str, width: int = WIDTH) -> str:
    """`text`, a module, with its statements within `width` columns where their brackets allow.

    A statement spread over lines without a trailing comma is joined where it fits.
    """
    content = text.encode()
    pieces, done = [], 0
    for start, end, node in _heads(parse(content)):
        if start < done:
            continue
        pieces += [content[done:start], _laid_out(content, start, end, node, width).encode()]
        done = end
    return b"".join((*pieces, content[done:])).decode()


def _heads(root: Node) -> Iterator[tuple[int, int, Node]]:
    """The statements, and of those with a body the part before it, outermost first."""
    for node in walk(root):
        if node.type in _SIMPLE and not _is_text(node):
            yield node.start_byte, node.end_byte, node
        elif node.type in _COMPOUND:
            colon = next((c for c in node.children if c.type == ":"), None)
            if colon is not None:
                yield node.start_byte, colon.end_byte, node


def _is_text(node: Node) -> bool:
    first = node.named_children[0] if node.named_children else None
    return first is not None and first.type in ("string", "concatenated_string")


def _laid_out(content: bytes, start: int, end: int, node: Node, width: int) -> str:
    written = content[start:end].decode()
    column = len(indentation(content, start))
    within = (n for n in walk(node) if n.type in _BRACKETS and n.end_byte <= end)
    brackets = [n for n in within if n.named_children]
    if "#" in written or '"""' in written:
        return written
    if "\n" in written:
        magic = any(_has_magic_comma(n) for n in brackets)
        joined = _joined(written)
        if magic or not brackets or len(joined) + column > width:
            return written if magic else _with_single_parameter(content, start, end, node)
        return joined
    if column + len(written) <= width or not brackets:
        return written
    return _exploded(content[:end], start, _chosen(brackets, node), column, width)


def _with_single_parameter(content: bytes, start: int, end: int, node: Node) -> str:
    """A definition of one parameter on a line of its own has a comma behind it."""
    written = content[start:end].decode()
    parameters = node.child_by_field_name("parameters")
    if parameters is None or len(parameters.named_children) != 1:
        return written
    at = len(content[start : parameters.named_children[0].end_byte].decode())
    return f"{written[:at]},{written[at:]}"


def _has_magic_comma(node: Node) -> bool:
    last = node.children[-2] if len(node.children) > 1 else None
    return last is not None and last.type == ","


def _joined(written: str) -> str:
    flat = re.sub(r"\s*\n\s*", " ", written)
    return re.sub(r"(?<=[(\[{]) | (?=[)\]}])", "", flat)


def _chosen(brackets: list[Node], node: Node) -> Node:
    """A definition's parameters; else the last brackets that no others contain."""
    for bracket in brackets:
        if bracket.type == "parameters" and bracket.parent == node:
            return bracket
    outer = [b for b in brackets if not any(_contains(o, b) for o in brackets)]
    return outer[-1]


def _contains(outer: Node, inner: Node) -> bool:
    return (
        outer.start_byte <= inner.start_byte
        and inner.end_byte <= outer.end_byte
        and (outer.start_byte, outer.end_byte) != (inner.start_byte, inner.end_byte)
        and outer.type != "subscript"
    )


def _exploded(content: bytes, start: int, bracket: Node, column: int, width: int) -> str:
    opening, closing = _edges(bracket)
    before = content[start:opening].decode()
    after = content[closing:].decode()
    inner = content[opening:closing].decode().strip()
    indent = " " * (column + 4)
    alone = bracket.type == "parameters" and len(bracket.named_children) == 1
    if len(indent) + len(inner) <= width and not inner.endswith(",") and not alone:
        return f"{before}\n{indent}{inner}\n{' ' * column}{after}"
    items = [child for child in bracket.named_children if _inside(child, opening, closing)]
    # A comma in these would make a tuple.
    comma = "" if bracket.type == "parenthesized_expression" else ","
    rows = "".join(f"{indent}{_item(content, item, column + 4, width)}{comma}\n" for item in items)
    return f"{before}\n{rows}{' ' * column}{after}"


def _item(content: bytes, item: Node, column: int, width: int) -> str:
    """One entry of brackets, itself laid out where it is too long for its line."""
    brackets = [node for node in walk(item) if node.type in _BRACKETS]
    if column + len(text_of(item)) + 1 <= width or not brackets:
        return text_of(item)
    chosen = _chosen(brackets, item)
    return _exploded(content[: item.end_byte], item.start_byte, chosen, column, width)


def _edges(bracket: Node) -> tuple[int, int]:
    """Where the inside of the brackets begins and ends."""
    if bracket.type == "subscript":
        opened = next(c for c in bracket.children if c.type == "[")
        return opened.end_byte, bracket.end_byte - 1
    return bracket.start_byte + 1, bracket.end_byte - 1


def _inside(child: Node, opening: int, closing: int) -> bool:
    return opening <= child.start_byte and child.end_byte <= closing
