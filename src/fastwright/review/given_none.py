"""Dependencies that may give nothing, and the functions that use what they give all the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Dependency, Route
from fastwright.model.code import Function, Stop
from fastwright.model.places import Span
from fastwright.review.course import always, around
from fastwright.review.reach import reach
from fastwright.source.layout import text_of
from fastwright.source.signatures import definition
from fastwright.source.syntax import Node, walk

_LOOKED_UP = re.compile(r"\.(?:first|one_or_none|scalar_one_or_none)\(\)$")
_CREDENTIALS = frozenset({"header", "cookie", "special"})
_SENT = frozenset({"path", "query", "body", "form"})
_CATCHES = frozenset({"AttributeError", "TypeError", "Exception", "BaseException"})
_READS = frozenset({"attribute", "subscript"})
_DEFERRED = frozenset({"lambda", "function_definition", "class_definition"})
_CHOOSING = frozenset({"conditional_expression", "boolean_operator", "if_clause"})


@dataclass(frozen=True, slots=True)
class Handed:
    """A parameter `name` of `owner`, of which something is read at `at` with no question before.

    `giver` is the dependency that may give ``None``; `of_caller` where it says who is calling;
    `sure` where a client can bring that about, and each run that raises nothing comes there.
    """

    owner: Function
    giver: Function
    name: str
    at: Span
    of_caller: bool
    sure: bool


def handed_none(app: AppMap) -> Iterator[Handed]:
    """Every parameter that a dependency may give ``None`` for, each use of one once."""
    found: dict[Span, Handed] = {}
    for route in app.routes:
        for owner, node in _injected(app, route) if route.reachable else ():
            one = _of(app, route, owner, node)
            if one is not None and (one.at not in found or one.sure):
                found[one.at] = one
    yield from found.values()


def _injected(app: AppMap, route: Route) -> Iterator[tuple[Function, Dependency]]:
    """What a route's handler and dependencies are given, each with who takes it."""
    pairs = [(route.handler, node) for node in route.dependencies]
    pairs += [(node.call, child) for node in route.every_dependency() for child in node.children]
    for name, node in pairs:
        owner = reach(app).functions.get(name)
        if owner is not None and node.name and not owner.class_name:
            yield owner, node


def _of(app: AppMap, route: Route, owner: Function, node: Dependency) -> Handed | None:
    giver = reach(app).functions.get(node.call)
    if giver is None or giver.yields or giver.class_name:
        return None
    says_none = [stop for stop in _empty(giver) if not _is_dead(node, giver, stop)]
    looks_up = not says_none and _hands_on(app, giver)
    use = _first_use(app, owner, node.name) if says_none or looks_up else None
    if use is None or _is_caught(owner, use.start_byte) or _is_refused(app, route, owner, node):
        return None
    takes = {p.source for p in app.signatures.get(giver.name, ())}
    of_caller = _asks_who(app, node) and not (looks_up and takes & _SENT)
    is_asked = (of_caller and bool(says_none)) or bool(takes & _SENT)
    sure = is_asked and always(owner, use.start_byte) and not _raises_before(owner, use)
    at = Span(owner.span.path, use.start_byte, use.end_byte)
    return Handed(owner, giver, node.name, at, of_caller, sure)


def _empty(giver: Function) -> list[Stop]:
    """The places where a function gives nothing, if it gives something elsewhere."""
    given = [stop for stop in giver.stops if stop.kind == "return"]
    empty = [stop for stop in given if stop.value.strip() in ("", "None")]
    return empty if len(empty) < len(given) else []


def _is_dead(node: Dependency, giver: Function, stop: Stop) -> bool:
    """Whether it gives nothing only for want of what a scheme has refused to do without."""
    refusing = {child.name for child in node.children
                if child.scheme and ("auto_error", "False") not in child.options}  # fmt: skip
    tests = [b.words for b in around(giver, stop.start) if b.kind == "arm"]
    nets = any(b.kind == "except" for b in around(giver, stop.start))
    last_test = re.sub(r"\bnot\b|\bis None\b|[()\s]", "", tests[-1]) if tests else ""
    return not nets and last_test in refusing


def _hands_on(app: AppMap, giver: Function) -> bool:
    """Whether all that a function gives is a row as it was looked up, be it there or not."""
    given = [stop for stop in giver.stops if stop.kind == "return"]
    if any(stop.kind == "raise" for stop in giver.stops) or len(given) != 1:
        return False
    value = given[0].value.strip()
    bound = [b for b in giver.bindings if b.name == value]
    if len(bound) == 1:
        value = app.text(Span(giver.span.path, bound[0].start, bound[0].end)).rstrip()
    tested = any(re.search(rf"\b{re.escape(given[0].value.strip())}\b", b.words)
                 for b in giver.blocks)  # fmt: skip
    return bool(_LOOKED_UP.search(value)) and "func." not in value and not tested


def _first_use(app: AppMap, owner: Function, name: str) -> Node | None:
    """Where a function first names a parameter, if it reads an attribute or item of it there."""
    node = definition(app, owner.span)
    body = node.child_by_field_name("body") if node is not None else None
    named = (n for n in walk(body) if n.type == "identifier" and text_of(n) == name) if body else ()
    first = next((n for n in named if not _is_key(n)), None)
    use = first.parent if first is not None else None
    if first is None or use is None or use.type not in _READS or use.children[0] != first:
        return None
    above = use.parent
    while above is not None and body is not None and above != body:
        if above.type in _DEFERRED or (above.type in _CHOOSING and _asks(above, use, name)):
            return None
        above = above.parent
    return use


def _is_key(node: Node) -> bool:
    """True for the name of a keyword argument, or of an attribute of something else."""
    above = node.parent
    if above is None:
        return False
    if above.type == "keyword_argument":
        return above.child_by_field_name("name") == node
    return above.type == "attribute" and above.child_by_field_name("attribute") == node


def _asks(choice: Node, use: Node, name: str) -> bool:
    """Whether a choice around a use names the value elsewhere too, and so may ask for it."""
    named = (n for n in walk(choice) if n.type == "identifier" and text_of(n) == name)
    return any(not use.start_byte <= n.start_byte < use.end_byte for n in named)


def _is_caught(owner: Function, at: int) -> bool:
    groups = {b.group for b in around(owner, at) if b.kind == "try"}
    nets = (b for b in owner.blocks if b.kind == "except" and b.group in groups)
    return any(not n.names or {x.rpartition(".")[2] for x in n.names} & _CATCHES for n in nets)


def _raises_before(owner: Function, use: Node) -> bool:
    return any(s.kind == "raise" and s.start < use.start_byte for s in owner.stops)


def _asks_who(app: AppMap, node: Dependency) -> bool:
    """Whether a dependency takes what says who is calling: a header, a cookie, a scheme."""
    for one in node.walk():
        takes = {p.source for p in app.signatures.get(one.call, ())}
        if one.scheme or takes & _CREDENTIALS:
            return True
    return False


def _is_refused(app: AppMap, route: Route, owner: Function, node: Dependency) -> bool:
    """Whether something else that runs for the route may turn the request away before."""
    if any(guard.role == "middleware" for guard in route.guards):
        return True
    own = {one.call for one in node.walk()}
    for one in route.every_dependency():
        if one.call in own or any(owner.name == inner.call for inner in one.walk()):
            continue
        function = reach(app).functions.get(one.call)
        raises = function is not None and any(s.kind == "raise" for s in function.stops)
        is_guard = any(guard.name == one.call for guard in route.guards)
        if is_guard or (raises and function is not None and not function.yields):
            return True
    return False
