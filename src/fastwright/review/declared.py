"""Parameters that hold what a route declares of them, in each function that they are handed to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from fastwright.model.app import AppMap, Parameter
from fastwright.model.code import Call, Function
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.review.sent_values import given_by

_DEEPEST = 4
Fits = Callable[[Parameter], bool]


def is_declared(app: AppMap, function: Function, name: str, fits: Fits, *, depth: int = 0) -> bool:
    """True where FastAPI alone fills a parameter, and all that it may come from are as `fits` asks.

    So it is where the function is called with such a parameter of its caller by each call of it.
    """
    calls = calls_of(app).get(function.name, ())
    filled = _filled(app).get(function.name, ())
    is_bound = any(binding.name == name for binding in function.bindings)
    if is_bound or depth > _DEEPEST or not (calls or filled) or _is_unsure(app, function):
        return False
    if not all(any(p.name == name and fits(p) for p in parameters) for parameters in filled):
        return False
    for call in calls:
        caller, given = reach(app).functions.get(call.caller), given_by(function, call).get(name)
        if caller is None or given is None or given not in caller.parameters:
            return False
        if not is_declared(app, caller, given, fits, depth=depth + 1):
            return False
    return True


@once
def _filled(app: AppMap) -> Mapping[str, Sequence[Sequence[Parameter]]]:
    """The parameters of each function that FastAPI itself calls, for each of its routes."""
    found: dict[str, list[Sequence[Parameter]]] = defaultdict(list)
    for route in app.routes:
        found[route.handler].append(route.parameters)
        for node in route.every_dependency():
            found[node.call].append(app.signatures.get(node.call, ()))
    return found


@once
def calls_of(app: AppMap) -> Mapping[str, Sequence[Call]]:
    """The calls of each function of ours, by its name."""
    found: dict[str, list[Call]] = defaultdict(list)
    for call in app.calls:
        inner = reach(app).callee(call)
        if inner is not None:
            found[inner.name].append(call)
    return found


@once
def _unknown(app: AppMap) -> frozenset[str]:
    """The plain names under which something is called of which nobody knows what it is."""
    return frozenset(last(call.text) for call in app.calls if call.callee is None)


def _is_unsure(app: AppMap, function: Function) -> bool:
    """True where a call that could not be followed may be one of this function."""
    return last(function.name) in _unknown(app)
