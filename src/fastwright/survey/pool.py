"""Work shared out to forks of this process, which do nothing else.

What a file says and what a rule finds are pure functions, and a large project has enough of both to
keep every core busy. A fork of a process with one thread starts in milliseconds,
imports nothing and knows all that is known here. Where that cannot be had, or a fork dies, the
work is done by who asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from fastwright.survey.extract import extract
from fastwright.survey.facts import Facts

T = TypeVar("T")

FEWEST = 150
"""Fewer files than this are read sooner than processes are started and their answers taken in."""
WORTH_SHARING = 5_000
"""Calls in a project from which on what is asked of all of it is shared out."""
_CHUNK = 8
_MOST_WORKERS = 8
_TOKEN = 2
"""Bytes of the number of a job; a pipe takes 32,768 of them without waiting for a reader."""
_MOST_JOBS = 30_000


@dataclass(frozen=True, slots=True)
class Extract:
    """The facts of one Python file as JSON text, which is all that crosses from a fork.

    `made` is what the text was made of, where that was in this process.
    """

    text: str
    made: Facts | None = None

    def __reduce__(self) -> tuple[type[Extract], tuple[str]]:
        return Extract, (self.text,)

    def facts(self) -> Facts:
        """The facts themselves."""
        return self.made or Facts.from_json(json.loads(self.text))


def extracted(content: bytes) -> Extract:
    """What one Python file says."""
    made = extract(content)
    return Extract(json.dumps(made.to_json(), separators=(",", ":")), made)


def extract_all(contents: Sequence[bytes]) -> list[Extract]:
    """What every file says, in order, read by as many processes as pay."""
    if len(contents) < FEWEST:
        return [extracted(content) for content in contents]
    chunks = [contents[at : at + _CHUNK] for at in range(0, len(contents), _CHUNK)]
    found = shared_out(len(chunks), lambda n: [extracted(content) for content in chunks[n]])
    return [one for chunk in found for one in chunk]


def shared_out(count: int, run: Callable[[int], T]) -> list[T]:
    """What `run`, a pure function, gives for each number below `count`, in order.

    Who is free takes the next number. What forks give back is pickled on its way.
    """
    workers = min(_cores(), _MOST_WORKERS, count) if _may_fork() and count <= _MOST_JOBS else 1
    if workers < 2:
        return [run(number) for number in range(count)]
    with _numbers(count) as taken, contextlib.ExitStack() as stack:
        forks = [stack.enter_context(_fork(taken, run)) for _ in range(workers - 1)]
        done = dict(_own_part(taken, run))
        for fork in forks:
            done.update(fork.results())
    return [done[number] if number in done else run(number) for number in range(count)]


@contextlib.contextmanager
def beside(run: Callable[[], T], *, pays: bool) -> Iterator[Callable[[], T]]:
    """What waits for the answer of `run`, a pure function that a fork works on meanwhile.

    Without a fork, as where it would not pay, it is run when its answer is waited for.
    """
    if not pays or _cores() < 2 or not _may_fork():
        yield run
        return
    with _numbers(1) as taken, _fork(taken, lambda _: run()) as fork:

        def answer() -> T:
            done: dict[int, T] = fork.results()
            return done[0] if 0 in done else run()

        yield answer


@contextlib.contextmanager
def _numbers(count: int) -> Iterator[int]:
    """A descriptor that the numbers below `count` are read from, each by one process."""
    taken, given = os.pipe()
    os.write(given, b"".join(number.to_bytes(_TOKEN, "big") for number in range(count)))
    os.close(given)
    try:
        yield taken
    finally:
        os.close(taken)


def _own_part(taken: int, run: Callable[[int], T]) -> Iterator[tuple[int, T]]:
    while token := os.read(taken, _TOKEN):
        number = int.from_bytes(token, "big")
        yield number, run(number)


@dataclass(frozen=True, slots=True)
class _Fork:
    """A fork, and the descriptor that its results come from; none where there could be no fork."""

    process: int
    answers: int

    def results(self) -> dict[int, Any]:
        """What it did; nothing where it died."""
        with open(self.answers, "rb", closefd=False) as file:
            answer = file.read()
        try:
            return dict(pickle.loads(answer))  # noqa: S301 - of our own fork
        except Exception:  # noqa: BLE001 - torn or of a type that cannot be read: done here again
            return {}


@contextlib.contextmanager
def _fork(taken: int, run: Callable[[int], T]) -> Iterator[_Fork]:
    """A fork that has ended, whatever happens, when the context does."""
    answers, given = os.pipe()
    try:
        process = _forked(taken, given, run)
        os.close(given)
        try:
            yield _Fork(process, answers)
        finally:
            _end(process)
    finally:
        os.close(answers)


def _forked(taken: int, given: int, run: Callable[[int], T]) -> int:
    """The process that takes numbers and answers when there are none left; 0 for no fork."""
    try:
        process = os.fork()
    except OSError:  # out of processes or memory
        return 0
    if process == 0:
        try:
            _ignore_interrupts()
            with open(given, "wb") as file:
                file.write(pickle.dumps(list(_own_part(taken, run)), pickle.HIGHEST_PROTOCOL))
        finally:
            os._exit(0)
    return process


def _end(process: int) -> None:
    if process:
        with contextlib.suppress(OSError):
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group: it is for the parent to end its forks, without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _may_fork() -> bool:
    """A fork of a process with other threads may inherit a lock that nobody will release."""
    return sys.platform == "linux" and threading.active_count() == 1


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
