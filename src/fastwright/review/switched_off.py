"""Code under a test of a setting, by whose default the test does not hold."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap, Setting
from fastwright.model.code import Function
from fastwright.review.course import around
from fastwright.review.reach import Step

_SWITCH = re.compile(r"(?P<no>not\s+)?(?:\w+(?:\(\))?\.)+(?P<name>[A-Za-z_]\w*)")
_OFF = frozenset({"False", "None", "0", '""', "''"})


def switch_before(app: AppMap, step: Step) -> Setting | None:
    """The setting that keeps a step, or the way to it, from being run unless somebody sets it."""
    ways = zip(step.functions, (*step.via, step.call), strict=True)
    found = (_switch(app, function, call.span.start) for function, call in ways)
    return next(filter(None, found), None)


def _switch(app: AppMap, function: Function, offset: int) -> Setting | None:
    for block in around(function, offset):
        written = _SWITCH.fullmatch(block.words.strip()) if block.kind == "arm" else None
        setting = _setting(app, written["name"]) if written is not None else None
        if written is None or setting is None or _is_else(function, block.start, block.group):
            continue
        is_off = setting.default in _OFF
        if is_off != bool(written["no"]):
            return setting
    return None


def _is_else(function: Function, start: int, group: int) -> bool:
    """True for an arm that is not the first of its ``if``: its words may be those of another."""
    first = min(b.start for b in function.blocks if b.kind == "arm" and b.group == group)
    return start != first


def _setting(app: AppMap, name: str) -> Setting | None:
    """The one setting of that name, where its default says whether it is on."""
    found = [s for s in app.settings if (s.attribute or "").rpartition(".")[2] == name]
    told = [s for s in found if s.default in _OFF or s.default == "True"]
    return told[0] if len(found) == len(told) == 1 else None
