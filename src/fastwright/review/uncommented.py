"""The code of a function without its comments: what a comment says is done by nobody."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.review.once import once

_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#.*$")


def uncommented(app: AppMap, function: Function) -> str:
    """The text of `function`, decorators included."""
    known = _known(app)
    if function.span not in known:
        known[function.span] = _COMMENT.sub("", app.text(function.span))
    return known[function.span]


@once
def _known(app: AppMap) -> dict[Span, str]:  # noqa: ARG001 - one for each map
    """What was read so far: rules ask for the same functions, route after route."""
    return {}
