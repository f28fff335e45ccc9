"""A person's project: where it begins, what is read of it, and the folder that is ours."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.model.errors import UsageError
from fastwright.workspace.home import home
from fastwright.workspace.reading import Reading, read_tree
from fastwright.workspace.state import open_state

_MANIFESTS = ("pyproject.toml", "setup.py", "setup.cfg", "Pipfile", "requirements.txt")


@dataclass(frozen=True, slots=True)
class Project:
    """One project, by its root: the unit that is read, copied, changed and undone as a whole."""

    root: Path

    @classmethod
    def find(cls, start: Path) -> Project:
        """The project that `start` (a file or folder) belongs to.

        The root is the top of the enclosing git repository, since an app's tests and settings may
        reach for anything in it (``../.env``, a compose file). There is one exception: a folder
        with an own manifest, inside a repository whose top is *another* Python project that does
        not claim it as a workspace member, is a project of its own (an example app in a
        library's repository). Without git it is the nearest folder with a manifest, else `start`.

        Raises:
            UsageError: There is nothing at `start`.
        """
        here = start.resolve()
        if not here.exists():
            do = "name the folder of the app, or one of its files"
            raise UsageError(f"cannot read `{start}`", "there is no such file or folder", do)
        folder = here if here.is_dir() else here.parent
        top = next((f for f in _upwards(folder) if (f / ".git").exists()), None)
        own = next((f for f in _upwards(folder, top) if _has_manifest(f)), None)
        if top is None:
            return cls(own or folder)
        if own is None or own == top or not _has_manifest(top) or _claims(top, own):
            return cls(top)
        return cls(own)

    @property
    def state(self) -> Path:
        """The folder ``.fastwright`` of the project, which exists, ignored by git, after this.

        Raises:
            Refused: It cannot be made, or is not an ordinary folder.
        """
        return open_state(self.root)

    def scan(self) -> Reading:
        """Every text file that matters, and what was left out with the reason."""
        return read_tree(self.root)

    def read(self) -> Mapping[PurePosixPath, bytes]:
        """Every text file that matters, by path relative to the root."""
        return self.scan().files


def _upwards(folder: Path, top: Path | None = None) -> Iterator[Path]:
    """`folder` and its parents up to `top`; never a home folder, nor one that anyone writes to."""
    for candidate in (folder, *folder.parents):
        is_shared = candidate.stat().st_mode & 0o002 or candidate == home()
        if candidate != folder and (is_shared or candidate == candidate.parent):
            return
        yield candidate
        if candidate == top:
            return


def _has_manifest(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _MANIFESTS)


def _claims(top: Path, member: Path) -> bool:
    """True where the manifest of `top` names `member` as one of its workspace's members."""
    try:
        manifest = tomllib.loads((top / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    workspace = manifest.get("tool", {}).get("uv", {}).get("workspace", {})
    relative = PurePosixPath(member.relative_to(top).as_posix())
    return any(relative.match(str(pattern)) for pattern in workspace.get("members", ()))
