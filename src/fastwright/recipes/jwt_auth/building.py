"""From the options and the map to the change set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from fastwright.model.app import AppMap
from fastwright.model.change import AddDependency, Change, ChangeSet, NewFile
from fastwright.model.errors import Refused
from fastwright.model.plan import State
from fastwright.recipes.ensure import (
    WantedSetting,
    change_set,
    ensure_error_headers,
    ensure_own_caching,
)
from fastwright.recipes.ensure.drafting import Words, nothing_to_do
from fastwright.recipes.jwt_auth import changes, promising, wording
from fastwright.recipes.jwt_auth.authority import NEW, find_power, new_column
from fastwright.recipes.jwt_auth.binding import Binding, bind
from fastwright.recipes.jwt_auth.changes import WrittenFile
from fastwright.recipes.jwt_auth.draft import Draft
from fastwright.recipes.jwt_auth.joining import already_there, find_joining
from fastwright.recipes.jwt_auth.layout import Layout, home_of, lay_out
from fastwright.recipes.jwt_auth.paths import find_paths
from fastwright.recipes.jwt_auth.presence import has_ours, presence
from fastwright.recipes.jwt_auth.reading import Reading, reading, with_redis
from fastwright.recipes.jwt_auth.resolving import resolved
from fastwright.recipes.jwt_auth.style import style_of
from fastwright.recipes.jwt_auth.suite import find_suite
from fastwright.recipes.jwt_auth.tables import migration
from fastwright.recipes.jwt_auth.written_tests import further_suite, written_tests

TITLE = "Add a login that returns a signed access token"

_HEADERS = "`Retry-After` and `WWW-Authenticate` reach the client, as their statuses ask for"
_CACHING = "an answer that says itself how long it keeps is left as it is: a token is kept nowhere"
_STORED_UNITS = MappingProxyType({"bcrypt": "stored_bcrypt", "werkzeug": "stored_werkzeug"})
_SECRET = WantedSetting(
    name="jwt_secret",
    annotation="SecretStr",
    doc='Signs tokens; make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"',
)


class Options(Protocol):
    """The options of `JwtAuth`."""

    @property
    def path(self) -> str | None:
        """The whole path of the login."""

    @property
    def access_minutes(self) -> int:
        """How long an access token is good for."""

    @property
    def user_table(self) -> str | None:
        """The table that people log in against."""

    @property
    def login(self) -> str | None:
        """The column that they log in with."""

    @property
    def me(self) -> bool:
        """Whether there is a route that says who is logged in."""

    @property
    def refresh(self) -> bool:
        """Whether a login can be renewed."""

    @property
    def refresh_days(self) -> int:
        """How long a refresh token is good for where it is not used."""

    @property
    def logout(self) -> bool:
        """Whether a login can be ended."""

    @property
    def registration(self) -> bool:
        """Whether people can make accounts for themselves."""

    @property
    def roles(self) -> bool:
        """Whether routes can ask for a role."""

    @property
    def limits(self) -> str | None:
        """Where failed logins are counted."""


def build(options: Options, app: AppMap) -> ChangeSet:
    """The change set; see `JwtAuth.build`."""
    found = presence(app)
    if found.state is State.FOREIGN:
        raise Refused(
            "cannot add a second way to say who is calling",
            found.because,
            f"guard routes with `{found.symbols[0]}`, or take it out first",
        )
    if found.state is State.PRESENT and not has_ours(app):
        return nothing_to_do(app, TITLE)
    draft = _draft(options, app)
    files = list(changes.code_files(app, draft.layout, draft.style, draft.units))
    written = [file for file, _ in files]
    tests = list(written_tests(app, draft))
    steps = [
        *changes.packages(app, draft.bound.scheme, redis=draft.settings.redis is not None),
        *draft.settings.changes,
        *changes.package_files(app, written),
        *(change for _, made in files for change in made),
        *changes.inclusion(app, draft.layout, draft.paths),
        *_tables(app, draft),
        *ensure_error_headers(app, why=_HEADERS),
        *ensure_own_caching(app, why=_CACHING),
        *tests,
    ]
    words = _words(app, draft, written, tests)
    added = [c.requirement for c in steps if isinstance(c, AddDependency)]
    deploy = tuple(wording.deploy(draft.settings.secret.variable, draft, added))
    return change_set(app, steps, replace(words, deploy=deploy))


def _draft(options: Options, app: AppMap) -> Draft:
    bound = _bound(options, app)
    units = (*_units(bound, me=options.me), *_refresh_units(bound, options), *_further(bound))
    layout = lay_out(app, (*units, "shared_limit"))
    suite = further_suite(
        app,
        find_suite(app, bound.session.dependency.name),
        registration=options.registration,
        roles=options.roles,
    )
    if options.refresh and "service" in layout.present and "refreshing" not in layout.present:
        raise Refused(
            "cannot add refresh tokens to the login that is there",
            "it answers with an access token alone",
            "undo it with `fastwright undo`, and build it with `--refresh`",
        )
    found = find_paths(app, options.path, me=options.me, joined=layout.joined)
    paths = replace(
        found,
        refresh=options.refresh,
        logout=options.logout,
        registration=options.registration,
    )
    taken = app.route("POST", paths.full_register) if options.registration else None
    if taken is not None and "register_router" not in layout.present:
        raise already_there(taken)
    settings = _reading(options, app, layout)
    units += (settings.unit,) if settings.unit else ()
    units += ("shared_limit",) if settings.redis else ()
    style = style_of(bound, layout, paths, suite, settings)
    migrates = bool(app.migrations)
    return Draft(bound, layout, paths, suite, settings, units, style, has_migrations=migrates)


def _bound(options: Options, app: AppMap) -> Binding:
    """What the login binds to, and what registration and roles do."""
    bound = bind(app, options.user_table, options.login)
    accounts, is_new = bound.accounts, bound.makes_users
    joining = power = None
    if options.registration:
        joining = find_joining(app, accounts, bound.scheme, is_new=is_new)
    if options.roles:
        power = NEW if is_new else find_power(app, accounts)
    return replace(bound, joining=joining, power=power, refresh_days=options.refresh_days)


def _reading(options: Options, app: AppMap, layout: Layout) -> Reading:
    """How settings are read; limits that are there stay where they are counted."""
    home = layout.homes["own_settings"]
    found = reading(app, (_secret(app), _minutes(options)), home)
    there = "limits" in layout.present
    shared = home_of(app, "shared_limit") is not None
    if options.limits == "redis" and there and not shared:
        raise Refused(
            "cannot count the failed logins of the login that is there in Redis",
            "it counts them in memory",
            "undo it with `fastwright undo`, and build it with `--limits redis`",
        )
    if options.limits == "memory" or (there and not shared):
        return found
    return with_redis(app, found, home, asked=options.limits == "redis")


def _tables(app: AppMap, draft: Draft) -> Iterator[Change]:
    """The column for roles in the user's class, and the migration of all that is new."""
    models = ("user_model", "user_sqlmodel", "refresh_model", "refresh_sqlmodel")
    units = [u for u in models if u in draft.units and u not in draft.layout.present]
    if draft.bound.adds_role:
        yield from new_column(app, draft.bound.accounts)
    homes = [draft.layout.homes[unit] for unit in units]
    refresh = any(unit.startswith("refresh") for unit in units)
    yield from migration(app, draft.bound, homes, refresh=refresh)


def _secret(app: AppMap) -> WantedSetting:
    """The secret; tests sign with a value of this app alone, which no other app's tests publish."""
    digest = hashlib.sha256()
    for path in sorted(p for p in app.files if p.suffix == ".py"):
        digest.update(b"%s\0%s\0" % (str(path).encode(), app.files[path]))
    return replace(_SECRET, testing=f"only-for-tests-{digest.hexdigest()[:32]}")


def _minutes(options: Options) -> WantedSetting:
    return WantedSetting(
        name="jwt_access_minutes",
        annotation="int",
        default=str(options.access_minutes),
        doc="Minutes that an access token is good for",
    )


def _units(bound: Binding, *, me: bool) -> Iterator[str]:
    yield from ("schemas", "passwords", "tokens", "limit", "limit_keys", "limits")
    yield from ("accounts", "service", "current_user", "router")
    if bound.scheme.is_old:
        yield _STORED_UNITS.get(bound.scheme.kind, "stored_elsewhere")
    if not bound.session.alias:
        yield "session_alias"
    if bound.makes_users:
        yield "user_sqlmodel" if bound.session.has_exec else "user_model"
        if bound.maker:
            yield from ("new_password", "create_user")
    if me:
        yield "me"


def _refresh_units(bound: Binding, options: Options) -> Iterator[str]:
    if options.refresh:
        yield "refresh_sqlmodel" if bound.session.has_exec else "refresh_model"
        yield from ("texts", "refresh_schemas", "refreshing", "refresh_router")
    if options.logout:
        yield "logout_router"


def _further(bound: Binding) -> Iterator[str]:
    """The units of registration and of roles."""
    if bound.joining is not None:
        yield from ("new_password", "register_limits", "texts", "register_schemas")
        yield from ("registering", "register_router")
    if bound.power is not None:
        yield "roles"
        if bound.maker:
            yield "grant_role"


def _words(
    app: AppMap, draft: Draft, written: Sequence[WrittenFile], tests: Sequence[NewFile]
) -> Words:
    return Words(
        title=TITLE,
        explains=tuple(wording.decisions(draft)),
        promise=promising.promise(app, draft, written, tests),
        not_done=tuple(wording.not_done(app, draft)),
        next=tuple(wording.next_steps(draft)),
        resolved=tuple(resolved(draft)),
    )
