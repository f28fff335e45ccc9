"""A command line built as an f-string, taken apart into the words that a shell would see."""

from __future__ import annotations

import re

from fastwright.source import syntax
from fastwright.source.syntax import Node

_GRAMMAR = re.compile(r"[|&;<>()$`\\\"'*?\[\]#~!{}\n=%]")


def words(node: Node, content: bytes) -> list[str] | None:
    """The words of the f-string at `node` as Python expressions, one for each argument.

    ``None`` where the text uses the shell's grammar (quotes, pipes, variables, patterns), or is no
    single f-string.
    """
    if node.type != "string" or not node.children:
        return None
    if syntax.text(node.children[0], content).lower() not in ('f"', "f'"):
        return None
    found: list[list[tuple[bool, str]]] = [[]]
    for child in node.named_children:
        if child.type == "string_content":
            text = syntax.text(child, content)
            if _GRAMMAR.search(text):
                return None
            _add_text(found, text)
        elif child.type == "interpolation":
            inner = child.child_by_field_name("expression")
            if inner is None or child.named_child_count != 1 or b'"' in (inner.text or b""):
                return None
            found[-1].append((True, syntax.text(inner, content)))
    return [_written(word) for word in found if word]


def _add_text(found: list[list[tuple[bool, str]]], text: str) -> None:
    for place, part in enumerate(re.split(r"\s+", text)):
        if place:
            found.append([])
        if part:
            found[-1].append((False, part))


def _written(word: list[tuple[bool, str]]) -> str:
    if not any(is_code for is_code, _ in word):
        return '"' + "".join(text for _, text in word) + '"'
    return 'f"' + "".join(f"{{{text}}}" if code else text for code, text in word) + '"'
