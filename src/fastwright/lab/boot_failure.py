"""From the guest's account of a failure to what a person is told: the error, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastwright.lab.boot_link import Died, Late
from fastwright.model.errors import DoesNotLoad

_DOING: Mapping[str, str] = MappingProxyType(
    {
        "load": "load",
        "startup": "start",
        "describe": "describe",
        "endpoints": "read the settings of",
        "evaluate": "evaluate a function in",
        "create_all": "create the tables of",
        "seed": "insert a row through",
    }
)

MOST_NAMED = 5
"""Variables that are named in one piece of advice."""


@dataclass(frozen=True, slots=True)
class MissingVariable:
    """One variable that the app asked for and was not given, or was given in a wrong form.

    `names` are all that would do, the usual one first; `annotation` is the declared type, where
    there is one; `invalid` is True for a value that was there and not accepted.
    """

    name: str
    names: tuple[str, ...]
    annotation: str | None = None
    invalid: bool = False


@dataclass(frozen=True, slots=True)
class Blame:
    """What an app was started with and nobody gave, and what it was started without.

    `made_up` names variables; `absent` says for each server what to do so that it is there.
    """

    made_up: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def advice(self) -> str:
        """What there is to do, the likeliest first."""
        mend = "mend the error that the traceback shows"
        parts = [*self.absent, f"else {mend}" if self.absent else mend]
        if self.made_up:
            named = " ".join(f"--env {name}=…" for name in self.made_up[:MOST_NAMED])
            more = len(self.made_up) - MOST_NAMED
            rest = f" and {more} more" if more > 0 else ""
            given = "or give the values that were made up for this run"
            parts.append(f"{given}: `{named}`{rest}, or `--env-file`")
        return ", ".join(parts)


class AppFailed(DoesNotLoad):
    """The app's own exception stopped it.

    Attributes:
        kind: Dotted class of the exception.
        variables: What it asked for, as far as that could be read from the exception.
        missing_module: The module it could not import.
        missing_path: The file or folder it did not find.
        missing_folder: The folder of the project, relative to the repository, that it did not
            find, or that the file was to lie in.
        blame: What of its world, beside itself, may be to blame.
    """

    def __init__(self, cannot: str, failure: Mapping[str, Any], blame: Blame | None = None) -> None:
        self._failure = failure
        self.blame = blame or Blame()
        self.kind = str(failure["type"])
        self.missing_module = str(failure["missing_module"])
        self.missing_path = str(failure["missing_path"])
        self.missing_folder = str(failure.get("missing_folder") or "")
        self.variables = tuple(_variable(one) for one in failure["variables"])
        wanted = self.missing_module or next((one.name for one in self.variables), "")
        super().__init__(
            cannot,
            f"{self.kind.removeprefix('builtins.')}: {failure['text']}".strip().rstrip(":"),
            self._advice(),
            missing=wanted or self.missing_path,
            traceback=str(failure["traceback"]),
        )

    def blaming(self, *, made_up: Iterable[str] = (), absent: Iterable[str] = ()) -> AppFailed:
        """The same failure of an app that was started with such values, and without such servers.

        Args:
            made_up: Names of variables.
            absent: For each server what to do so that it is there.
        """
        more = Blame(
            tuple(dict.fromkeys((*self.blame.made_up, *made_up))),
            tuple(dict.fromkeys((*self.blame.absent, *absent))),
        )
        return AppFailed(self.cannot, self._failure, more)

    def _advice(self) -> str:
        if self.missing_module:
            return (
                f"install what provides `{self.missing_module}` into the app's environment, or "
                "name another interpreter with `--python`"
            )
        if self.variables:
            names = " ".join(f"--env {one.name}=…" for one in self.variables)
            return f"give it with `{names}` or `--env-file`"
        if self.missing_path:
            return f"`{self.missing_path}` must be there when the app starts"
        return self.blame.advice()


def _variable(one: Mapping[str, Any]) -> MissingVariable:
    return MissingVariable(
        one["name"], tuple(one["names"]), one.get("annotation"), one["problem"] == "invalid"
    )


def failed(target: str, failure: Mapping[str, Any], command: str = "load") -> AppFailed:
    """The refusal for an app that raised while it obeyed a command of the guest."""
    return AppFailed(f"cannot {_DOING.get(command, 'go on with')} `{target}`", failure)


def ended(target: str, death: Died) -> DoesNotLoad:
    """The refusal for an app that ended its process, or hung until its watchdog ended it."""
    hung = re.search(r"^Timeout \((\d+):(\d+):([\d.]+)\)!", death.log, re.MULTILINE)
    if hung:
        hours, minutes, seconds = (float(part) for part in hung.groups())
        return _hung(target, 3600 * hours + 60 * minutes + seconds, death.log)
    how = f"signal {-death.code}" if death.code and death.code < 0 else f"exit code {death.code}"
    return DoesNotLoad(
        f"cannot load `{target}`",
        f"it ended its own process ({how})",
        "mend what the output shows",
        traceback=death.log,
    )


def late(target: str, error: Late) -> DoesNotLoad:
    """The refusal for an app that did not answer in time."""
    return _hung(target, error.seconds, error.log)


def _hung(target: str, seconds: float, log: str) -> DoesNotLoad:
    place = _innermost(log.splitlines())
    where = f", in {place}" if place else ""
    return DoesNotLoad(
        f"cannot load `{target}`",
        f"it had not started after {seconds:g} s{where}",
        "see in the traceback what it waits for, and let it start without that",
        traceback=log,
    )


def _innermost(lines: Sequence[str]) -> str:
    """The first frame of the watchdog's traceback that is neither a package's nor the library's."""
    for line in lines:
        found = re.match(r'\s+File "([^"]+)", line (\d+) in (.+)', line)
        if found and not re.search(
            r"site-packages|/lib/python3|<frozen|/fastwright/guest/", found.group(1)
        ):
            return f"{found.group(1)}:{found.group(2)} `{found.group(3)}`"
    return ""
