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

    A guarded route that answers 404 or 422 ended before its guard, or in it: undecided. So is one
    of which the map itself says that something in it may turn callers away.
    """

    agree: int = 0
    disagreements: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        decided = self.agree + len(self.disagreements)
        return f"{self.agree}/{decided}, {len(self.undecided)} undecided"

    def take(self, route: Route, judge: Guarding, answer: Answer) -> None:
        """Count one answer."""
        guarded, away = judge.is_guarded(route), answer.status in AWAY
        said = f"`{route}` is {'' if guarded else 'not '}guarded by the map, anonymous: "
        said += str(answer.status)
        if guarded == away:
            self.agree += 1
        elif guarded and answer.status >= 400:
            names = re.findall(r'"loc": ?\[([^\]]*)\]', answer.text[:2000])
            self.undecided.append(said + (f" for {'; '.join(names)}" if names else ""))
        elif not guarded and judge.is_unsure(route):
            self.undecided.append(f"{said}; the map says that it may be")
        else:
            self.disagreements.append(said)


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
