"""A query within a loop, read from the source: what it asks for, of whom, by which key. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.source import syntax
from fastwright.source.syntax import Node
from fastwright.tune import chains
from fastwright.tune.chains import Chain, Link
from fastwright.tune.rounds import Round, around

_RUNS = frozenset({"scalar", "scalars", "execute", "exec"})
_ONE = frozenset({"first", "one_or_none", "scalar", "scalar_one_or_none", "get"})
_SURELY = frozenset({"one", "scalar_one"})
_MANY = frozenset({"all", "scalars", "exec", "fetchall"})
_REFUSED = frozenset({"limit", "offset", "distinct", "having", "group_by", "slice", "union"})
_AGGREGATES = frozenset({"count", "sum", "max", "min", "avg"})


class Want(enum.StrEnum):
    """What one turn takes from its query."""

    ONE = "one"
    SURELY = "exactly one"
    MANY = "all"
    COUNT = "count"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Asking:
    """One query of a turn.

    Attributes:
        whole: The expression that is to be replaced, its ``await`` included.
        turn: The loop.
        session: What runs it, as written.
        awaited: It is awaited.
        api: ``get``, ``select``, ``exec`` or ``query``.
        entity: The class that is asked for, or whose rows are counted, as written.
        want: What is taken.
        column: The attribute of the class that is compared with the key.
        key: The expression that differs from turn to turn, as written.
        condition: The comparison itself; ``None`` for a ``get``.
        statement: The chain that makes the statement; ``None`` for a ``get``.
        value: What is selected, as written, where that is not the class.
        dropped: Statements of the loop that bind the statement or its result, and go with it.
    """

    whole: Node
    turn: Round
    session: str
    awaited: bool
    api: str
    entity: str
    want: Want
    column: str
    key: str
    condition: Node | None = None
    statement: Chain | None = None
    value: str = ""
    dropped: tuple[Node, ...] = ()


def read(call: Node, content: bytes) -> Asking | None:
    """The query that `call` runs within a loop; ``None`` where it is not of a known form."""
    whole = chains.outermost(call)
    chain = chains.read(whole, content)
    if chain is None:
        return None
    awaited = any(node.type == "await" for node in _between(call, whole))
    reader = _Reader(whole, chain, content, awaited)
    return reader.got() or reader.queried() or reader.selected()


def _between(inner: Node, outer: Node) -> Iterator[Node]:
    node: Node | None = inner
    while node is not None:
        yield node
        if node == outer:
            return
        node = node.parent


@dataclass(frozen=True, slots=True)
class _Reader:
    whole: Node
    chain: Chain
    content: bytes
    awaited: bool

    def _text(self, node: Node) -> str:
        return syntax.text(node, self.content)

    def got(self) -> Asking | None:
        """``session.get(X, key)``, and ``session.query(X).get(key)`` of old."""
        link, links = self.chain.links[-1], self.chain.links
        of_old = len(links) == 2 and links[0].name == "query" and len(links[0].arguments) == 1
        given = (*links[0].arguments, *link.arguments) if of_old else link.arguments
        if link.name != "get" or len(links) != 1 + of_old or len(given) != 2:
            return None
        entity, key = given
        turn = self._turn(key)
        if link.keywords or turn is None or self.chain.base is None:
            return None
        return Asking(
            self.whole, turn, self._text(self.chain.base), self.awaited, "get",
            self._text(entity), Want.ONE, "", self._text(key),
        )  # fmt: skip

    def queried(self) -> Asking | None:
        """``session.query(X).filter(X.y == key).first()``, the query in place or not."""
        chain, bound = self.chain, None
        if chain.base is not None and chain.links[0].name != "query" and len(chain.links) == 1:
            bound = self._assigned(chain.base)
            right = bound.child_by_field_name("right") if bound is not None else None
            begun = chains.read(right, self.content) if right is not None else None
            chain = Chain(begun.base, (*begun.links, *chain.links)) if begun else chain
        first, last = chain.links[0], chain.links[-1]
        if first.name != "query" or chain.base is None or len(chain.links) < 3:
            return None
        statement = Chain(chain.base, chain.links[:-1])
        counts = last.name == "count" and not last.arguments
        found = self._asking(statement, "query", self._text(chain.base), last.name, counts)
        if found is None or bound is None or bound.parent is None:
            return found
        return replace(found, dropped=(bound.parent,))

    def selected(self) -> Asking | None:
        """``session.scalars(select(X).where(X.y == key)).all()``, the statement in place or not."""
        run = next((link for link in self.chain.links if link.name in _RUNS), None)
        if run is None or run is not self.chain.links[0] or len(run.arguments) != 1:
            return None
        if self.chain.base is None or run.keywords:
            return None
        given: Node | None = run.arguments[0]
        assigned = self._assigned(run.arguments[0])
        if assigned is not None:
            given = assigned.child_by_field_name("right")
        statement = chains.read(given, self.content) if given is not None else None
        if statement is None or statement.links[0].name != "select":
            return None
        api = "exec" if run.name == "exec" else "select"
        session = self._text(self.chain.base)
        whole, taken, bound = self._taken()
        found = self._asking(statement, api, session, taken, counts=False)
        if found is None:
            return None
        statements = (one.parent for one in (assigned, bound) if one is not None)
        return replace(found, whole=whole, dropped=tuple(filter(None, statements)))

    def _taken(self) -> tuple[Node, str, Node | None]:
        """What takes from the result: its whole expression, its last name, and what bound it.

        The result may have a name first: ``result = db.exec(…)``, then ``result.first()``.
        """
        in_place = self.whole, self.chain.links[-1].name, None
        above = self.whole.parent
        left = above.child_by_field_name("left") if above is not None else None
        if above is None or above.type != "assignment" or left is None:
            return in_place
        if len(self.chain.links) != 1 or self._assigned(left) != above:
            return in_place
        block = next(n for n in _above(self.whole) if n.type == "block")
        wanted = self._text(left)
        use = [n for n in syntax.find(block, "identifier") if self._text(n) == wanted][-1]
        chain = chains.read(chains.outermost(use), self.content)
        if use == left or chain is None or chain.base != use:
            return in_place
        return chain.node, chain.links[-1].name, above

    def _assigned(self, name: Node) -> Node | None:
        """The one assignment in the same block that binds `name`, which is read here alone."""
        block = next((n for n in _above(self.whole) if n.type == "block"), None)
        if name.type != "identifier":
            return None
        wanted = self._text(name)
        if block is None:
            return None
        every = (n for n in syntax.find(block, "identifier") if not chains.is_label(n))
        uses = [n for n in every if self._text(n) == wanted]
        bound = [n for n in syntax.find(block, "assignment") if self._binds(n, wanted)]
        return bound[0] if len(bound) == 1 and len(uses) == 2 else None

    def _binds(self, node: Node, name: str) -> bool:
        left = node.child_by_field_name("left")
        return left is not None and self._text(left) == name

    def _asking(
        self, statement: Chain, api: str, session: str, taken: str, counts: bool
    ) -> Asking | None:
        first = statement.links[0]
        if len(first.arguments) != 1 or any(link.name in _REFUSED for link in statement.links):
            return None
        selected = self._text(first.arguments[0])
        entity, value = self._entity(statement, selected)
        found = self._condition(statement, entity)
        want = Want.COUNT if counts else _want(taken, value)
        if found is None or want is None:
            return None
        condition, column, key = found
        entity, _, column = column.rpartition(".") if "." in column else (entity, "", column)
        turn = self._turn(key)
        if turn is None or self._varies(statement, condition, turn):
            return None
        return Asking(
            self.whole, turn, session, self.awaited, api, entity, want, column,
            self._text(key), condition, statement, value,
        )  # fmt: skip

    def _entity(self, statement: Chain, selected: str) -> tuple[str, str]:
        """The class, and what is selected of it where that is not the class itself."""
        source = statement.link("select_from")
        if source is not None and source.arguments:
            return self._text(source.arguments[0]), selected
        if "(" in selected:
            inner = selected[selected.index("(") + 1 : selected.rindex(")")]
            return inner.rpartition(".")[0], selected
        head, dot, tail = selected.rpartition(".")
        return (head, selected) if dot and tail[:1].islower() else (selected, "")

    def _condition(self, statement: Chain, entity: str) -> tuple[Node, str, Node] | None:
        """The comparison whose other side differs from turn to turn: itself, column, key."""
        for link in statement.links:
            if link.name in ("where", "filter"):
                for argument in link.arguments:
                    found = self._compared(argument, entity)
                    if found is not None:
                        return found
            elif link.name == "filter_by" and len(link.keywords) == 1 and not link.arguments:
                name, key = link.keywords[0]
                return link.call, name, key
        return None

    def _compared(self, node: Node, entity: str) -> tuple[Node, str, Node] | None:
        children = node.children
        if node.type != "comparison_operator" or len(children) != 3 or children[1].type != "==":
            return None
        for own, other in ((children[0], children[2]), (children[2], children[0])):
            text = self._text(own)
            fits = text.rpartition(".")[0] == entity if entity else own.type == "attribute"
            if own.type == "attribute" and fits and self._turn(other) is not None:
                return node, text, other
        return None

    def _turn(self, key: Node) -> Round | None:
        """The loop that binds what `key` reads; a key that calls something is none."""
        if any(True for _ in syntax.find(key, "call", "await")):
            return None
        return around(self.whole, chains.names(key, self.content), self.content)

    def _varies(self, statement: Chain, condition: Node, turn: Round) -> bool:
        """True where something beside the condition reads what the loop binds."""
        bound = set(turn.names)
        for node in syntax.find(turn.body, "assignment", "named_expression"):
            left = node.child_by_field_name("left") or node.child_by_field_name("name")
            if left is not None:
                bound |= chains.names(left, self.content)
        for link in statement.links:
            for node in (*link.arguments, *(value for _, value in link.keywords)):
                if condition in (node, link.call):
                    continue
                if chains.names(node, self.content) & bound:
                    return True
        return False


def _want(taken: str, value: str) -> Want | None:
    if value:
        function = value.partition("(")[0].rpartition(".")[2]
        if "(" in value:
            if function not in _AGGREGATES or taken in ("all", "scalars"):
                return None
            return Want.COUNT if function == "count" else Want.VALUE
        return Want.VALUE if taken in _ONE | _SURELY else None
    if taken in _SURELY:
        return Want.SURELY
    if taken in _ONE:
        return Want.ONE
    return Want.MANY if taken in _MANY else None


def _above(node: Node) -> Iterator[Node]:
    current = node.parent
    while current is not None:
        yield current
        current = current.parent


__all__ = ["Asking", "Link", "Want", "read"]
