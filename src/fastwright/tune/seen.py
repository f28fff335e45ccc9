"""What was seen of the running app at one size of its database: visits, statements, causes."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any


@dataclass(frozen=True, slots=True)
class Frame:
    """A place in the project's code that was running.

    Lines count from 1, columns are UTF-8 bytes from 0; columns are ``None`` below Python 3.11.
    """

    path: PurePosixPath
    line: int
    column: int | None
    end_line: int | None
    end_column: int | None
    function: str

    @classmethod
    def read(cls, told: Sequence[Any]) -> Frame:
        """As `guest/frames.py` tells it."""
        path, line, column, end_line, end_column, function = told
        return cls(PurePosixPath(path), line, column, end_line, end_column, function)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Root:
    """A statement that loads objects: where it was built and run, how often, and how.

    `entity` is the dotted class; `api` is ``select``, ``query`` or ``get``.
    """

    entity: str | None
    built: Frame | None
    api: str
    stack: tuple[Frame, ...]
    times: int


@dataclass(frozen=True, slots=True)
class Group:
    """The executions of one statement from one place in one request.

    Attributes:
        kind: ``root``, ``lazy``, ``eager``, ``refresh``, ``core``, or ``raw`` for what went to the
            driver without SQLAlchemy.
        sql: One line, lists of ``IN`` as ``IN (…)``.
        raw: The text of the first execution, as the driver got it.
        parameters: Those of the first execution.
        count: Executions; `distinct` of them differ in their parameters.
        seconds: Together, as the driver took.
        phase: ``dependencies``, ``endpoint`` or ``answer``.
        stack: The project's frames, innermost first; empty while FastAPI serialises.
        path: Relationships, dotted, from the root to what was loaded.
        blocks: The event loop stood still for it.
        shared: It went through a session or connection that another request had as well.
    """

    kind: str
    sql: str
    raw: str
    parameters: Any
    count: int
    distinct: int
    rows: int
    seconds: float
    phase: str
    stack: tuple[Frame, ...]
    path: tuple[str, ...]
    root: Root | None
    blocks: bool = False
    shared: bool = False

    @property
    def place(self) -> Frame | None:
        """The innermost place of the project."""
        return self.stack[0] if self.stack else None

    @property
    def key(self) -> tuple[object, ...]:
        """The same for the same statement from the same place, whatever the size."""
        place = self.place
        at = (place.path, place.line, place.column) if place else None
        return self.kind, self.sql, at, self.path


@dataclass(frozen=True, slots=True)
class Broken:
    """A lazy load that died because nothing awaited it."""

    root: Root | None
    path: tuple[str, ...]
    stack: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Stall:
    """A line of the project at which the event loop stood still for so many seconds."""

    place: Frame
    seconds: float
    stack: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """One answer of one route, and what it cost.

    `held` connections were its at the same time, `sending` of them when the answer began.
    """

    route: str
    status: int
    body: bytes
    error: str | None
    seconds: float
    groups: tuple[Group, ...]
    broken: tuple[Broken, ...]
    phases: Mapping[str, float]
    entered: frozenset[str]
    stalls: tuple[Stall, ...] = ()
    held: int = 0
    sending: int = 0

    @property
    def statements(self) -> int:
        """How many statements went to the database."""
        return sum(group.count for group in self.groups)

    @property
    def stops(self) -> int:
        """How often the event loop stood still: for a statement, or at a line."""
        return sum(group.count for group in self.groups if group.blocks) + len(self.stalls)

    @property
    def answer(self) -> tuple[int, bytes]:
        """What must stay the same to the byte."""
        return self.status, self.body

    @property
    def trace(self) -> frozenset[tuple[str, int]]:
        """Statements with their counts: a route whose trace stays cannot have become slower."""
        return frozenset((group.sql, group.count) for group in self.groups)


@dataclass(frozen=True, slots=True)
class Observation:
    """Every route that was driven, at one size.

    Attributes:
        size: Rows in each table, as asked for.
        visits: By ``METHOD /path``.
        rows: How many rows each table really holds.
        refused: Tables that accepted no row, with the database's reason.
        admitted: Dependencies that yielded the first user instead of asking for credentials.
    """

    size: int
    visits: Mapping[str, Visit]
    rows: Mapping[str, int]
    refused: Mapping[str, str]
    admitted: tuple[str, ...] = ()


def read_visit(route: str, told: Mapping[str, Any]) -> Visit:
    """A visit as `guest/tuning.py` tells it."""
    roots = [_root(one) for one in told["roots"]]
    return Visit(
        route,
        told["status"],
        base64.b64decode(told["body"]),
        told["error"],
        told["seconds"],
        tuple(_group(one, roots) for one in told["groups"]),
        tuple(_broken(one, roots) for one in told["broken"]),
        told["phases"],
        frozenset(told["entered"]),
        tuple(_stall(one) for one in told["stalls"]),
        told["held"],
        told["sending"],
    )


def _stall(told: Mapping[str, Any]) -> Stall:
    stack = _frames(told["stack"])
    return Stall(stack[0], told["seconds"], stack)


def _root(told: Mapping[str, Any]) -> Root:
    built = Frame.read(told["built"]) if told["built"] else None
    return Root(told["entity"], built, told["api"], _frames(told["stack"]), told["times"])


def _group(told: Mapping[str, Any], roots: Sequence[Root]) -> Group:
    root = None if told["root"] is None else roots[told["root"]]
    plain = ("kind", "sql", "raw", "parameters", "count", "distinct", "rows", "seconds", "phase")
    return Group(
        **{name: told[name] for name in plain},
        stack=_frames(told["stack"]),
        path=tuple(told["path"]),
        root=root,
        blocks=bool(told.get("blocks")),
        shared=bool(told.get("shared")),
    )


def _broken(told: Mapping[str, Any], roots: Sequence[Root]) -> Broken:
    root = None if told["root"] is None else roots[told["root"]]
    return Broken(root, tuple(told["path"]), _frames(told["stack"]))


def _frames(told: Sequence[Sequence[Any]]) -> tuple[Frame, ...]:
    return tuple(Frame.read(one) for one in told)
