"""What a process does once: its result is kept in a global name, and asked for there first."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.review.course import around
from fastwright.review.reach import Step, last

_GLOBAL = re.compile(r"^[ \t]*global[ \t]+([\w, \t]+)$", re.MULTILINE)
_KEEPERS = frozenset({"cache", "lru_cache"})


def is_done_once(app: AppMap, step: Step) -> bool:
    """Whether a function on the way to a call goes on for the first request alone."""
    places = (*step.via, step.call)
    return any(
        _is_kept(function) or _asks_first(app, function, place.span.start)
        for function, place in zip(step.functions, places, strict=True)
    )


def _is_kept(function: Function) -> bool:
    """A cache without keys: a function of no parameters that remembers its answer."""
    return not function.parameters and any(last(d) in _KEEPERS for d in function.decorators)


def _asks_first(app: AppMap, function: Function, at: int) -> bool:
    """``if client is None: …`` of a global that the function sets, or ``if client: return``."""
    told = _GLOBAL.findall(app.text(function.span))
    names = "|".join(re.escape(n) for line in told for n in re.split(r"[,\s]+", line) if n)
    if not names:
        return False
    absent = re.compile(rf"not ({names})|({names}) is None")
    present = re.compile(rf"({names})( is not None)?")
    if any(b.kind == "arm" and absent.fullmatch(b.words.strip()) for b in around(function, at)):
        return True
    early = (b for b in function.blocks if b.kind == "arm" and present.fullmatch(b.words.strip()))
    left = [s.start for s in function.stops if s.kind == "return"]
    return any(b.end <= at and any(b.start <= s < b.end for s in left) for b in early)
