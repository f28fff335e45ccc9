"""The law of the cache: after any edit, map and findings are those of a tree read afresh."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import PurePosixPath

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastwright.review import engine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import sample_app

Files = dict[PurePosixPath, bytes]
Edit = Callable[[bytes], bytes]

_SIGNATURE = re.compile(rb"(?m)^((?:async )?def \w+\()")
_BODY = re.compile(rb"(?m)^(    )(return )")
_DEFINITION = re.compile(rb"(?ms)^(?:@[^\n]*\n)*(?:async )?def \w+\(.*?(?=^\S|\Z)")
_ROUTE = b"""
from fastapi import APIRouter as Routing

further = Routing()


@further.get("/further/{key}")
def further_route(key: str) -> str:
    return open(key).read()
"""


def _first(pattern: re.Pattern[bytes], by: bytes) -> Edit:
    return lambda content: pattern.sub(by, content, count=1)


EDITS: Mapping[str, Edit] = {
    "a body": _first(_BODY, rb"\1print('edited')\n\1\2"),
    "a signature": _first(_SIGNATURE, rb"\1edited=None, "),
    "an import": lambda content: b"import json as edited\n" + content,
    "a function less": _first(_DEFINITION, b""),
    "a route more": lambda content: content + _ROUTE,
    "a shift": lambda content: b"# one line more\n" + content,
    "torn": lambda content: content[: len(content) // 2],
}


class Memory:
    """A cache that lives as long as the test."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """What was put."""
        return self.kept.get(key)

    def put(self, key: str, facts: str) -> None:
        """Keep it."""
        self.kept[key] = facts


@cache
def files_of(name: str) -> Mapping[PurePosixPath, bytes]:
    """The files of a sample app."""
    return dict(sample_app(name).read())


def edited(files: Files, data: st.DataObject) -> Files:
    """The files after one edit, a new file or a removed one."""
    kind = data.draw(st.sampled_from([*EDITS, "a file more", "a file less"]))
    path = data.draw(st.sampled_from(sorted(p for p in files if p.suffix == ".py")))
    if kind == "a file less":
        return {other: content for other, content in files.items() if other != path}
    if kind == "a file more":
        return {**files, path.with_name(f"further_{len(files)}.py"): _ROUTE}
    return {**files, path: EDITS[kind](files[path])}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(["bookshop", "legacy_forum", "shop_async"]), st.data())
def test_after_any_edit_the_cache_changes_nothing(name: str, data: st.DataObject) -> None:
    """Bodies, signatures, imports, functions, routes, files: what is known of the rest is used."""
    files, cached, rules = dict(files_of(name)), Memory(), every_rule().values()
    static.read(files, cache=cached)
    for _ in range(data.draw(st.integers(1, 3))):
        files = edited(files, data)
        cold = static.read(files)
        warm = static.read(files, cache=cached, keeps=data.draw(st.booleans()))
        assert warm == cold
        again = static.read(files, cache=cached)
        assert again == cold
        assert engine.find_all(again, rules) == engine.find_all(cold, rules)
