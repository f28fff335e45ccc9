"""One live app with users and rows: what every probe of an examination works with."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from fastwright.model.app import AppMap
from fastwright.model.finding import Caller, Finding
from fastwright.model.review import Fault
from fastwright.model.routing import Route
from fastwright.model.storage import Table
from fastwright.review.attack import Answer, Client, Headers, Target
from fastwright.review.guarding import Guarding
from fastwright.review.intent import Intent
from fastwright.review.live.canaries import Canaries, Canary
from fastwright.review.live.casting import Cast
from fastwright.review.live.created import created, flat, texts
from fastwright.review.live.credentials import User
from fastwright.review.live.exchange import Exchange, with_headers
from fastwright.review.live.filling import Filling
from fastwright.review.live.people import People
from fastwright.review.live.shaping import Shape
from fastwright.review.nesting import PEOPLE, table_named
from fastwright.review.ownership import Ownership
from fastwright.review.requests import Contract, Ready

PATIENCE = 4.0
"""Seconds that one answer may take."""

_LARGEST_REFUSAL = 200_000
"""Bytes of an answer that is kept: larger ones repeat what was sent."""

_TOLD = 300
"""Characters by which one answer is told from another of the same operation."""


@dataclass
class Stage:
    """A live app, what is known of it, and who is on it.

    Attributes:
        target: The live app.
        app: Its map, merged with what runs.
        people: Who makes users.
        company: The users.
        deadline: When to stop, on the clock of `seconds`.
        not_tried: What was left out, with the reasons.
        faults: What of ours raised.
        shapes: Bodies that are taken, where those that the contract asks for are not.
        ways: How each operation makes a row (`created.WAYS`), where that is known; empty for none.
        known: What the rules found.
        refusals: Answers of 400 and above, one of each kind of each operation.
    """

    target: Target
    app: AppMap
    people: People
    company: Cast
    deadline: float
    seconds: Callable[[], float]
    not_tried: dict[str, None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    ways: dict[str, tuple[tuple[bool, bool], ...]] = field(default_factory=dict)
    known: tuple[Finding, ...] = ()
    refusals: dict[tuple[str, int, str], Exchange] = field(default_factory=dict)
    _mercy: float = 30.0
    _songs: dict[str, Canary | None] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def cast(self) -> Mapping[Caller, User]:
        """The users, by the caller that they play."""
        return self.company.users

    @property
    def staff(self) -> tuple[User, ...]:
        """Users with a higher role."""
        return self.company.staff

    def renew(self) -> bool:
        """Put others in the place of users who are not who they were; rows go with the owner.

        Returns:
            Whether the owner is a new one.
        """
        is_new = self.company.renew()
        if is_new:
            self._songs.clear()
        return is_new

    @property
    def contract(self) -> Contract:
        """The app's own OpenAPI document."""
        return self.people.contract

    @cached_property
    def sparse(self) -> Contract:
        """The same, for requests with what is required and texts of their own."""
        return replace(self.contract, text=self.text)

    @cached_property
    def full(self) -> Contract:
        """The same, for requests with all that is optional."""
        return replace(self.sparse, full=True)

    @cached_property
    def guarding(self) -> Guarding:
        """Who is turned away, as far as source tells."""
        return Guarding(self.app)

    @cached_property
    def ownership(self) -> Ownership:
        """Whose rows are whose, as far as source tells."""
        return Ownership(self.app)

    @cached_property
    def intent(self) -> Intent:
        """What is declared."""
        return Intent.read(self.app)

    @cached_property
    def canaries(self) -> Canaries:
        """Who makes rows."""
        return Canaries(self.target, self.app, self.people)

    @cached_property
    def routes(self) -> dict[str, Route]:
        """Our route of each operation of the contract."""
        own = (r for r in self.app.routes if r.reachable and r.span is not None)
        found = {re.sub(r"\{(\w+):\w+\}", r"{\1}", str(r)): r for r in own}
        return {f"{m} {p}": found[f"{m} {p}"] for m, p in self.contract.operations()
                if f"{m} {p}" in found}  # fmt: skip

    def give_up(self, operation: str, exchange: Exchange) -> None:
        """Call an operation no more that did not answer."""
        self.routes.pop(operation, None)
        if exchange.status:
            took = f"it took {PATIENCE:.0f} s and more"
            self.not_tried[f"`{operation}` was called once: {took}"] = None

    def spare(self, lost: float) -> float:
        """Seconds of those `lost` with an app that did not answer that all else is given again."""
        spared = min(lost, self._mercy)
        self._mercy -= spared
        self.deadline += spared
        return spared

    @property
    def is_over(self) -> bool:
        """There is no time left for further probes."""
        return self.seconds() > self.deadline

    def user(self, caller: Caller, operation: str = "") -> User | None:
        """Who plays `caller` in calls of `operation`; None for nobody."""
        route = self.routes.get(operation)
        demands = route is not None and any(g.role == "permission" for g in route.guards)
        if demands and len(self.staff) > 1 and caller in (Caller.OWNER, Caller.OTHER_USER):
            return self.staff[caller is Caller.OTHER_USER]
        return self.cast.get(caller)

    def song(self, table: Table) -> Canary | None:
        """The one row of `table` that is only ever read, the owner's."""
        owner = self.user(Caller.OWNER)
        if table.name not in self._songs and owner is not None:
            self._songs[table.name] = self.canaries.of(table, owner)
        return self._songs.get(table.name)

    def sung(self, operation: str) -> Canary | None:
        """The same of a row that a route makes, where no table is known to put one into."""
        collection = f"{operation.partition(' ')[2].partition('/{')[0]}"
        if collection not in self._songs:
            self._songs[collection] = created(self, operation)
        return self._songs[collection]

    def again(self, canary: Canary) -> Mapping[str, str | None] | None:
        """The row as it stands now; None where it is gone."""
        if not canary.fills:
            return self.canaries.again(canary)
        if not canary.reader:
            return texts(canary.row)
        request = self.ready(canary.reader, self.user(Caller.OWNER), canary)
        seen = self.send(Caller.OWNER, canary.reader, request)
        if seen.status in (404, 410):
            return None
        return texts(dict(reversed(list(flat(seen.json()))))) if seen.worked else texts(canary.row)

    def send(
        self,
        caller: Caller,
        operation: str,
        request: Ready,
        *,
        row: Mapping[str, Any] | None = None,
        client: Client | None = None,
        headers: Headers = (),
        staging: str = "",
    ) -> Exchange:
        """Send `request` as `caller`; `row` is the canary that it names."""
        user = self.user(caller, operation)
        carried = (*(user.headers if user else ()), *headers)
        request = with_headers(request, carried)
        answer: Answer = self.target.request(
            operation.partition(" ")[0],
            request.path,
            headers=request.headers,
            body=request.body,
            client=client or self.people.address(),
            timeout=PATIENCE,
        )
        method = operation.partition(" ")[0]
        exchange = Exchange.of(caller, operation, (method, request), answer, row)
        exchange = replace(exchange, staging=staging, carried=tuple(carried))
        if exchange.status >= 400 and 0 < len(exchange.body) <= _LARGEST_REFUSAL:
            kind = re.sub(r"\W|\d", "", exchange.text[:_TOLD])
            self.refusals.setdefault((operation, exchange.status, kind), exchange)
        return exchange

    # ---------------------------------------------------------------------------- requests

    def ready(
        self,
        operation: str,
        owner: User | None,
        canary: Canary | None = None,
        *,
        full: bool = False,
    ) -> Ready:
        """A request for `operation`, made of rows that are `owner`'s; `canary` is the one meant."""
        shape = self.shapes.get(operation) or Shape(full)
        filling = Filling(self, owner, canary)
        request = filling.request(operation, full=shape.full, upload=shape.upload)
        return replace(request, body=shape.applied(request.body)) if shape.is_special else request

    def filled(
        self, operation: str, making: tuple[str, ...], *, full: bool, by_routes: bool
    ) -> tuple[Ready, Mapping[str, Any]]:
        """A request of the owner's, and what the parameters of its path hold."""
        filling = Filling(self, self.user(Caller.OWNER), making=making, by_routes=by_routes)
        return filling.request(operation, full=full), filling.fills

    def text(self) -> str:
        """A text that nothing else holds."""
        return f"fw{next(self._numbers)}right"

    def is_own_text(self, text: str) -> bool:
        """Whether `text` is one of `text()`, or begins with one."""
        return re.match(r"fw\d+right", text) is not None

    def table_of(self, name: str, path: str) -> Table | None:
        """The table that ``order_id`` speaks of, or ``{id}`` after ``/orders/``."""
        stem = re.sub(r"_?(id|uuid|uid|pk|slug)$", "", name)
        before = re.search(rf"([\w-]+)/\{{{re.escape(name)}\}}", path)
        people = self.people.table
        if before and stem == name and people is not None and people.column(name) is not None:
            named = table_named(self.app, before[1].replace("-", "_"))
            return named if named is not None and named.column(name) is not None else people
        if not before and stem == name:
            return None
        segment = before[1].replace("-", "_") if before else ""
        for word in filter(None, (stem if stem != name else "", segment)):
            named = table_named(self.app, word)
            if named is not None:
                return named
        return people if stem in PEOPLE else None
