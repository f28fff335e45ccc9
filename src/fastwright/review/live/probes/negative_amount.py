"""Is an amount below zero served?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastwright.model.finding import Caller, Finding, Grade
from fastwright.review.live.matrix import Grid, canary_for
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready

_BELOW = -5
_ROUTE = re.compile(r"`([A-Z]+ /[^`]*)`")


def negative_amount(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Send what a rule has found to be meant above zero below zero, among values that are fine."""
    del grid
    for finding in stage.known:
        if finding.rule != "negative-amount" or finding.grade is Grade.POSSIBLE or stage.is_over:
            continue
        found = _tried(stage, finding)
        if found is not None:
            yield found


def _tried(stage: Stage, finding: Finding) -> Proof | None:
    said = _ROUTE.search(finding.message)
    operation = said[1] if said is not None else ""
    name = re.split(r"[.:]", finding.symbol)[-1]
    if operation not in stage.routes:
        return None
    canary = canary_for(stage, operation)
    request = stage.ready(operation, stage.user(Caller.OWNER, operation), canary, full=True)
    below = _with(request, name)
    if below is None:
        return None
    caller = Caller.OWNER if stage.user(Caller.OWNER) else Caller.ANONYMOUS
    exchange = stage.send(caller, operation, below, row=canary.row if canary else None)
    if not exchange.worked:
        return None
    shown = ((exchange, f"`{name}` of {_BELOW} is served"),)
    return Proof("negative-amount", operation, finding.message, shown, subject=finding.symbol)


def _with(request: Ready, name: str) -> Ready | None:
    """The request with the number below zero; None where it carries none of that name."""
    try:
        whole: Any = json.loads(request.body) if request.body else None
    except ValueError:
        return None
    lowered = _lowered(whole, name)
    if lowered != whole:
        return replace(request, body=json.dumps(lowered).encode())
    path, _, query = request.path.partition("?")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if name not in given:
        return None
    return replace(request, path=f"{path}?{urlencode({**given, name: _BELOW})}")


def _lowered(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_lowered(one, name) for one in value]
    if not isinstance(value, dict):
        return value
    return {k: _BELOW if k == name else _lowered(v, name) for k, v in value.items()}
