"""Who may do what, as the person has declared it in ``[tool.fastwright.access]``.

=============  ====================================================================================
key            meaning
=============  ====================================================================================
``public``     operations (``POST /hooks/stripe``, ``* /private/*``) that anybody may call
``shared``     tables whose rows every user may read
``owned``      tables whose rows are for their owner alone
``limited``    operations whose tries something in front of the app counts
an operation   ``open to everybody``, which is as if it stood in ``public``
=============  ====================================================================================
"""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.routing import Route
from fastwright.review.once import once

_PLACES = (PurePosixPath("pyproject.toml"),)


@dataclass(frozen=True, slots=True)
class Intent:
    """What is declared; nothing of it is guessed."""

    public: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    owned: tuple[str, ...] = ()
    limited: tuple[str, ...] = ()

    @staticmethod
    @once
    def read(app: AppMap) -> Intent:
        """The declaration of the project that `app` belongs to; empty where there is none."""
        places = dict.fromkeys((*_PLACES, app.roots.working / "pyproject.toml"))
        tables = [_access(app.files[path]) for path in places if path in app.files]
        rows = {key: tuple(v for t in tables for v in _strings(t.get(key))) for key in _KEYS}
        told = (k for t in tables for k, v in t.items() if v == "open to everybody")
        public = (*rows["public"], *told)
        return Intent(public, rows["shared"], rows["owned"], rows["limited"])

    def is_limited(self, route: Route) -> bool:
        """Whether something in front of the app limits the calls of `route`, as declared."""
        return any(fnmatch.fnmatchcase(str(route), pattern) for pattern in self.limited)

    def is_public(self, route: Route) -> bool:
        """Whether anybody may call `route`, as declared."""
        return any(fnmatch.fnmatchcase(str(route), pattern) for pattern in self.public)


_KEYS = ("public", "shared", "owned", "limited")


def _access(content: bytes) -> Mapping[str, Any]:
    try:
        found: Any = tomllib.loads(content.decode("utf-8", "replace"))
    except tomllib.TOMLDecodeError:
        return {}
    for key in ("tool", "fastwright", "access"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()
