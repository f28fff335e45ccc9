"""A login: `POST /auth/login`, short access tokens, and `CurrentUser` for the routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Literal

from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet
from fastwright.model.errors import Refused
from fastwright.model.plan import Presence
from fastwright.recipes.jwt_auth import building, presence
from fastwright.recipes.jwt_auth.named import check_named
from fastwright.recipes.recipe import PATH, Recipe


@dataclass(frozen=True, kw_only=True)
class JwtAuth(Recipe):
    """A login that validates credentials and returns a signed, short-lived access token.

    It binds to what the app has: its user table and the hashes in it, its session, settings,
    folders and tests.

    Attributes:
        path: The full path of the login, such as ``/api/v1/login``; by default ``/auth/login``
            under the prefix that the app's other routes have.
        access_minutes: How long an access token is good for.
        user_table: The table, or its class, that people log in against.
        login: The column that they log in with.
        me: A route that says who is logged in; without a guarded route the docs page has no
            ``Authorize`` button.
        refresh: Refresh tokens, rotated at each use; one table, one migration, one operation.
        refresh_days: How long a refresh token is good for where it is not used, with `refresh`.
        limits: Where failed logins, and registrations, are counted: in ``redis``, for all workers
            together, or in the ``memory`` of each; by default in Redis where the app has a setting
            with its URL.
        logout: Ending what refresh tokens renew, with `refresh`; one operation.
        registration: Accounts that people make for themselves; one operation, limited by address.
        roles: `require_role(...)`, for routes that are for some people alone: by the column that
            the user table has for it, else by a new one.
    """

    name: ClassVar[str] = "jwt-auth"
    summary: ClassVar[str] = "A login endpoint that returns a JWT, and `CurrentUser` for the routes"
    needs: ClassVar[tuple[str, ...]] = ("db.session",)
    provides: ClassVar[tuple[str, ...]] = ("auth.current_user",)

    path: str | None = field(default=None, metadata=PATH)
    access_minutes: int = field(default=15, metadata=MappingProxyType({"least": 1, "most": 1440}))
    user_table: str | None = None
    login: str | None = None
    me: bool = True
    refresh: bool = False
    refresh_days: int = field(default=14, metadata=MappingProxyType({"least": 1, "most": 365}))
    logout: bool = False
    registration: bool = False
    roles: bool = False
    limits: Literal["memory", "redis"] | None = None

    def detect(self, app: AppMap) -> Presence:
        """How much of a login `app` has already."""
        return presence.presence(app)

    def check(self, app: AppMap) -> None:
        """Raises `UsageError` where `app` has no such user table, or no such login in it."""
        check_named(app, self.user_table, self.login)

    def build(self, app: AppMap) -> ChangeSet:
        """The changes that give `app` a login; empty where it has this one.

        Raises:
            Refused: The app has another scheme, or nothing that a login can bind to.
            UsageError: An option names what the app does not have.
        """
        if self.logout and not self.refresh:
            raise Refused(
                "cannot build `logout` alone",
                "an access token is kept nowhere, so that there is nothing to end",
                "ask for `--refresh` with it",
            )
        return building.build(self, app)
