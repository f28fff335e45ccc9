"""What stands between a request and the handler of a route, as far as the map tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property

from fastwright.model.app import AppMap
from fastwright.model.routing import Dependency, Guard, Route
from fastwright.review.middlemen import may_refuse
from fastwright.review.once import once
from fastwright.review.reach import reach
from fastwright.review.scopes import demanded, holders
from fastwright.review.turning_away import demands_administrator, refuses_nobody

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_OPEN_WORDS = re.compile(
    r"log_?(in|out)|sign_?(in|up|out)|regist(er|ration)|\btokens?\b|access_?token|refresh|auth\b|"
    r"authenticat|oauth|callback|"
    r"passw|forgot|reset|recover|verif|confirm|activat|health|ping\b|ready|\balive|liveness|"
    r"metrics|\bversion\b|hooks?\b|webhook|public|docs|openapi|contact|(un)?subscri|csrf|captcha|"
    r"pay\w*/(\w+/)*(notify|notifications?|postback)\b|"
    r"otp\b|magic|session|invit|well.known|favicon|robots|\broot\b|first_?(run|install)|"
    r"\bsetup\b|onboard|feedback|track|share|\bapply_(to|for)_|\bguest",
    re.IGNORECASE,
)
_CONFIRMS = re.compile(r"\}/(verify|verification|confirm|confirmation|activate)/?$")
_PROOFS = re.compile(
    r"token|api_?key|signature|secret|hmac|code\b|credential|authorization|x_key", re.IGNORECASE
)
_PROVES = re.compile(
    r"token|api_?key|signature|hmac|credential|(^|_)(secret|otp|pin)(_|$)", re.IGNORECASE
)
"""What a field of a body is called that shows who sends it."""
_PASSWORD = re.compile(r"password|passwd|contrase|senha|kennwort|mot_de_passe", re.IGNORECASE)
_ASKED = re.compile(r"\brequest\.(user|state|session|headers|cookies|auth)\b")
_HANDED = re.compile(r"[(,=]\s*request\s*[,)]")
_REFUSED = re.compile(r"status(_code)?\s*=\s*(\w+\.)*(HTTP_)?40[13]\b")
ADMINISTERS = re.compile(r"admin|super_?user|staff|operator", re.IGNORECASE)
_OWN = ("fastapi.", "starlette.", "typing.", "pydantic.", "sqlalchemy.", "sqlmodel.", "builtins.")


@dataclass(frozen=True)
class Guarding:
    """Judges the routes of one map; `unsure` answers are never counted as missing guards."""

    app: AppMap

    @cached_property
    def _known(self) -> frozenset[str]:
        """What source can be read of: our functions and classes, by dotted name."""
        classes = (f.class_name for f in self.app.functions if f.class_name)
        return frozenset({*(f.name for f in self.app.functions), *classes})

    @cached_property
    def _sessions(self) -> frozenset[str]:
        return frozenset(s.symbol for s in self.app.sessions)

    @cached_property
    def by_middleware(self) -> bool:
        """Some middleware may turn callers away, for all that source tells."""
        return any(may_refuse(self.app, row) for row in self.app.middleware)

    @cached_property
    def served(self) -> tuple[Route, ...]:
        """The routes of ours that a request can reach."""
        return tuple(
            r for r in self.app.routes if r.reachable and r.span is not None and "{?}" not in r.path
        )

    def is_guarded(self, route: Route) -> bool:
        """Whether somebody without credentials is turned away, before the handler or in it."""
        refuses = bool(route.refuses) or refuses_nobody(self.app, route)
        return bool(self._guards(route)) or refuses

    def asks(self, route: Route) -> bool:
        """Whether a route asks who is calling; a login refuses only a wrong password."""
        if self._guards(route) or refuses_nobody(self.app, route):
            return True
        return bool(route.refuses) and not (_is_named_open(route) or self.is_login(route))

    def is_login(self, route: Route) -> bool:
        """Whether a route refuses by itself whoever gives a wrong password."""
        by_form = any("PasswordRequestForm" in node.call for node in route.every_dependency())
        return bool(route.refuses) and (by_form or self._takes_password(route))

    def _guards(self, route: Route) -> list[Guard]:
        """What turns somebody without credentials away before the handler runs."""
        return [g for g in route.guards if g.role != "middleware" and not g.optional]

    def is_unsure(self, route: Route) -> bool:
        """Whether something that cannot be read may guard the route."""
        if self.by_middleware or route.condition or any(g.optional for g in route.guards):
            return True
        if any(self._is_foreign(node) for node in route.every_dependency()):
            return True
        asked = [p for p in route.parameters if p.source in ("header", "cookie", "query", "body")]
        given = (p for p in route.parameters if "FromDishka[" in (p.annotation or ""))
        # What a container gives may be the caller, or be refused to whoever is nobody.
        if any(_PROOFS.search(p.name) for p in asked) or any(given):
            return True
        return self._is_proved_by_body(route) or self._asks_itself(route)

    def _is_proved_by_body(self, route: Route) -> bool:
        schema = next((s for s in self.app.schemas if s.name == route.body_model), None)
        return schema is not None and any(_PROVES.search(f.name) for f in schema.fields)

    def _asks_itself(self, route: Route) -> bool:
        """The handler reads of the request who is calling, or a function that it hands it to."""
        text = self.app.text(route.span) if route.span is not None else ""
        if _ASKED.search(text) or _REFUSED.search(text.partition(":\n")[2]):
            return True
        handler = reach(self.app).answering(route) if _HANDED.search(text) else None
        calls = reach(self.app).calls_in(handler) if handler is not None else ()
        below = filter(None, map(reach(self.app).callee, calls))
        return any(_ASKED.search(self.app.text(function.span)) for function in below)

    def _is_foreign(self, node: Dependency) -> bool:
        """A dependency whose code is not ours and is no session, form or the framework's own."""
        if node.scheme is not None or node.call in self._sessions or node.call in self._known:
            return False
        return not node.call.startswith(_OWN)

    def is_public_by_nature(self, route: Route) -> bool:
        """Whether path, handler or body say that it is for people who are not logged in."""
        takes_password = self._takes_password(route) and not self._has_sign_up
        return _is_named_open(route) or takes_password or self._is_proved_later(route)

    def _is_proved_later(self, route: Route) -> bool:
        """What is made here is confirmed on a door of its own, by whoever made it."""
        below = route.path.rstrip("/") + "/{"
        return route.method == "POST" and any(
            r.path.startswith(below) and _CONFIRMS.search(r.path) and not self._guards(r)
            for r in self.served
        )

    @cached_property
    def _has_sign_up(self) -> bool:
        """There is a sign-up by name, so that another route that makes accounts is none."""
        return any(
            self._takes_password(r) and re.search(r"sign_?up|regist", f"{r.path} {r.handler}")
            for r in self.served
        )

    def _takes_password(self, route: Route) -> bool:
        schema = next((s for s in self.app.schemas if s.name == route.body_model), None)
        names = [f.name for f in schema.fields] if schema else [p.name for p in route.parameters]
        return route.method == "POST" and any(map(_PASSWORD.search, names))

    def is_open(self, route: Route) -> bool:
        """Nothing at all asks who is calling, and nothing unread could."""
        return not self.is_guarded(route) and not self.is_unsure(route)

    def principal_of(self, route: Route) -> str | None:
        """The parameter of the handler that holds the caller, where it has a usable name."""
        callers = {g.name for g in route.guards if g.role in ("principal", "permission")}
        for node in route.dependencies:
            if node.name and not node.name.startswith("_") and node.call in callers:
                return node.name
        return None


def permissions(route: Route) -> tuple[Guard, ...]:
    """The guards that demand more than being somebody."""
    return tuple(g for g in route.guards if g.role == "permission")


def is_for_administrators(route: Route, app: AppMap | None = None) -> bool:
    """Whether a permission is demanded, and it or the path says that administrators have it.

    With `app`, what the permission is made with is read too: ``Depends(require("admin"))``, and
    scopes (``require(["write:orders"])``) that no other role holds, and so is the handler, which
    may test by itself whether an administrator is calling.
    """
    if app is not None and _is_held_by_administrators(app, route):
        return True
    if app is not None and demands_administrator(app, route):
        return True
    asked = {guard.name for guard in permissions(route)}
    texts = [route.path, *map(_last, asked)]
    if app is not None:
        nodes = (n for n in route.every_dependency() if n.call in asked and n.span is not None)
        spoken = (app.text(n.span) for n in nodes if n.span is not None)
        texts += [text for text in spoken if speaks_of_administrators(text)]
    return bool(asked) and any(map(ADMINISTERS.search, texts))


def speaks_of_administrators(text: str) -> bool:
    """True for ``require("admin")``, and not for ``RoleChecker(["admin", "user"])``."""
    words = re.findall(r"[\"']([^\"']+)[\"']", text)
    return all(map(ADMINISTERS.search, words)) and ADMINISTERS.search(text) is not None


def _is_held_by_administrators(app: AppMap, route: Route) -> bool:
    """True where a table of roles gives a scope that is demanded to administrators alone."""
    for scope in demanded(app, route):
        roles = holders(app, scope)
        if roles and all(map(ADMINISTERS.search, roles)):
            return True
    return False


def _is_named_open(route: Route) -> bool:
    return _says_open(route.path) or _says_open(_last(route.handler))


@cache
def _says_open(text: str) -> bool:
    return _OPEN_WORDS.search(text) is not None


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


@once
def guarding_of(app: AppMap) -> Guarding:
    """The judge of the routes of an app."""
    return Guarding(app)
