"""Where the endpoints are, and what stands before them."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap, Inclusion, Router
from fastwright.model.errors import Refused
from fastwright.recipes.ensure.router import Hub, find_hub
from fastwright.recipes.jwt_auth.awaited import Awaited, awaited_login
from fastwright.recipes.jwt_auth.layout import MARKS, home_of

_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """The paths of the endpoints, in parts.

    Attributes:
        outer: What the app puts before the router, as far as it is known.
        prefix: The router's own prefix.
        login: The login's path behind both.
        me: True where there is a route that says who is logged in.
        who: The last part of that route's path.
        refresh: True where a login can be renewed.
        logout: True where it can be ended.
        registration: True where people can make accounts for themselves.
        moves: True where `outer` comes from a setting, so that it can be another elsewhere.
        expression: The app's own expression for `outer`, where it can be imported: a dotted
            symbol, and what to write after its last name.
        at_top: True where the router joins the app itself, so that nothing stands before it.
        awaited: The login that the app's tests post to, where its path was taken.
    """

    outer: str = ""
    prefix: str = "/auth"
    login: str = "/login"
    me: bool = True
    who: str = "/me"
    refresh: bool = False
    logout: bool = False
    registration: bool = False
    moves: bool = False
    expression: tuple[str, str] | None = None
    at_top: bool = False
    awaited: Awaited | None = None

    @property
    def full_login(self) -> str:
        """The whole path of the login."""
        return f"{self.outer}{self.prefix}{self.login}"

    @property
    def full_me(self) -> str:
        """The whole path of the route that says who is logged in."""
        return f"{self.outer}{self.prefix}{self.who}"

    @property
    def usual_me(self) -> str:
        """Where that route is in an app that does not answer there itself."""
        return replace(self, who="/me").full_me

    @property
    def full_register(self) -> str:
        """The whole path of the registration."""
        return f"{self.outer}{self.prefix}/register"

    @property
    def test_prefix(self) -> str:
        """What stands before the endpoints, as tests write it."""
        return self.prefix if self.moves else f"{self.outer}{self.prefix}"

    @property
    def test_login(self) -> str:
        """The login's path as tests write it."""
        return f"{self.test_prefix}{self.login}"

    @property
    def test_me(self) -> str:
        """The path of the route that says who is logged in, as tests write it."""
        return f"{self.test_prefix}{self.who}"


def find_paths(app: AppMap, wanted: str | None, *, me: bool, joined: Router | None = None) -> Paths:
    """The paths in this app; `wanted` is the whole path of the login, where a person gave it.

    Where nobody did, the tests of the app may await one. Who is logged in is said at a path of its
    own where the app answers at the usual one.

    Raises:
        Refused: `wanted` is not below the prefix of the router that the endpoints have `joined`.
    """
    found = _awaited_or_wanted(app, wanted, me=me, joined=joined)
    ways = (found.who, f"{found.login}/me", "/who-am-i")
    free = (who for who in ways if not _is_taken(app, replace(found, who=who).full_me))
    return replace(found, who=next(free, found.who))


def _is_taken(app: AppMap, path: str) -> bool:
    """True where a route of the app's own answers a GET of `path`, be it by a parameter."""
    ours = f"{home_of(app, 'me')}.{MARKS['me'][0]}"
    return any(
        route.method == "GET"
        and route.reachable
        and re.fullmatch("[^/]+".join(map(re.escape, _PARAMETER.split(route.path))), path)
        and route.handler != ours
        for route in app.routes
    )


def _awaited_or_wanted(
    app: AppMap, wanted: str | None, *, me: bool, joined: Router | None
) -> Paths:
    """The paths below the login that the app's tests await, unless a person gave another."""
    awaited = awaited_login(app) if wanted is None else None
    if awaited is not None:
        try:
            found = _found(app, awaited.path, me=me, joined=joined, follows=awaited.follows)
            return replace(found, awaited=awaited)
        except Refused:
            pass  # its file and the path that the tests await do not go together
    return _found(app, wanted, me=me, joined=joined, follows=False)


def _found(
    app: AppMap, wanted: str | None, *, me: bool, joined: Router | None, follows: bool
) -> Paths:
    """The paths; where `follows`, `wanted` moves with the prefix that a setting gives."""
    if joined is not None:
        return _below(app, joined, wanted, me=me)
    hub = find_hub(app)
    chain = _chain(app, hub) if hub else ()
    outer = _outer(app, hub, chain) if hub else ""
    moves = any(_is_moving(app, inclusion) for inclusion in chain)
    if wanted is None:
        prefix = f"{_shared(app, hub)}/auth" if hub else "/auth"
        expression = _expression(app, chain)
        return Paths(outer=outer, prefix=prefix, me=me, moves=moves, expression=expression)
    under = (follows or not moves) and outer and wanted.startswith(f"{outer}/")
    rest = wanted.removeprefix(outer) if under else wanted
    prefix, _, last = rest.rstrip("/").rpartition("/")
    found = outer if under else ""
    return Paths(
        outer=found,
        prefix=prefix,
        login=f"/{last}",
        me=me,
        at_top=bool(outer or moves) and not under,
        moves=moves and bool(under),
        expression=_expression(app, chain) if moves and under else None,
    )


def _below(app: AppMap, joined: Router, wanted: str | None, *, me: bool) -> Paths:
    """The paths of endpoints on a router that the app serves already."""
    chain = _above(app, joined.name)
    parts = [i.prefix or "" for i in reversed(chain)]
    outer = "".join((*parts, joined.prefix or ""))
    moves = any(_is_moving(app, inclusion) for inclusion in chain)
    path = wanted or f"{outer}/login"
    if not path.startswith(f"{outer}/"):
        raise Refused(
            f"cannot serve a login at `{path}`",
            f"`{joined.path}` is where it belongs, and its router stands at `{outer}`",
            f"give a path below it: `--path {outer}/login`",
        )
    return Paths(outer=outer, prefix="", login=path.removeprefix(outer), me=me, moves=moves)


def _shared(app: AppMap, hub: Hub) -> str:
    """The folders that the prefixes of all siblings begin with: ``/api/v1`` of ``/api/v1/books``.

    What one of them serves itself is not above it, so that the last part never counts.
    """
    own = {router.name: router.prefix or "" for router in app.routers}
    prefixes = [(i.prefix or "") + own.get(i.router, "") for i in hub.siblings]
    folders = [p.split("/")[:-1] for p in dict.fromkeys(prefixes)]
    if len(folders) < 2:
        return ""
    together = zip(*folders, strict=False)
    same = itertools.takewhile(lambda parts: len(set(parts)) == 1 and "{" not in parts[0], together)
    return "/".join(parts[0] for parts in same)


def _chain(app: AppMap, hub: Hub) -> tuple[Inclusion, ...]:
    """The inclusions that lead from the app to the place where routers are included."""
    return _above(app, hub.siblings[0].into if hub.siblings else "")


def _above(app: AppMap, into: str) -> tuple[Inclusion, ...]:
    """The inclusions from the router `into` up to the app, the nearest first."""
    found: list[Inclusion] = []
    while len(found) < 10:
        above = next((i for i in app.inclusions if i.router == into and i not in found), None)
        if above is None:
            break
        found.append(above)
        into = above.into
    return tuple(found)


def _outer(app: AppMap, hub: Hub, chain: tuple[Inclusion, ...]) -> str:
    """What routes of the siblings have before their own prefix; else what the chain says."""
    seen: Counter[str] = Counter()
    prefixes = {router.name: router.prefix or "" for router in app.routers}
    for sibling in hub.siblings:
        own = (sibling.prefix or "") + prefixes.get(sibling.router, "")
        paths = [r.path for r in app.routes if r.router == sibling.router and r.reachable]
        seen.update(path[: path.index(own)] for path in paths if own and own in path)
    if seen:
        return seen.most_common(1)[0][0]
    named = [hub.siblings[0].into] if hub.siblings else []
    parts = [prefixes.get(name, "") for name in named]
    for inclusion in chain:
        parts[:0] = [prefixes.get(inclusion.into, ""), inclusion.prefix or ""]
    return "".join(parts)


def _is_moving(app: AppMap, inclusion: Inclusion) -> bool:
    """True where the prefix is computed, unless of constants of the source alone."""
    text = (inclusion.prefix_text or "").strip()
    if not text or re.fullmatch(r"[\"'][^\"'{]*[\"']", text):
        return False
    names = re.findall(r"\{([\w.()]+)\}", text) if text[-1] in "\"'" else [text]
    plain = all(name.isidentifier() and name not in _given(app) for name in names)
    return inclusion.prefix is None or not plain


def _given(app: AppMap) -> set[str]:
    """Constants that come from the environment."""
    return {setting.name for setting in app.settings if setting.attribute is None}


def _expression(app: AppMap, chain: tuple[Inclusion, ...]) -> tuple[str, str] | None:
    """The one prefix of the chain, where it is an attribute of the settings object."""
    texts = [i.prefix_text.strip() for i in chain if i.prefix_text]
    match = re.fullmatch(r"(\w+)((?:\.\w+)+)", texts[0]) if len(texts) == 1 else None
    if match is None:
        return None
    for settings in app.settings_classes:
        if settings.instance and settings.instance.rpartition(".")[2] == match[1]:
            return settings.instance, match[2]
    return None
