"""The contract of a live app, as it tells it, or would tell it."""

from __future__ import annotations

import contextlib
from typing import Any

from fastwright.model.errors import FastwrightError
from fastwright.review.attack import Target
from fastwright.review.live.aliases import corrected
from fastwright.review.requests import Contract

_ASK = "app.openapi()"
_ASK_OF_ROUTES = (
    "load('fastapi.openapi.utils.get_openapi')(title='app', version='0', routes=app.routes)"
)
"""The same without what the app tells of itself, which may be what cannot be told."""


def contract_of(target: Target) -> Contract | None:
    """The contract by which `target` is called; None where there is none to be had."""
    document = target.description.get("openapi")
    for ask in (_ASK, _ASK_OF_ROUTES):
        if not isinstance(document, dict):
            with contextlib.suppress(FastwrightError):
                document = target.evaluate(ask)
    if not isinstance(document, dict):
        return None
    return Contract(corrected(document, target.description))


def why_none(target: Target) -> str:
    """Why there is none."""
    told: dict[str, Any] = target.description
    why = str(told.get("openapi_error") or "").strip().rpartition("\n")[2]
    note = "the app has no OpenAPI document to call it by"
    return f"{note}: {why}" if why else note
