"""Which file of the app each unit of the payload belongs in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.model.app import AppMap, Router
from fastwright.recipes.ensure.drafting import app_package, module_for, path_of
from fastwright.recipes.ensure.router import RouterPlace, router_place
from fastwright.recipes.jwt_auth.asking import dependencies_module
from fastwright.recipes.jwt_auth.schemes import is_test

MARKS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "environment": ("JWT_SECRET",),
        "own_settings": ("AuthSettings", "get_auth_settings"),
        "user_model": ("User",),
        "user_sqlmodel": ("User",),
        "refresh_model": ("RefreshToken",),
        "refresh_sqlmodel": ("RefreshToken",),
        "schemas": ("AccessToken", "Problem"),
        "texts": ("TextsAlone", "as_text"),
        "refresh_schemas": ("TokenPair", "Renewal"),
        "register_schemas": ("Registration",),
        "stored_bcrypt": ("StoredBcrypt",),
        "stored_werkzeug": ("StoredWerkzeug",),
        "stored_elsewhere": ("StoredElsewhere",),
        "passwords": ("check_password", "is_text"),
        "new_password": ("hash_password", "MIN_PASSWORD_LENGTH"),
        "tokens": ("issue_token", "read_token", "signing_key"),
        "limit": ("Limit", "MAX_KEYS"),
        "shared_limit": ("SharedLimit",),
        "limit_keys": ("_account_key", "_address_key"),
        "limits": ("take_attempt", "forgive_attempt"),
        "register_limits": ("take_registration", "REGISTRATIONS"),
        "accounts": ("find_by_login", "find_by_subject"),
        "refreshing": ("open_family", "exchange", "close_family"),
        "service": ("log_in",),
        "registering": ("open_account",),
        "session_alias": ("SessionDep",),
        "current_user": ("current_user", "CurrentUser", "oauth2_scheme"),
        "router": ("login", "NO_STORE"),
        "me": ("read_me",),
        "refresh_router": ("refresh",),
        "logout_router": ("logout",),
        "register_router": ("register_account",),
        "roles": ("require_role", "roles_of"),
        "grant_role": ("grant_role",),
        "create_user": ("create_user",),
    }
)
"""The names that tell a unit in a module of the app, wherever it has been moved to.

In the order in which units stand in one file.
"""

_ENDPOINTS = ("router", "me", "refresh_router", "logout_router", "register_router")
_BESIDE = MappingProxyType(
    {
        **dict.fromkeys(_ENDPOINTS[1:], "router"),
        **dict.fromkeys(("texts", "refresh_schemas", "register_schemas"), "schemas"),
        **dict.fromkeys(("refreshing", "registering"), "service"),
        "new_password": "passwords",
        "register_limits": "limits",
    }
)
"""Units that are written later into the file of another, wherever that has been moved to."""
_LIMITS = ("limit", "shared_limit", "limit_keys", "limits", "register_limits")
_SERVICES = ("services", "service")
_CORES = ("core", "security")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes.

    Attributes:
        place: The router's place.
        homes: The dotted module of each unit.
        present: Units that the app has already, as they were written before.
        because: The convention, with the count of its evidence.
        joined: The router of the app's own that the endpoints join, where its file is theirs too.
    """

    place: RouterPlace
    homes: Mapping[str, str]
    present: frozenset[str]
    because: str
    joined: Router | None = None

    def files(self, units: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """The units that are still to be written, by the module that they go into."""
        found: dict[str, tuple[str, ...]] = {}
        for unit in MARKS:
            if unit in units and unit not in self.present:
                module = self.homes[unit]
                found[module] = (*found.get(module, ()), unit)
        return found


def lay_out(app: AppMap, units: Sequence[str]) -> Layout:
    """A home for each of `units`, by the folders that the app has."""
    place = _place(app)
    folder = place.path.parent
    alone = _stands_alone(app, folder)
    files = _own_package(place) if alone else _by_type(app, place)
    homes = {unit: module_for(app, files[unit]) for unit in MARKS}
    homes |= {} if alone else _beside_dependencies(app, homes)
    written = {unit: module for unit in units if (module := home_of(app, unit))}
    if "router" in written:
        place = replace(place, module=written["router"], path=file_of(app, written["router"]))
    homes |= {unit: written[main] for unit, main in _BESIDE.items() if main in written}
    joined = _joined(app, place)
    place = replace(place, variable=joined.variable) if joined else place
    return Layout(place, {**homes, **written}, frozenset(written), place.because, joined)


def _beside_dependencies(app: AppMap, homes: Mapping[str, str]) -> Mapping[str, str]:
    """`CurrentUser` in the file that routes import the app's other dependencies from."""
    units = ("session_alias", "current_user")
    names = [name for unit in units for name in MARKS[unit]]
    module = dependencies_module(app, names, [homes["accounts"], homes["tokens"]])
    return dict.fromkeys(units, module) if module else {}


def _joined(app: AppMap, place: RouterPlace) -> Router | None:
    """A router of the app's own in the file: one that serves more than what is written here."""
    ours = {name for unit in _ENDPOINTS for name in MARKS[unit]}
    for router in app.routers:
        served = [r.handler.rpartition(".")[2] for r in app.routes if r.router == router.name]
        if router.path == place.path and set(served) - ours:
            return router
    return None


def _place(app: AppMap) -> RouterPlace:
    """The router's place; an app whose files lie flat gets a package for all of it."""
    place = router_place(app, "auth")
    root = app_package(app)
    if place.path.parent != root:
        return place
    path = root / "auth" / "router.py"
    return replace(place, path=path, module=module_for(app, path), packages=())


def _stands_alone(app: AppMap, folder: PurePosixPath) -> bool:
    """True where the router's folder is about authentication and nothing else."""
    return folder.name == "auth" and folder != app_package(app)


def _own_package(place: RouterPlace) -> dict[str, PurePosixPath]:
    folder = place.path.parent
    inner = {"service": "service", "accounts": "service", "current_user": "dependencies"}
    return _files(place, folder, folder / "schemas.py", inner)


def _by_type(app: AppMap, place: RouterPlace) -> dict[str, PurePosixPath]:
    root = app_package(app)
    core = _folder(app, root, _CORES) or _new_folder(app, root)
    services = _folder(app, root, _SERVICES)
    files = _files(place, core, _schemas_file(app, place), {"limits": "login_limits"})
    models = _folder(app, root, ("models",))
    if models is not None:
        for unit in ("user_model", "user_sqlmodel"):
            files[unit] = models / "user.py"
        for unit in ("refresh_model", "refresh_sqlmodel"):
            files[unit] = models / "refresh_token.py"
    if services is not None:
        files |= {"service": services / "login.py", "accounts": services / "login.py"}
    return files


def _files(
    place: RouterPlace,
    folder: PurePosixPath,
    schemas: PurePosixPath,
    names: Mapping[str, str],
) -> dict[str, PurePosixPath]:
    """Each unit's file in `folder`; `names` says which differ from the unit's own name."""
    passwords = folder / f"{names.get('passwords', 'passwords')}.py"
    service = folder / f"{names.get('service', 'login')}.py"
    current_user = folder / f"{names.get('current_user', 'current_user')}.py"
    settings = folder / "settings.py"
    limits = folder / f"{names.get('limits', 'limits')}.py"
    return {
        "environment": settings,
        "own_settings": settings,
        "user_model": folder / "models.py",
        "user_sqlmodel": folder / "models.py",
        "refresh_model": folder / "models.py",
        "refresh_sqlmodel": folder / "models.py",
        "refreshing": service,
        **dict.fromkeys(("schemas", "texts", "refresh_schemas", "register_schemas"), schemas),
        "roles": folder / "roles.py",
        "grant_role": folder / "grant_role.py",
        "create_user": folder / "create_user.py",
        "stored_bcrypt": passwords,
        "stored_werkzeug": passwords,
        "stored_elsewhere": passwords,
        "passwords": passwords,
        "new_password": passwords,
        "tokens": folder / "tokens.py",
        **dict.fromkeys(_LIMITS, limits),
        **dict.fromkeys(("accounts", "service", "registering"), service),
        "session_alias": current_user,
        "current_user": current_user,
        **dict.fromkeys(_ENDPOINTS, place.path),
    }


def _schemas_file(app: AppMap, place: RouterPlace) -> PurePosixPath:
    """A file in the folder that holds schemas alone, else the router's own."""
    folders = Counter(
        s.span.path.parent for s in app.schemas if s.span and not is_test(s.span.path)
    )
    for folder, _ in folders.most_common():
        if folder.name in ("schemas", "schema") and folder != place.path.parent:
            return folder / "auth.py"
    return place.path


def _new_folder(app: AppMap, root: PurePosixPath) -> PurePosixPath:
    """A package of that name would hide a module of the same name."""
    names = ("security", "auth", "authentication")
    return next((root / n for n in names if root / f"{n}.py" not in app.files), root / names[0])


def _folder(app: AppMap, root: PurePosixPath, names: Sequence[str]) -> PurePosixPath | None:
    packages = {p.parent for p in app.files if p.suffix == ".py"}
    return next((root / name for name in names if root / name in packages), None)


def home_of(app: AppMap, unit: str) -> str | None:
    """The module of the app that defines every name of `unit`, wherever it has been moved to."""
    wanted = set(MARKS[unit])
    found = [m.name for m in app.modules.values() if wanted <= set(m.names) and not is_test(m.path)]
    return found[0] if found else None


def file_of(app: AppMap, module: str) -> PurePosixPath:
    """The file of `module`, which need not exist yet."""
    parts = app.roots.imports.joinpath(*module.split("."))
    return path_of(app, module) or parts.with_suffix(".py")
