"""How one gets into an app: its login, its sign-up, and the route that says who is calling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.routing import Route
from fastwright.review.requests import Contract

_LOGIN = re.compile(r"log_?-?in|sign_?-?in|token|authenticat|session|jwt", re.IGNORECASE)
_NOT_LOGIN = re.compile(
    r"refresh|revoke|log_?-?out|reset|forgot|recover|verif|sign_?-?up|regist|test-?token|confirm|"
    r"change|first",
    re.IGNORECASE,
)
_SIGN_UP = re.compile(
    r"sign_?-?up|regist|/(users?|accounts?)/?( |$)|"
    r"(create|add|new|make)_?(user|account)|(user|account)_?(create|add)",
    re.IGNORECASE,
)
_MAKES_TOKENS = re.compile(
    r"^(create|make|generate|encode|issue|sign|build)_?\w*(token|jwt)|^encode_jwt$|^sign_jwt$"
)
_LOGIN_FIELDS = ("username", "email", "login", "user_name", "phone", "name", "identifier")


@dataclass(frozen=True, slots=True)
class Entrances:
    """What is known of the ways in.

    Attributes:
        logins: Operations that may be the login, the likeliest first.
        sign_ups: Operations that may make an account, likewise.
        whoami: Reading operations that ask for a caller and need nothing else, likewise.
        guarded: Operations that ask for a caller, whatever else they need; reading ones first.
            Those that seem to let everybody through come last in both.
        token_makers: Dotted functions of the app that make tokens.
        header_names: Headers that credentials may travel in, beside ``Authorization``.
        is_basic: A route asks for HTTP's basic authentication.
    """

    logins: tuple[str, ...] = ()
    sign_ups: tuple[str, ...] = ()
    whoami: tuple[str, ...] = ()
    guarded: tuple[str, ...] = ()
    token_makers: tuple[str, ...] = ()
    header_names: tuple[str, ...] = ()
    is_basic: bool = False


def find_entrances(app: AppMap, contract: Contract) -> Entrances:
    """The ways in, from map and contract; nothing is called."""
    known = {f"{m} {p}" for m, p in contract.operations()}
    fields = {name: frozenset(contract.names(*name.split(" ", 1))) for name in known}
    routes = {str(r): r for r in app.routes if str(r) in known}
    asking = {n: f for n, f in fields.items() if n.startswith("POST") and _asks_password(f)}
    logins = _ranked(asking, lambda n, f: _as_login(n, f, routes.get(n), app))
    sign_ups = _ranked(asking, lambda n, f: _as_sign_up(n, f, routes.get(n)))
    return Entrances(
        logins, tuple(n for n in sign_ups if n not in logins[:1]), _whoami(app, known),
        _guarded(app, known), _makers(app), _headers(app), _is_basic(app),
    )  # fmt: skip


def _asks_password(names: Iterable[str]) -> bool:
    return any("password" in name.lower() or name.lower() in ("pwd", "pass") for name in names)


def _ranked(asking: Mapping[str, frozenset[str]], score: Any) -> tuple[str, ...]:
    rows = [(score(name, fields), name) for name, fields in sorted(asking.items())]
    return tuple(name for points, name in sorted(rows, key=lambda r: -r[0]) if points > 0)


def _as_login(name: str, fields: frozenset[str], route: Route | None, app: AppMap) -> int:
    words = f"{name} {route.handler.rpartition('.')[2] if route else ''}"
    if _NOT_LOGIN.search(words) or not fields & set(_LOGIN_FIELDS):
        return 0
    announced = {p.token_url.strip("/") for p in app.principals if p.token_url}
    points = 2 * bool(_LOGIN.search(words)) + 3 * any(name.endswith(url) for url in announced)
    form = route is not None and any("PasswordRequestForm" in d.call for d in route.dependencies)
    return points + 2 * form + (len(fields) <= 3)


def _as_sign_up(name: str, fields: frozenset[str], route: Route | None) -> int:
    words = f"{name} {route.handler.rpartition('.')[2] if route else ''}"
    guarded = route is not None and any(g.role != "middleware" and not g.optional
                                        for g in route.guards)  # fmt: skip
    if guarded or not fields & set(_LOGIN_FIELDS) or re.search(r"reset|forgot|recover", words):
        return 0
    named = bool(re.search(r"sign_?-?up|regist", words))
    return named + 3 * bool(_SIGN_UP.search(words)) - 3 * bool(re.search(r"log_?-?in|token", words))


def _whoami(app: AppMap, known: set[str]) -> tuple[str, ...]:
    rows = [
        r
        for r in app.routes
        if r.method == "GET"
        and str(r) in known
        and "{" not in r.path
        and any(g.role == "principal" for g in r.guards)
    ]
    rows.sort(key=lambda r: (_is_lax(r), any(g.role == "permission" for g in r.guards),
                             not re.search(r"/(me|user|profile|whoami)/?$", r.path)))  # fmt: skip
    return tuple(str(r) for r in rows)


def _guarded(app: AppMap, known: set[str]) -> tuple[str, ...]:
    rows = [r for r in app.routes if str(r) in known
            and any(g.role != "middleware" for g in r.guards)]  # fmt: skip
    rows.sort(key=lambda r: (_is_lax(r), r.method != "GET", "{" in r.path, r.method == "DELETE"))
    return tuple(str(r) for r in rows)


def _is_lax(route: Route) -> bool:
    """Whether source alone finds no guard that turns everybody away: calling it tells."""
    return all(g.optional for g in route.guards if g.role != "middleware")


def _makers(app: AppMap) -> tuple[str, ...]:
    named = (f for f in app.functions if f.class_name is None and "<" not in f.name)
    found = [f.name for f in named if _MAKES_TOKENS.match(f.name.rpartition(".")[2])]
    usual = [n for n in found if not re.search(r"refresh|reset|verif|email|csrf|invit|test", n)]
    return tuple(sorted(usual, key=lambda n: "access" not in n))


def _is_basic(app: AppMap) -> bool:
    nodes = (node for route in app.routes for node in route.every_dependency())
    return any(node.scheme == "HTTPBasic" for node in nodes)


def _headers(app: AppMap) -> tuple[str, ...]:
    """Names of headers in the options of schemes (``APIKeyHeader(name=…)``)."""
    options = (
        value.strip("'\"")
        for route in app.routes
        for node in route.every_dependency()
        if node.scheme is not None
        for key, value in node.options
        if key == "name"
    )
    return tuple(dict.fromkeys(o for o in options if re.fullmatch(r"[\w-]+", o)))
