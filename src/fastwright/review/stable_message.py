"""The repair of an answer that holds the text of an exception: a sentence, and a log."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.places import Span
from fastwright.source import call_sites, imports, layout, syntax
from fastwright.source.syntax import Node

_SENTENCE = '"The request could not be completed"'
_SAYS = re.compile(r"[^\W\d_]{3,}.*[^\W\d_]{2,}")
_LOGGERS = ("logger", "log", "LOGGER", "_logger", "LOG")
_SHARED = 2
"""Modules that import one logger, from which on it is the project's."""
_WHY = "what went wrong inside belongs into the log, not to the client"


def stable_message(app: AppMap, at: Span) -> Fix | None:
    """A fixed sentence for what an ``except`` clause caught, where it is given to the client."""
    content = app.files[at.path]
    node = layout.smallest(content, at.start, at.end, "call", "return_statement")
    clause = _clause(node) if node is not None else None
    name = _caught(clause) if clause is not None else ""
    if node is None or clause is None or not name:
        return None
    holders = list(_holders(node, name))
    if not holders:
        return None
    edits: list[Change] = [
        call_sites.replaced(at, n, _without(n, name, content), _WHY) for n in holders
    ]
    edits += _unnamed(at, clause, name, holders)
    if not _is_logged(clause):
        logger, needed = _logger(app, at)
        line = f'{logger}.exception("the request could not be completed")\n'
        logged = call_sites.before(at, content, node, line, _WHY)
        if logged is None:
            return None
        edits += [*needed, logged]
    return Fix(
        "Say a fixed sentence, and log the exception", Safety.CHANGES_BEHAVIOUR, tuple(edits)
    )


def _clause(node: Node) -> Node | None:
    above = node.parent
    while above is not None and above.type not in ("except_clause", "function_definition"):
        above = above.parent
    return above if above is not None and above.type == "except_clause" else None


def _caught(clause: Node) -> str:
    value = clause.child_by_field_name("value")
    alias = value.child_by_field_name("alias") if value is not None else None
    return layout.text_of(alias)


def _holders(node: Node, name: str) -> Iterator[Node]:
    """The values of an answer that hold the exception: an argument, or a dictionary's value."""
    for child in _values(node):
        if not any(found == name for found in call_sites.names_in(child)):
            continue
        if child.type == "dictionary":
            for pair in syntax.find(child, "pair"):
                value = pair.child_by_field_name("value")
                nested = value is not None and value.type in ("dictionary", "list")
                if value is not None and not nested and name in call_sites.names_in(value):
                    yield value
        else:
            yield child


def _without(holder: Node, name: str, content: bytes) -> str:
    """The sentence that an f-string begins with, where the exception ends it; else a fixed one."""
    parts = holder.children
    ends = [p for p in parts if p.type == "interpolation" and name in call_sites.names_in(p)]
    if (
        holder.type != "string"
        or len(ends) != 1
        or b"\n" in content[holder.start_byte : holder.end_byte]
    ):
        return _SENTENCE
    (end,) = ends
    tail = content[end.end_byte : parts[-1].start_byte].decode("utf-8", "replace")
    kept = content[parts[0].end_byte : end.start_byte].decode("utf-8", "replace")
    kept = kept.rstrip(" :;,.-–(['\"`")
    if not _SAYS.search(kept) or re.search(r"\w", tail):
        return _SENTENCE
    quote = syntax.text(parts[-1], content)
    others = any(p.type == "interpolation" and p != end for p in parts)
    return f"{syntax.text(parts[0], content) if others else quote}{kept}{quote}"


def _unnamed(at: Span, clause: Node, name: str, holders: list[Node]) -> Iterator[Edit]:
    """The clause without the name, where the answer alone made use of it."""
    value = clause.child_by_field_name("value")
    alias = value.child_by_field_name("alias") if value is not None else None
    uses = [n for n in syntax.find(clause, "identifier") if layout.text_of(n) == name]
    left = [
        n for n in uses
        if not any(h.start_byte <= n.start_byte < h.end_byte for h in (alias, *holders) if h)
    ]  # fmt: skip
    if value is None or alias is None or left or not value.named_children:
        return
    yield Edit(Span(at.path, value.named_children[0].end_byte, alias.end_byte), "", _WHY)


def _values(node: Node) -> Iterator[Node]:
    if node.type == "return_statement":
        yield from (n for n in node.named_children if n.type != "comment")
        return
    for given in call_sites.arguments(node):
        value = given.child_by_field_name("value") if given.type == "keyword_argument" else given
        if value is not None:
            yield value


def _is_logged(clause: Node) -> bool:
    words = layout.text_of(clause)
    return ".exception(" in words or "exc_info" in words


def _logger(app: AppMap, at: Span) -> tuple[str, tuple[Edit, ...]]:
    """The module's own logger, else the one that others import, else one made where it is used."""
    module = app.module_at(at.path)
    for name in _LOGGERS:
        if module is not None and name in (*module.names, *module.imports):
            return name, ()
    imported = (m.imports for m in app.modules.values())
    used = Counter((names[n], n) for names in imported for n in _LOGGERS if n in names)
    for (dotted, local), count in used.most_common(1):
        if count >= _SHARED:
            source, _, name = dotted.rpartition(".")
            bound = imports.ensure_import(app, at.path, source, name, alias=local)
            return bound.local, bound.edits
    bound = imports.ensure_import(app, at.path, "logging", "")
    return f"{bound.local}.getLogger(__name__)", bound.edits
