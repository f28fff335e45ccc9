"""An attack: a claim about a live app, and the requests that would refute it.

An attack exists because its file exists: ``attacks/<area>/<attack>.py`` defines a function of the
file's name, whose docstring says what the attack proves and where it ends. There is no list to
edit. Third parties give functions by entry points of the group ``fastwright.attacks``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Protocol

from fastwright.model.errors import UnknownName
from fastwright.model.finding import Evidence

Client = tuple[str, int]
Headers = Sequence[tuple[str, str]]
Needs = Mapping[str, str]


class Answer(Protocol):
    """What the app answered to one request; `lab.Answer` is one."""

    @property
    def status(self) -> int:
        """The HTTP status; 500 where the app raised, 0 where it ended without an answer."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """In their order, names in lower case."""

    @property
    def body(self) -> bytes:
        """The whole body."""

    @property
    def seconds(self) -> float:
        """From the request to the end of the app's work on it."""


class Target(Protocol):
    """What an attack may do to a live app; `lab.App` satisfies it."""

    @property
    def description(self) -> dict[str, Any]:
        """What the running app says of itself: the document of `guest/describe.py`."""

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        json: Any = None,
        form: Mapping[str, str] | None = None,
        client: Client | None = None,
        timeout: float = 30.0,
    ) -> Answer:
        """Send one request, as if from the address `client`; `timeout` in seconds."""

    def together(
        self,
        count: int,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        timeout: float = 30.0,
    ) -> Sequence[Answer]:
        """Send the same request `count` times at the same moment; one answer for each."""

    def evaluate(self, source: str, **arguments: Any) -> Any:
        """The value of an expression, or of the last function in `source`, in the app's process."""

    def seed(self, table: str, **values: Any) -> dict[str, Any]:
        """Insert one row in the scratch database; the row as it then stands."""


@dataclass(frozen=True, slots=True)
class Strike:
    """How one attack went.

    Attributes:
        held: The app withstood all of it. False where the attack could not be carried out.
        because: What was seen, in a sentence without a full stop.
        evidence: The exchanges behind it, secrets hidden.
        could_not: Why the attack was not carried out; empty where it was.
    """

    held: bool
    because: str
    evidence: tuple[Evidence, ...] = ()
    could_not: str = ""


class CannotStrike(Exception):
    """The attack cannot be carried out on this target.

    Attributes:
        because: The reason, as observed.
        evidence: What was seen on the way.
    """

    def __init__(self, because: str, evidence: tuple[Evidence, ...] = ()) -> None:
        super().__init__(because)
        self.because = because
        self.evidence = evidence


@dataclass(frozen=True, slots=True)
class Attack:
    """A named attack.

    Attributes:
        name: In kebab-case, as a promise names it.
        area: One of the seven areas (``security``).
        doc: What it proves, what it needs to know, and its limits.
        run: Attacks a live app; raises only what the target raises.
    """

    name: str
    area: str
    doc: str
    run: Callable[[Target, Needs], Strike] = field(compare=False)


def every_attack() -> Mapping[str, Attack]:
    """All attacks by name: those that exist as files here, then those of entry points."""
    found = {attack.name: attack for attack in _own()}
    for point in entry_points(group="fastwright.attacks"):
        attack = _from_function(point.load(), "security")
        found.setdefault(attack.name, attack)
    return found


def find_attack(name: str) -> Attack:
    """The attack called `name`; underscores count as hyphens.

    Raises:
        UnknownName: There is none.
    """
    known = every_attack()
    wanted = name.replace("_", "-")
    if wanted not in known:
        raise UnknownName("attack", name, sorted(known))
    return known[wanted]


def _own() -> Iterator[Attack]:
    root = importlib.import_module("fastwright.review.attacks")
    for area in pkgutil.iter_modules(root.__path__):
        if area.ispkg and area.name != "probes":
            package = importlib.import_module(f"{root.__name__}.{area.name}")
            yield from (_from_module(module, area.name) for module in _modules(package))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{module.name}")


def _from_module(module: ModuleType, area: str) -> Attack:
    return _from_function(getattr(module, module.__name__.rpartition(".")[2]), area)


def _from_function(function: Callable[[Target, Needs], Strike], area: str) -> Attack:
    name = function.__name__.replace("_", "-")
    return Attack(name, area, inspect.getdoc(function) or "", _answering(function))


def _answering(function: Callable[[Target, Needs], Strike]) -> Callable[[Target, Needs], Strike]:
    """`function`, which answers with a strike where it cannot be carried out."""

    @functools.wraps(function)
    def run(target: Target, needs: Needs) -> Strike:
        try:
            return function(target, needs)
        except CannotStrike as error:
            return Strike(False, error.because, error.evidence, could_not=error.because)

    return run
