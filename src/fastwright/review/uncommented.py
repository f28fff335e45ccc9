"""The code of a function without its comments: what a comment says is done by nobody."""

from __future__ import annotations

import re

from fastwright.model.app import AppMap
from fastwright.model.code import Function

_COMMENT = re.compile(r"(?m)(?:^|(?<=\s))#.*$")


def uncommented(app: AppMap, function: Function) -> str:
    """The text of `function`, decorators included."""
    return _COMMENT.sub("", app.text(function.span))
