"""What the change set promises, for `prove` to hold it to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from fastwright.model.app import AppMap
from fastwright.model.change import NewFile, Operation, Promise
from fastwright.model.finding import Caller
from fastwright.recipes.ensure.setting import Reader
from fastwright.recipes.jwt_auth.binding import Binding
from fastwright.recipes.jwt_auth.changes import WrittenFile
from fastwright.recipes.jwt_auth.draft import Draft
from fastwright.recipes.jwt_auth.joining import sample_body
from fastwright.recipes.jwt_auth.mutations import mutations
from fastwright.recipes.jwt_auth.new_users import TABLE
from fastwright.recipes.jwt_auth.paths import Paths
from fastwright.recipes.jwt_auth.tables import REFRESH_TABLE


def promise(
    app: AppMap, draft: Draft, written: Sequence[WrittenFile], tests: Sequence[NewFile]
) -> Promise:
    """Every word that the proof can hold the change to."""
    texts = {unit: (file.path, file.text) for file in written for unit in file.units}
    paths, settings = draft.paths, draft.settings
    needs = {**_needs(draft.bound, paths, settings.secret), **_bodies(draft.bound, paths)}
    return Promise(
        adds=tuple(o for o in _operations(paths) if app.route(o.method, o.path) is None),
        access=tuple(_access(paths)),
        settings=tuple(reader.variable for reader in settings.readers),
        tables=tuple(_tables(draft)),
        mutations=tuple(mutations(texts, draft.style)) if tests else (),
        tests=tuple(test.path for test in tests),
        attacks=tuple((name, needs) for name in _attacks(paths)),
    )


def _tables(draft: Draft) -> Iterator[str]:
    if draft.bound.makes_users:
        yield TABLE
    if draft.bound.adds_role:
        yield draft.bound.accounts.table.name
    if draft.paths.refresh:
        yield REFRESH_TABLE


def _operations(paths: Paths) -> Iterator[Operation]:
    yield Operation("POST", paths.full_login, (200, 401, 422, 429))
    if paths.me:
        yield Operation("GET", paths.full_me, (200, 401))
    if paths.refresh:
        yield Operation("POST", f"{paths.outer}{paths.prefix}/refresh", (200, 401, 422))
    if paths.logout:
        yield Operation("POST", f"{paths.outer}{paths.prefix}/logout", (204, 422))
    if paths.registration:
        yield Operation("POST", paths.full_register, (201, 409, 422, 429))


def _access(paths: Paths) -> Iterator[str]:
    yield f"POST {paths.full_login}: open to everybody"
    if paths.me:
        yield f"GET {paths.full_me}: for whoever is logged in"
    if paths.refresh:
        cells = ", ".join(f"{caller.value} 401" for caller in Caller)
        yield f"POST {paths.outer}{paths.prefix}/refresh: nothing for a made-up token: {cells}"
    if paths.logout:
        yield f"POST {paths.outer}{paths.prefix}/logout: open to everybody"
    if paths.registration:
        yield f"POST {paths.full_register}: open to everybody"


def _attacks(paths: Paths) -> Iterator[str]:
    yield from ("login-enumeration", "brute-force", "hostile-input")
    if paths.me:
        yield from ("secret-leak", "token-forgery", "token-after-password-change")
        yield "other-users-token"
    if paths.me and paths.refresh:
        yield "refresh-reuse"
    if paths.refresh or paths.registration:
        yield "hostile-bodies"
    if paths.registration:
        yield "open-registration"


def _bodies(bound: Binding, paths: Paths) -> Mapping[str, str]:
    """What an attack sends to the operations beside the login, as JSON."""
    bodies: dict[str, Mapping[str, str]] = {}
    for name in ("refresh", "logout"):
        if getattr(paths, name):
            bodies[f"POST {paths.outer}{paths.prefix}/{name}"] = {"refresh_token": "token-{n}"}
    if bound.joining is None:
        return {"bodies": json.dumps(bodies)} if bodies else {}
    body = sample_body(bound.joining, bound.accounts.login)
    sign_up = f"POST {paths.full_register}"
    bodies[sign_up] = body
    return {"sign_up": sign_up, "sign_up_body": json.dumps(body), "bodies": json.dumps(bodies)}


def _needs(bound: Binding, paths: Paths, secret: Reader) -> Mapping[str, str]:
    accounts = bound.accounts
    columns = {c.attribute: c for c in accounts.table.columns}
    needs = {
        "login": f"POST {paths.full_login}",
        "table": accounts.table.name,
        "login_column": columns[accounts.login].name,
        "hash_column": columns[accounts.password].name,
        "key_column": columns[accounts.key].name,
        "secrets": secret.variable,
    }
    if paths.refresh:
        needs["refresh"] = f"POST {paths.outer}{paths.prefix}/refresh"
    if paths.me:
        needs["protected"] = f"GET {paths.full_me}"
    if bound.scheme.kind == "pwdlib":
        needs["hash_by"] = f"{bound.scheme.module}.{bound.scheme.name}"
    if bound.keeps_hashes and bound.scheme.kind == "bcrypt":
        needs["hash"] = "bcrypt"
    if (columns[accounts.login].length or 64) < 30:
        needs["login_shape"] = "fw{n}"
    return needs
