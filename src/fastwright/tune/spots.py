"""From a place that was seen running to the syntax that stands there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from fastwright.model.places import Span
from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.tune.seen import Frame

Files = Mapping[PurePosixPath, bytes]


def call_at(files: Files, frame: Frame, names: frozenset[str]) -> Node | None:
    """The call that `frame` was in, where its function's last name is one of `names`.

    Where only the line is known, the one call on it that fits; ``None`` where there are several.
    """
    content = files.get(frame.path)
    if content is None:
        return None
    fitting = [
        node
        for node in syntax.find(syntax.parse(content), "call")
        if called(node, content) in names and _meets(node, frame)
    ]
    if frame.column is None:
        return fitting[0] if len(fitting) == 1 else None
    exact = [n for n in fitting if _spans(n, frame)]
    return exact[0] if exact else None


def called(call: Node, content: bytes) -> str:
    """The last name of what a call calls: ``select`` of ``sa.select(…)``."""
    function = call.child_by_field_name("function")
    if function is None:
        return ""
    if function.type == "attribute":
        function = function.child_by_field_name("attribute") or function
    return syntax.text(function, content)


def span(path: PurePosixPath, node: Node) -> Span:
    """Where `node` stands in its file."""
    return Span(path, node.start_byte, node.end_byte)


def enclosing(node: Node, *types: str) -> Iterator[Node]:
    """The nodes around `node` whose type is one of `types`, innermost first."""
    above = node.parent
    while above is not None:
        if above.type in types:
            yield above
        above = above.parent


def _meets(node: Node, frame: Frame) -> bool:
    return node.start_point[0] + 1 <= frame.line <= node.end_point[0] + 1


def _spans(node: Node, frame: Frame) -> bool:
    assert frame.end_line is not None
    start, end = (frame.line - 1, frame.column), (frame.end_line - 1, frame.end_column)
    awaited = node.parent if node.parent is not None and node.parent.type == "await" else node
    if start == _named_at(node) and tuple(node.end_point) == end:
        return True
    return any(
        tuple(one.start_point) == start and tuple(one.end_point) == end for one in (node, awaited)
    )


def _named_at(node: Node) -> tuple[int, int] | None:
    """Of a method call on several lines, Python takes the method's name for its beginning."""
    function = node.child_by_field_name("function")
    name = function.child_by_field_name("attribute") if function is not None else None
    return (name.start_point[0], name.start_point[1]) if name is not None else None
