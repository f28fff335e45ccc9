"""Whether what a map says of guards is what somebody without credentials meets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastwright.lab.boot import App
from fastwright.lab.boot_answer import Answer
from fastwright.model.app import AppMap
from fastwright.model.errors import DoesNotLoad
from fastwright.model.routing import Route
from fastwright.review.guarding import Guarding
from fastwright.review.requests import Contract, Ready

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
AWAY = (401, 403)


@dataclass(slots=True)
class Guards:
    """How many routes agree, and the others, each in a line.

    A guarded route that answers 307, 404 or 422 ended before its guard, or in it: undecided. So is
    one of which the map only says that something may turn callers away, such as its own handler.
    """

    agree: int = 0
    disagreements: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        decided = self.agree + len(self.disagreements)
        return f"{self.agree}/{decided}, {len(self.undecided)} undecided"

    def take(self, route: Route, judge: Guarding, answer: Answer) -> None:
        """Count one answer."""
        away, status = answer.status in AWAY, answer.status
        if _is_guarded(route):
            said = f"`{route}` is guarded by the map, anonymous: {status}"
            before = status >= 300  # a redirect lets nobody in: it leads elsewhere
            names = re.findall(r'"loc": ?\[([^\]]*)\]', answer.text[:2000]) if before else ()
            self._count(away, before, said + (f" for {'; '.join(names)}" if names else ""))
        else:
            said = f"`{route}` is not guarded by the map, anonymous: {status}"
            may = f"; its own code can answer {route.refuses}" if route.refuses else ""
            agree = away if may else not away
            self._count(agree, bool(may) or judge.is_unsure(route), said + may)

    def _count(self, agree: bool, undecided: bool, said: str) -> None:
        self.agree += agree
        if not agree:
            (self.undecided if undecided else self.disagreements).append(said)


def _is_guarded(route: Route) -> bool:
    return any(g.role != "middleware" and not g.optional for g in route.guards)


def compare(live: App, app: AppMap) -> Guards:
    """Call every route of the running app as nobody, as its contracts want it."""
    found, judge = Guards(), Guarding(app)
    contracts = {"": live.description["openapi"] or {}, **live.description["openapi_mounted"]}
    served = [
        r for r in app.routes if r.reachable and r.method in METHODS and "import" in r.seen_by
    ]
    for route in sorted(served, key=lambda r: (METHODS.index(r.method), r.path)):
        ready = _request(route, contracts)
        try:
            answer = live.request(
                route.method, ready.path, headers=ready.headers, body=ready.body, timeout=10.0
            )
        except DoesNotLoad as error:
            found.undecided.append(f"`{route}` ended the app: {error.because}")
            break
        found.take(route, judge, answer)
    return found


def _request(route: Route, contracts: Mapping[str, Any]) -> Ready:
    for mount in sorted(contracts, key=len, reverse=True):
        inner = route.path.removeprefix(mount)
        item = contracts[mount].get("paths", {}).get(inner, {})
        if route.path.startswith(mount) and route.method.lower() in item:
            ready = Contract(contracts[mount]).request(route.method, inner, lambda *_: None)
            return Ready(mount + ready.path, ready.headers, ready.body)
    return Ready(re.sub(r"\{[^}]+\}", "1", route.path))
