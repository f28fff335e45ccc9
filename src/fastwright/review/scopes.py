"""Which roles of an app hold a scope, as a table in its source tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.routing import Route
from fastwright.review.once import once

_TABLE = re.compile(rb"(?i)scopes|permissions")
_OF_CLASS = re.compile(
    r"(?m)^class (\w+)\b[^\n]*:[ \t]*\n(?:(?:[ \t][^\n]*)?\n)*?"
    r"[ \t]+\w*(?i:scopes|permissions)\w*\s*(?::[^=\n]+)?=\s*[\[({]([^\])}]*)"
)
"""``class Admin(Role): SCOPES = ["write:*"]``."""
_OF_KEY = re.compile(
    r"(?:[\"'](\w+)[\"']|\w+\.(\w+)(?:\.value)?)\s*:\s*[\[({]"
    r"(\s*(?:[\"'][\w*]+:[\w*]+[\"']\s*,?\s*)+)[\])}]"
)
"""``{"admin": ["write:*"]}`` and ``{Role.ADMIN: {"write:*"}}``."""
_SCOPE = re.compile(r"[\"']([\w*]+:[\w*]+)[\"']")


def demanded(app: AppMap, route: Route) -> frozenset[str]:
    """The scopes (``write:orders``) that the guards of a route are made with."""
    guards = {guard.name for guard in route.guards}
    nodes = [n for n in route.every_dependency() if n.call in guards]
    written = {m for n in nodes if n.span is not None for m in _SCOPE.findall(app.text(n.span))}
    return frozenset(written.union(*(n.scopes for n in nodes)))


def holders(app: AppMap, scope: str) -> frozenset[str]:
    """The roles that hold a scope, by itself or by ``write:*``; empty where no table tells."""
    verb = scope.partition(":")[0]
    wide = {scope, f"{verb}:*", "*:*", "*"}
    return frozenset(role for role, held in _roles(app).items() if not wide.isdisjoint(held))


@once
def _roles(app: AppMap) -> Mapping[str, frozenset[str]]:
    return MappingProxyType(dict(_read(app)))


def _read(app: AppMap) -> Iterator[tuple[str, frozenset[str]]]:
    for path, content in app.files.items():
        if path.suffix != ".py" or _TABLE.search(content) is None:
            continue
        text = content.decode("utf-8", "replace")
        found = [(name, held) for name, held in _OF_CLASS.findall(text)]
        found += [(one or other, held) for one, other, held in _OF_KEY.findall(text)]
        for name, held in found:
            if scopes := frozenset(_SCOPE.findall(held)):
                yield name, scopes
