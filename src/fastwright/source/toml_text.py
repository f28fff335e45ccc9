"""TOML as tools write it today: version 1.1 lets an inline table go over several lines.

The standard library reads 1.0, to which such a table is an error.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

_PART = re.compile(
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*'
    r"|,(?=(?:\s|#[^\n]*)*\})|[{}\[\]\n]"
)


def loads(text: str) -> dict[str, Any]:
    """The document that `text` is.

    Raises:
        tomllib.TOMLDecodeError: It is neither TOML 1.0 nor what 1.1 allows of inline tables.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return tomllib.loads(on_one_line(text))


def on_one_line(text: str) -> str:
    """`text` with each inline table on one line, without comments in it and a comma at its end."""
    within: list[str] = []

    def written(found: re.Match[str]) -> str:
        part = found[0]
        in_table = within[-1:] == ["{"]
        if part in "{[":
            within.append(part)
        elif part in "}]" and within:
            within.pop()
        elif part == "\n":
            return " " if in_table else part
        elif part == "," or (in_table and part.startswith("#")):
            return ""
        return part

    return _PART.sub(written, text)
