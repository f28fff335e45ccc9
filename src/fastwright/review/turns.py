"""What sets the turns of a loop apart, so that one statement could not do for all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastwright.model.code import Block, Call, Function

_DEFINES = re.compile(
    r"(?:\w+\.)*(?:Drop|Create|Add|Set)[A-Z]\w*\("
    r"|text\(\s*f?['\"]\s*(?:DROP|CREATE|ALTER|TRUNCATE)\b"
)
_OF_TABLE = re.compile(
    r"(?:\w+\.)*(?:select|insert|update|delete)\(\s*(?P<first>\w+)\s*\)"
    r"|(?P<own>\w+)\.(?:select|insert|update|delete)\("
)
_OF_TURN = (
    r"getattr\([^,()]+,\s*{0}\b|\.c\[\s*{0}\b|\b(?:select|query|get|aliased)\(\s*{0}\b\s*[,)]"
    r"|\b(?:select|query|get)\(\s*{0}\.\w*(?:model|table|entity|cls)\b"
)
"""What is asked, named by the turn: a column by its name, or a class."""
_LOOKED_UP = re.compile(r"\btables\s*\[|\bTable\(")


def deals_with_failure(function: Function, loop: Block, place: int) -> bool:
    """True where a turn that fails is dealt with inside the loop, which then goes on."""
    tries = [
        block
        for block in function.blocks
        if block.kind == "try" and loop.start <= block.start <= place < block.end <= loop.end
    ]
    return any(_goes_on(function, block) for each in tries for block in _excepts(function, each))


def keeps_failure(function: Function, place: int) -> bool:
    """True where what fails at a place is dealt with in the function, whose caller goes on."""
    tries = [b for b in function.blocks if b.kind == "try" and b.start <= place < b.end]
    raised = [stop.start for stop in function.stops if stop.kind == "raise"]
    nets = [net for each in tries for net in _excepts(function, each)]
    return bool(nets) and not any(n.start <= at < n.end for n in nets for at in raised)


def _excepts(function: Function, tried: Block) -> list[Block]:
    return [b for b in function.blocks if b.kind == "except" and b.group == tried.group]


def _goes_on(function: Function, block: Block) -> bool:
    leaves = (s for s in function.stops if s.kind in ("raise", "return"))
    return not any(block.start <= stop.start < block.end for stop in leaves)


def is_of_tables(owner: Function, asking: Call, targets: frozenset[str], content: bytes) -> bool:
    """True where each turn is about another table, or changes the schema.

    `targets` are the loop's names where `owner` holds the loop, and the parameters of `owner`
    where the loop calls it; `content` is the source of `owner`.
    """
    bound = {
        row.name: content[row.start : row.end].decode("utf-8", "replace")
        for row in owner.bindings
        if row.end <= asking.span.start
    }
    written = _written(next(iter(asking.arguments), ""), bound)
    if _DEFINES.match(written):
        return True
    found = _OF_TABLE.match(written)
    table = (found["first"] or found["own"]) if found is not None else ""
    return table in targets or bool(_LOOKED_UP.search(bound.get(table, "")))


def is_named_by_turn(function: Function, asking: Call, loop: Block, content: bytes) -> bool:
    """True where each turn asks for another column or class, which is its element itself."""
    names = "|".join(map(re.escape, loop.names))
    if not names:
        return False
    named, words = re.compile(_OF_TURN.format(f"(?:{names})")), set[str]()
    text = content[asking.span.start : asking.span.end].decode("utf-8", "replace")
    for row in reversed([b for b in function.bindings if loop.start <= b.start < loop.end]):
        words |= set(re.findall(r"\w+", text))
        if row.name in words and row.end <= asking.span.start:
            text += content[row.start : row.end].decode("utf-8", "replace")
    return named.search(text) is not None


def _written(text: str, bound: Mapping[str, str]) -> str:
    """A statement as it was built, where it is named."""
    return bound.get(text.strip(), text).strip().lstrip("(").lstrip()
