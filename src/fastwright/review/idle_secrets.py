"""Secrets that stand in the code and, by what stands beside them, open nothing that is deployed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.code import Call
from fastwright.review.once import once
from fastwright.review.reach import holds, reach
from fastwright.review.written_texts import Written
from fastwright.survey.codebase import of_tests

_SETTINGS = frozenset({".toml", ".ini", ".cfg", ".conf", ".yml", ".yaml"})
_STARTS = re.compile(r"(?i)compose|stack|deploy")
"""Files that start what runs: they are read outside of every image."""
_AT_HOME = re.compile(r"(?i)(?:^|[._-])(?:dev|development|local|test|tests|override|example)[._-]")
"""Names of what runs at the developers' alone."""
_HOME = frozenset({"localhost", "127.0.0.1", "::1"})
_SETS = "os.environ.setdefault"


def opens_nothing(app: AppMap, written: Written) -> bool:
    """True where there is a reason to think that no deployed service takes what is written.

    It is in the settings of one's own machine, in the tests as well, in a compose file whose
    like for the servers takes it from the environment, or a default beside a host of this machine.
    """
    path = written.at.path
    return (
        _is_left_out(app, path)
        or _is_in_tests(app, written.text)
        or _is_asked_for_elsewhere(app, written)
        or _is_default_at_home(app, written)
    )


def _is_left_out(app: AppMap, path: PurePosixPath) -> bool:
    """True for a file of settings that no image holds, by a `.dockerignore` above it."""
    if path.suffix not in _SETTINGS or _STARTS.search(path.name):
        return False
    for folder in path.parents:
        out, back = _left_out(app).get(folder, ((), ()))
        within = path.relative_to(folder)
        ways = [str(way) for way in (within, *within.parents[:-1])]
        if _fits(out, ways) and not _fits(back, ways):
            return True
    return False


@once
def _left_out(app: AppMap) -> Mapping[PurePosixPath, tuple[tuple[str, ...], tuple[str, ...]]]:
    """What each `.dockerignore` keeps out of images and what it takes back, by its folder."""
    found = {}
    for path, content in app.files.items():
        if path.name == ".dockerignore":
            lines = [line.strip() for line in content.decode("utf-8", "replace").split("\n")]
            said = [line for line in lines if line.strip("/!.") and not line.startswith("#")]
            out = tuple(_glob(line) for line in said if not line.startswith("!"))
            found[path.parent] = out, tuple(_glob(line[1:]) for line in said if line[0] == "!")
    return found


def _glob(line: str) -> str:
    return line.strip().removeprefix("./").strip("/")


def _fits(globs: tuple[str, ...], ways: list[str]) -> bool:
    """Whether a pattern is that of a path or of a folder above it; all begin at the same folder."""
    every = (g for glob in globs for g in (glob, glob.removeprefix("**/")))
    return any(fnmatchcase(way, glob) for glob in every for way in ways)


def _is_in_tests(app: AppMap, secret: str) -> bool:
    wanted = secret.encode()
    return any(wanted in content for path, content in app.files.items() if of_tests(path))


def _is_asked_for_elsewhere(app: AppMap, written: Written) -> bool:
    """True in a compose file where another one takes the same name from the environment."""
    own, name = written.at.path, re.escape(written.name.encode())
    if not _is_compose(own):
        return False
    asks = re.compile(rb"\b%b[\"']?[ \t]*[:=][ \t]*[\"']?\$\{?%b\b(?!:?-[^}])" % (name, name))
    others = (
        content
        for path, content in app.files.items()
        if path != own and _is_compose(path) and not _AT_HOME.search(path.name)
    )
    return any(asks.search(content) for content in others)


def _is_compose(path: PurePosixPath) -> bool:
    return "compose" in path.name and path.suffix in (".yml", ".yaml")


def _is_default_at_home(app: AppMap, written: Written) -> bool:
    """True for a variable that a script sets where it is not, beside a host of this machine."""
    calls = reach(app).calls_of(written.at.path)
    sets = [call for call in calls if call.callee == _SETS]
    ours = {call.caller for call in sets if holds(call.span, written.at)}
    return any(call.caller in ours and _names_home(call) for call in sets)


def _names_home(call: Call) -> bool:
    name, *values = (text.strip("'\"") for text in call.arguments)
    return name.upper().endswith(("HOST", "SERVER")) and not _HOME.isdisjoint(values)
