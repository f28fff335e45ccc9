"""What the app's locked versions allow a recipe to write."""

from __future__ import annotations

from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.errors import Refused
from fastwright.recipes.ensure.drafting import version

_FLOORS = MappingProxyType(
    {
        "pydantic": ((2,), "pydantic 2"),
        "sqlalchemy": ((2,), "SQLAlchemy 2.0"),
        "fastapi": ((0, 100), "FastAPI 0.100"),
    }
)


def require_modern(app: AppMap, recipe: str) -> None:
    """Refuse an app whose versions are older than recipes write for.

    Raises:
        Refused: It has pydantic 1, SQLAlchemy 1.4 or a FastAPI below 0.100.
    """
    for package, (floor, name) in _FLOORS.items():
        found = version(app, package)
        if found and found < floor:
            raise Refused(
                f"cannot write `{recipe}` for this app",
                f"it runs {package} {'.'.join(map(str, found))}; recipes write for {name} or newer",
                f"upgrade {package} first; `survey` and `review` work as it is",
            )


def at_least(app: AppMap, package: str, *floor: int) -> bool:
    """True where `package` is known to be `floor` or newer; an unknown version is not."""
    found = version(app, package)
    return bool(found) and found >= floor
