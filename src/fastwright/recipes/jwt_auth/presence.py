"""What an app has of a login already: ours, its own, or another scheme."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Route
from fastwright.model.plan import Presence, State
from fastwright.recipes.jwt_auth.layout import home_of
from fastwright.recipes.jwt_auth.schemes import is_test

_LOGIN = re.compile(r"/(log-?_?in|sign-?_?in|token|access-token|authenticate)/?$")
_NAMED = re.compile(r"(?i)^_?(log_?in|sign_?in|authenticate)(_user)?$")
_PARTS = ("tokens", "passwords", "limits", "current_user", "router")
_SECRET = re.compile(
    r"(?i)^_?(jwt_|auth_)?secret(_key)?$|^_?jwt_(signing_|private_)?key$|^_?signing_key$"
)
_LIMITERS = re.compile(rb"slowapi|fastapi_limiter|RateLimiter|Limiter\(|throttl", re.IGNORECASE)
_TELLING = re.compile(
    r"(user|account|e-?mail|username)\W{1,3}(\w+\W+){0,3}?(not (found|exist)|does(n't| not) exist)",
    re.IGNORECASE,
)


def presence(app: AppMap) -> Presence:
    """How much of a login `app` has, by the map."""
    ours = _ours(app)
    if "tokens" in ours and "limits" in ours:
        return _own_work(app, ours)
    routes = login_routes(app)
    if routes:
        told = ", ".join(f"`{route}`" for route in routes)
        verb = "logs in" if len(routes) == 1 else "log in"
        symbols = (*(r.handler for r in routes), *(p.dependency for p in app.principals))
        return Presence(State.PRESENT, f"{told} {verb}", symbols, tuple(_gaps(app, routes)))
    schemes = tuple(p for p in app.principals if not p.permission)
    if schemes:
        told = ", ".join(f"`{p.dependency}`" for p in schemes[:3])
        kinds = ", ".join(sorted({p.scheme for p in schemes if p.scheme})) or "a scheme of its own"
        because = f"{told} says who is calling, by {kinds}"
        return Presence(State.FOREIGN, because, tuple(p.dependency for p in schemes))
    return Presence(State.ABSENT, "no route logs in, and nothing says who is calling")


def has_ours(app: AppMap) -> bool:
    """True where something of a login that was built here is left in `app`."""
    return bool(_ours(app))


def _ours(app: AppMap) -> list[str]:
    return [unit for unit in _PARTS if home_of(app, unit)]


def _own_work(app: AppMap, ours: list[str]) -> Presence:
    missing = tuple(f"`{unit}` is missing" for unit in _PARTS if unit not in ours)
    homes = tuple(f"{home_of(app, unit)}" for unit in ours)
    if missing:
        return Presence(State.PARTIAL, f"a login stands in `{homes[0]}`", homes, missing)
    router = home_of(app, "router")
    served = any(r.reachable and r.handler.startswith(f"{router}.") for r in app.routes)
    if not served:
        gaps = ("the router is not included",)
        return Presence(State.PARTIAL, f"`{router}` logs in", homes, gaps)
    return Presence(State.PRESENT, f"`{router}` logs in", homes)


def login_routes(app: AppMap) -> tuple[Route, ...]:
    """The routes that exchange a password for something, by form, body or name.

    One that asks who is calling gives those who are in something more, where another lets them in.
    """
    found = [r for r in app.routes if r.method == "POST" and r.reachable and _logs_in(app, r)]
    doors = [r for r in found if not any(g.role == "principal" for g in r.guards)]
    return tuple(doors or found)


def _logs_in(app: AppMap, route: Route) -> bool:
    calls = {d.call.rpartition(".")[2] for d in route.every_dependency()}
    if any(call.startswith("OAuth2PasswordRequestForm") for call in calls):
        return True
    if not (_LOGIN.search(route.path) or _NAMED.match(route.handler.rpartition(".")[2])):
        return False
    names = {p.name for p in route.parameters} | _body_fields(app, route)
    return any("password" in name.lower() or name == "credentials" for name in names) or any(
        "login" in name.lower() for name in (route.body_model or "", *names)
    )


def _body_fields(app: AppMap, route: Route) -> set[str]:
    return {f.name for s in app.schemas if s.name == route.body_model for f in s.fields}


def _gaps(app: AppMap, routes: tuple[Route, ...]) -> Iterator[str]:
    """What the app's own login lacks, as far as its source shows."""
    code = {p: c for p, c in app.files.items() if p.suffix == ".py" and not is_test(p)}
    text = b"\n".join(code.values())
    yield from _token_gaps(text)
    if not _LIMITERS.search(text):
        yield "failed logins meet no limit"
    for route in routes:
        if route.span is not None and _TELLING.search(app.text(route.span)):
            yield f"`{route}` tells whether there is such an account"
    for setting in app.settings:
        if re.search(r"secret|jwt.*key|signing", setting.name.lower()) and _literal(
            setting.default
        ):
            yield f"`{setting.name}` has a default in the source"
    yield from (f"`{name}` stands in the source" for name in _written_secrets(app))


_EXPIRES = re.compile(rb"\w\[[\"']expir\w*[\"']\]\s*[<>]|[<>]=?\s*\w+\[[\"']expir\w*[\"']\]")
"""A claim of one's own that is held against the time, where `exp` would be by the library."""


def _token_gaps(text: bytes) -> Iterator[str]:
    """What tokens lack, where the app signs any."""
    encodes = re.search(rb"\bjwt\.encode\(|\bencode\(\s*\w*claims", text)
    if encodes and not (re.search(rb"[\"']exp[\"']|\bexp\s*[=:]", text) or _EXPIRES.search(text)):
        yield "tokens have no expiry"
    elif re.search(rb"[\"']?verify_exp[\"']?\s*[:=]\s*False", text):
        yield "a token is read whether or not it has expired"
    if encodes and not re.search(rb"[\"']aud[\"']|\baudience\s*=", text):
        yield "tokens name no audience"


def _written_secrets(app: AppMap) -> Iterator[str]:
    """Keys that stand in the source, in front of everybody who can read it."""
    for module in app.modules.values():
        if not is_test(module.path):
            yield from (name for name in module.constants if _SECRET.search(name))


def _literal(default: str | None) -> bool:
    return bool(default) and re.fullmatch(r"[rbf]*[\"'].+[\"']", default or "") is not None
