"""Calls in the text: their arguments, the statement around them, and edits of both."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.change import Edit
from fastwright.model.places import Span
from fastwright.source import layout, syntax
from fastwright.source.syntax import Node


def call_at(content: bytes, at: Span) -> Node | None:
    """The call that spans exactly the bytes of `at`."""
    for node in syntax.around(syntax.parse(content), at.start, at.end):
        if node.type == "call" and (node.start_byte, node.end_byte) == (at.start, at.end):
            return node
    return None


def method_on(content: bytes, at: Span, name: str) -> Node | None:
    """The call of the method `name` on the expression that spans exactly the bytes of `at`."""
    for call in syntax.around(syntax.parse(content), at.start, at.end):
        function = call.child_by_field_name("function") if call.type == "call" else None
        inner = function.child_by_field_name("object") if function is not None else None
        if inner is not None and (inner.start_byte, inner.end_byte) == (at.start, at.end):
            return call if callee_of(call).endswith(f".{name}") else None
    return None


def arguments(call: Node) -> list[Node]:
    """Everything given to a call, in order, keyword arguments as such."""
    brackets = call.child_by_field_name("arguments")
    named = brackets.named_children if brackets is not None else []
    return [node for node in named if node.type != "comment"]


def argument(call: Node, place: int, *names: str) -> Node | None:
    """The value given at a place or by one of the names."""
    given = arguments(call)
    for node in given:
        name = node.child_by_field_name("name")
        if node.type == "keyword_argument" and name and layout.text_of(name) in names:
            return node.child_by_field_name("value")
    plain = [n for n in given if n.type not in ("keyword_argument", "dictionary_splat")]
    starred = any(n.type == "list_splat" for n in plain)
    return plain[place] if 0 <= place < len(plain) and not starred else None


def keyword_of(call: Node, name: str) -> Node | None:
    """The keyword argument of that name, with its name."""
    for node in arguments(call):
        found = node.child_by_field_name("name") if node.type == "keyword_argument" else None
        if found is not None and layout.text_of(found) == name:
            return node
    return None


def callee_of(call: Node) -> str:
    """The called expression as written."""
    return layout.text_of(call.child_by_field_name("function"))


def statement_of(node: Node) -> Node:
    """The statement that `node` stands in, decorators aside."""
    while node.parent is not None and node.parent.type not in ("block", "module"):
        node = node.parent
    return node


def function_of(node: Node) -> Node | None:
    """The function that `node` stands in."""
    above = node.parent
    while above is not None and above.type != "function_definition":
        above = above.parent
    return above


def replaced(at: Span, node: Node, text: str, why: str) -> Edit:
    """`text` in the place of `node`."""
    return Edit(Span(at.path, node.start_byte, node.end_byte), text, why)


def before(at: Span, content: bytes, node: Node, lines: str, why: str) -> Edit | None:
    """`lines` in front of the statement that `node` stands in, indented as it is.

    ``None`` where the statement shares its line with another.
    """
    statement = statement_of(node)
    start = layout.line_start(content, statement.start_byte)
    lead = content[start : statement.start_byte]
    if lead.strip():
        return None
    text = layout.indented(lines, lead.decode())
    return Edit(Span(at.path, start, start), text, why)


def names_in(node: Node) -> Iterator[str]:
    """Every plain name that is read in `node`."""
    for found in syntax.find(node, "identifier"):
        yield layout.text_of(found)


def unused_name(node: Node, *wishes: str) -> str:
    """The first of `wishes` that nothing in the function around `node` is called."""
    around = function_of(node) or node
    taken = set(names_in(around))
    return next((wish for wish in wishes if wish not in taken), f"{wishes[-1]}_")


def is_plain(node: Node) -> bool:
    """Whether an expression can be written twice: a name, attributes of one, or a constant."""
    if node.type in ("identifier", "integer"):
        return True
    if node.type == "string":
        return not any(child.type == "interpolation" for child in node.named_children)
    inner = node.child_by_field_name("object")
    return node.type == "attribute" and inner is not None and is_plain(inner)
