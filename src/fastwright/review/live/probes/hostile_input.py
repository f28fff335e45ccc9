"""Does a value that no validator stops end in a 500?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.finding import Caller
from fastwright.review.at_home import is_at_home
from fastwright.review.live.breaking import Break, broken, folded, is_outside
from fastwright.review.live.exchange import TWICE as SERVED_BEFORE
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Cell, Grid, alters, canary_for, leaves
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage
from fastwright.review.live.values import TWICE
from fastwright.review.live.variations import Variation, fresh, variations
from fastwright.review.requests import Ready


def hostile_input(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Vary every request that works, one value at a time; a 500 counts if the request still works.

    Operations that end a login are left alone, and those that development alone has. Where
    something beside the app was missing, nothing is said of the app.
    """
    stage.renew()  # probes before may have renamed whoever called
    found: list[Break] = []
    for operation, cells in grid.rows.items():
        cell = cells.get(_caller(stage))
        if cell is None or not cell.exchange.worked or operation not in stage.routes:
            continue
        if stage.is_over:
            stage.not_tried[f"hostile values from `{operation}` on: the time was up"] = None
            break
        if not leaves(operation) and not is_at_home(stage.routes[operation].condition):
            found += _Trial(stage, operation, cell).breaks()
    yield from folded(found, stage.known)


def _bare(request: Ready) -> str:
    return request.path.partition("?")[0]


def _caller(stage: Stage) -> Caller:
    return Caller.OWNER if stage.user(Caller.OWNER) is not None else Caller.ANONYMOUS


class _Trial:
    """One operation, and the requests of it that are varied."""

    def __init__(self, stage: Stage, operation: str, cell: Cell) -> None:
        self._stage = stage
        self._operation = operation
        self._cell = cell
        self._canary = cell.canary
        self._plain = cell.exchange.request
        self._first = self._now = _bare(self._plain)

    def breaks(self) -> Iterator[Break]:
        """What breaks the operation, each cause once."""
        found: dict[tuple[str, ...], Break] = {}
        for variation in self._variations():
            if self._stage.is_over:
                break
            exchange = self._answered(variation)
            if exchange.status in (0, 504):
                self._hangs(variation)
                break
            if exchange.status == 500 and not is_outside(exchange) and self._works():
                self._keep(found, variation, exchange)
            self._renew(exchange)
        yield from found.values()

    def _keep(
        self, found: dict[tuple[str, ...], Break], variation: Variation, exchange: Exchange
    ) -> None:
        route = self._stage.routes[self._operation]
        one = broken(self._stage.app, exchange, variation.what, variation.place, route)
        key = (one.rule, one.subject, one.family, one.raised.kind, one.raised.place)
        places = found[key].places if key in found else ()
        merged = tuple(dict.fromkeys((*places, *one.places)))
        found[key] = replace(found.get(key, one), places=merged)

    def _variations(self) -> Iterator[Variation]:
        if self._cell.exchange.request.body:
            yield from self._repeated()
        elif self._operation.startswith("GET") and "{" in self._operation:
            self._refound()
        for variation in variations(self._stage, self._operation, self._plain):
            yield replace(variation, request=fresh(self._stage, variation.request))

    def _refound(self) -> None:
        """Ask for what there is now: whom the request of the matrix named may have gone since."""
        if not self._sent(self._plain).worked:
            owner = self._stage.user(Caller.OWNER, self._operation)
            self._plain = self._stage.ready(self._operation, owner, self._canary)
            self._first = self._now = _bare(self._plain)

    def _repeated(self) -> Iterator[Variation]:
        """Settle on the fullest body that works, and send what makes a row a second time."""
        if self._operation == self._stage.people.login:
            return
        owner = self._stage.user(Caller.OWNER, self._operation)
        for full in (True, False):
            request = self._stage.ready(self._operation, owner, self._canary, full=full)
            first = self._sent(request)
            self._renew(first)
            if first.worked:
                self._plain = request
                self._first = self._now = _bare(request)
                if self._operation.startswith("POST"):
                    yield Variation("", TWICE, request)
                return

    def _answered(self, variation: Variation) -> Exchange:
        """What comes of one variation; of another row where the one before got another address."""
        staging = SERVED_BEFORE if variation.what == TWICE else ""
        exchange = self._sent(variation.request, staging)
        is_named = _bare(variation.request) == self._first and "{" in self._operation
        if exchange.status in (404, 410) and is_named and exchange.method != "GET":
            self._canary = canary_for(self._stage, self._operation) or self._canary
            owner = self._stage.user(Caller.OWNER, self._operation)
            self._now = _bare(self._stage.ready(self._operation, owner, self._canary))
            exchange = self._sent(variation.request)
        return exchange

    def _sent(self, request: Ready, staging: str = "") -> Exchange:
        row = self._canary.row if self._canary is not None else None
        if _bare(request) == self._first:
            request = replace(request, path=self._now + request.path[len(self._first) :])
        who = _caller(self._stage)
        return self._stage.send(who, self._operation, request, row=row, staging=staging)

    def _works(self) -> bool:
        """Whether the request as it was is still served: else the value broke nothing."""
        if self._operation.startswith("DELETE"):
            return True
        again = self._sent(fresh(self._stage, self._plain))
        self._renew(again)
        return 0 < again.status < 500

    def _renew(self, exchange: Exchange) -> None:
        """Whoever changed their own account by what they sent is replaced."""
        user = self._stage.user(_caller(self._stage), self._operation)
        if user is None or not exchange.worked or not alters(self._operation):
            return
        if not self._stage.people.is_unchanged(user):
            self._stage.renew()

    def _hangs(self, variation: Variation) -> None:
        place = f" in `{variation.place}`" if variation.place else ""
        note = f"`{self._operation}` did not answer {variation.what}{place}, and got no more"
        self._stage.not_tried[note] = None
