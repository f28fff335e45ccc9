"""What is to be changed, why, and what is promised of it."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from fastwright.model.places import Span


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes of a span by `text`; an empty span inserts."""

    kind: ClassVar[str] = "edit"

    span: Span
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that does not exist yet. `secret` text is never shown or reported."""

    kind: ClassVar[str] = "new-file"

    path: PurePosixPath
    text: str
    why: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class AddDependency:
    """A package that the app needs from now on; `requirement` in PEP 508 form.

    `group` is empty for a dependency of the app itself, else a development group. `exact` where
    the project pins its packages and the version is not known yet: it becomes the proven one.
    """

    kind: ClassVar[str] = "add-dependency"

    requirement: str
    why: str
    group: str = ""
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Manual:
    """A step for the person, because the place for `snippet` is not certain."""

    kind: ClassVar[str] = "manual"

    place: str
    snippet: str
    why: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What the reader of the change must know and no file can say."""

    kind: ClassVar[str] = "notice"

    text: str


Change = Edit | NewFile | AddDependency | Manual | Notice


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the contract that a change adds or alters."""

    method: str
    path: str
    status_codes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A promised property taken out again: some new test must notice.

    `old` occurs exactly once in `path` of the new tree and becomes `new`.
    """

    name: str
    path: PurePosixPath
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Ground:
    """The tree that the tests of a later step must fail on: what the earlier steps leave.

    `files` are those in which it differs from the new tree, with their texts there; ``None`` for a
    file that is not there.
    """

    tests: tuple[PurePosixPath, ...]
    files: tuple[tuple[PurePosixPath, str | None], ...]


@dataclass(frozen=True, slots=True)
class Promise:
    """What a change set says of itself; `prove` holds it to every word.

    Attributes:
        adds: Operations that the contract gains.
        alters: Operations whose answers may differ.
        access: Routes whose access differs, as ``METHOD /path: outcome``.
        settings: Environment variables that the app newly asks for.
        tables: Tables created or altered.
        mutations: Properties that a new test must be seen to guard.
        tests: New test files.
        grounds: For tests that stand on an earlier step, what they must fail on; the others must
            fail on the old tree.
        attacks: Attacks that must fail on the new tree, with what each one needs to know.
    """

    adds: tuple[Operation, ...] = ()
    alters: tuple[Operation, ...] = ()
    access: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    mutations: tuple[Mutation, ...] = ()
    tests: tuple[PurePosixPath, ...] = ()
    grounds: tuple[Ground, ...] = ()
    attacks: tuple[tuple[str, Mapping[str, str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """One architectural choice: `chose` instead of `instead_of`, why, and what it costs."""

    chose: str
    instead_of: str
    because: str
    costs: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The value that `option` has in one app where nobody chose it, and what speaks for it."""

    option: str
    value: str
    because: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Edits to one baseline, independent of each other, with their reasons.

    `baseline` is `fingerprint` of the files that the changes were computed from: other bytes are
    refused. `deploy` are steps that remain for the person, in order; `resolved` are the options
    that were left to the app.
    """

    baseline: str
    changes: tuple[Change, ...]
    title: str
    explains: tuple[Decision, ...] = ()
    needs: tuple[str, ...] = ()
    promise: Promise = Promise()
    not_done: tuple[str, ...] = ()
    deploy: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    resolved: tuple[Resolved, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where nothing would be written."""
        return not any(isinstance(c, Edit | NewFile | AddDependency) for c in self.changes)

    def paths(self) -> tuple[PurePosixPath, ...]:
        """The files it writes, sorted; manifests of added dependencies not included."""
        edited = {c.span.path for c in self.changes if isinstance(c, Edit)}
        return tuple(sorted(edited | {c.path for c in self.changes if isinstance(c, NewFile)}))


class Safety(enum.StrEnum):
    """How far a fix may be trusted before it has been proved."""

    SAFE = "safe"
    CHANGES_BEHAVIOUR = "changes-behaviour"


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to end a finding; several fixes of a finding are alternatives."""

    title: str
    safety: Safety
    changes: tuple[Change, ...]


def fingerprint(files: Mapping[PurePosixPath, bytes], paths: Iterable[PurePosixPath] = ()) -> str:
    """A hash of the named files (all, when none is named): SHA-256 in hexadecimal.

    A named file that is missing counts as missing, which differs from being empty.
    """
    digest = hashlib.sha256()
    for path in sorted(set(paths) or set(files)):
        content = files.get(path)
        state = b"-" if content is None else hashlib.sha256(content).digest()
        digest.update(str(path).encode() + b"\0" + state)
    return digest.hexdigest()
