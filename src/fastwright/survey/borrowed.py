"""Guards that another package makes: told by their names, for their source is not ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from fastwright.model.routing import Dependency, Guard

_DEMANDS = re.compile(r"(?i)current_\w*user|authenticate|_required$|^require_|^verify_(token|jwt)")
_FRAMEWORK = frozenset({"fastapi", "starlette", "builtins", "typing"})
LAX = frozenset({("auto_error", "False"), ("raise_error", "False")})


def borrowed(node: Dependency) -> Guard | None:
    """The guard that a dependency of another package is; None where it seems to be none.

    ``FastAPIUsers(…).current_user(superuser=True)`` says by its options what it demands.
    """
    package, _, rest = node.call.partition(".")
    if node.scheme is not None or not rest or package in _FRAMEWORK:
        return None
    if not _DEMANDS.search(node.call.rpartition(".")[2]):
        return None
    role = "permission" if ("superuser", "True") in node.options else "principal"
    return Guard(node.call, role, node.place, ("optional", "True") in node.options)


def guards_running(nodes: Iterable[Dependency], known: Mapping[str, Guard]) -> tuple[Guard, ...]:
    """The guards of a route that the running app alone has, such as one that a package brings.

    `known` are those of the source, by the last part of their names.
    """
    found: dict[str, Guard] = {}
    for root in nodes:
        for node in root.walk():
            own = known.get(node.call.rpartition(".")[2])
            lax = bool(LAX & set(node.options))
            scheme = Guard(node.call, "scheme", node.place, lax) if node.scheme else None
            guard = own or scheme or borrowed(node)
            if guard is not None:
                found.setdefault(node.call, guard)
    return tuple(found.values())
