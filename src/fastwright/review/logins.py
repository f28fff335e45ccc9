"""The doors that take a password: logins, resets and codes, and what limits the tries at them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from fastwright.model.app import AppMap, Schema
from fastwright.model.code import Call, Function
from fastwright.model.routing import Route
from fastwright.review.guarding import guarding_of
from fastwright.review.once import once
from fastwright.review.reach import Reach, last, reach
from fastwright.review.uncommented import uncommented

_LOGIN = re.compile(r"log_?-?in|sign_?-?in|access_?-?token|/token\b|authenticate", re.IGNORECASE)
_NOT_LOGIN = re.compile(
    r"refresh|revoke|logout|test_?-?token|oauth/|callback|regist|sign_?-?up|"
    r"forgot|recover|password_?-?reset|reset_?-?password",
    re.IGNORECASE,
)
_LIMITS = re.compile(
    r"limit(er|_?by|_?requests|_?(login|tries|attempts|rate))?\b|rate_?limit|throttl|slow_?api|"
    r"lock_?out|failed_?(login|attempt)|login_?attempt|too_?many|attempts?\b|brute|captcha|axes",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\b429\b|TOO_MANY_REQUESTS|failed_?login|login_?attempts|locked_?until|lock_?out|is_locked",
    re.IGNORECASE,
)
"""What code that counts tries says of itself, where no call has a name that tells."""
_PROXIED = re.compile(rb"\blimit_req\s|(?i:rate_?limit|rate-limiting)\b")
_PROXY_FILES = (".conf", ".template", ".yml", ".yaml", ".toml", "Caddyfile")
_COMPARES = re.compile(
    r"verif|check_?pass|checkpw|check_password|authenticat|compare_digest|crypt|argon|hash|"
    r"password\w*\s*[!=]=|[!=]=\s*[\w.]*password|matche?s?_?pass",
    re.IGNORECASE,
)
_HASHES = re.compile(r"\b(?:get_password_hash|(?:hash|make)_password|get_hash)\(")
"""Calls that make a hash, and compare it with nothing."""
_TYPE = r"(?:\s*:(?:[^,=\[\]]|\[(?:[^\[\]]|\[[^\]]*\])*\])*)?"


@dataclass(frozen=True)
class Logins:
    """The logins of one map."""

    app: AppMap

    @cached_property
    def _reach(self) -> Reach:
        return reach(self.app)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes that take a password from somebody who is nobody yet."""
        guarding = guarding_of(self.app)
        return tuple(
            r
            for r in guarding.served
            if r.method == "POST" and self._is_login(r) and not r.guards and not r.condition
        )

    def _is_login(self, route: Route) -> bool:
        words = f"{route.path} {route.handler.rpartition('.')[2]}"
        if _NOT_LOGIN.search(words):
            return False
        form = any("PasswordRequestForm" in d.call for d in route.every_dependency())
        return form or bool(_LOGIN.search(words) and self._takes_password(route))

    def _takes_password(self, route: Route) -> bool:
        return any("password" in name.lower() for name in self.names(route))

    def names(self, route: Route) -> Iterator[str]:
        """The names of what a route takes, the fields of its body one level down included."""
        by_name, by_plain_name = self._schemas
        body = by_name.get(route.body_model or "")
        yield from (p.name for p in route.parameters)
        for field in body.fields if body else ():
            yield field.name
            inner = by_plain_name.get(field.annotation or "")
            yield from (f.name for f in inner.fields) if inner else ()

    @cached_property
    def _schemas(self) -> tuple[Mapping[str, Schema], Mapping[str, Schema]]:
        """The schemas by dotted and by plain name; the first where several share the latter."""
        schemas = self.app.schemas
        return {s.name: s for s in schemas}, {last(s.name): s for s in reversed(schemas)}

    def limited_by(self, route: Route) -> str:
        """What may limit the tries at a route, as it is called; empty for nothing at all."""
        named = [n.call for n in route.every_dependency()]
        named += [m.name for m in self.app.middleware]
        function = self._reach.answering(route)
        if function is not None:
            named += function.decorators
            for root in self._reach.roots(route):
                steps = tuple(self._reach.below(root))
                named += [s.call.text for s in steps]
                named += [f.name for s in steps for f in s.functions]
        found = (name for name in named if _LIMITS.search(name) and not name.endswith(".limit"))
        limited = next(found, "")
        if limited or function is None:
            return limited
        decorated = next((d for d in function.decorators if "limit" in d.lower()), "")
        return decorated or self._refused_by(route)

    def _refused_by(self, route: Route) -> str:
        """The function that answers that there were too many tries, or that asks for a lock."""
        running = self._reach.running(route)
        return next((f.name for f in running if _REFUSES.search(uncommented(self.app, f))), "")

    def is_read(self, route: Route) -> bool:
        """Whether code that compares the password is seen, and no proxy of the app's limits tries.

        A password that is handed to code that cannot be followed may be counted there.
        """
        running = tuple(self._reach.running(route))
        misled = self._misled(route)
        names = "|".join(re.escape(name.rpartition(".")[2]) for name in misled)
        texts = [_below(uncommented(self.app, f)) for f in running if f.name not in misled]
        plain = (re.sub(rf"\b(?:{names})\(", "(", text) if names else text for text in texts)
        compared = any(_COMPARES.search(_HASHES.sub("(", text)) for text in plain)
        if misled and not compared:
            return False
        calls = (call for f in running for call in self._reach.calls_in(f))
        return (compared or all(map(self._reach.callee, calls))) and not self._is_proxied

    def _misled(self, route: Route) -> frozenset[str]:
        """The functions below a call that leaves a parameter to ``Depends``: nobody fills it.

        Called as plain Python, it gets the marker itself in place of a session, and fails.
        """
        handler = self._reach.answering(route)
        steps = self._reach.below(handler) if handler is not None else ()
        pairs = ((s, list(zip(s.via, s.functions[1:], strict=True))) for s in steps)
        return frozenset(
            step.function.name
            for step, ways in pairs
            if any(_leaves_to_depends(self.app, call, function) for call, function in ways)
        )

    @cached_property
    def _is_proxied(self) -> bool:
        files = self.app.files.items()
        return any(str(p).endswith(_PROXY_FILES) and _PROXIED.search(text) for p, text in files)


def _leaves_to_depends(app: AppMap, call: Call, function: Function) -> bool:
    """Whether a plain call gives nothing to a parameter whose default is ``Depends(…)``."""
    head = uncommented(app, function).partition(":\n")[0]
    asked = [p for p in function.parameters if p not in ("self", "cls")]
    given = {*asked[: len(call.arguments)], *(name for name, _ in call.keywords)}
    if "**" in given or any(value.startswith("*") for value in call.arguments):
        return False
    return any(
        re.search(rf"\b{name}{_TYPE}\s*=\s*(?:\w+\.)?Depends\(", head)
        for name in asked
        if name not in given
    )


def _below(text: str) -> str:
    """A function without its head: its name and parameters compare nothing."""
    return text.partition(":\n")[2]


@once
def logins_of(app: AppMap) -> Logins:
    """The logins of an app."""
    return Logins(app)
