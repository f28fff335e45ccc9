"""Statements that raise whatever a request brings: nothing behind them ever runs."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from fastwright.model.app import AppMap, Parameter
from fastwright.model.code import Call, Function, Mistake
from fastwright.model.places import Span
from fastwright.review.begun import begun_twice
from fastwright.review.course import always
from fastwright.review.declared import calls_of, is_declared
from fastwright.review.misreading import misread_models
from fastwright.review.misused_sessions import misused_sessions
from fastwright.review.number_keys import number_keys
from fastwright.review.once import once
from fastwright.review.raising import (
    Failure,
    catching,
    failure_at,
    held_until,
    is_partial,
    is_passed,
)
from fastwright.review.reach import Step, holds, last, reach
from fastwright.review.sent_values import given_by
from fastwright.review.unawaited import unawaited
from fastwright.review.unrelated import unrelated


@once
def failures(app: AppMap) -> Mapping[str, Failure]:
    """The first such expression of a function, by the function's name."""
    found: dict[str, Failure] = {}
    for reader in (misused_sessions, misread_models, number_keys, unrelated, _of_mistakes):
        for name, failure in reader(app):
            before = found.get(name)
            if before is None or failure.at.start < before.at.start:
                found[name] = failure
    return found


def failure_below(app: AppMap, root: Function) -> tuple[Failure, Step | None] | None:
    """What each run of `root` comes to and nobody catches, with the call that leads there."""
    own = failures(app).get(root.name)
    if own is not None and not own.caught:
        return own, None
    reached, failing = reach(app), failures(app)
    for step in reached.always(root):
        inner = reached.callee(step.call)
        failure = failing.get(inner.name) if inner is not None else None
        calls = zip(step.functions, (*step.via, step.call), strict=True)
        if (
            failure is not None
            and not failure.caught
            and not any(catching(f, c.span.start, failure.error) for f, c in calls)
        ):
            return failure, step
    return None


@once
def mistakes(app: AppMap) -> Mapping[Span, Sequence[Mistake]]:
    """The mistakes of each function, by its span, without what is foreseen or is no row."""
    found: dict[Span, list[Mistake]] = defaultdict(list)
    for mistake in (*app.mistakes, *begun_twice(app)):
        function = _function_at(app, mistake.function, mistake.at)
        if function is None or _is_expected(function, mistake):
            continue
        if not _is_contradicted(app, function, mistake):
            found[function.span].append(mistake)
    return found


def _function_at(app: AppMap, name: str, at: Span) -> Function | None:
    function = reach(app).functions.get(name)
    return function if function is not None and holds(function.span, at) else None


def _is_expected(function: Function, mistake: Mistake) -> bool:
    """True where an ``except`` names the very exception: it was foreseen."""
    tried = catching(function, mistake.at.start, mistake.error)
    groups = (b for b in function.blocks if tried is not None and b.group == tried.group)
    named = {name.rpartition(".")[2] for b in groups if b.kind == "except" for name in b.names}
    return mistake.error in named


def _is_contradicted(app: AppMap, function: Function, mistake: Mistake) -> bool:
    """True where a caller hands on something else than the parameter's annotation says."""
    name = app.text(mistake.at).partition(".")[0]
    if mistake.owner:
        fits = partial(_is_body, re.compile(rf"(?:\w+\.)*{last(mistake.owner)}"))
        return not is_declared(app, function, name, fits)
    said = dict(function.annotations).get(name)
    if said is None or mistake.error != "AttributeError":
        return False
    for call in calls_of(app).get(function.name, ()):
        caller = reach(app).functions.get(call.caller)
        handed = given_by(function, call).get(name)
        known = dict(caller.annotations).get(handed or "") if caller is not None else None
        if known is not None and not _words(known) & _words(said):
            return True
    return False


def _is_body(owner: re.Pattern[str], parameter: Parameter) -> bool:
    """True for a part of the request that FastAPI makes an object of that class of."""
    is_made = parameter.source in ("body", "form", "query")
    return is_made and owner.fullmatch(parameter.annotation or "") is not None


def _words(annotation: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", annotation)) - {"None", "Optional", "Annotated", "Union"}


def _of_mistakes(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """What each run of a function comes to, of what is wrong in it."""
    for rows in mistakes(app).values():
        for row in sorted(rows, key=lambda row: row.at):
            function = _function_at(app, row.function, row.at)
            if function is not None and is_passed(app, function, row.at):
                yield row.function, failure_at(function, row.at, row.error, row.why, row.instead)
                break


@once
def unreached(app: AppMap) -> Mapping[str, Sequence[Failure]]:
    """What keeps the rest of each function from being run, failures of what it calls included."""
    found: dict[str, list[Failure]] = {name: [own] for name, own in failures(app).items()}
    for name, failure in (*_in_blocks(app), *_coroutines(app)):
        found.setdefault(name, []).append(failure)
    waiting = [name for name, own in found.items() if not all(f.caught for f in own)]
    calls = calls_of(app)
    while waiting:
        name = waiting.pop()
        error = next(failure.error for failure in found[name] if not failure.caught)
        for function, at in _always_calling(app, name, calls.get(name, ())):
            before = found.setdefault(function.name, [])
            failure = failure_at(function, at, error, f"`{last(name)}` raises `{error}`")
            if any(failure.at == other.at for other in before):
                continue
            if not failure.caught and all(other.caught for other in before):
                waiting.append(function.name)
            before.append(failure)
    return found


def _in_blocks(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """What only some runs come to: it keeps the rest of its block from being run."""
    for rows in mistakes(app).values():
        for row in rows:
            function = _function_at(app, row.function, row.at)
            if function is None or always(function, row.at.start):
                continue
            if not is_partial(app, function, row.at):
                until = held_until(function, row.at.start)
                yield row.function, Failure(row.at, until, row.error, row.why, caught=True)


def _coroutines(app: AppMap) -> Iterator[tuple[str, Failure]]:
    """What reads an attribute of a coroutine that nobody awaits; told as the lack of `await`."""
    for one in unawaited(app):
        if one.read is not None and is_passed(app, one.caller, one.read):
            why = f"`{one.call.target}` is a coroutine"
            yield one.caller.name, failure_at(one.caller, one.read, "AttributeError", why)


def _always_calling(
    app: AppMap, name: str, calls: Sequence[Call]
) -> Iterator[tuple[Function, Span]]:
    """The functions each run of which runs `name`, and where they call it."""
    inner = reach(app).functions[name]
    for call in () if inner.yields else calls:
        caller = _function_at(app, call.caller, call.span)
        runs = call.awaited or not inner.is_async
        if caller is not None and runs and is_passed(app, caller, call.span):
            yield caller, call.span
