"""The one door from outside to a disposable copy, which code that we do not trust may rearrange.

A folder of the copy may become a symbolic link at any moment, to wherever the person's own files
lie. So no path of the copy is opened by name as a whole: each folder is opened from the one that
holds it, without following links, and a link is followed by hand, as long as it is relative and
stays within. What leads out is absent to those who read and refused to those who write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastwright.model.errors import Refused

_MOST_LINKS = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Fence:
    """The files below `root`, by paths relative to it; nothing outside is read or written."""

    root: Path

    def read(self, path: PurePosixPath) -> bytes | None:
        """The bytes of an ordinary file; ``None`` where there is none within."""
        try:
            with self._holding(path) as (folder, name):
                return _read(os.open(name, os.O_RDONLY | _FILE, dir_fd=folder))
        except OSError:
            return None

    def write(self, path: PurePosixPath, content: bytes) -> None:
        """Put `content` at `path`, with the folders that it needs.

        Raises:
            Refused: A link that leads out, or something else that is no file, is in its way.
        """
        with self._refusing(path), self._holding(path, make=True) as (folder, name):
            flags = os.O_WRONLY | os.O_CREAT | _FILE
            _write(os.open(name, flags, 0o666, dir_fd=folder), content)

    def remove(self, path: PurePosixPath) -> None:
        """Take away the file or link at `path`, where there is one within.

        Raises:
            Refused: It is a folder, or may not be removed.
        """
        with self._refusing(path), contextlib.ExitStack() as until:
            try:
                folder, name = until.enter_context(self._holding(path, follow=False))
            except OSError:
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)

    def link(self, path: PurePosixPath, target: str) -> None:
        """Make `path` a symbolic link with the text `target`, in place of a file or link there.

        Raises:
            Refused: As `write` and `remove`.
        """
        self.remove(path)
        with self._refusing(path), self._holding(path, make=True, follow=False) as (folder, name):
            os.symlink(target, name, dir_fd=folder)

    def make(self, folder: PurePosixPath) -> None:
        """Make `folder`, with those above it, where it is missing.

        Raises:
            Refused: As `write`.
        """
        with self._refusing(folder), self._inside(folder, make=True):
            return

    def has_folder(self, folder: PurePosixPath) -> bool:
        """True where `folder` is one, within."""
        try:
            with self._inside(folder):
                return True
        except OSError:
            return False

    def names(self, folder: PurePosixPath) -> tuple[str, ...]:
        """What `folder` holds, in order; nothing where there is no such folder within."""
        try:
            with self._inside(folder) as opened:
                # an open folder, which `Path` cannot list
                return tuple(sorted(os.listdir(opened)))  # noqa: PTH208
        except OSError:
            return ()

    def files(self, folder: PurePosixPath) -> Iterator[PurePosixPath]:
        """Every file and link below `folder`, relative to it; links to folders are not entered."""
        try:
            with self._inside(folder) as opened:
                for where, _, names, _ in os.fwalk(".", dir_fd=opened):
                    yield from (PurePosixPath(where, name) for name in names)
        except OSError:
            return

    @contextlib.contextmanager
    def _inside(self, folder: PurePosixPath, *, make: bool = False) -> Iterator[int]:
        way = _Way([os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)], make)
        try:
            way.enter(folder)
            yield way.folders[-1]
        finally:
            way.close()

    @contextlib.contextmanager
    def _holding(
        self, path: PurePosixPath, *, make: bool = False, follow: bool = True
    ) -> Iterator[tuple[int, str]]:
        """The open folder that holds the file `path`, links followed, and its name there."""
        way = _Way([os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)], make)
        try:
            way.enter(path.parent)
            target = way.target(path.name) if follow else None
            while target is not None:
                way.enter(target.parent)
                path, target = target, way.target(target.name)
            yield way.folders[-1], path.name
        finally:
            way.close()

    @contextlib.contextmanager
    def _refusing(self, path: PurePosixPath) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Refused(
                f"cannot write `{path}` in the disposable copy",
                error.strerror or str(error),
                "see what the app makes of that path while it runs; your own tree is untouched",
            ) from error


@dataclass(slots=True)
class _Way:
    """The open folders from the root of a fence to where we stand; ``..`` closes the last."""

    folders: list[int]
    make: bool
    links: int = 0

    def enter(self, path: PurePosixPath) -> None:
        """Go along `path`.

        Raises:
            OSError: A part of it is no folder, or leads out.
        """
        if path.is_absolute():
            raise _leads_out()
        for part in path.parts:
            if part == "..":
                self._leave()
                continue
            target = self.target(part)
            if target is None:
                self.folders.append(self._open(part))
            else:
                self.enter(target)

    def target(self, name: str) -> PurePosixPath | None:
        """Where the link `name` leads to from here; ``None`` where it is no link."""
        try:
            text = os.readlink(name, dir_fd=self.folders[-1])
        except OSError:
            return None
        self.links += 1
        if self.links > _MOST_LINKS:
            raise _leads_out()
        return PurePosixPath(text)

    def close(self) -> None:
        """Let go of every folder."""
        for folder in self.folders:
            os.close(folder)

    def _leave(self) -> None:
        if len(self.folders) == 1:
            raise _leads_out()
        os.close(self.folders.pop())

    def _open(self, name: str) -> int:
        if self.make:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.folders[-1])
        return os.open(name, _FOLDER, dir_fd=self.folders[-1])


def _leads_out() -> OSError:
    return OSError(errno.ELOOP, "a symbolic link in its way leads out of the copy")


def _read(descriptor: int) -> bytes:
    with os.fdopen(_ordinary(descriptor), "rb") as file:
        return file.read()


def _write(descriptor: int, content: bytes) -> None:
    with os.fdopen(_ordinary(descriptor), "wb") as file:
        file.truncate()
        file.write(content)


def _ordinary(descriptor: int) -> int:
    """`descriptor`, or its end where it is none of an ordinary file."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    return descriptor
