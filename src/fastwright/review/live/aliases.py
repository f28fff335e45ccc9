"""The names that requests must carry, where the app's own document tells others.

FastAPI below 0.116 writes an embedded body under the name of its parameter and reads it under its
alias.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any


def corrected(document: Mapping[str, Any], description: Mapping[str, Any]) -> Mapping[str, Any]:
    """`document` with each embedded body under the alias that `description` knows it by."""
    wrong = dict(_renamed(description))
    if not wrong:
        return document
    document = copy.deepcopy(dict(document))
    for (method, path), names in wrong.items():
        operation = ((document.get("paths") or {}).get(path) or {}).get(method.lower()) or {}
        for told in ((operation.get("requestBody") or {}).get("content") or {}).values():
            told["schema"] = _with_aliases(_resolved(document, told.get("schema") or {}), names)
    return document


def _renamed(description: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], dict[str, str]]]:
    for route in description.get("routes") or ():
        told = (p for p in route.get("parameters") or () if p.get("source") == "body")
        names = {p["name"]: p["alias"] for p in told if p.get("alias", p["name"]) != p["name"]}
        if names:
            yield (route["method"], route["path"]), names


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    schemas = (document.get("components") or {}).get("schemas") or {}
    found: Mapping[str, Any] = schemas.get(name, schema)
    return found


def _with_aliases(schema: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    fields = schema.get("properties") or {}
    return {
        **schema,
        "properties": {names.get(name, name): inner for name, inner in fields.items()},
        "required": [names.get(name, name) for name in schema.get("required") or ()],
    }
