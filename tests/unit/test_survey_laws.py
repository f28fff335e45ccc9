"""Laws of the survey: it never fails, never loses a fact in the cache, and is quick when warm."""

from __future__ import annotations

import json
import pickle
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastwright.model.app import AppMap
from fastwright.model.wire import from_json, to_json
from fastwright.survey import static
from fastwright.survey.cache import DiskCache
from fastwright.survey.extract import extract
from fastwright.survey.facts import Facts
from fastwright.survey.later import Later

BOOKSHOP = Path(__file__).parents[2] / "examples" / "bookshop"
SOURCES = sorted(p for p in BOOKSHOP.rglob("*.py") if ".fastwright" not in p.parts)


def project() -> dict[PurePosixPath, bytes]:
    """The Python files of the example."""
    return {PurePosixPath(p.relative_to(BOOKSHOP).as_posix()): p.read_bytes() for p in SOURCES}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_prefix_of_any_file_can_be_mapped(data: st.DataObject) -> None:
    """A file torn at any byte is mapped as far as it goes, and the rest of the project stays."""
    path = data.draw(st.sampled_from([p for p in SOURCES if p.stat().st_size]))
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    files = {PurePosixPath("torn.py"): content[:cut], PurePosixPath("main.py"): b"x = 1\n"}
    app = static.read(files)
    assert set(app.modules) == {"torn", "main"}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_can_be_mapped(content: bytes) -> None:
    """What is no Python at all gives facts, and errors are counted."""
    app = static.read({PurePosixPath("a.py"): content})
    assert app.modules["a"].errors >= 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_facts_survive_json(path: Path) -> None:
    """What the cache gives back is what was read."""
    facts = extract(path.read_bytes())
    again = Facts.from_json(json.loads(json.dumps(facts.to_json())))
    assert json.dumps(again.to_json()) == json.dumps(facts.to_json())


def test_spans_of_routes_hold_their_handlers() -> None:
    """The text of every route's span begins with a decorator and names the handler."""
    app = static.read(project())
    assert app.routes
    for route in app.routes:
        assert route.span is not None
        text = app.text(route.span)
        assert text.startswith(("@", "def ", "async def "))
        assert f"def {route.handler.rpartition('.')[2]}(" in text


def test_the_map_survives_json() -> None:
    """A map written by one process is the same value in another."""
    app = static.read(project())
    assert from_json(AppMap, json.loads(json.dumps(to_json(app)))) == app


def test_a_warm_map_is_the_cold_one(tmp_path: Path) -> None:
    """From the cache or not, the map is the same; a changed file is read anew."""
    files = project()
    with DiskCache(tmp_path) as cache:
        cold = static.read(files, cache=cache)
    with DiskCache(tmp_path) as cache:
        assert static.read(files, cache=cache) == cold
    changed = {
        **files,
        PurePosixPath("bookshop/main.py"): b"from fastapi import FastAPI\napp = FastAPI()\n",
    }
    with DiskCache(tmp_path) as cache:
        assert not [r for r in static.read(changed, cache=cache).routes if r.reachable]


def test_what_a_kept_map_holds_most_of_is_read_when_it_is_asked_for() -> None:
    """Functions and calls count, compare, slice, hash and pickle as the tuples that they were."""
    cache, files = Counting(), project()
    cold = static.read(files, cache=cache)
    warm = static.read(files, cache=cache)
    assert isinstance(warm.calls, Later)
    assert isinstance(warm.functions, Later)
    assert (len(warm.calls), len(warm.functions)) == (len(cold.calls), len(cold.functions))
    assert cold.calls == warm.calls == static.read(files, cache=cache).calls
    assert warm.calls[0] == cold.calls[0]
    assert warm.calls[1:3] == cold.calls[1:3]
    assert list(warm.functions) == list(cold.functions)
    assert hash(warm.functions) == hash(cold.functions)
    assert pickle.loads(pickle.dumps(warm.calls)) == cold.calls
    assert to_json(static.read(files, cache=cache)) == to_json(cold)
    assert warm.calls != cold.functions
    assert warm.calls != 1


def test_a_kept_map_that_is_torn_is_made_again() -> None:
    """One wrong letter anywhere in what was kept, also in what would be read later."""
    cache, files = Counting(), project()
    cold = static.read(files, cache=cache)
    (place,) = (key for key in cache.kept if key.startswith("map"))
    whole = cache.kept[place]
    for at in range(0, len(whole), max(1, len(whole) // 25)):
        cache.kept[place] = f"{whole[:at]}~{whole[at + 1 :]}"
        assert static.read(files, cache=cache) == cold


def test_a_map_that_is_not_kept_is_the_same() -> None:
    """Without being kept the map is the same one, and the next reading makes its own."""
    cache, files = Counting(), project()
    assert static.read(files, cache=cache, keeps=False) == static.read(files)
    assert not [key for key in cache.kept if key.startswith("map")]


class Counting:
    """A cache in memory that counts what is asked of it."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.asked = 0

    def get(self, key: str) -> str | None:
        """What was put."""
        self.asked += 1
        return self.kept.get(key)

    def put(self, key: str, facts: str) -> None:
        """Keep it."""
        self.kept[key] = facts


def test_an_unchanged_tree_is_not_linked_again() -> None:
    """The whole map comes back in one look-up; one changed byte anywhere links anew."""
    cache, files = Counting(), project()
    cold = static.read(files, cache=cache)
    asked = cache.asked
    assert static.read(files, cache=cache) == cold
    assert cache.asked == asked + 1
    static.read({**files, PurePosixPath(".env.example"): b"A=1\n"}, cache=cache)
    assert cache.asked > asked + 2


def test_a_kept_map_of_another_target_is_another_map() -> None:
    """The application asked for is part of what is kept."""
    cache = Counting()
    text = b"from fastapi import FastAPI\na = FastAPI()\nb = FastAPI()\n"
    for name in ("main:a", "main:b", "main:a"):
        app = static.read({PurePosixPath("main.py"): text}, cache=cache, target=name).app
        assert app is not None
        assert app.target == name


def test_a_broken_cache_is_no_cache(tmp_path: Path) -> None:
    """Torn files and foreign rows in the cache change nothing."""
    files = project()
    with DiskCache(tmp_path) as cache:
        cold = static.read(files, cache=cache)
    for kept in tmp_path.iterdir():
        kept.write_bytes(kept.read_bytes()[:100])
    with DiskCache(tmp_path) as cache:
        assert static.read(files, cache=cache) == cold


def test_a_deep_expression_does_not_exhaust_the_stack() -> None:
    """Generated code with thousands of nested operators and blocks is mapped."""
    deep = b"x = " + b"(" * 3000 + b"1" + b")" * 3000 + b"\n"
    sums = b"y = " + b" + ".join([b"1"] * 5000) + b"\n"
    blocks = b"".join(b" " * n + b"if a:\n" for n in range(300)) + b" " * 300 + b"pass\n"
    for content in (deep, sums, blocks):
        assert static.read({PurePosixPath("a.py"): content}).modules["a"].name == "a"


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import date\n\n\nclass Day:\n    date: date\n\n"
        "    def text(self):\n        day = self.date\n        day.isoformat()\n",
        "from fastapi import FastAPI\nfrom sqlalchemy import text\n\napp = FastAPI()\n\n\n"
        '@app.get("/")\ndef rows(session, ask):\n    with ask as parts:\n'
        "        query = text(query)\n    session.execute(query)\n",
    ],
    ids=["an attribute of the name of its type", "a statement made of itself"],
)
def test_what_is_named_after_itself_can_be_mapped(source: str) -> None:
    """A name that stands for no class, and one that stands for itself, are no faults."""
    assert static.read({PurePosixPath("a.py"): source.encode()}).modules["a"].errors == 0
