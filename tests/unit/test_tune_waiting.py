"""What stops the event loop, and the function that is to run in a thread instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fastwright.source import edits
from fastwright.survey import static
from fastwright.tune import waiting
from fastwright.tune.idea import Gain, Idea
from fastwright.tune.seen import Frame, Group, Observation, Stall, Visit

PATH = PurePosixPath("main.py")
TEXT = """import time

from fastapi import FastAPI

app = FastAPI()
hits = 0


@app.get("/a")
async def a():
    return run()


@app.get("/b")
async def b():
    await other()
    return run()


@app.get("/c")
async def c():
    global hits
    hits += 1
    return run()


@app.get("/d")
async def d():
    time.sleep(1)


async def other(): ...


def run(): ...
"""
PLAIN = Group("root", "SELECT 1", "", [], 1, 1, 0, 0.1, "endpoint", (), (), None, blocks=True)


def frame(text: str, function: str) -> Frame:
    """The first line of the app that holds `text`."""
    line = next(n for n, one in enumerate(TEXT.splitlines(), 1) if text in one)
    return Frame(PATH, line, None, None, None, function)


def seen(handler: str, group: Group = PLAIN, stalls: tuple[Stall, ...] = ()) -> Idea:
    """The one idea about the route of `handler`, which called `run`."""
    stack = (frame("def run", "run"), frame(f"async def {handler}", handler))
    route = f"GET /{handler}"
    groups = () if stalls else (replace(group, stack=stack),)
    visit = Visit(route, 200, b"", None, 0.1, groups, (), {}, frozenset(), stalls)
    app = static.read({PATH: TEXT.encode()})
    (idea,) = waiting.ideas(app, [Observation(500, {route: visit}, {}, {})])
    return idea


def changed(idea: Idea) -> str:
    """The file with the first variant of `idea`."""
    (variant,) = idea.variants
    return edits.apply({PATH: TEXT.encode()}, variant.changes)[PATH].decode()


def test_a_handler_that_awaits_nothing_becomes_a_plain_function() -> None:
    """FastAPI runs it in a thread; what is to become less are the times that the loop stands."""
    idea = seen("a")
    assert idea.gain is Gain.TURNS
    assert '@app.get("/a")\ndef a():' in changed(idea)


@pytest.mark.parametrize(
    ("handler", "group", "because"),
    [
        ("b", PLAIN, "awaits something else"),
        ("c", PLAIN, "changes what all requests share"),
        ("a", replace(PLAIN, shared=True), "requests share its session"),
    ],
)
def test_what_no_thread_may_run_is_only_proposed(handler: str, group: Group, because: str) -> None:
    """It awaits, keeps state, or asks through a session that all requests have."""
    idea = seen(handler, group)
    assert idea.variants == ()
    assert because in idea.because


def test_a_sleep_is_awaited() -> None:
    """Other requests run while it sleeps."""
    here = frame("time.sleep", "d")
    text = changed(seen("d", stalls=(Stall(here, 1.0, (here,)),)))
    assert "    await asyncio.sleep(1)" in text


def test_a_line_that_is_told_of_as_its_driver_is_not_told_again() -> None:
    """The watchdog sees the wait for a driver as well."""
    here = frame("def run", "run")
    group = replace(PLAIN, stack=(here, frame("async def a", "a")))
    visit = Visit(
        "GET /a", 200, b"", None, 0.1, (group,), (), {}, frozenset(), (Stall(here, 1.0, (here,)),)
    )
    app = static.read({PATH: TEXT.encode()})
    ideas = waiting.ideas(app, [Observation(500, {"GET /a": visit}, {}, {})])
    assert [idea.cause for idea in ideas] == [waiting.BLOCKING]
