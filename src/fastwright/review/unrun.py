"""Code that no call gets to: what stands behind a failure, and what nobody awaits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fastwright.model.app import AppMap
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.allowing import header
from fastwright.review.failing import unreached
from fastwright.review.mentions import mentions
from fastwright.review.once import once
from fastwright.review.raising import Failure
from fastwright.review.reach import holds, last, reach
from fastwright.review.stopped import stopped
from fastwright.review.unawaited import unawaited


def is_behind_failure(app: AppMap, function: Function, offset: int) -> bool:
    """True for what always raises, what is behind it, and the parameters of such a handler."""
    return any(
        _keeps_from(app, function, failure, offset)
        for failure in unreached(app).get(function.name, ())
    )


def _keeps_from(app: AppMap, function: Function, failure: Failure, offset: int) -> bool:
    """True where a failure keeps a place from being run."""
    if not holds(function.span, failure.at):
        return False
    if failure.caught:
        is_tried = failure.at.start <= offset < failure.until
        nets = [b for b in function.blocks if b.kind in ("except", "finally")]
        is_answer = any(net.start <= offset < net.end for net in nets)
        ends = failure.ends and offset >= failure.until and not is_answer
        return is_tried or ends
    content = app.files[function.span.path]
    first, last_line = header(function.span, content)
    line = first + content.count(b"\n", function.span.start, offset)
    return failure.at.start <= offset or first <= line <= last_line


@once
def never_run(app: AppMap) -> frozenset[str]:
    """Functions none of whose calls runs them, and that nothing else names."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for call in app.calls:
        calls[last(call.text)].append(call)
    lost, found = _lost(app), set[str]()
    waiting = [call for call in app.calls if call.span in lost]
    while waiting:
        function = reach(app).callee(waiting.pop())
        if function is None or function.name in found:
            continue
        if _is_never_run(app, function, calls[last(function.name)], lost):
            found.add(function.name)
            inside = reach(app).calls_in(function)
            lost |= {call.span for call in inside}
            waiting.extend(inside)
    return frozenset(found)


def _lost(app: AppMap) -> set[Span]:
    """The calls that do not fit, that nobody awaits, or that a failure keeps from being made."""
    unfit = {(m.at.path, m.at.start) for m in app.mistakes if m.error == "TypeError"}
    lost = {one.call.span for one in unawaited(app)}
    lost |= {call.span for call in app.calls if (call.span.path, call.span.start) in unfit}
    for name in stopped(app):
        lost |= {call.span for call in reach(app).calls_in(reach(app).functions[name])}
    for name in unreached(app):
        function = reach(app).functions[name]
        calls = reach(app).calls_in(function)
        lost |= {c.span for c in calls if is_behind_failure(app, function, c.span.start)}
    return lost


def _is_never_run(app: AppMap, function: Function, calls: Sequence[Call], lost: set[Span]) -> bool:
    """True where nothing names the function but definitions, imports and calls that are lost.

    `calls` are those of its plain name, those of others by that name too.
    """
    own = (call for call in calls if call.callee in (None, function.name))
    if function.decorators or any(call.span not in lost for call in own):
        return False
    plain = last(function.name)
    defined = sum(last(other.name) == plain for other in app.functions)
    imported = sum(plain in module.imports for module in app.modules.values())
    return mentions(app).count(plain) == defined + imported + len(calls)
