"""Chains of calls as they stand in the source: ``select(P).where(P.x == y)``. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.source import syntax
from fastwright.source.syntax import Node


@dataclass(frozen=True, slots=True)
class Link:
    """One call of a chain: what it calls, by its last name, and its arguments."""

    name: str
    call: Node
    arguments: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Calls from the innermost to the outermost; `base` is what the first is called on, if any."""

    base: Node | None
    links: tuple[Link, ...]

    @property
    def node(self) -> Node:
        """The whole of it."""
        return self.links[-1].call

    def link(self, *names: str) -> Link | None:
        """The first call of one of `names`."""
        return next((one for one in self.links if one.name in names), None)


def read(node: Node, content: bytes) -> Chain | None:
    """The chain that ends in `node`; ``None`` where that is no call."""
    links: list[Link] = []
    current: Node | None = bare(node)
    while current is not None and current.type == "call":
        function = current.child_by_field_name("function")
        if function is None:
            return None
        links.append(_link(current, function, content))
        current = function.child_by_field_name("object") if function.type == "attribute" else None
        current = bare(current) if current is not None else None
    return Chain(current, tuple(reversed(links))) if links else None


def _link(call: Node, function: Node, content: bytes) -> Link:
    name = function.child_by_field_name("attribute") if function.type == "attribute" else function
    arguments = call.child_by_field_name("arguments")
    given = (
        [] if arguments is None else [n for n in arguments.named_children if n.type != "comment"]
    )
    return Link(
        syntax.text(name or function, content),
        call,
        tuple(node for node in given if node.type != "keyword_argument"),
        tuple(_keywords(given, content)),
    )


def _keywords(given: list[Node], content: bytes) -> Iterator[tuple[str, Node]]:
    for node in given:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if node.type == "keyword_argument" and name is not None and value is not None:
            yield syntax.text(name, content), value


def bare(node: Node) -> Node:
    """`node` without the parentheses and the ``await`` around it."""
    while node.type in ("parenthesized_expression", "await") and node.named_children:
        node = node.named_children[0]
    return node


def outermost(call: Node) -> Node:
    """The end of the chain that `call` is a link of, with its ``await`` and parentheses."""
    node = call
    while node.parent is not None:
        above = node.parent
        is_receiver = above.type == "attribute" and above.child_by_field_name("object") == node
        is_called = above.type == "call" and above.child_by_field_name("function") == node
        if above.type == "await" or is_receiver or is_called or _wraps_await(above, node):
            node = above
        else:
            break
    return node if node.type != "attribute" else call


def _wraps_await(above: Node, node: Node) -> bool:
    return above.type == "parenthesized_expression" and node.type == "await"


def names(node: Node, content: bytes) -> frozenset[str]:
    """The plain names that an expression reads; attributes and keywords are none."""
    every = syntax.find(node, "identifier")
    return frozenset(syntax.text(one, content) for one in every if not is_label(one))


def is_label(name: Node) -> bool:
    """True for the name of an attribute or of a keyword."""
    above = name.parent
    if above is None:
        return False
    if above.type == "attribute":
        return bool(above.child_by_field_name("attribute") == name)
    return above.type == "keyword_argument" and bool(above.child_by_field_name("name") == name)
