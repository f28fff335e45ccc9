"""Says whether a file stands at a place outside the app, and takes it away again."""

from __future__ import annotations

import os
import tempfile


def finding(name: str, folder: bool = False) -> str:
    """The temporary folder where that is asked for; else `name` if it was there, else nothing."""
    if folder:
        return tempfile.gettempdir()
    if not os.path.isfile(name):  # noqa: PTH113 - Python 3.8, no import more
        return ""
    os.remove(name)  # noqa: PTH107 - likewise
    return name
