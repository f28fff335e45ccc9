"""A query for each row becomes one query before the loop. Pure.

What is asked for by its key becomes a dict by that key, filled by one ``IN``; what is counted, one
``GROUP BY``; what is listed, a dict of lists. The order of the loop and all that it does stay.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.source import import_block, imports, syntax
from fastwright.source.syntax import Node
from fastwright.tune import asking, chains, spots
from fastwright.tune.asking import Asking, Want
from fastwright.tune.idea import Idea, Variant
from fastwright.tune.seen import Frame
from fastwright.tune.symptoms import Cause, Symptom

_RUNNERS = frozenset({"get", "scalar", "scalars", "execute", "exec", "first", "one", "one_or_none",
                      "all", "count", "scalar_one", "scalar_one_or_none"})  # fmt: skip
_RAW = (
    "its SQL is text of its own, which is not rewritten: ask once before the loop, with "
    "`= ANY($1)` or `IN` for all its keys, and take each from a dict"
)
_ONCE = frozenset({"scalars", "execute", "exec", "mappings", "tuples", "map", "filter", "query"})
"""What ends a chain whose value, a result or an iterator, is empty the second time."""


def ideas(app: AppMap, symptoms: Sequence[Symptom]) -> Iterator[Idea]:
    """One idea for each place that runs a query for each row.

    Args:
        app: The map of the tree as it is now.
        symptoms: What grows.
    """
    found: dict[tuple[object, ...], list[Symptom]] = {}
    for symptom in symptoms:
        place = symptom.group.place if symptom.group else None
        if symptom.cause is Cause.LOOP and place is not None and not symptom.path:
            found.setdefault((place.path, place.line, place.column), []).append(symptom)
    for together in found.values():
        yield _idea(app, together)


def _idea(app: AppMap, symptoms: Sequence[Symptom]) -> Idea:
    group = symptoms[0].group
    assert group is not None
    place = group.place
    assert place is not None
    key = f"loop {place.path} {place.function} {group.sql}"
    routes = tuple(dict.fromkeys(s.route for s in symptoms))
    what = f"at `{place}` of `{_short(group.sql)}`"
    seen = tuple(f"{s.route}: {' → '.join(map(str, s.counts))} executions {what}" for s in symptoms)
    variants, because = ((), _RAW) if group.kind == "raw" else _variants(app, place)
    return Idea(key, Cause.LOOP.value, routes, seen, variants, because)


def _short(sql: str) -> str:
    """A statement without the list of its columns."""
    return re.sub(r"^SELECT .*? FROM", "SELECT … FROM", sql)[:100]


def _variants(app: AppMap, place: Frame) -> tuple[tuple[Variant, ...], str]:
    call = spots.call_at(app.files, place, _RUNNERS)
    content = app.files.get(place.path, b"")
    found = asking.read(call, content) if call is not None else None
    if found is None:
        return (
            (),
            "no loop with a query of a known form stands there; it has to be rewritten by hand",
        )
    writer = Writer(app, place.path, found)
    changes = writer.changes()
    if not changes:
        return (), writer.because
    title = "one GROUP BY" if found.want is Want.COUNT else "one IN"
    return (Variant(f"{title} before the loop", changes),), ""


class Writer:
    """The changes that take one query out of its loop.

    Attributes:
        because: Why there are none.
    """

    def __init__(self, app: AppMap, path: PurePosixPath, found: Asking) -> None:
        self._app, self._path, self._found = app, path, found
        self._content = app.files[path]
        self._imports: list[Change] = []
        self.because = ""

    def changes(self) -> tuple[Change, ...]:
        """All of them; none where a column of the class is not known."""
        found = self._found
        table = self._table(found.entity)
        column = found.column or self._key(table)
        if not column:
            self.because = f"`{found.entity}` has no single key that is known"
            return ()
        rows, over = self._rows()
        name = self._name(column)
        before = self._before(name, column, rows, table)
        why = f"`{found.entity}` was asked for once for each `{found.turn.target}`"
        edits = [
            self._above_the_loop(over + before, why),
            Edit(spots.span(self._path, found.whole), self._taken(name, column, table), why),
        ]
        if over:
            edits.append(Edit(spots.span(self._path, found.turn.over), rows, why))
        edits += [self._without_assignment(one, why) for one in found.dropped]
        return imports.combine(self._app, (*self._imports, *edits))

    # ---------------------------------------------------------------------------- reading

    def _table(self, entity: str) -> Table | None:
        module = self._app.module_at(self._path)
        head, _, tail = entity.partition(".")
        dotted = module.imports.get(head, f"{module.name}.{head}") if module else head
        dotted = f"{dotted}.{tail}" if tail else dotted
        exact = self._app.table(dotted)
        last = entity.rpartition(".")[2]
        named = [t for t in self._app.tables if (t.model or "").rpartition(".")[2] == last]
        return exact or (named[0] if len(named) == 1 else None)

    def _key(self, table: Table | None) -> str:
        keys = [c.attribute for c in table.columns if c.primary_key] if table else []
        return keys[0] if len(keys) == 1 else ""

    def _is_unique(self, table: Table | None, attribute: str) -> bool:
        column = table.column(attribute) if table else None
        if column is None or table is None:
            return False
        return column.unique or self._key(table) == attribute

    def _text(self, node: Node) -> str:
        return syntax.text(node, self._content)

    # ---------------------------------------------------------------------------- writing

    def _rows(self) -> tuple[str, list[str]]:
        """The name of what is gone over, and the line that binds it where it has none yet."""
        over = self._text(self._found.turn.over)
        if re.fullmatch(r"[\w.]+", over) and not self._ends(over):
            return over, []
        last = re.sub(r"\W+", "_", self._found.turn.target).strip("_")
        taken = {self._text(node) for node in syntax.find(self._scope(), "identifier")}
        plural = last.endswith("s") or f"{last}s" in taken
        name = self._free(f"{last}_rows" if plural else f"{last}s")
        listed = re.search(r"\.(all|fetchall)\(\)$", over) or over.startswith("[")
        return name, [f"{name} = {over if listed else f'list({over})'}"]

    def _ends(self, name: str) -> bool:
        """`name` is bound to what can be gone over once alone: a result that is not listed yet."""
        for node in syntax.find(self._scope(), "assignment"):
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and right is not None and self._text(left) == name:
                chain = chains.read(right, self._content)
                return chain is not None and chain.links[-1].name in _ONCE
        return False

    def _free(self, name: str) -> str:
        taken = {self._text(node) for node in syntax.find(self._scope(), "identifier")}
        while name in taken:
            name += "_"
        return name

    def _scope(self) -> Node:
        around = spots.enclosing(self._found.whole, "function_definition", "module")
        return next(around, self._found.whole)

    def _name(self, column: str) -> str:
        entity = _snake(self._found.entity.rpartition(".")[2])
        if self._found.want is Want.COUNT:
            return self._free(f"{entity}_counts")
        plural = entity[:-1] + "ies" if entity.endswith("y") else entity + "s"
        return self._free(f"{plural}_by_{column}")

    def _before(self, name: str, column: str, rows: str, table: Table | None) -> list[str]:
        keys = f"{{{self._found.key} for {self._found.turn.target} in {rows}}}"
        if self._found.key == self._found.turn.target:
            keys = f"set({rows})"
        run = self._run(column, keys)
        if self._found.want in (Want.COUNT, Want.VALUE):
            value = "count" if self._found.want is Want.COUNT else "value"
            return self._dict(name, f"{column}: {value}", f"{column}, {value}", run)
        one = _snake(self._found.entity.rpartition(".")[2])
        if self._found.want is not Want.MANY and self._is_unique(table, column):
            return self._dict(name, f"{one}.{column}: {one}", one, run)
        one = self._free(one)
        return [
            f"{name}: dict[object, list[{self._found.entity}]] = {{}}",
            *self._wrapped(f"for {one} in ", run, ":"),
            f"    {name}.setdefault({one}.{column}, []).append({one})",
        ]

    def _dict(self, name: str, pair: str, target: str, run: tuple[str, str, str]) -> list[str]:
        line = f"{name} = {{{pair} for {target} in {''.join(run)}}}"
        if self._fits(line):
            return [line]
        below = self._wrapped(f"for {target} in ", run, "")
        return [f"{name} = {{", *(f"    {text}" for text in (pair, *below)), "}"]

    def _wrapped(self, head: str, run: tuple[str, str, str], tail: str) -> list[str]:
        """One line, or three where it is too long."""
        line = head + "".join(run) + tail
        if self._fits("    " + line):
            return [line]
        inner = [run[1]] if self._fits(" " * 8 + run[1]) else link_by_link(run[1])
        begins, ends = run[0] or "(", run[2] or ")"
        return [head + begins, *(f"    {text}" for text in inner), ends + tail]

    def _run(self, column: str, keys: str) -> tuple[str, str, str]:
        """What is iterated, the rows of the one statement: what stands before it, it, behind."""
        found = self._found
        statement = self._statement(column, keys)
        if found.api == "query":
            return "", statement, ""
        whole_class = found.want not in (Want.COUNT, Want.VALUE)
        method = "exec" if found.api == "exec" else "scalars" if whole_class else "execute"
        awaits = "await " if found.awaited else ""
        return f"{awaits}{found.session}.{method}(", statement, ")"

    def _statement(self, column: str, keys: str) -> str:
        found = self._found
        own = f"{found.entity}.{column}"
        if found.statement is None:
            return f"{self._select()}({found.entity}).where({own}.in_({keys}))"
        pieces = [self._membership(f"{own}.in_({keys})"), *self._columns(own)]
        text = self._replaced(found.statement.node, pieces)
        if found.want is Want.COUNT or (found.want is Want.VALUE and "(" in found.value):
            text += f".group_by({own})"
        return text

    def _membership(self, text: str) -> tuple[int, int, str]:
        """The comparison becomes `text`; a ``filter_by`` becomes a ``filter`` with it."""
        condition = self._found.condition
        assert condition is not None
        if condition.type != "call":
            return condition.start_byte, condition.end_byte, text
        function = condition.child_by_field_name("function")
        receiver = function.child_by_field_name("object") if function is not None else None
        assert receiver is not None
        return receiver.end_byte, condition.end_byte, f".filter({text})"

    def _columns(self, own: str) -> Iterator[tuple[int, int, str]]:
        """What is selected, with the key before it, where a value is asked for."""
        found = self._found
        if found.statement is None or found.want not in (Want.COUNT, Want.VALUE):
            return
        (selected,) = found.statement.links[0].arguments
        value = found.value or f"{self._func()}.count()"
        yield selected.start_byte, selected.end_byte, f"{own}, {value}"

    def _replaced(self, node: Node, pieces: Sequence[tuple[int, int, str]]) -> str:
        """The text of `node` on one line, with some spans of the file in it replaced."""
        raw, shift = self._text(node).encode(), node.start_byte
        for start, end, new in sorted(pieces, reverse=True):
            raw = raw[: start - shift] + new.encode() + raw[end - shift :]
        closed = re.sub(r"([(\[{])\s*\n\s*", r"\1", re.sub(r"\s*\n\s*\.", ".", raw.decode()))
        return " ".join(re.sub(r",?\s*\n\s*([)\]}])", r"\1", closed).split())

    def _taken(self, name: str, column: str, table: Table | None) -> str:
        """What stands in the loop instead of the query."""
        found = self._found
        if found.want is Want.COUNT:
            return f"{name}.get({found.key}, 0)"
        if found.want is Want.MANY:
            return f"{name}.get({found.key}, [])"
        if found.want is Want.VALUE:
            return f"{name}.get({found.key})"
        if self._is_unique(table, column):
            return (
                f"{name}[{found.key}]" if found.want is Want.SURELY else f"{name}.get({found.key})"
            )
        return f"next(iter({name}.get({found.key}, [])), None)"

    def _above_the_loop(self, lines: Sequence[str], why: str) -> Edit:
        start = self._found.turn.statement.start_byte
        line = self._content.rfind(b"\n", 0, start) + 1
        indent = self._content[line:start].decode()
        return Edit(Span(self._path, line, line), "".join(f"{indent}{x}\n" for x in lines), why)

    def _without_assignment(self, statement: Node, why: str) -> Edit:
        start = self._content.rfind(b"\n", 0, statement.start_byte) + 1
        end = self._content.find(b"\n", statement.end_byte) + 1
        return Edit(Span(self._path, start, end or len(self._content)), "", why)

    def _select(self) -> str:
        sqlmodel = import_block.read(self._app, self._path).local_of("sqlmodel", "select")
        return sqlmodel or self._local("sqlalchemy", "select")

    def _func(self) -> str:
        bound = import_block.read(self._app, self._path)
        known = (bound.local_of(m, "func") for m in ("sqlmodel", "sqlalchemy.sql.expression"))
        return next(filter(None, known), None) or self._local("sqlalchemy", "func")

    def _local(self, module: str, name: str) -> str:
        bound = imports.ensure_import(self._app, self._path, module, name)
        self._imports += bound.edits
        return bound.local

    def _fits(self, line: str) -> bool:
        indent = self._found.turn.statement.start_point[1]
        return len(line) + indent <= import_block.width_of(self._app)


def link_by_link(statement: str) -> list[str]:
    """A chain of calls, each on a line of its own; good where parentheses stand around it."""
    content = statement.encode()
    chain = chains.read(syntax.parse(content).named_children[0].named_children[0], content)
    if chain is None:
        return [statement]
    ends = [0, *(link.call.end_byte for link in chain.links)]
    return [content[start:end].decode() for start, end in itertools.pairwise(ends)]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
