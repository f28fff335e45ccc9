"""Whether the questions of a loop are what it costs, so that one for all elements is worth it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Query
from fastwright.model.code import Call, Function
from fastwright.review.course import loops
from fastwright.review.given import names_of
from fastwright.review.looping import Looped
from fastwright.review.outbound import is_request
from fastwright.review.reach import last
from fastwright.review.statements import Statement, asked_at, statement
from fastwright.review.turns import is_kind
from fastwright.review.writing import aside, writing_of

_ASKS = frozenset({"execute", "scalars", "scalar", "exec", "get", "get_one", "query", "stream",
                   "stream_scalars", "fetch", "fetch_all", "fetch_one", "fetch_val", "fetchrow",
                   "fetchval", "iterate"})  # fmt: skip
_WRITES = re.compile(
    r"\b(?:\w*insert|update|delete|delete_statement)\(|\b(?:INSERT|UPDATE|DELETE|CREATE)\b"
)
_DELETES = re.compile(r"(?i)delet|remov|destroy|purge")
_SENDS = re.compile(r"(?:^|_)(?:send|publish|upload|download|notify|embed|dispatch)(?:$|_)")
_PICKED = re.compile(r"(?i)(?:^|[_.])ids$")
_OFFICE = re.compile(r"(?i)/(?:\w+[-_])?(?:admin|system|manage(?:ment)?|backoffice)s?\b")


class Batching:
    """Tells loops that one statement would spare from those whose turns cost more, or are few."""

    def __init__(self, app: AppMap) -> None:
        self.app = app
        self.writing = writing_of(app)
        self.reached = self.writing.reached
        self._queries = asked_at(app)
        self._burdens: dict[tuple[str, int], bool] = {}

    def asks(self, owner: Function, call: Call, asked: Statement) -> bool:
        """True for a statement that only reads: what many rows need can be asked for at once."""
        query = self._queries.get(call.span)
        if asked.verb not in _ASKS or (query is not None and query.kind != "select"):
            return False
        return query is not None or not _WRITES.search(self._written(owner, call))

    def is_worth(self, found: Looped) -> bool:
        """True where the loop waits for questions alone, and its elements may be many."""
        if not self.asks(found.owner, found.asking, found.asked) or self._is_burdened(found):
            return False
        picked = self._is_deletion(found) or self._is_picked(found)
        return not (picked or self._is_inner(found) or self._is_of_a_kind(found))

    def calls_out(self, found: Looped) -> bool:
        """True where a turn also speaks to another server."""
        return any(self._sends(*one) for one in self._run(found))

    def _written(self, owner: Function, call: Call) -> str:
        """A call, and the statements that it names, as they were built."""
        named = set(re.findall(r"\w+", " ".join(call.arguments)))
        content = self.app.files[owner.span.path]
        rows = (row for row in owner.bindings if row.name in named)
        built = (content[row.start : row.end].decode("utf-8", "replace") for row in rows)
        return " ".join((self.app.text(call.span), *built))

    def _is_burdened(self, found: Looped) -> bool:
        """True where a turn also writes or calls out: the questions are not what it waits for."""
        if found.turn not in self._burdens:
            run = self._run(found)
            self._burdens[found.turn] = any(self._writes(*one) or self._sends(*one) for one in run)
        return self._burdens[found.turn]

    def _run(self, found: Looped) -> Iterator[tuple[Function, Call]]:
        """Every call of a turn, with the function that holds it."""
        for place in self.reached.calls_in(found.function):
            if not found.loop.start <= place.span.start < found.loop.end:
                continue
            yield found.function, place
            inner = self.reached.callee(place)
            for step in self.reached.below(inner) if inner is not None else ():
                yield step.function, step.call

    def _sends(self, owner: Function, call: Call) -> bool:
        outside = statement(call) is None and self.reached.callee(call) is None
        named = outside and call.awaited and _SENDS.search(last(call.text)) is not None
        return (is_request(call) or named) and not aside(owner, call)

    def _writes(self, owner: Function, call: Call) -> bool:
        asked = statement(call)
        if asked is None or not asked.travels or asked.verb == "refresh":
            return False
        return not self.asks(owner, call, asked) and not aside(owner, call)

    def _is_deletion(self, found: Looped) -> bool:
        """True for what is rare by nature: a client takes one thing away, or the few it ticked."""
        named = _DELETES.search(last(found.function.name))
        return found.route.method == "DELETE" or named is not None

    def _is_picked(self, found: Looped) -> bool:
        """True for keys that someone at an office has picked by hand."""
        words = found.loop.words.strip()
        return bool(_PICKED.search(words) and _OFFICE.search(found.route.path)) and not self._rows(
            found.function, words
        )

    def _is_inner(self, found: Looped) -> bool:
        """True for the list inside one element of what a client sent."""
        outer = loops(found.function, found.loop.group)
        root = re.match(r"\w+", found.loop.words.strip())
        return any(
            root is not None and root[0] in block.names
            for block in outer
            if not self._rows(found.function, block.words)
        )

    def _is_of_a_kind(self, found: Looped) -> bool:
        """True for the rows of a table of which an app has a handful: its roles, its admins."""
        queries = self._rows(found.function, found.loop.words)
        tables = {query.tables[0] for query in queries if query.tables}
        return bool(tables) and all(map(self._is_kind, tables))

    def _is_kind(self, name: str) -> bool:
        table = self.app.table(name)
        return is_kind(name) or bool(table and table.model and is_kind(last(table.model)))

    def _rows(self, function: Function, words: str) -> tuple[Query, ...]:
        """The statements for many rows that the words of a loop stand for."""
        named = set(re.findall(r"\w+", words))
        return tuple(
            query
            for touch in self.writing.touches(function)
            for query in touch.asks
            if query.many and named & names_of(function, touch.call.span, self.reached)
        )
