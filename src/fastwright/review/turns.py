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
_WIDE = frozenset({"Exception", "BaseException", "SQLAlchemyError"})
_CONTINUES = re.compile(rb"^\s*(?:if\b.*:\s*)?continue\b", re.MULTILINE)
_LOOKED_UP = re.compile(r"\btables\s*\[|\bTable\(")
_KINDS = re.compile(
    r"(?i)(?:^|_)(?:role|permission|kind|type|status|setting|gateway|currenc(?:y|ie)|language"
    r"|locale|plan|webhook|level|rule|option|step|stage|column|year|month|weekday|channel"
    r"|provider|module|admin)(?:s|_(?:id|name|key|code|slug)s?)?$|^admin_?(?:user|account)s?$"
)
"""What an app has a handful of, by nature."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_CHANGES = re.compile(
    rb"(?m)^\s*(?!self\.)\w+\.\w+\s*[-+*/]?=[^=]|\.(?:add|add_all|delete|merge|flush|commit)\("
    rb"|\b(?:insert|update|delete)\(|\b(?:INSERT|UPDATE|DELETE)\b"
)
_AROUND = re.compile(r"range\(\s*([\w.]+)\s*(?:[-+]\s*\d\s*)?,\s*\1\s*(?:[-+]\s*\d\s*)?\)")
_SINGLE = re.compile(
    r"[\[{]\s*[\w.]+\s*,?\s*[\]}](?:\s+if\b.*)?|.+\selse\s+[\[{]\s*[\w.]+\s*,?\s*[\]}]", re.DOTALL
)
"""One element, wrapped to be looped over as several are."""


def has_one_turn(loop: Block, content: bytes) -> bool:
    """True where the body ends in ``break``, as in ``async for session in get_session()``."""
    body = content[loop.start : loop.end].rstrip()
    indent = loop.start - content.rfind(b"\n", 0, loop.start) - 1
    ending = body[body.rfind(b"\n") + 1 :]
    ends = ending.strip() == b"break" and len(ending) - len(ending.lstrip()) == indent
    return ends and not _CONTINUES.search(body)


def is_kind(name: str) -> bool:
    """True for a name, also of a class, of what an app has a handful of, by nature."""
    return _KINDS.search(_HUMP.sub("_", name)) is not None


def is_of_a_few(function: Function, loop: Block, content: bytes) -> bool:
    """True for a loop over a handful: of a kind, around a number, or what a caller lists.

    So is one over what may be a single element that was wrapped, and over ``*names``.
    """
    words = loop.words.strip()
    last = (re.findall(r"\w{3,}", words) or [""])[-1]
    if any(is_kind(name) for name in (*loop.names, last)) or _AROUND.fullmatch(words):
        return True
    header = content[function.span.start : function.span.end].partition(b":\n")[0]
    if words in function.parameters and re.search(rb"[(,]\s*\*\s*%b\b" % words.encode(), header):
        return True
    made = [b for b in function.bindings if b.name == words and b.end <= loop.group]
    texts = (content[b.start : b.end].decode("utf-8", "replace").strip() for b in made)
    return any(_SINGLE.fullmatch(text) for text in texts)


def is_refusal(owner: Function, place: Call, content: bytes) -> bool:
    """True where a function that is called changes and gives nothing, and raises, or does not.

    Such a check words what is wrong with one element, which one statement for all does not.
    """
    kinds = {stop.kind for stop in owner.stops if stop.kind != "return" or stop.value.strip()}
    text = content[owner.span.start : owner.span.end]
    return place.dropped and kinds == {"raise"} and _CHANGES.search(text) is None


def deals_with_failure(function: Function, loop: Block, place: int, content: bytes) -> bool:
    """True where a turn that fails is dealt with inside the loop, which then goes on.

    `content` is the source of the function's file.
    """
    tries = [
        block
        for block in function.blocks
        if block.kind == "try" and loop.start <= block.start <= place < block.end <= loop.end
    ]
    nets = (block for each in tries for block in _excepts(function, each))
    return any(_goes_on(function, net, content) for net in nets)


def keeps_failure(function: Function, place: int, *, since: int = 0) -> bool:
    """True where what fails at a place is dealt with in the function, whose caller goes on.

    A ``try`` that begins before `since` does not count.

    Beside a net for every failure, what others raise again are the few that end the whole.
    """
    tries = [b for b in function.blocks if b.kind == "try" and since <= b.start <= place < b.end]
    raised = [stop.start for stop in function.stops if stop.kind == "raise"]
    nets = [net for each in tries for net in _excepts(function, each)]
    wide = [net for net in nets if _WIDE & {name.rpartition(".")[2] for name in net.names}]
    return bool(nets) and not any(n.start <= at < n.end for n in wide or nets for at in raised)


def _excepts(function: Function, tried: Block) -> list[Block]:
    return [b for b in function.blocks if b.kind == "except" and b.group == tried.group]


def _goes_on(function: Function, net: Block, content: bytes) -> bool:
    """True where the next turn can follow: some failures may be passed over, and others raised."""
    leaves = (s for s in function.stops if s.kind in ("raise", "return"))
    inside = (s for s in leaves if net.start <= s.start < net.end)
    passes = _CONTINUES.search(content, net.start, net.end) is not None
    return passes or all(_is_in_arm(function, net, stop.start) for stop in inside)


def _is_in_arm(function: Function, outer: Block, place: int) -> bool:
    return any(
        block.kind == "arm" and outer.start <= block.start <= place < block.end <= outer.end
        for block in function.blocks
    )


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
