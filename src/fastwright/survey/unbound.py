"""Names that code reads and nothing in its file binds."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Iterator

from fastwright.survey.facts import Read, Scope

_KNOWN = frozenset(dir(builtins)) | {
    "__file__", "__path__", "__class__", "__module__", "__qualname__", "__annotations__",
    "__dict__", "__version__", "WindowsError", "unicode", "basestring", "reveal_type",
    "__builtins__", "get_ipython", "display", "profile", "_", "ngettext",
}  # fmt: skip
"""What is bound everywhere, or by tools that put it there."""


def unbound(scopes: list[Scope], reads: Iterable[Read], anyhow: Collection[str]) -> Iterator[Read]:
    """The reads of names that no scope around them binds.

    `anyhow` are names that something in the file binds, in whichever scope.
    """
    bound = [_bound(scope) for scope in scopes]
    for scope in scopes[1:]:
        bound[scope.up].add(scope.name.rpartition(".")[2])
    for read in reads:
        index, name = read.scope, read.name.partition(".")[0]
        if name in _KNOWN or name in anyhow:
            continue
        if name in bound[index] or name in bound[0]:
            continue  # as nearly all are: by the function itself, or by the module
        if not any(name in bound[place] for place in _around(scopes, index)):
            yield read


def _around(scopes: list[Scope], index: int) -> Iterator[int]:
    """The scopes whose names can be read in a scope: those of classes around it cannot."""
    yield index
    index = scopes[index].up
    while index >= 0:
        if scopes[index].kind != "c":
            yield index
        index = scopes[index].up


def _bound(scope: Scope) -> set[str]:
    found = {parameter.name for parameter in scope.parameters}
    found.update(row.local for row in scope.imports)
    found.update(catch.name for catch in scope.catches)
    targets = [row.target for row in scope.assignments]
    targets += [loop.target for loop in scope.loops]
    targets += [target for _, target in scope.contexts]
    for target in targets:
        found.update(_names(target))
    return found


def _names(target: object) -> Iterator[str]:
    if isinstance(target, str):
        yield target
    elif isinstance(target, list):
        for item in target:
            yield from _names(item)
