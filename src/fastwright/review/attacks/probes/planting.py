"""Puts a file into the scratch world's temporary folder, from the app's process."""

from __future__ import annotations

import os
import tempfile


def planting(name: str, text: str) -> str:
    """The absolute path of the new file."""
    path = os.path.join(tempfile.gettempdir(), name)  # noqa: PTH118 - Python 3.8, no import more
    with open(path, "w") as file:  # noqa: PTH123 - likewise
        file.write(text)
    return path
