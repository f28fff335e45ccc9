"""What the parameters and fields of one request hold: rows, names and texts that fit."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastwright.model.storage import Column, Table
from fastwright.review.live.canaries import Canary
from fastwright.review.live.created import created
from fastwright.review.live.credentials import PASSWORD, User
from fastwright.review.multipart import TEXT, Upload
from fastwright.review.naming import alike
from fastwright.review.requests import Ready

if TYPE_CHECKING:
    from fastwright.review.live.stage import Stage

_MAIL = re.compile(r"(^|_|[a-z])e?mail(_?(address|to))?$", re.IGNORECASE)
NEW_PASSWORD = PASSWORD.replace("7", "8")


class Filling:
    """Fills one request with rows of one owner that fit together.

    Attributes:
        fills: What the parameters of the path came to hold.
    """

    def __init__(
        self,
        stage: Stage,
        owner: User | None,
        canary: Canary | None = None,
        making: tuple[str, ...] = (),
        *,
        by_routes: bool = False,
    ) -> None:
        self._stage = stage
        self._owner = owner
        self._making = making
        self._by_routes = by_routes
        self._rows = {**canary.above, canary.table: canary} if canary else {}
        self.fills: dict[str, Any] = dict(canary.fills) if canary else {}

    def request(self, operation: str, *, full: bool, upload: Upload = TEXT) -> Ready:
        """The request; the row that the last parameter names is made first, then those above."""
        method, _, path = operation.partition(" ")
        for name in reversed(re.findall(r"\{(\w+)(?::\w+)?\}", path)):
            if name not in self.fills and (value := self._placed(name, path)) is not None:
                self.fills[name] = value
        contract = self._stage.full if full else self._stage.sparse
        return replace(contract, upload=upload).request(method, path, self._known)

    def _placed(self, name: str, path: str) -> Any:
        """What a parameter of the path holds."""
        person = self._of_person(name)
        if person is not None:
            return person
        table = self._stage.table_of(name, path)
        value = self._of_route(name, path) if self._by_routes else None
        if value is None and table is not None:
            value = self._of_row(table, name)
        return self._of_route(name, path) if value is None and not self._by_routes else value

    def _of_person(self, name: str) -> str | None:
        """The owner's own name, where a path asks for one."""
        if self._owner is None:
            return None
        if _MAIL.search(name):
            return self._owner.email
        return self._owner.login if name.lower() in ("username", "user_name") else None

    def _of_route(self, name: str, path: str) -> Any:
        """The key of a row that the app's own route makes."""
        before = path[: path.index("{" + name)]
        made = created(self._stage, f"GET {before}{{{name}}}", self._making)
        if made is not None:
            self.fills = {**made.fills, **self.fills}
            self._rows.setdefault(made.table, made)
        return self.fills.get(name)

    def _known(self, name: str, path: str) -> Any:
        if f"{{{name}}}" in path and name in self.fills:
            return self.fills[name]
        lower = name.lower()
        if _MAIL.search(name):
            return f"{self._stage.text()}@example.com"
        if "password" in lower:
            return NEW_PASSWORD if re.search("new|confirm|repeat", lower) else PASSWORD
        table = self._stage.table_of(name, path)
        return self._of_row(table, name) if table is not None else None

    def _of_row(self, table: Table, name: str) -> Any:
        column = self._column(table, name)
        keys = [c.name for c in table.columns if c.primary_key]
        place = column.name if column is not None and not column.foreign_key else (keys or [""])[0]
        people, owner = self._stage.people.table, self._owner
        is_people = people is not None and table.name == people.name
        if is_people and owner is not None and table.name not in self._rows:
            return owner.row.get(place)
        if table.name not in self._rows:
            canary = self._stage.canaries.of(table, owner, self._rows)
            if canary is not None:
                self._rows |= {**canary.above, table.name: canary}
        value = self._rows[table.name].row.get(place) if table.name in self._rows else None
        return value if isinstance(value, int | str) else None

    @staticmethod
    def _column(table: Table, name: str) -> Column | None:
        """The column that ``slug`` or ``article_slug`` speaks of; None for a key."""
        words = name.split("_")
        cuts = (n for n in range(1, len(words)) if alike(table.name, "_".join(words[:n])))
        own = "_".join(words[next(cuts, 0) :])
        found = table.column(name) or table.column(own)
        return found if own not in ("id", "uuid", "pk") else None
