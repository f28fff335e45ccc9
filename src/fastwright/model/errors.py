"""Everything that can go wrong, as one tree. Exceptions carry data; `report` words them.

::

    FastwrightError
    ├── UsageError            2  the command or request cannot be understood
    │   ├── UnknownName          no recipe, rule or route of that name
    │   └── NotAProject          the path holds no FastAPI application
    ├── DoesNotLoad           3  the app cannot be imported or started
    ├── Refused               4  understood, and not done: cannot + because + do
    │   ├── NotSandboxed         the kernel refuses the isolation that a proof needs
    │   ├── ChangedUnderneath    files differ from those the change was made for
    │   └── NeedsConsent         the person has not agreed to run their own code
    └── NotProven             5  a gate failed; the tree is as it was
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

_LISTED: Mapping[str, str] = MappingProxyType(
    {
        "command": "`fastwright --help` lists them",
        "entry": "`fastwright undo` without a name takes back the last change",
        "option": "`fastwright explain` with the recipe's name lists them",
        "recipe": "list them with `fastwright recipes`",
        "recipe or rule": "list them with `fastwright recipes` and `fastwright rules`",
        "route": "`fastwright survey` lists them",
        "rule": "list them with `fastwright rules`",
    }
)
"""Where the names of a kind are shown."""


class FastwrightError(Exception):
    """A failure that a person is told of.

    Attributes:
        cannot: What was not done, without a full stop.
        because: The reason, as observed.
        do: What the person can do about it.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, cannot: str, because: str, do: str = "") -> None:
        super().__init__(cannot, because, do)
        self.cannot = cannot
        self.because = because
        self.do = do

    def __str__(self) -> str:
        return "; ".join(part for part in (self.cannot, self.because, self.do) if part)


class UsageError(FastwrightError):
    """The command or request cannot be understood."""

    exit_code = 2


class UnknownName(UsageError):
    """A name that nothing has; `nearest` holds the names most like it."""

    def __init__(self, kind: str, name: str, nearest: Sequence[str]) -> None:
        do = f"did you mean `{nearest[0]}`?" if nearest else _LISTED.get(kind, "")
        super().__init__(f"cannot find the {kind} `{name}`", f"no {kind} has this name", do)
        self.name = name
        self.nearest = tuple(nearest)


class NotAProject(UsageError):
    """The path holds no FastAPI application."""


class DoesNotLoad(FastwrightError):
    """The app cannot be imported or started; `because` is its own error.

    Attributes:
        missing: The module or environment variable that it asked for, where it named one.
        traceback: The end of the app's own traceback.
    """

    exit_code = 3

    def __init__(
        self, cannot: str, because: str, do: str = "", *, missing: str = "", traceback: str = ""
    ) -> None:
        super().__init__(cannot, because, do)
        self.missing = missing
        self.traceback = traceback


class Refused(FastwrightError):
    """Understood, and not done."""

    exit_code = 4


class NotSandboxed(Refused):
    """The kernel refuses the isolation that running the app needs."""


class ChangedUnderneath(Refused):
    """Files differ from those the change was made for."""


class NeedsConsent(Refused):
    """Running the app, or building its environment, has not been agreed to."""


class NotProven(FastwrightError):
    """A gate failed, so the tree was left as it was."""

    exit_code = 5
