"""Claims of the workers: they change the time that a survey takes, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

from fastwright.survey import pool, static
from fastwright.survey.extract import extract
from fastwright.testing.samples import sample_app

MANY = [f"def f_{n}(a: int) -> int:\n    return a + {n}\n".encode() for n in range(pool.FEWEST + 7)]
INTERRUPTED = """
import time

from fastwright.survey import pool
def run(number: int) -> None:
    if number == 20:
        print("started", flush=True)
    time.sleep(0.2)

pool.shared_out(1000, run)
"""


def test_many_files_are_read_as_one_would_read_them() -> None:
    """Facts come back in the order of the files, the same as without workers."""
    alone = [json.dumps(extract(content).to_json(), separators=(",", ":")) for content in MANY]
    found = pool.extract_all(MANY)
    assert [one.text for one in found] == alone
    assert [json.dumps(one.facts().to_json(), separators=(",", ":")) for one in found] == alone


def test_no_fork_outlives_the_call() -> None:
    """When the answers are there the processes are gone, and so they are where the work raises."""
    assert pool.shared_out(50, lambda number: number * number) == [n * n for n in range(50)]
    with pytest.raises(ZeroDivisionError):
        pool.shared_out(50, lambda number: number // 0)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.skipif(sys.platform != "linux", reason="work is shared out on Linux alone")
def test_what_a_fork_took_and_did_not_give_back_is_done_here() -> None:
    """A fork that dies, or that cannot send what it has, costs time and no answer."""
    here = os.getpid()

    def run(number: int) -> Callable[[], int] | int:
        time.sleep(0.002)
        if os.getpid() != here and number % 7 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return number if number % 2 else lambda: number

    found = pool.shared_out(60, run)
    assert [one() if callable(one) else one for one in found] == list(range(60))


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside another thread, everything is read in this process."""
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    try:
        assert len(list(pool.extract_all(MANY))) == len(MANY)
    finally:
        done.set()
        other.join()


def test_a_map_of_many_files_is_whole() -> None:
    """Every file is in the map, those with the same content too."""
    files = {PurePosixPath(f"m_{n}.py"): content for n, content in enumerate([*MANY, *MANY])}
    app = static.read(files)
    assert len(app.modules) == len(files)
    assert len(app.functions) == len(files)


@pytest.mark.parametrize("pays", [True, False])
def test_what_runs_beside_answers_when_it_is_asked(pays: bool) -> None:
    """The answer is the same with a fork and without; also of a fork that died or cannot answer."""
    here = os.getpid()

    def die() -> int:
        if os.getpid() != here:
            os._exit(1)
        return 7

    with pool.beside(lambda: sum(range(10)), pays=pays) as answer:
        assert answer() == 45
    with pool.beside(die, pays=pays) as answer:
        assert answer() == 7
    with pool.beside(lambda: lambda: 3, pays=pays) as unpickled:
        assert unpickled()() == 3
    with pytest.raises(ZeroDivisionError), pool.beside(lambda: 1 // 0, pays=pays) as broken:
        broken()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("name", ["bookshop", "legacy_forum", "shop_async"])
def test_a_map_is_the_same_with_a_fork_and_without(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Routes and calls are read with evaluators of their own, one after the other or at once."""
    files = sample_app(name).read()
    alone = static.read(files)
    monkeypatch.setattr(static, "WORTH_SHARING", 0)
    assert static.read(files) == alone


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux alone")
def test_an_interrupt_ends_the_workers_without_a_word_of_theirs() -> None:
    """Ctrl-C, which reaches the whole group, ends it; one traceback at most, the caller's own."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
