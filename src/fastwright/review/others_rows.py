"""Code that wants rows of others: a test of the owner that lets everybody pass but them."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.routing import CallerUse
from fastwright.review.reach import holds, reach


def shuts_owner_out(app: AppMap, use: CallerUse, marks: tuple[str, ...]) -> bool:
    """Whether one use of the caller says that the row must not be theirs.

    ``where(Order.user_id != caller)``, and ``if order.user_id == caller: raise``. `marks` are the
    words by which code speaks of the owner.
    """
    owner = rf"\b(?:{'|'.join(map(re.escape, marks))})\b"
    differs = re.search(rf"{owner}\s*(?:!=|is\s+not\b)", use.text)
    equals = re.search(rf"{owner}(?:\.\w+)?\s*==|=(?:=)\s*[\w.]+\.{owner}", use.text)
    if use.kind == "filtered":
        return bool(differs) and not equals
    return use.kind == "read" and bool(equals) and not differs and _is_refused(app, use)


def _is_refused(app: AppMap, use: CallerUse) -> bool:
    """Whether what a use tests leads to a refusal, and is not denied by a ``not``."""
    for function in reach(app).functions.values():
        if not holds(function.span, use.span):
            continue
        for block in function.blocks:
            is_test = block.kind == "arm" and use.span.start <= block.group < use.span.end
            if is_test and not re.search(r"\bnot\b", block.words):
                raised = (s.start for s in function.stops if s.kind == "raise")
                return any(block.start <= at < block.end for at in raised)
    return False
