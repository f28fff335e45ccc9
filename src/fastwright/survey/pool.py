"""Facts of many files at once, by processes that do nothing else.

Reading a file is a pure function of its bytes, and a large project has enough files to keep every
core busy. Workers are forks of a process with one thread, so they start in milliseconds and import
nothing; where that cannot be had, files are read one after the other by who asked.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

from fastwright.survey.extract import extract

FEWEST = 150
"""Fewer files than this are read sooner than processes are started and their answers taken in."""
_CHUNKS_EACH = 8
_MOST_WORKERS = 8


def extracted(content: bytes) -> str:
    """The facts of one Python file as JSON text."""
    return json.dumps(extract(content).to_json(), separators=(",", ":"))


def extract_all(contents: Sequence[bytes]) -> Iterator[str]:
    """The facts of every file as JSON text, in order, read by as many processes as pay."""
    workers = min(_cores(), _MOST_WORKERS)
    if len(contents) < FEWEST or workers < 2 or not _may_fork():
        yield from map(extracted, contents)
        return
    done = 0
    try:
        for facts in _by_workers(contents, workers):
            yield facts
            done += 1
    except (BrokenExecutor, OSError):  # out of processes or memory: what is left is read here
        yield from map(extracted, contents[done:])


def _by_workers(contents: Sequence[bytes], workers: int) -> Iterator[str]:
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("fork"), initializer=_ignore_interrupts
    )
    chunk = max(1, len(contents) // (workers * _CHUNKS_EACH))
    try:
        yield from pool.map(extracted, contents, chunksize=chunk)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches the whole group: it is for the parent to end its workers, without a word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _may_fork() -> bool:
    """A fork of a process with other threads may inherit a lock that nobody will release."""
    return sys.platform == "linux" and threading.active_count() == 1


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
