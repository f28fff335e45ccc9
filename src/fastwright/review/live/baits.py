"""Requests of the contract with one value replaced: what a probe has an operation swallow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from fastwright.model.finding import Caller
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready

Wanted = Callable[[str], bool]
"""Whether a parameter or field of that name is to be replaced."""


def baited(stage: Stage, operation: str, value: str, wanted: Wanted) -> Iterator[tuple[str, Ready]]:
    """Each request of `operation` with `value` in one textual place, with the place's name."""
    method, _, path = operation.partition(" ")
    owner = stage.user(Caller.OWNER, operation)
    plain = stage.ready(operation, owner, full=True)
    for one in stage.contract.parameters(method, path):
        name, place = one.get("name", ""), one.get("in")
        if not wanted(name) or not is_text(one.get("schema") or {}):
            continue
        if place == "query":
            joined = urlencode({name: value})
            bare, _, query = plain.path.partition("?")
            rest = [p for p in query.split("&") if p and not p.startswith(f"{name}=")]
            yield name, replace(plain, path=f"{bare}?{'&'.join([*rest, joined])}")
        elif place == "path":
            filled = _filled(stage, operation, name, value)
            yield name, replace(plain, path=filled)
    yield from _bodies(plain, value, wanted)


def _filled(stage: Stage, operation: str, name: str, value: str) -> str:
    _, _, path = operation.partition(" ")
    rest = stage.ready(operation, stage.user(Caller.OWNER, operation)).path
    before, _, after = path.partition(f"{{{name}}}")
    if "{" in before + after:
        kept = rest.partition("?")[0].split("/")
        names = path.split("/")
        at = next((i for i, part in enumerate(names) if f"{{{name}" in part), None)
        if at is None or len(kept) != len(names):
            return rest
        return "/".join((*kept[:at], quote(value, safe=""), *kept[at + 1 :]))
    return before + quote(value, safe="") + after


def _bodies(plain: Ready, value: str, wanted: Wanted) -> Iterator[tuple[str, Ready]]:
    try:
        whole = json.loads(plain.body) if plain.body else None
    except ValueError:
        return
    for name in dict.fromkeys(_text_fields(whole)):
        if wanted(name):
            yield name, replace(plain, body=json.dumps(_replaced(whole, name, value)).encode())


def _text_fields(value: Any) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if isinstance(inner, str):
            yield name
        else:
            yield from _text_fields(inner)


def _replaced(value: Any, name: str, new: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: new if k == name else _replaced(v, name, new) for k, v in value.items()}


def is_text(schema: Mapping[str, Any]) -> bool:
    """A free text: no format, no list of allowed values, no pattern."""
    kinds = [schema, *(schema.get("anyOf") or ())]
    return any(
        s.get("type") == "string"
        and not {"enum", "const", "pattern"} & s.keys()
        and s.get("format") in (None, "uri", "path", "password")
        for s in kinds
    )
