"""How names get values: assignments that reach a place, loops, and targets taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastwright.survey.facts import Assignment, CallFact, Loop
from fastwright.survey.values import Const, Env, Frame, Pairs, Seq, Unknown, Value, Values


def outside_loops(frame: Frame) -> Env:
    """The environment without what loops of the scope bind: an object made before is one object."""
    named = {p.name for p in frame.unit.scopes[frame.scope].parameters}
    return tuple(item for item in frame.env if item[0] != frame.scope or item[1] in named)


def reaching(rows: list[Assignment], name: str, at: int) -> list[Assignment]:
    """The assignments to `name` that may hold at offset `at` (-1: at the end), latest first."""
    found: list[Assignment] = []
    for row in reversed(rows):
        target = row.target
        named = target == name if isinstance(target, str) else name in target_names(target)
        if named and (at < 0 or row.start < at):
            found.append(row)
            if row.condition < 0 and not row.loops:
                break
    return found


def of_dictionary(pairs: Pairs, method: str) -> Value:
    """What ``pairs.items()`` and the like give."""
    if method == "items":
        return Seq(tuple((Seq(pair),) for pair in pairs.items))
    if method in ("values", "keys"):
        return Seq(tuple(pair[method == "values"] for pair in pairs.items))
    return Unknown(f"`.{method}` of a dictionary")


def elements(values: Values) -> Iterator[Values]:
    """What iterating over `values` can give, one after the other."""
    for value in values:
        if isinstance(value, Seq):
            yield from value.items
        elif isinstance(value, Pairs):
            yield from (key for key, _ in value.items)


def grown(calls: Iterable[CallFact], scope: int, loop: Loop) -> Iterator[CallFact]:
    """The calls before a loop that put more into the list that it goes over."""
    ways = (f"{loop.iterable}.append", f"{loop.iterable}.extend")
    for row in calls if isinstance(loop.iterable, str) else ():
        if row.scope == scope and row.callee in ways and row.start < loop.start and row.arguments:
            yield row


def bind(target: object, values: Values) -> Iterator[tuple[str, Values]]:
    """The names of a target with what each gets from `values`."""
    if isinstance(target, str):
        yield target, values
    elif isinstance(target, list):
        seq = next((v for v in values if isinstance(v, Seq) and len(v.items) == len(target)), None)
        for place, inner in enumerate(target):
            yield from bind(inner, seq.items[place] if seq else (Unknown("unpacked"),))


def target_names(target: object) -> tuple[str, ...]:
    """Every name in a target, dotted ones (``self.x``) included."""
    if isinstance(target, str):
        return (target,)
    return (
        tuple(n for item in target for n in target_names(item)) if isinstance(target, list) else ()
    )


def unique(values: Iterable[Value]) -> Values:
    """`values` in their order, each once."""
    found = tuple(values)
    return tuple(dict.fromkeys(found)) if len(found) > 1 else found


def truth(values: Values) -> bool | None:
    """Whether a condition holds, where it is one constant; ``None`` where that is not known."""
    found = {bool(v.value) for v in values if isinstance(v, Const)}
    known = len(found) == 1 and all(isinstance(v, Const) for v in values)
    return next(iter(found)) if known else None
