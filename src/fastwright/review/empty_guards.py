"""Dependencies that are named for a demand and make none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Dependency
from fastwright.model.code import Function
from fastwright.model.routing import Route
from fastwright.review.once import once
from fastwright.review.reach import reach

_DEMANDS = (
    r"(?:require|ensure|check|verify|validate|enforce|assert|must|only|needs?|has|authori[sz]e|"
    r"protect|guard)"
)
_RIGHTS = r"(?:permission|admin|role|scope|superuser|staff|privilege)"
_OF_ANYBODY = re.compile(
    rf"^_*{_DEMANDS}_(?:\w*_)?(?:auth\w*|login|user|token|{_RIGHTS}s?)|"
    rf"{_RIGHTS}s?_(?:required|check|guard)|"
    r"^(?:get_)?current_\w*user$|^authenticate"
)
_OF_FEW = re.compile(
    rf"^_*{_DEMANDS}_(?:\w*_)?{_RIGHTS}|^_*(?:get_)?current_(?:\w*_)?(?:admin|superuser|staff)|"
    rf"{_RIGHTS}s?_(?:required|check|guard)"
)
_MORE = re.compile(rf"(?i){_RIGHTS}|owner|super|check|require|allow")
_NOTHING = re.compile(r"|None|True|\.\.\.")


@dataclass(frozen=True, slots=True)
class Empty:
    """One dependency, the function that it runs, the routes that ask for it, and what it lacks."""

    node: Dependency
    function: Function
    routes: tuple[Route, ...]
    because: str


def empty_guards(app: AppMap) -> Iterator[Empty]:
    """The dependencies of reachable routes that let everybody pass whom others let in."""
    found: dict[str, tuple[Dependency, list[Route]]] = {}
    for route in app.routes:
        for node in route.every_dependency() if route.reachable else ():
            found.setdefault(node.call, (node, []))[1].append(route)
    for call, (node, routes) in found.items():
        functions = reach(app).functions
        function = functions.get(call) or functions.get(f"{call}.__call__")
        why = _lack(app, node, function) if function is not None else ""
        if function is not None and why and last_name(call) not in _overridden(app):
            yield Empty(node, function, tuple(routes), why)


def last_name(call: str) -> str:
    """What a dependency is called, by the function that makes it where it is made."""
    return re.sub(r"\.<locals>.*", "", call).rpartition(".")[2]


def _lack(app: AppMap, node: Dependency, function: Function) -> str:
    """What a dependency does not ask, in words; empty where it may ask."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last_name(node.call)).lower()
    if node.scheme is not None or node.scopes or function.yields or function.blocks:
        return ""
    if any(s.kind == "raise" for s in function.stops) or reach(app).calls_in(function):
        return ""
    given = [child.name for child in node.children]
    free = [p for p in function.parameters if p not in ("self", "cls", *given)]
    values = {s.value.strip() for s in function.stops if s.kind == "return"}
    if free or not all(_NOTHING.fullmatch(v) or v in given for v in values):
        return ""
    if not node.children:
        return "refuses nobody" if _OF_ANYBODY.search(name) else ""
    below = [n for child in node.children for n in child.walk()]
    if not _OF_FEW.search(name) or any(_asks_more(n) for n in below):
        return ""
    callers = [child.call for child in node.children if child.name and child.name in values]
    asked = last_name((callers or [node.children[0].call])[0])
    return f"asks for no more than `{asked}` does"


def _asks_more(node: Dependency) -> bool:
    if node.scheme is not None:
        return bool(node.scopes)
    return bool(node.scopes) or _MORE.search(last_name(node.call)) is not None


@once
def _overridden(app: AppMap) -> frozenset[str]:
    """The names of dependencies that something else is put in place of, anywhere."""
    pattern = re.compile(rb"dependency_overrides\s*\[\s*(?:\w+\.)*(\w+)")
    held = (c for path, c in app.files.items() if path.suffix == ".py" and b"_overrides" in c)
    return frozenset(m[1].decode() for content in held for m in pattern.finditer(content))
