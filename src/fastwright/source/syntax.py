"""Python syntax trees: the only module that knows the parser.

Trees are tree-sitter's: they keep byte offsets, read syntax newer than the interpreter that runs
us, and never fail as a whole. What cannot be read stands in the tree as an error node; the rest
of the file is still there.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache

import tree_sitter
import tree_sitter_python

Node = tree_sitter.Node

_SHOWN = 60
"""Characters of a line that are quoted."""

_PREFIX = re.compile(rb"([A-Za-z]{0,2})(\"\"\"|'''|\"|')")
_ESCAPED = re.compile(
    r"\\(?:\r\n|[0-7]{1,3}|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL
)
_KNOWN = re.compile(r"\\[\\'\"abfnrtvxuU0-7]")
"""How an escape sequence begins that stands for something else than itself."""


@cache
def _language() -> tree_sitter.Language:
    return tree_sitter.Language(tree_sitter_python.language())


@lru_cache(maxsize=32)
def parse(content: bytes) -> Node:
    """The root of the syntax tree of one Python file; never raises, see `error_count`.

    The last trees are kept, for questions about one file come one after the other.
    """
    return tree_sitter.Parser(_language()).parse(content).root_node


def error_count(root: Node) -> int:
    """How many places of the file the parser could not read; 0 for a file that is whole."""
    if not root.has_error:
        return 0
    return max(1, sum(1 for node in walk(root, inside=_may_hold_errors) if _is_error(node)))


def first_error(content: bytes) -> tuple[int, str] | None:
    """The line, from 1, of the first place that cannot be read, and why; None where all can."""
    root = parse(content)
    if not root.has_error:
        return None
    found = next((n for n in walk(root, inside=_may_hold_errors) if _is_error(n)), root)
    row = found.start_point[0]
    lines = content.decode("utf-8", "replace").split("\n")
    line = lines[row].strip() if row < len(lines) else ""
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
    missing = f": `{found.type}` is missing" if found.is_missing else ""
    return row + 1, f"`{shown}` cannot be parsed{missing}"


def _is_error(node: Node) -> bool:
    return node.is_error or node.is_missing


def _may_hold_errors(node: Node) -> bool:
    return node.has_error and not node.is_error


def walk(node: Node, *, inside: Callable[[Node], bool] | None = None) -> Iterator[Node]:
    """`node` and all below it, in the order of the text.

    `inside` says whether to go below a node; without it, everywhere.
    """
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if inside is None or inside(current):
            waiting.extend(reversed(current.children))


def find(node: Node, *types: str) -> Iterator[Node]:
    """Every node below (and including) `node` whose type is one of `types`, in text order."""
    return (found for found in walk(node) if found.type in types)


def around(root: Node, start: int, end: int) -> Iterator[Node]:
    """Every node that spans the bytes from `start` to `end`, the innermost last."""

    def spans(node: Node) -> bool:
        return node.start_byte <= start and end <= node.end_byte

    return filter(spans, walk(root, inside=spans))


def text(node: Node, content: bytes) -> str:
    """The source text of `node`."""
    return content[node.start_byte : node.end_byte].decode("utf-8", "replace")


def literal(node: Node, content: bytes) -> str | None:
    """The value of a string literal without interpolations; ``None`` for anything else.

    Implicitly concatenated literals are one value; bytes literals are not strings.
    """
    if node.type == "concatenated_string":
        parts = [literal(part, content) for part in node.named_children if part.type == "string"]
        return None if None in parts else "".join(part for part in parts if part is not None)
    if node.type != "string" or any(c.type == "interpolation" for c in node.named_children):
        return None
    return string_value(content[node.start_byte : node.end_byte])


def string_value(written: bytes) -> str | None:
    """The value of one string literal as written, quotes and prefix included."""
    match = _PREFIX.match(written)
    if match is None:
        return None
    prefix, quote = match.group(1).lower(), match.group(2)
    if b"b" in prefix or not written.endswith(quote) or len(written) < match.end() + len(quote):
        return None
    inner = written[match.end() : len(written) - len(quote)].decode("utf-8", "replace")
    return inner if b"r" in prefix or "\\" not in inner else unescape(inner)


def unescape(inner: str) -> str:
    """`inner` with Python's escape sequences replaced; an unknown one stays as written."""
    return _ESCAPED.sub(_unescaped, inner)


def _unescaped(match: re.Match[str]) -> str:
    written = match.group()
    if written in ("\\\n", "\\\r\n"):
        return ""
    if not _KNOWN.match(written):
        return written
    try:
        return codecs.decode(written, "unicode_escape") if written.isascii() else written
    except UnicodeDecodeError:
        return written


def dotted(node: Node, content: bytes) -> str | None:
    """``a.b.c`` for a name or a chain of attributes of one; ``None`` for anything else."""
    if node.type in ("identifier", "dotted_name"):
        return text(node, content)
    if node.type != "attribute":
        return None
    value, name = node.child_by_field_name("object"), node.child_by_field_name("attribute")
    left = dotted(value, content) if value is not None else None
    return None if left is None or name is None else f"{left}.{text(name, content)}"
