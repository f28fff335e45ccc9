"""What can follow what in one function: a sound reading of its blocks and stops."""

from __future__ import annotations

from fastwright.model.code import Block, Function

_PARTED = frozenset({("try", "except"), ("except", "else"), ("except", "except")})
_OPTIONAL = frozenset({"arm", "for", "while", "except", "else"})


def around(function: Function, offset: int) -> tuple[Block, ...]:
    """The blocks that hold a place, outermost first."""
    found = [b for b in function.blocks if b.start <= offset < b.end]
    return tuple(sorted(found, key=lambda block: (block.start, -block.end)))


def loops(function: Function, offset: int) -> tuple[Block, ...]:
    """The loops that a place is repeated by, outermost first."""
    return tuple(b for b in around(function, offset) if b.kind in ("for", "while"))


def always(function: Function, offset: int) -> bool:
    """True where each run of a function that raises nothing passes a place.

    A loop counts as one that has a turn.
    """
    held = any(b.kind in _OPTIONAL - {"for", "while"} for b in around(function, offset))
    return not held and not any(s.kind == "return" and s.end <= offset for s in function.stops)


def exclusive(function: Function, first: int, second: int) -> bool:
    """True where no one run of the function passes both places outside a loop."""
    ours = {b.group: b for b in around(function, first)}
    for block in around(function, second):
        other = ours.get(block.group)
        if other is not None and other != block:
            kinds = (other.kind, block.kind)
            if kinds == ("arm", "arm") or kinds in _PARTED or kinds[::-1] in _PARTED:
                return True
    return False


def follows(function: Function, first: int, second: int) -> bool:
    """True where one run can pass `first` and then, further down, `second`.

    A ``return`` or ``raise`` between the two that always runs once `first` has, parts them.
    """
    if second <= first or exclusive(function, first, second):
        return False
    ours = {(b.start, b.end) for b in around(function, first)}
    for stop in function.stops:
        if stop.kind in ("return", "raise") and first < stop.start and stop.end <= second:
            needed = [b for b in around(function, stop.start) if b.kind in _OPTIONAL]
            if all((b.start, b.end) in ours for b in needed):
                return False
    return True
