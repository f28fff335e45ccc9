"""Statements that run once for each turn of a loop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Block, Call, Function
from fastwright.review.course import around, loops
from fastwright.review.once import once
from fastwright.review.reach import Reach, Step, reach
from fastwright.review.statements import Statement, statement
from fastwright.review.turns import (
    deals_with_failure,
    has_one_turn,
    is_named_by_turn,
    is_of_a_few,
    is_of_tables,
    is_refusal,
)
from fastwright.survey.codebase import of_samples

_FEW = re.compile(
    r"[\[({\"']|range\(\s*\d|enumerate\(\s*[\[(]|.*(chunk|batch|range\(.*,.*,)", re.IGNORECASE
)
_EACH_SO_MANY = re.compile(r"%\s*[\w.]+\)?\s*(?:==|!=)|\blen\(.+\)\s*>=?")
_TRIES = re.compile(r"(?i)attempt|retry|tries")
_ARRANGED = re.compile(
    r"(?:sorted|reversed|enumerate|list|tuple|set|frozenset)\(\s*(?P<all>[\w.]+)\s*[,)]"
    r"|(?P<keyed>[\w.]+)\.(?:items|keys|values)\(\)"
)
_WRITTEN_OUT = re.compile(rb"\s*[\[(](?:[^()\[\]{}]|\(\))+[\])]\s*")
_TEXT = re.compile(rb"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|#[^\n]*")
_INNERMOST = re.compile(rb"[\[({][^\[\](){}]*[\])}]")
_GROWS = re.compile(rb"\bfor\b|\*")
_KEPT = re.compile(r"\b(\w+)\[[^\]=]+\]\s*=[^=]")
_CUT = re.compile(
    r"\[\s*:\s*(?:\d|10)\b\s*(?:-[^\]]*)?\]|(?:\.limit|most_common)\((?:\d|10)\)"
    r"|\bn(?:largest|smallest)\((?:\d|10),"
)
"""What leaves ten elements at the most."""
_NEAR = 2


@dataclass(frozen=True, slots=True)
class Looped:
    """A statement under a loop: `place` is the call in the loop that leads to it.

    `depth` counts the calls of ours between the two; `asking` is the statement's own call;
    `is_of_tables` says that each turn is about another table or column, `is_remembered` that what
    is found is kept by its key, and asked for only where it is not there yet, `is_short` that the
    loop has ten turns at the most, or only prepares what an app is tried out with, `is_small` that
    it is over a handful as a rule, or that each turn only refuses what is not allowed;
    `is_dealt_with` that the loop deals with a turn that fails, and goes on.
    """

    asking: Call
    asked: Statement
    owner: Function
    depth: int
    function: Function
    place: Call
    loop: Block
    route: Route
    is_of_tables: bool = False
    is_remembered: bool = False
    is_short: bool = False
    is_small: bool = False
    is_dealt_with: bool = False

    @property
    def is_sure(self) -> bool:
        """True where the loop is long when its rows are many, and waits for each of them."""
        indirect_write = self.asked.verb == "flush" and self.depth > 0
        apart = self.is_of_tables or self.is_remembered or self.is_short or self.is_dealt_with
        return self.depth < _NEAR and not self.may_leave and not indirect_write and not apart

    @property
    def is_costly(self) -> bool:
        """True where one statement for all would be worth its words."""
        return self.is_sure and not self.is_small

    @property
    def turn(self) -> tuple[str, int]:
        """The loop, by its function and place."""
        return self.function.name, self.loop.start

    @property
    def is_conditional(self) -> bool:
        """True where what the loop calls asks only in some of its turns."""
        held = around(self.owner, self.asking.span.start) if self.depth else ()
        return any(block.kind == "arm" for block in held)

    @property
    def may_leave(self) -> bool:
        """True where the loop can end early: a search is not as long as what it reads."""
        return any(
            stop.kind == "return" and self.loop.start <= stop.start < self.loop.end
            for stop in self.function.stops
        )


@once
def looped(app: AppMap) -> tuple[Looped, ...]:
    """Each call in a loop over rows that leads to statements, by its nearest read and commit."""
    return tuple(_looped(app))


def _looped(app: AppMap) -> Iterator[Looped]:
    reached = reach(app)
    known: dict[str, tuple[Asking, ...]] = {}
    for ran in reached.ran():
        function = ran.function
        for call in reached.calls_in(function):
            over = [b for b in loops(function, call.span.start) if _is_over_rows(b)]
            over = [b for b in over if not _is_constant(reached.app, function, b)]
            over = [b for b in over if not has_one_turn(b, app.files[function.span.path])]
            over = [] if over and _is_now_and_then(function, call, over[-1]) else over
            for step, asked in _asked(reached, function, call, known) if over else ():
                depth = len(step.functions) if step.call is not call else 0
                owner, loop = step.function, over[-1]
                targets = owner.parameters if depth else loop.names
                content, held = app.files[owner.span.path], app.files[call.span.path]
                apart = is_of_tables(owner, step.call, frozenset(targets), content)
                if not depth:
                    apart = apart or is_named_by_turn(owner, step.call, loop, content)
                short = of_samples(call.span.path) or _is_cut(app, function, loop)
                small = is_of_a_few(function, loop, app.files[function.span.path])
                small = small or (depth > 0 and is_refusal(owner, call, content))
                yield Looped(
                    step.call, asked, owner, depth, function, call, loop, ran.route, apart,
                    _is_remembered(reached.app, function, call, loop), short, small,
                    deals_with_failure(function, loop, call.span.start, held),
                )  # fmt: skip


def by_loop(every: Iterable[Looped]) -> Iterator[tuple[Looped, tuple[Looped, ...]]]:
    """The surest of each loop, and the others there: one loop is one thing to mend."""
    loops: dict[tuple[str, int], list[Looped]] = {}
    for found in every:
        loops.setdefault(found.turn, []).append(found)
    for together in loops.values():
        first = max(together, key=lambda found: (found.is_sure, found.is_costly))
        yield first, tuple(found for found in together if found.place.span != first.place.span)


Asking = tuple[Step, Statement]
"""A call of a session, and what it asks."""


def _asked(
    reached: Reach, function: Function, call: Call, known: dict[str, tuple[Asking, ...]]
) -> tuple[Asking, ...]:
    """The nearest read or write, and the nearest commit, that wait for the database in a call."""
    own, inner = statement(call), reached.callee(call)
    if own is not None and own.travels:
        return ((Step(call, (function,)), own),)
    if inner is None:
        return ()
    if inner.name not in known:
        first: dict[bool, Asking] = {}
        for step in reached.below(inner):
            asked = statement(step.call)
            if asked is not None and asked.travels:
                first.setdefault(asked.verb == "commit", (step, asked))
        known[inner.name] = tuple(first.values())
    return known[inner.name]


def _is_over_rows(loop: Block) -> bool:
    """A loop over what the app keeps or was sent: not over a few constants or whole batches."""
    counts_only = all(set(name) == {"_"} or _TRIES.search(name) for name in loop.names)
    return loop.kind == "for" and not counts_only and not _FEW.match(loop.words)


def _is_now_and_then(function: Function, call: Call, loop: Block) -> bool:
    """True where a test lets a few turns through: one in so many, or those of written keys."""
    held = [b for b in around(function, call.span.start) if b.kind == "arm"]
    tests = [b.words for b in held if loop.start <= b.start]
    if not tests:
        return False
    names = "|".join(map(re.escape, loop.names))
    keyed = re.compile(rf"\b(?:{names})\s*(?:==|in)\s*[\"'({{\[]") if names else _EACH_SO_MANY
    return any(_EACH_SO_MANY.search(words) or keyed.match(words) for words in tests)


def _is_remembered(app: AppMap, function: Function, call: Call, loop: Block) -> bool:
    """True where the call stands under a test of what an earlier turn has kept."""
    content = app.files[function.span.path]
    for block in around(function, call.span.start):
        if block.kind != "arm" or block.start < loop.start:
            continue
        kept = set(_KEPT.findall(content[block.start : block.end].decode("utf-8", "replace")))
        tested = set(re.findall(r"\w+", block.words))
        rows = (b for b in function.bindings if loop.start <= b.start < block.start)
        got = (content[b.start : b.end].decode() for b in rows if b.name in tested)
        if kept & tested or any(
            re.match(rf"{name}(\.get\(|\[)", one) for one in got for name in kept
        ):
            return True
    return False


def _is_cut(app: AppMap, function: Function, loop: Block) -> bool:
    """True for a loop over what is cut to a few elements, where it stands or where it was made."""
    content = app.files[function.span.path]
    made = [b for b in function.bindings if b.name == loop.words.strip() and b.end <= loop.group]
    texts = [content[b.start : b.end].decode("utf-8", "replace") for b in made[-1:]]
    return any(_CUT.search(text) for text in (loop.words, *texts))


def _is_written_out(written: bytes) -> bool:
    """True for a display whose elements can be counted, whatever stands in them."""
    plain = _TEXT.sub(b"0", written).strip()
    if _GROWS.search(plain) or not plain[1:-1].strip():
        return False  # an empty one is filled later
    if _WRITTEN_OUT.fullmatch(plain):
        return True
    is_display, before = plain.startswith((b"[", b"{")), b""
    while plain != before:
        before, plain = plain, _INNERMOST.sub(b"0", plain)
    return is_display and plain == b"0"


def _is_constant(app: AppMap, function: Function, loop: Block) -> bool:
    """True for a list that is written out, here or in the module: no request decides its length."""
    arranged = _ARRANGED.match(loop.words)
    words = (arranged["all"] or arranged["keyed"]) if arranged is not None else loop.words
    name = words.rpartition(".")[2]
    if name.isidentifier() and name.isupper():
        return True
    if not words.isidentifier() or words in function.parameters:
        return False
    made = [row for row in function.bindings if row.name == words and row.end <= loop.group]
    if made:
        content = app.files[function.span.path]
        if not _is_written_out(content[made[-1].start : made[-1].end]):
            return False
        grows = rb"\b%b(?:\[[^\]\n]+\]\s*=[^=]|\.(?:update|setdefault)\()" % words.encode()
        return re.compile(grows).search(content, made[-1].end, loop.group) is None
    module = app.module_at(function.span.path)
    return module is not None and (words in module.names or words in module.imports)
