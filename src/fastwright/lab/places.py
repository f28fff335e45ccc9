"""Folders of the sandbox that outlive one command, and the scratch folders that stand for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastwright.lab.sandbox import Mount
from fastwright.model.errors import Refused
from fastwright.workspace.fence import Fence

# Bound read-only, or not a place for files; a folder below them cannot be made.
_TAKEN = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr")


@dataclass(slots=True)
class Places:
    """Writable folders by the path at which the app sees them.

    Attributes:
        folder: Where new ones are made.
        known: Path inside → folder outside, for the tree, the home and ``/tmp`` from the start.
    """

    folder: Path
    known: dict[PurePosixPath, Path] = field(default_factory=dict)

    def find(self, inside: PurePosixPath) -> tuple[Fence, PurePosixPath] | None:
        """What stands for `inside`: a fence, and the path in it; ``None`` where nothing can."""
        over = self._over(inside)
        if over is not None:
            return Fence(self.known[over]), inside.relative_to(over)
        if inside == PurePosixPath("/") or any(inside.is_relative_to(t) for t in _TAKEN):
            return None
        self.known[inside] = self.folder / str(len(self.known))
        self.known[inside].mkdir(parents=True, exist_ok=True)
        return Fence(self.known[inside]), PurePosixPath()

    def make(self, inside: PurePosixPath) -> tuple[Fence, PurePosixPath] | None:
        """As `find`, and the folder is there; ``None`` too where a link leads out of the fence."""
        found = self.find(inside)
        if found is not None:
            try:
                found[0].make(found[1])
            except Refused:
                return None
        return found

    def _over(self, inside: PurePosixPath) -> PurePosixPath | None:
        return max(
            (path for path in self.known if inside.is_relative_to(path)),
            key=lambda path: len(path.parts),
            default=None,
        )

    def mounts(self) -> tuple[Mount, ...]:
        """All of them, writable."""
        return tuple(Mount(str(to), str(at), writable=True) for at, to in self.known.items())
