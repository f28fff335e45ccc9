"""Two contracts held against each other: what is noticed, and what is said to break clients."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from fastwright.prove.openapi import Operation, differences, operations

PUT = "PUT /notes/{number}"


def document() -> dict[str, Any]:
    """A contract of one operation whose schemas refer to each other, and to themselves."""
    note = {
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": {"type": "string", "maxLength": 20},
            "mark": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "colour": {"type": "string", "enum": ["red", "blue"]},
            "replies": {"type": "array", "items": {"$ref": "#/components/schemas/Note"}},
        },
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Note"}}}
    operation = {
        "summary": "Write a note",
        "parameters": [
            {"in": "path", "name": "number", "required": True, "schema": {"type": "integer"}},
            {"in": "query", "name": "dry", "schema": {"type": "boolean"}},
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {"200": {"content": copy.deepcopy(content)}, "422": {}},
    }
    return {
        "paths": {"/notes/{number}": {"put": operation}},
        "components": {"schemas": {"Note": note}},
    }


def put(described: Mapping[str, Any]) -> Operation:
    """The one operation of a document."""
    return operations({"": described})[PUT]


def changed(path: str, value: object) -> list[tuple[str, bool]]:
    """What is said where the value at a dotted `path` is replaced (or removed, by ``None``)."""
    new = document()
    where: Any = new["paths"]["/notes/{number}"]["put"]
    if path.startswith("Note."):
        where, path = new["components"]["schemas"]["Note"], path.removeprefix("Note.")
    *folders, last = path.split("/")
    for name in folders:
        where = where[int(name) if isinstance(where, list) else name]
    if value is None:
        del where[last]
    else:
        where[int(last) if isinstance(where, list) else last] = value
    return [(str(d), d.breaking) for d in differences(put(document()), put(new))]


def test_equal_contracts_do_not_differ() -> None:
    """A contract does not differ from itself, though its schemas refer to themselves."""
    assert differences(put(document()), put(document())) == ()


def test_words_for_people_are_no_difference() -> None:
    """A summary is not part of the contract."""
    assert changed("summary", "Anything else") == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("parameters/1/required", True, [("query parameter `dry`: now required", True)]),
        ("parameters/1/name", "wet", [
            ("query parameter `dry`: removed", False),
            ("query parameter `wet`: new, optional", False),
        ]),
        ("parameters/0/schema", {"type": "string"}, [
            ("path parameter `number`: type integer → string", True)
        ]),
        ("requestBody", None, [("body: removed", False)]),
        ("responses/200", None, [("response 200: removed", True)]),
        ("responses/429", {}, [("response 429: new", False)]),
        ("security", [{"OAuth2PasswordBearer": []}], [
            ("security: now asks for OAuth2PasswordBearer", True)
        ]),
    ],
)  # fmt: skip
def test_what_changes_in_an_operation_is_said(
    path: str, value: object, said: list[tuple[str, bool]]
) -> None:
    """Each change is one line, marked where it can break a client."""
    assert changed(path, value) == said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("Note.required", ["text", "mark"], [
            ("body.mark: now required", True),
            ("response 200.mark: now required", False),
        ]),
        ("Note.required", [], [
            ("body.text: no longer required", False),
            ("response 200.text: no longer required", True),
        ]),
        ("Note.properties/mark", None, [
            ("body.mark: removed", False), ("response 200.mark: removed", True)
        ]),
        ("Note.properties/more", {"type": "string"}, [
            ("body.more: new", False), ("response 200.more: new", False)
        ]),
        ("Note.properties/text/maxLength", 10, [
            ("body.text: maxLength 20 → 10", True),
            ("response 200.text: maxLength 20 → 10", False),
        ]),
        ("Note.properties/mark/anyOf", [{"type": "integer"}], [
            ("body.mark: type integer or null → integer", True),
            ("response 200.mark: type integer or null → integer", False),
        ]),
        ("Note.properties/colour/enum", ["red"], [
            ('body.colour: values "blue" or "red" → "red"', True),
            ('response 200.colour: values "blue" or "red" → "red"', False),
        ]),
    ],
)  # fmt: skip
def test_direction_decides_what_breaks(
    path: str, value: object, said: list[tuple[str, bool]]
) -> None:
    """What narrows breaks as input, what widens or goes breaks as output."""
    assert changed(path, value) == said


def test_operations_of_mounted_apps_have_their_full_path() -> None:
    """An operation of a mounted app stands under the path of the mount."""
    found = operations({"": document(), "/admin": document()})
    assert set(found) == {PUT, "PUT /admin/notes/{number}"}
