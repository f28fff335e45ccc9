"""Changes put together, and the app's own names taken apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import (
    Change,
    ChangeSet,
    Decision,
    Edit,
    NewFile,
    Promise,
    Resolved,
    fingerprint,
)
from fastwright.model.errors import Refused
from fastwright.model.places import Span
from fastwright.source import imports, layout
from fastwright.source.module_names import module_of

_NOTHING = Promise()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a change set says beside its changes; the fields are those of `ChangeSet`."""

    title: str
    explains: tuple[Decision, ...] = ()
    needs: tuple[str, ...] = ()
    promise: Promise = _NOTHING
    not_done: tuple[str, ...] = ()
    deploy: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    resolved: tuple[Resolved, ...] = ()


def change_set(app: AppMap, changes: Iterable[Change], words: Words) -> ChangeSet:
    """A change set over `app`: repetitions dropped, the imports of a file computed together.

    Its baseline is the fingerprint of every file of the map.
    """
    return ChangeSet(
        baseline=fingerprint(app.files),
        changes=imports.combine(app, _merged(tuple(changes))),
        title=words.title,
        explains=words.explains,
        needs=words.needs,
        promise=words.promise,
        not_done=words.not_done,
        deploy=words.deploy,
        next=words.next,
        resolved=words.resolved,
    )


def _merged(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """`changes` with one new file for each path: of a second text, the lines that are new."""
    files: dict[PurePosixPath, NewFile] = {}
    for change in changes:
        if isinstance(change, NewFile):
            first = files.get(change.path)
            files[change.path] = change if first is None else _united(first, change)
    return (*files.values(), *(c for c in changes if not isinstance(c, NewFile)))


def _united(first: NewFile, second: NewFile) -> NewFile:
    have = set(first.text.splitlines())
    fresh = [line for line in second.text.splitlines() if line not in have]
    text = first.text + "".join(f"{line}\n" for line in fresh)
    return replace(first, text=text, why=f"{first.why}; {second.why}")


def nothing_to_do(app: AppMap, title: str) -> ChangeSet:
    """The empty change set: everything is there."""
    return ChangeSet(fingerprint(app.files), (), title)


def insert_lines(app: AppMap, path: PurePosixPath, offset: int, lines: str, why: str) -> Edit:
    """Whole `lines` inserted at `offset`, the beginning of a line or the end of the file."""
    text = layout.insertion(app.files[path], offset, lines)
    return Edit(Span(path, offset, offset), text, why)


def split_symbol(app: AppMap, symbol: str) -> tuple[str, str]:
    """The module of a dotted symbol, and the name within it: ``("shop.db", "get_session")``.

    A symbol of a module that does not exist yet is written ``shop.db:get_session``.
    """
    if ":" in symbol:
        module, _, name = symbol.partition(":")
        return module, name
    parts = symbol.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        known = app.modules.get(".".join(parts[:cut]))
        if known is not None:
            return module_of(app, known.path), ".".join(parts[cut:])
    return ".".join(parts[:-1]), parts[-1]


def path_of(app: AppMap, module: str) -> PurePosixPath | None:
    """The file of the project's module `module`, by the map's name or as it is imported."""
    found = app.modules.get(module)
    if found is not None:
        return found.path
    return next((m.path for m in app.modules.values() if module_of(app, m.path) == module), None)


def module_for(app: AppMap, path: PurePosixPath) -> str:
    """The dotted name of the file `path`, which need not exist yet."""
    return module_of(app, path)


def app_package(app: AppMap) -> PurePosixPath:
    """The package that is served, where it makes the application; else the folder that does.

    Raises:
        Refused: The map has no application.
    """
    if app.app is None:
        raise Refused(
            "cannot tell where new code belongs",
            "no FastAPI application was found",
            "name it with `--app module:name`",
        )
    made = app.app.path.parent
    served = path_of(app, app.app.target.partition(":")[0])
    package = served.parent if served else made
    is_around = package in made.parents and package / "__init__.py" in app.files
    return package if is_around else made


def version(app: AppMap, package: str) -> tuple[int, ...]:
    """The version of `package` as locked or installed, in numbers; empty where not known."""
    text = app.versions.get(package) or _pinned(app, package)
    numbers = []
    for part in text.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _pinned(app: AppMap, package: str) -> str:
    """The version that a manifest pins with ``==``; a range names none."""
    pins = (m.names[package] for m in app.manifests if package in m.names)
    return next((pin[2:].strip() for pin in pins if pin.startswith("==")), "")


def counted(count: int, total: int, what: str) -> str:
    """A convention with its evidence: ``as 5 of 6 routers do``."""
    return f"as {count} of {total} {what} {'does' if count == 1 else 'do'}"
