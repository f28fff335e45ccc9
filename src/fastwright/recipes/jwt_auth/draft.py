"""Everything that is found out of an app before anything is written."""

from __future__ import annotations

from dataclasses import dataclass

from fastwright.recipes.jwt_auth.binding import Binding
from fastwright.recipes.jwt_auth.layout import Layout
from fastwright.recipes.jwt_auth.paths import Paths
from fastwright.recipes.jwt_auth.reading import Reading
from fastwright.recipes.jwt_auth.render import Style
from fastwright.recipes.jwt_auth.suite import Suite


@dataclass(frozen=True, slots=True)
class Draft:
    """A login for one app, before it is written.

    `settings` are how the signing secret and the tokens' lifetime are read; `units` are the parts
    of the payload that the app is to have; `has_migrations` is true where the app has Alembic.
    """

    bound: Binding
    layout: Layout
    paths: Paths
    suite: Suite
    settings: Reading
    units: tuple[str, ...]
    style: Style
    has_migrations: bool = False
