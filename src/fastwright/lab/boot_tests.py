"""Run the user's own tests in the world, and know how each one ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastwright.lab.boot import open_guest
from fastwright.lab.boot_link import Channel, Died, Guest, Late, Message
from fastwright.lab.world import GUEST, World

_ALWAYS = ("-p", "no:cacheprovider", "-q")
_BAD = frozenset({"failed", "error"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test ended.

    Attributes:
        test: pytest's node id, relative to the directory that pytest ran in.
        outcome: ``passed``, ``failed``, ``error``, ``skipped``, ``xfailed`` or ``xpassed``.
        kind: For a failure ``assertion``, ``error``, or ``collect`` where the file did not load.
        message: The end of what pytest says.
        seconds: Set-up, call and tear-down together.
    """

    test: str
    outcome: str
    kind: str = ""
    message: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Neither failed nor in error."""
        return self.outcome not in _BAD


@dataclass(frozen=True, slots=True)
class TestRun:
    """One run of a selection of tests.

    Attributes:
        outcomes: One a test, in the order of their ends; a failing tear-down replaces a pass.
        code: pytest's exit code; None where it did not come to an end.
        seconds: Wall time.
        timed_out: It was ended after the time allowed; the outcomes are those until then.
        log: The end of what was printed.
    """

    __test__ = False  # pytest's collector takes every class whose name begins with Test

    outcomes: tuple[Outcome, ...]
    code: int | None
    seconds: float
    timed_out: bool = False
    log: str = ""

    @property
    def ended(self) -> bool:
        """The run came to its end and had tests to run."""
        return self.code in (0, 1)

    def counts(self) -> Mapping[str, int]:
        """How many tests ended in which way."""
        return Counter(one.outcome for one in self.outcomes)

    def by_test(self) -> Mapping[str, Outcome]:
        """The outcome of each test."""
        return {one.test: one for one in self.outcomes}

    def __str__(self) -> str:
        counts = self.counts()
        order = ("passed", "failed", "error", "skipped", "xfailed", "xpassed")
        said = ", ".join(f"{counts[name]} {name}" for name in order if counts[name])
        return (said or "no tests") + (" until the time was up" if self.timed_out else "")


def run_tests(
    world: World,
    arguments: Sequence[str] = (),
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 300.0,
    guest: Guest | None = None,
) -> TestRun:
    """Run pytest in a world, to its end or until the time is up; never raises for what tests do.

    Args:
        world: Where they run; what they write stays in its copy and its servers.
        arguments: As on pytest's command line: a selection, options.
        cwd: The directory to run in, in the tree; by default the app's working directory.
        env: Variables beside those of the world.
        timeout: Seconds for all of them.
        guest: A warm interpreter of this world to fork, for many short runs; it is left open.
    """
    started = time.monotonic()
    place, imports = (Path(world.inside(path)) for path in (cwd, Path(world.spec.roots.imports)))
    opened = guest or open_guest(world, world.inside(Path(GUEST)), warm=())
    try:
        channel = opened.fork(env or {}, place, (imports, place))
        command = {"tests": {"arguments": [*_ALWAYS, *arguments]}}
        outcomes, code, timed_out, log = _follow(channel, command, timeout)
    finally:
        if guest is None:
            opened.close()
    seconds = time.monotonic() - started
    return TestRun(tuple(outcomes.values()), code, seconds, timed_out, log)


def _follow(
    channel: Channel, command: Message, timeout: float
) -> tuple[dict[str, Outcome], int | None, bool, str]:
    outcomes: dict[str, Outcome] = {}
    try:
        for message in channel.listen(command, timeout):
            if "event" in message:
                one = _outcome(message["event"])
                outcomes[one.test] = one
            elif "failed" in message:
                return outcomes, None, False, message["failed"]["traceback"]
            else:
                return outcomes, message["ended"]["code"], False, channel.kill()
    except Late as error:
        return outcomes, None, True, error.log
    except Died as error:
        return outcomes, None, False, error.log
    return outcomes, None, False, ""


def _outcome(event: Mapping[str, Any]) -> Outcome:
    return Outcome(
        event["nodeid"], event["outcome"], event["kind"], event["message"], event["seconds"]
    )


def differences(before: TestRun, after: TestRun) -> Sequence[str]:
    """Tests that ended well in one run and not in the other, or that only one of them has."""
    old, new = before.by_test(), after.by_test()
    both = sorted(old.keys() | new.keys())
    return tuple(
        f"{test}: {_word(old.get(test))} → {_word(new.get(test))}"
        for test in both
        if _word(old.get(test)) != _word(new.get(test))
    )


def _word(outcome: Outcome | None) -> str:
    return outcome.outcome if outcome is not None else "absent"
