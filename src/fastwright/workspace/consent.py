"""What the person has agreed to, for this project on this machine."""

from __future__ import annotations

import enum
import json
from pathlib import Path

from fastwright.workspace.project import Project
from fastwright.workspace.state import write_durably


class Consent(enum.StrEnum):
    """What runs code of others, and therefore is asked once a project."""

    IMPORT = "import"
    """Importing the app, which runs it."""

    BUILD = "build"
    """Building its environment, which runs the set-up code of packages."""


def given(project: Project) -> frozenset[Consent]:
    """What was agreed to.

    A record counts only in the very folder on the very disk that it was made in, so that neither
    a copy of a project nor a repository that ships its own record is believed.
    """
    try:
        record = json.loads(_file(project).read_text("utf-8"))
        if record["place"] != _place(project):
            return frozenset()
        return frozenset(Consent(name) for name in record["agreed"])
    except (OSError, ValueError, KeyError, TypeError):
        return frozenset()


def record(project: Project, *agreed: Consent) -> None:
    """Keep that the person agreed, in addition to what they agreed to before."""
    names = sorted(given(project).union(agreed))
    content = {"place": _place(project), "agreed": names}
    write_durably(_file(project), json.dumps(content).encode())


def withdraw(project: Project) -> None:
    """Forget every agreement."""
    _file(project).unlink(missing_ok=True)


def _file(project: Project) -> Path:
    return project.state / "consent.json"


def _place(project: Project) -> list[str | int]:
    status = project.state.stat()
    return [str(project.state), status.st_dev, status.st_ino]
