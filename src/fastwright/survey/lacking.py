"""Keys that a dictionary of the same function lacks, and keywords that `logging` does not take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from fastwright.model.code import Mistake
from fastwright.model.places import Span
from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.survey.bindings import target_names
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact, Scope
from fastwright.survey.names import Names

_READING = frozenset({"get", "items", "keys", "values", "copy"})
_LEVELS = frozenset({"warning", "error", "exception", "critical"})
"""What is written unless somebody has switched it off: else nothing is asked of the keywords."""
_TAKEN = frozenset({"exc_info", "stack_info", "stacklevel", "extra", "msg", "**"})
_OTHER_LOGGERS = re.compile(rb"setLoggerClass|class \w+\([^)]*(?:Logger|LoggerAdapter)\b")


class Lacking:
    """Finds both in the functions of one file after the other."""

    def __init__(self, names: Names) -> None:
        self._names = names
        units = names.codebase.units
        self._is_plain = not any(_OTHER_LOGGERS.search(unit.content) for unit in units)

    def of(self, unit: Unit) -> Iterator[Mistake]:
        """The reads of keys that are not there, and the calls with what is not taken."""
        for index, scope in enumerate(unit.scopes):
            for row in scope.assignments if scope.kind == "f" else ():
                keys = _keys(row)
                if keys and is_bound_once(unit, index, str(row.target)):
                    yield from _unkeyed(unit, index, row, keys)
        for call in unit.facts.calls if self._is_plain else ():
            unknown = [key for key, _ in call.keywords if key not in _TAKEN]
            if unknown and self._writes(unit, call):
                why = f"a logger of `logging` takes no keyword `{unknown[0]}`"
                at = Span(unit.path, call.start, call.named)
                yield Mistake(unit.dotted(call.scope), at, "TypeError", why)

    def _writes(self, unit: Unit, call: CallFact) -> bool:
        """True for ``logger.error(…)`` of a name that is ``logging.getLogger(…)`` alone."""
        written = call.callee if isinstance(call.callee, str) else ""
        head, _, level = written.rpartition(".")
        if level not in _LEVELS or not head or unit.scopes[call.scope].kind != "f":
            return False
        symbol = self._names.resolve(unit, call.scope, head)
        if symbol is None or symbol.kind != "name" or symbol.unit is None or symbol.rest:
            return False
        there = symbol.unit
        rows = [r for r in there.scopes[symbol.scope].assignments if r.target == symbol.name]
        match [row.value for row in rows]:
            case [["c", int(index)]]:
                made = there.facts.calls[index].callee
                known = self._names.dotted(there, symbol.scope, str(made))
                return known == "logging.getLogger"
        return False


def _keys(row: Assignment) -> list[str]:
    """The keys of a dictionary under a name, all of them written out; empty for any other."""
    is_named = isinstance(row.target, str) and row.target.isidentifier()
    if not is_named or not isinstance(row.value, list) or row.value[:1] != ["d"]:
        return []
    texts = [key[1] for key, _ in row.value[1:] if isinstance(key, list) and key[:1] == ["s"]]
    return texts if len(texts) == len(row.value) - 1 else []


def is_bound_once(unit: Unit, index: int, name: str) -> bool:
    """True for a name of one function alone, that one assignment gives its value."""
    scope = unit.scopes[index]
    targets = [row.target for row in scope.assignments] + [loop.target for loop in scope.loops]
    targets += [target for _, target in scope.contexts]
    bound = [n for target in targets for n in target_names(target)]
    given = [parameter.name for parameter in scope.parameters]
    inner = (s for s in unit.scopes if s.up == index and s.kind != "m")
    word = re.compile(rb"\b%b\b" % name.encode())
    is_shared = any(word.search(unit.content, s.start, s.end) for s in inner)
    is_shared |= b"global " in unit.content[scope.body : scope.body_end]
    return [*bound, *given].count(name) == 1 and not is_shared


def _unkeyed(unit: Unit, index: int, row: Assignment, keys: Sequence[str]) -> Iterator[Mistake]:
    """The constant keys that are read of a dictionary and that it holds at no time, told once."""
    scope, name = unit.scopes[index], str(row.target)
    reads = re.compile(rb"(?<![\w.])%b\s*\[\s*(['\"])([^'\"\\\n]+)\1\s*\]" % name.encode())
    hits = reads.finditer(unit.content, row.end, scope.body_end)
    lacking = [hit for hit in hits if hit[2].decode() not in keys]
    if not lacking:
        return
    word = re.compile(rb"(?<![\w.])%b\b" % name.encode())
    found = (hit.start() for hit in word.finditer(unit.content, row.end, scope.body_end))
    uses = [use for use in (_use(unit, at, name) for at in found) if use is not None]
    raising = [hit for hit in lacking if _raises(unit, scope, uses, hit)]
    if raising:
        missing = dict.fromkeys(hit[2].decode() for hit in raising)
        why = f"`{name}` has no key {_listed(missing)}: it is made of {_listed(keys)}"
        at = Span(unit.path, raising[0].start(), raising[0].end())
        yield Mistake(unit.dotted(index), at, "KeyError", why)


def _listed(keys: Iterable[str]) -> str:
    named = [f"`{key}`" for key in keys]
    return ", ".join(named[:3]) + (" …" if len(named) > 3 else "")


def _raises(unit: Unit, scope: Scope, uses: Sequence[Node], hit: re.Match[bytes]) -> bool:
    """Whether code reads the key there, and nothing can have put it into the dictionary."""
    is_read = any(n.start_byte == hit.start() and _key(n) == hit[2].decode() for n in uses)
    return is_read and not any(_may_add(unit, scope, use, hit) for use in uses)


def _use(unit: Unit, at: int, name: str) -> Node | None:
    """The name at a place, with the subscript or attribute that is taken of it; no other word."""
    *_, node = syntax.around(syntax.parse(unit.content), at, at + len(name.encode()))
    parent = node.parent
    if node.type != "identifier" or parent is None:
        return None
    is_taken = parent.type in ("subscript", "attribute") and parent.start_byte == node.start_byte
    if parent.type == "keyword_argument" and parent.child_by_field_name("name") == node:
        return None
    return parent if is_taken else node


def _key(use: Node) -> str | None:
    """The constant key of a subscript."""
    keys = use.children_by_field_name("subscript") if use.type == "subscript" else []
    text = keys[0].text if len(keys) == 1 else None
    return syntax.string_value(text) if text is not None and keys[0].type == "string" else None


def _may_add(unit: Unit, scope: Scope, use: Node, read: re.Match[bytes]) -> bool:
    """Whether a use of the dictionary may have put the key there before it is read."""
    wanted = read[2].decode()
    turns = [b for b in scope.blocks if b.kind in ("for", "while")]
    together = any(b.start <= read.start() < b.end and b.start <= use.start_byte < b.end
                   for b in turns)  # fmt: skip
    if use.start_byte >= read.end() and not together:
        return False
    if use.type == "subscript":
        return _is_set(use) and _key(use) in (wanted, None)
    if use.type == "attribute":
        called = use.child_by_field_name("attribute")
        return called is None or syntax.text(called, unit.content) not in _READING
    return True


def _is_set(use: Node) -> bool:
    """True for ``d[key] = …``; what is added to must be there before."""
    parent = use.parent
    if parent is not None and parent.type == "assignment":
        return parent.child_by_field_name("left") == use
    return parent is not None and parent.type in ("pattern_list", "tuple_pattern", "for_statement")
