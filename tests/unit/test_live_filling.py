"""Requests of an examination hold what apps ask for: aliases, patterns, texts of their own."""

from __future__ import annotations

import itertools
import json

import pytest

from fastwright.review.live.aliases import corrected
from fastwright.review.live.created import flat
from fastwright.review.requests import Contract

BODY = {
    "openapi": "3.1.0",
    "paths": {
        "/users": {
            "post": {
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/B"}}}
                }
            }
        }
    },
    "components": {
        "schemas": {
            "B": {"properties": {"details": {"$ref": "#/components/schemas/U"}},
                  "required": ["details"]},
            "U": {"type": "object", "properties": {"name": {"type": "string"}},
                  "required": ["name"]},
        }
    },
}  # fmt: skip


def test_an_embedded_body_goes_under_its_alias() -> None:
    """Where the document tells the parameter's name, the request carries what the app reads."""
    parameter = {"name": "details", "alias": "user", "source": "body"}
    told = {"routes": [{"method": "POST", "path": "/users", "parameters": [parameter]}]}
    contract = Contract(corrected(BODY, told))
    sent = contract.request("POST", "/users", lambda _name, _path: None)
    assert json.loads(sent.body) == {"user": {"name": "fastwright"}}


def test_a_document_without_aliases_is_left_alone() -> None:
    """Nothing is copied where every name is right."""
    assert corrected(BODY, {"routes": []}) is BODY


def made(schema: dict[str, object]) -> object:
    """What a request holds for one field of that schema, with numbered texts."""
    numbers = itertools.count(1)
    body = {"type": "object", "required": ["it"], "properties": {"it": schema}}
    content = {"application/json": {"schema": body}}
    document = {"paths": {"/x": {"post": {"requestBody": {"content": content}}}}}
    contract = Contract(document, text=lambda: f"fw{next(numbers)}right")
    return json.loads(contract.request("POST", "/x", lambda _n, _p: None).body)["it"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "fw1right"),
        ({"type": "string", "examples": ["userson"]}, "fw1right"),
        ({"type": "string", "examples": ["2024-01-01"]}, "2024-01-01"),
        ({"type": "string", "default": "draft"}, "draft"),
        ({"type": "string", "enum": ["email", "phone"]}, "email"),
        ({"type": "string", "pattern": r"^(https?|ftp)://\S+$"}, "https://example.com/fw"),
        ({"type": "string", "pattern": "^[a-z0-9]+$"}, "fw1right"),
    ],
)
def test_a_text_is_its_own_unless_the_schema_asks_for_more(
    schema: dict[str, object], value: str
) -> None:
    """Words of an example only fill the place; patterns, defaults and choices are kept to."""
    assert made(schema) == value


def test_the_outer_fields_of_an_answer_come_before_those_inside() -> None:
    """So the key of an article is its own, and not that of its author."""
    answer = {"article": {"slug": "a", "id": 1, "author": {"id": 9}}, "id": 0}
    assert list(flat(answer)) == [("id", 0), ("slug", "a"), ("id", 1), ("id", 9)]
