"""The access matrix: every operation called by nobody, owner, other user and lower role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastwright.model.errors import FastwrightError
from fastwright.model.finding import AccessMatrix, Caller
from fastwright.model.routing import Route
from fastwright.review.engine import fault_of
from fastwright.review.guarding import permissions
from fastwright.review.live.canaries import Canary
from fastwright.review.live.created import created
from fastwright.review.live.credentials import User
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.shaping import REFUSED, TRIES, Shape, is_full, places_blamed, shapes
from fastwright.review.live.stage import Stage
from fastwright.review.naming import alike

MOST = 300
"""Operations that are called; further ones are named as not tried."""

_RANKS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
_LEAVES = re.compile(r"log-?_?out|sign-?_?out|revoke")
_ALTERS = re.compile(r"sessions?(/|$)|/me(/|$)|/user/?$|password|profile|/(user|account)s?/\{")
_TOLD = re.compile(r"updated|modified|viewed|accessed|count$|favou?rited|following", re.IGNORECASE)
"""Fields that tell of others, and of when: their change is nobody's writing."""

_MISSED = (400, 401, 403, 404, 409, 422, 500)
_ENDLESS = (0, 504)
"""What ended the app, hung it, or was not answered in time: once is enough."""

_ORDER = (Caller.ANONYMOUS, Caller.OTHER_USER, Caller.LOWER_ROLE, Caller.OWNER)


@dataclass(frozen=True, slots=True)
class Cell:
    """One call of the matrix, the canary that it named, and that row afterwards."""

    exchange: Exchange
    canary: Canary | None = None
    after: Mapping[str, str | None] | None = None

    @property
    def heard(self) -> bool:
        """The answer shows something of the row."""
        return self.canary is not None and self.canary.is_heard(self.exchange.text)

    @property
    def altered(self) -> bool:
        """The row is not what it was."""
        if self.canary is None:
            return False
        if self.after is None:
            return self.exchange.method == "DELETE"
        before = {k: None if v is None else str(v) for k, v in self.canary.row.items()}
        return any(
            _plain(before[name]) != _plain(value)
            for name, value in self.after.items()
            if name in before and not _TOLD.search(name)
        )


@dataclass(frozen=True, slots=True)
class Grid:
    """Every cell by operation and caller."""

    rows: Mapping[str, Mapping[Caller, Cell]] = field(default_factory=dict)

    def matrix(self) -> AccessMatrix:
        """The outcomes as they are shown: a status, or why there is none."""
        return AccessMatrix({
            route: {caller.value: _outcome(cell) for caller, cell in cells.items()}
            for route, cells in self.rows.items()
        })  # fmt: skip

    def cells(self) -> Iterator[Cell]:
        """Every cell, in the order of the calls."""
        for cells in self.rows.values():
            yield from cells.values()


def build(stage: Stage, until: float) -> Grid:
    """Call everything as everybody: reading before writing, what ends a login last of all.

    Each call of a route that names an owned row gets a row of its own, so that no caller meets what
    another has left behind. No operation is begun after `until`, on the stage's clock.
    """
    operations = sorted(stage.contract.operations(), key=lambda at: _turn(*at))
    for method, path in operations[MOST:]:
        stage.not_tried[f"`{method} {path}` was not called: there are more than {MOST}"] = None
    rows: dict[str, dict[Caller, Cell]] = {}
    for method, path in operations[:MOST]:
        if stage.seconds() > until:
            stage.not_tried["the time was up before every operation had been called"] = None
            break
        began = stage.seconds()
        cells = _kept(stage, f"{method} {path}")
        if _is_shut_out(cells.get(Caller.OWNER)) and stage.renew():
            # What was called before, such as a change of the password, had ended the login.
            cells = _kept(stage, f"{method} {path}")
        rows |= {f"{method} {path}": cells} if cells else {}
        if any(cell.exchange.status in _ENDLESS for cell in cells.values()):
            until += stage.spare(stage.seconds() - began)
        if _turn(method, path)[0]:
            stage.renew()
    return Grid(rows)


def _is_shut_out(owner: Cell | None) -> bool:
    return owner is not None and owner.exchange.status == 401


def _kept(stage: Stage, operation: str) -> dict[Caller, Cell]:
    """The calls of one operation; none where a fault of ours ends them."""
    try:
        return _row(stage, operation)
    except FastwrightError:
        raise
    except Exception as error:  # noqa: BLE001 - one operation must not take the others with it
        stage.faults.append(fault_of(f"matrix of {operation}", error))
        return {}


def _turn(method: str, path: str) -> tuple[bool, int, str]:
    rank = _RANKS.index(method) if method in _RANKS else len(_RANKS)
    return leaves(path) or alters(f"{method} {path}"), rank, path


def leaves(operation: str) -> bool:
    """Whether the operation ends a login."""
    return _LEAVES.search(operation) is not None


def alters(operation: str) -> bool:
    """Whether the operation may change who its caller is."""
    return not operation.startswith("GET") and _ALTERS.search(operation) is not None


def _row(stage: Stage, operation: str) -> dict[Caller, Cell]:
    """The calls of one operation; again with a row that the app makes, where ours is no good."""
    cells = dict(_called(stage, operation, canary_for))
    if _reshaped(stage, operation, cells.get(Caller.OWNER)):
        cells = dict(_called(stage, operation, canary_for))
    owner = cells.get(Caller.OWNER)
    if owner is None or owner.exchange.status not in _MISSED or "{" not in operation:
        return cells
    if owner.canary is not None and owner.canary.fills:
        return cells
    again = dict(_called(stage, operation, created_for))
    return again if Caller.OWNER in again and again[Caller.OWNER].exchange.worked else cells


def _reshaped(stage: Stage, operation: str, owner: Cell | None) -> bool:
    """Whether the owner is served with another body, which is then the one that all send."""
    if owner is None or owner.exchange.status not in REFUSED or not owner.exchange.request.body:
        return False
    refused = owner.exchange
    waiting = shapes(stage, operation, refused, Shape(is_full(operation)))
    for _ in range(TRIES):
        shape = next(waiting, None)
        if shape is None:
            break
        stage.shapes[operation] = shape
        tried = cell_of(stage, operation, Caller.OWNER, owner.canary).exchange
        if tried.worked:
            return True
        if tried.status in REFUSED and _blamed(tried) != _blamed(refused):  # one step nearer
            refused, waiting = tried, shapes(stage, operation, tried, shape)
    stage.shapes.pop(operation, None)
    return False


def _blamed(refused: Exchange) -> set[object]:
    return {place for place, _ in places_blamed(refused)}


Choice = Callable[[Stage, str], Canary | None]


def _called(stage: Stage, operation: str, choose: Choice) -> Iterator[tuple[Caller, Cell]]:
    route = stage.routes.get(operation)
    canary: Canary | None = None
    for caller in filter(lambda c: _plays(stage, c, route), _ORDER):
        if operation == stage.people.login and stage.cast:
            yield caller, _login(stage, caller)
            continue
        canary = canary or choose(stage, operation)
        if caller is Caller.OWNER and _is_own_account(stage, operation, canary):
            canary = None  # then the request names the account of the owner
        cell = cell_of(stage, operation, caller, canary)
        if cell.exchange.status in _MISSED and (counterpart := _counterpart(stage, operation)):
            cell_of(stage, counterpart, caller, canary)
            cell = cell_of(stage, operation, caller, canary)
        yield caller, cell
        if cell.exchange.status in _ENDLESS:
            stage.give_up(operation, cell.exchange)
            return
        if cell.exchange.worked and not operation.startswith("GET"):
            canary = None  # who was refused left the row as it was; who was not may not have


def _plays(stage: Stage, caller: Caller, route: Route | None) -> bool:
    """Whether there is somebody to call as, who is different from the others on the route."""
    if caller is Caller.LOWER_ROLE and not _demands_role(stage, route):
        return False
    return caller is Caller.ANONYMOUS or stage.user(caller) is not None


def _counterpart(stage: Stage, operation: str) -> str:
    """What has to be done before it can be undone (``POST …/follow``); empty for nothing."""
    method, _, path = operation.partition(" ")
    if method != "DELETE" or path.rstrip("/").endswith("}"):
        return ""
    wanted = (f"POST {path}", f"PUT {path}")
    return next((one for one in wanted if one in stage.routes), "")


def _login(stage: Stage, caller: Caller) -> Cell:
    """A login with the right password: a made-up one would be turned away."""
    user = stage.cast.get(caller) or stage.cast[Caller.OWNER]
    people = stage.people
    return Cell(stage.send(caller, people.login, people.request(people.login, user)))


def _demands_role(stage: Stage, route: Route | None) -> bool:
    """Whether a role may count on the route: it, or a sibling, demands one."""
    if route is None:
        return False
    return any(permissions(r) for r in stage.app.routes if r.router == route.router)


def cell_of(
    stage: Stage, operation: str, caller: Caller, canary: Canary | None, owner: User | None = None
) -> Cell:
    """One call; what else its path names is `owner`'s, by default the owner's of the matrix."""
    owner = owner or stage.user(Caller.OWNER)
    writes = not operation.startswith("GET")
    request = stage.ready(operation, owner, canary, full=is_full(operation))
    exchange = stage.send(caller, operation, request, row=canary.row if canary else None)
    exchange = replace(exchange, stands=canary.stands() if canary else ())
    after = stage.again(canary) if canary and writes and exchange.worked else None
    unchanged: Any = canary.row if canary else None
    return Cell(exchange, canary, after if writes and exchange.worked else _told(unchanged))


def canary_for(stage: Stage, operation: str) -> Canary | None:
    """A new row, of the owner's, of the owned table that the path of an operation speaks of."""
    owner, route = stage.user(Caller.OWNER), stage.routes.get(operation)
    _, _, path = operation.partition(" ")
    names = re.findall(r"\{(\w+)(?::\w+)?\}", path)
    owned = stage.ownership.owned
    tables = [stage.table_of(name, path) for name in reversed(names)]
    people = stage.people.table.name if stage.people.table and _ends_an_account(operation) else ""
    found = next((t for t in tables if t is not None and t.name in (*owned, people)), None)
    if found is None and not names:
        last = path.rstrip("/").rpartition("/")[2].replace("-", "_")
        named = (o.table for o in owned.values() if alike(o.table.name, last))
        found = next(named, None)
    row = stage.ownership.row_of(route) if route is not None else None
    if found is None and row is not None:
        found = row[0].table
    if owner is None or (found is None and owned):
        return None
    if found is None:
        return stage.sung(operation) if operation.startswith("GET") else None
    return stage.song(found) if operation.startswith("GET") else stage.canaries.of(found, owner)


def created_for(stage: Stage, operation: str) -> Canary | None:
    """A row that the app's own route has made for the owner."""
    return created(stage, operation) if stage.user(Caller.OWNER) is not None else None


def _ends_an_account(operation: str) -> bool:
    """Whether the operation may change an account: then one that nobody calls as is named."""
    return operation.startswith(("PUT", "PATCH", "DELETE")) and operation.rstrip("/").endswith("}")


def _is_own_account(stage: Stage, operation: str, canary: Canary | None) -> bool:
    """Whether a caller may do it to their own account and still be somebody afterwards."""
    people = stage.people.table
    is_account = canary is not None and people is not None and canary.table == people.name
    return is_account and operation.startswith(("PUT", "PATCH"))


def _told(row: Mapping[str, Any] | None) -> Mapping[str, str | None] | None:
    return {k: None if v is None else str(v) for k, v in row.items()} if row is not None else None


def _plain(value: str | None) -> str | None:
    """A value as text, whatever JSON and the driver make of truth, times and keys."""
    if value is None:
        return None
    words = {"True": "1", "False": "0", "true": "1", "false": "0"}
    return words.get(value, value.replace("T", " ").partition("+")[0].partition(".")[0])


def _outcome(cell: Cell) -> str:
    return str(cell.exchange.status) if cell.exchange.status else "no answer"
