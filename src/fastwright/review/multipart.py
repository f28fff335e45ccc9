"""Forms with files: written, and read again as they are written here."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

KIND = "multipart/form-data"
_BOUNDARY = "fastwright-7f3a9c"
CONTENT_TYPE = f"{KIND}; boundary={_BOUNDARY}"
_NAMED = re.compile(rb'name="([^"]*)"(?:; filename="([^"]*)")?')
_TYPED = re.compile(rb"content-type: ([^\r\n]*)")


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form.

    Attributes:
        name: Of the field.
        content: What it holds.
        filename: Of a file; None for a field that is none, empty for a file without a name.
        kind: The media type that is told of it; empty for none.
    """

    name: str
    content: bytes
    filename: str | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A small file that is what its name and type say."""

    filename: str
    kind: str
    content: bytes

    def part(self, name: str) -> Part:
        """The file in a field of that name."""
        return Part(name, self.content, self.filename, self.kind)


TEXT = Upload("fw.txt", "text/plain", b"fastwright\n")
_PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
UPLOADS = (
    TEXT,
    Upload("fw.png", "image/png", base64.b64decode(_PIXEL)),
    Upload("fw.csv", "text/csv", b"name,amount\nfw,1\n"),
    Upload("fw.json", "application/json", b'{"name": "fw"}\n'),
    Upload("fw.pdf", "application/pdf", b"%PDF-1.4\n%%EOF\n"),
)
"""Files to try, the likeliest first, where an app is not served by any."""


def is_file(schema: Mapping[str, Any]) -> bool:
    """Whether a field of a form is a file, or several, as OpenAPI 3.0 and 3.1 tell it."""
    if schema.get("type") == "array":
        return is_file(schema.get("items") or {})
    told = schema.get("format") == "binary" or "contentMediaType" in schema
    return schema.get("type") == "string" and told


def encoded(parts: Iterable[Part]) -> bytes:
    """The body that holds `parts`."""
    return b"".join(map(_written, parts)) + f"--{_BOUNDARY}--\r\n".encode()


def _written(part: Part) -> bytes:
    file = f'; filename="{_quoted(part.filename)}"' if part.filename is not None else ""
    kind = f"content-type: {part.kind}\r\n" if part.kind else ""
    head = f'content-disposition: form-data; name="{_quoted(part.name)}"{file}\r\n{kind}'
    return f"--{_BOUNDARY}\r\n{head}\r\n".encode() + part.content + b"\r\n"


def _quoted(text: str) -> str:
    """As browsers write it."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def parts_of(body: bytes) -> tuple[Part, ...]:
    """The parts of a body that `encoded` has written."""
    return tuple(map(_read, body.split(f"--{_BOUNDARY}\r\n".encode())[1:]))


def _read(text: bytes) -> Part:
    head, _, content = text.partition(b"\r\n\r\n")
    content = content.removesuffix(f"--{_BOUNDARY}--\r\n".encode()).removesuffix(b"\r\n")
    named, typed = _NAMED.search(head), _TYPED.search(head)
    assert named is not None
    filename = named[2].decode() if named[2] is not None else None
    return Part(named[1].decode(), content, filename, typed[1].decode() if typed else "")
