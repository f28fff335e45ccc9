"""The file that shows what an app reads from its environment: which one, and a line in it."""

from __future__ import annotations

import posixpath
import re
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.recipes.ensure.drafting import insert_lines

NAMES = (".env.example", ".env.sample", ".env.template")


def example_file(app: AppMap) -> PurePosixPath:
    """The file that the app has, the nearest to its env file; else a new one beside that."""
    folder = _folder(app)
    known = [path for path in app.files if path.name in NAMES]
    beside = [path for path in known if path.parent == folder]
    nearest = min(beside or known, key=lambda p: len(p.parts), default=None)
    return nearest or folder / NAMES[0]


def ensure_example_line(app: AppMap, variable: str, lines: str) -> tuple[Change, ...]:
    """`lines` about `variable` in that file, which is written where it is not there."""
    path = example_file(app)
    why = f"whoever sets the app up sees that it reads `{variable}`"
    content = app.files.get(path)
    if content is None:
        return (NewFile(path, lines, why),)
    if re.search(rf"(?m)^\W*{re.escape(variable)}=", content.decode("utf-8", "replace")):
        return ()
    return (insert_lines(app, path, len(content), lines, why),)


def _folder(app: AppMap) -> PurePosixPath:
    """The folder of the first env file that a settings class names, else the working directory."""
    working = app.roots.working
    for settings in app.settings_classes:
        for name in settings.env_files[:1]:
            path = PurePosixPath(posixpath.normpath(working / name))
            if not path.is_absolute() and ".." not in path.parts:
                return path.parent
    return working
