"""Folders of the sandbox that outlive one command, and the scratch folders that stand for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastwright.lab.sandbox import Mount

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

    def make(self, inside: PurePosixPath) -> Path | None:
        """The folder that stands for `inside`, made if need be; ``None`` where it cannot be."""
        over = max(
            (path for path in self.known if inside.is_relative_to(path)),
            key=lambda path: len(path.parts),
            default=None,
        )
        if over is not None:
            outside = self.known[over] / inside.relative_to(over)
        elif inside == PurePosixPath("/") or any(inside.is_relative_to(t) for t in _TAKEN):
            return None
        else:
            outside = self.known[inside] = self.folder / str(len(self.known))
        outside.mkdir(parents=True, exist_ok=True)
        return outside

    def mounts(self) -> tuple[Mount, ...]:
        """All of them, writable."""
        return tuple(Mount(str(to), str(at), writable=True) for at, to in self.known.items())
