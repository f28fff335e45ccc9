"""The changes that give an app its login: one a concern, each asked of the map first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.recipes import payload
from fastwright.recipes.ensure import ensure_dependency_package, ensure_router
from fastwright.recipes.jwt_auth.layout import Layout, file_of
from fastwright.recipes.jwt_auth.paths import Paths
from fastwright.recipes.jwt_auth.render import Style, rendered
from fastwright.recipes.jwt_auth.schemes import Scheme

WHY: Mapping[str, str] = MappingProxyType(
    {
        "environment": "the secret and the lifetime of tokens come from the environment",
        "own_settings": "the secret and the lifetime of tokens come from the environment",
        "user_model": "people who can log in",
        "user_sqlmodel": "people who can log in",
        "create_user": "a command makes the first accounts",
        "register_schemas": "what the endpoints take and answer with is declared",
        "registering": "what a login and a registration are, apart from HTTP",
        "register_router": "logging in, and making an account to log in with",
        "register_limits": "guessing passwords and making accounts meet limits",
        "roles": "routes ask for `require_role(...)` to be for some people alone",
        "grant_role": "a command makes the first administrator",
        "refresh_model": "refresh tokens are kept as digests",
        "refresh_sqlmodel": "refresh tokens are kept as digests",
        "refreshing": "a login is renewed by tokens that are good once",
        "refresh_router": "renewing a login, and ending it",
        "logout_router": "renewing a login, and ending it",
        "schemas": "the answers of the login are declared",
        "passwords": "passwords are verified off the event loop, whatever they were hashed with",
        "new_password": "passwords are hashed and verified off the event loop",
        "tokens": "tokens are signed and read in one place",
        "shared_limit": "guessing passwords meets a limit, whichever worker is asked",
        "limits": "guessing passwords meets a limit",
        "accounts": "the queries of a login stand in one place",
        "service": "what a login is, apart from HTTP",
        "current_user": "routes ask for `CurrentUser` to know who is calling",
        "router": "the endpoints of a login",
        "me": "the route that says who is logged in",
    }
)


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file as it will be, apart from imports, and the units that it gains."""

    path: PurePosixPath
    text: str
    units: tuple[str, ...]


def code_files(
    app: AppMap, layout: Layout, style: Style, units: Sequence[str]
) -> Iterator[tuple[WrittenFile, tuple[Change, ...]]]:
    """Every file of the login that is new or lacks a unit, with its changes."""
    for module, missing in layout.files(units).items():
        path = file_of(app, module)
        told = ("router",) if "router" in missing else reversed(missing)
        why = next(WHY[unit] for unit in told if unit in WHY)
        pieces = rendered(app, missing, style)
        if path in app.files:
            added = payload.appended(app, path, payload.joined(tuple(pieces.values())), why)
            text = "".join((app.files[path].decode(), *(p.body for p in pieces.values())))
            grown = WrittenFile(path, text, missing)
            yield grown, added
        else:
            doc = pieces[missing[-1]].doc
            text = payload.new_module(app, path, tuple(pieces.values()), doc)
            yield WrittenFile(path, text, missing), (NewFile(path, text, why),)


def package_files(app: AppMap, files: Sequence[WrittenFile]) -> Iterator[Change]:
    """``__init__.py`` for each new folder within a package."""
    seen = set(app.files)
    for folder in dict.fromkeys(f.path.parent for f in files):
        init = folder / "__init__.py"
        needed = folder.parent / "__init__.py" in app.files or folder.parent == app.roots.imports
        if init not in seen and needed and not any(p.parent == folder for p in app.files):
            yield NewFile(init, "", f"`{folder}` is a package")


def inclusion(app: AppMap, layout: Layout, paths: Paths) -> tuple[Change, ...]:
    """The router, included where the app includes its own."""
    if any(i.router.rpartition(".")[0] == layout.homes["router"] for i in app.inclusions):
        return ()
    return ensure_router(
        app, layout.place, prefix=paths.prefix, tags=("auth",), at_top=paths.at_top
    )


def packages(app: AppMap, scheme: Scheme, *, redis: bool) -> Iterator[Change]:
    """The packages that the written code imports."""
    yield from ensure_dependency_package(app, "pyjwt>=2.8", "tokens are JSON Web Tokens")
    if scheme.kind != "pwdlib":
        yield from ensure_dependency_package(
            app, "pwdlib[argon2]>=0.2", "passwords are hashed by argon2"
        )
    yield from ensure_dependency_package(
        app, "python-multipart>=0.0.6", "a login is sent as a form"
    )
    if scheme.kind == "bcrypt":
        yield from ensure_dependency_package(
            app, "bcrypt>=4.0", "stored passwords are bcrypt hashes"
        )
    if redis:
        yield from ensure_dependency_package(
            app, "redis>=4.5", "failed logins are counted for all workers together"
        )
