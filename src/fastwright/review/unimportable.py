"""An application that cannot be imported: nothing of it runs until that is mended."""

from __future__ import annotations

from collections.abc import Sequence

from fastwright.model.app import AppMap
from fastwright.model.code import Mistake
from fastwright.review.once import once


@once
def unimportable(app: AppMap) -> Sequence[Mistake]:
    """What the import of the application comes to and raises; nothing where it has been run."""
    if app.contract is not None:
        return ()
    return [m for m in app.mistakes if m.function in app.modules and _is_of_module(app, m)]


def _is_of_module(app: AppMap, mistake: Mistake) -> bool:
    return app.modules[mistake.function].path == mistake.at.path
