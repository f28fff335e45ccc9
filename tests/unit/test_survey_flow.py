"""Values of requests followed to where they do harm: facts, carriers, limits, sinks."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest

from fastwright.survey import static
from fastwright.survey.extract import extract
from fastwright.survey.limits import Limits, Proved


def test_tests_and_catches_are_facts() -> None:
    """What an `if` governs, how it leaves, what an `assert` demands, and what is caught."""
    facts = extract(
        b"def f(x):\n    if not x:\n        raise V\n    elif x in y:\n        pass\n"
        b"    assert x == 1\n    try:\n        pass\n    except (A, B) as e:\n        return e\n"
    )
    scope = facts.scopes[1]
    assert [(b.test, b.leaves) for b in scope.branches] == [
        (["!", "x"], "raise"),
        (["b", "in", "x", "y"], ""),
        (["!", ["b", "==", "x", ["k", 1]]], "raise"),
    ]
    assert [(c.types, c.name) for c in scope.catches] == [(["l", "A", "B"], "e")]
    assert (scope.values, len(scope.returned)) == (["e"], 1)


APP = """
from typing import Annotated
from fastapi import Depends, FastAPI, Request, UploadFile
from pydantic import BaseModel
import os
app = FastAPI()
class Inner(BaseModel):
    word: str
    number: int
class Item(BaseModel):
    name: str
    inner: Inner
    tags: list[str]
"""


def flows(body: str, app: str = APP) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Name, sanitizers and doubts of every flow into the shell."""
    files = {PurePosixPath("main.py"): (app + body).encode()}
    return [(f.name, f.sanitizers, f.doubts) for f in static.read(files).flows if f.kind == "shell"]


def test_fields_are_told_apart() -> None:
    """A nested field, an item of a list and a key of a dumped dictionary keep their names."""
    found = flows(
        "@app.post('/')\ndef f(item: Item):\n    dumped = item.model_dump()\n"
        "    os.system(item.inner.word)\n    os.system(f'{item.inner.number}')\n"
        "    os.system(dumped['name'])\n    os.system(dumped.get('tags')[0])\n"
        "    for tag in item.tags:\n        os.system(tag)\n"
    )
    assert [name for name, _, _ in found] == [
        "item.inner.word", "item.inner.number", "item.name", "item.tags[0]", "item.tags[…]",
    ]  # fmt: skip
    assert [sanitizers for _, sanitizers, _ in found] == [(), ("int",), (), (), ()]


def test_one_part_of_a_value_is_not_another() -> None:
    """What a dictionary holds under one key does not arrive from under another."""
    found = flows(
        "@app.get('/')\ndef f(q: str, size: int):\n    given = {'a': q, 'b': size, 'c': 'fixed'}\n"
        "    os.system(given['b'])\n    os.system(given['c'])\n    pair = (q, 'x')\n"
        "    left, right = pair\n    os.system(right)\n    os.system(left)\n"
    )
    assert [name for name, _, _ in found] == ["size", "q"]


def test_the_last_assignment_counts() -> None:
    """A name that was given something else holds nothing of the request any more."""
    found = flows("@app.get('/')\ndef f(q: str):\n    q = 'ls'\n    os.system(q)\n")
    assert found == []
    found = flows("@app.get('/')\ndef f(q: str):\n    q = q.strip()\n    os.system(q)\n")
    assert [name for name, _, _ in found] == ["q"]


def test_values_pass_through_dependencies_and_objects() -> None:
    """From a class that is a dependency, through a constructor and a method, into the shell."""
    found = flows(
        "class Paging:\n    def __init__(self, order: str = 'a', size: int = 1):\n"
        "        self.order = order\n        self.size = size\n"
        "class Service:\n    def __init__(self, word: str):\n        self.word = word\n"
        "    def run(self):\n        os.system(f'ls {self.word}')\n"
        "def header(request: Request):\n    return request.headers.get('x-word')\n"
        "@app.get('/')\ndef f(p: Annotated[Paging, Depends()], h: str = Depends(header)):\n"
        "    Service(p.order).run()\n    service = Service(h)\n    service.run()\n"
    )
    assert sorted(name for name, _, _ in found) == ["order", "request.headers['x-word']"]


def test_a_test_counts_where_it_governs() -> None:
    """In its branch, behind it where it leaves, and not where another way leads around it."""
    head = "@app.get('/')\ndef f(q: str, strict: bool):\n"
    inside = "    if q in ('a', 'b'):\n        os.system(q)\n"
    behind = "    if q not in ('a', 'b'):\n        raise ValueError\n    os.system(q)\n"
    around = (
        "    if strict:\n        if q not in ('a',):\n            raise ValueError\n"
        "    os.system(q)\n"
    )
    otherwise = "    if q in ('a', 'b'):\n        pass\n    else:\n        os.system(q)\n"
    assert [flows(head + body)[0][1] for body in (inside, behind, around, otherwise)] == [
        ("in",), ("in",), (), (),
    ]  # fmt: skip


def test_a_test_of_a_part_says_nothing_of_the_whole() -> None:
    """The type of an upload does not limit its name; the host of an address limits the address."""
    found = flows(
        "@app.post('/')\ndef f(file: UploadFile):\n    if file.content_type not in ('a',):\n"
        "        raise ValueError\n    os.system(file.filename)\n"
    )
    assert found == [("file.filename", (), ())]


def test_a_function_of_ours_that_tests_leaves_a_doubt_or_ends_it() -> None:
    """What raises on anything but known words ends the flow; what is not understood is doubted."""
    head = "@app.get('/')\ndef f(q: str):\n    check(q)\n    os.system(q)\n"
    known = "def check(word: str):\n    if word not in ('a',):\n        raise ValueError\n"
    unknown = "def check(word: str):\n    if sum(map(ord, word)) > 9:\n        raise ValueError\n"
    assert flows(known + head)[0][1] == ("in",)
    assert flows(unknown + head)[0][1:] == ((), ("check",))


def test_recursion_and_depth_end() -> None:
    """Functions that call each other, and themselves, are read once."""
    found = flows(
        "def a(w: str):\n    b(w)\n    os.system(w)\ndef b(w: str):\n    a(w)\n    b(w + w)\n"
        "@app.get('/')\ndef f(q: str):\n    a(q)\n"
    )
    assert [name for name, _, _ in found] == ["q"]


def test_as_many_ways_as_calls_multiply_are_one_flow_each() -> None:
    """Six calls in each of seven functions are 280,000 ways from one word to one shell."""
    steps = "".join(
        f"def step{n}(w: str):\n" + f"    step{n + 1}(w)\n" * 6 for n in range(6)
    )  # fmt: skip
    found = flows(
        steps + "def step6(w: str):\n    os.system(w)\n"
        "@app.get('/')\ndef f(q: str):\n    step0(q)\n    step0(q)\n"
    )
    assert [name for name, _, _ in found] == ["q", "q"]


def asked_of(tests: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often a test was read in a function with so many, each before a value that it limits."""
    asked = 0
    proved = Limits.proved

    def counted(*given: Any, **named: Any) -> Proved:
        nonlocal asked
        asked += 1
        return proved(*given, **named)

    monkeypatch.setattr(Limits, "proved", counted)
    steps = (f"    if name != '{n}':\n        name = item.name + name\n" for n in range(tests))
    keys = ", ".join(f"'{n}': name" for n in range(tests))
    found = flows(
        "@app.post('/')\ndef f(item: Item):\n    name = item.name\n"
        f"{''.join(steps)}    os.system(str({{{keys}}}))\n"
    )
    monkeypatch.undo()
    assert found
    return asked


def test_a_test_is_read_once_however_many_values_stand_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten times the tests are read about ten times as often, not a thousand times."""
    few, many = asked_of(4, monkeypatch), asked_of(40, monkeypatch)
    assert 0 < few < many <= 15 * few
