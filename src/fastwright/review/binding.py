"""The repair of SQL that was built as text: parameters instead of values."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.places import Span
from fastwright.source import layout, sql_text, syntax
from fastwright.source.syntax import Node

_WHY = "the driver sends the value apart from the statement, so it cannot become part of it"


def bind_parameters(app: AppMap, at: Span) -> Fix | None:
    """Parameters for what an f-string in the ``text(…)`` at `at` puts into SQL.

    The f-string stands in the call, or in the only assignment to the name that the call is given
    and that nothing else reads. ``None`` where a value could not be a parameter.
    """
    content = app.files[at.path]
    call = layout.smallest(content, at.start, at.end, "call")
    arguments = call.child_by_field_name("arguments") if call is not None else None
    given = [n for n in arguments.named_children if n.type != "comment"] if arguments else []
    if call is None or len(given) != 1:
        return None
    literal = given[0] if given[0].type == "string" else _assigned(call, given[0], content)
    made = sql_text.bound(literal, content) if literal is not None else None
    if literal is None or made is None or not made.values:
        return None
    values = ", ".join(f"{name}={code}" for name, code in made.values)
    edits = (
        Edit(Span(at.path, literal.start_byte, literal.end_byte), made.literal, _WHY),
        Edit(Span(at.path, call.end_byte, call.end_byte), f".bindparams({values})", _WHY),
    )
    safety = Safety.SAFE if made.quoted else Safety.CHANGES_BEHAVIOUR
    return Fix(f"Bind {_listed(name for name, _ in made.values)} as parameters", safety, edits)


def _listed(names: Iterator[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _assigned(call: Node, name: Node, content: bytes) -> Node | None:
    """The string that is assigned to a name, once, and only for this call."""
    function = call.parent
    while function is not None and function.type not in ("function_definition", "module"):
        function = function.parent
    if function is None or name.type != "identifier":
        return None
    word = syntax.text(name, content)
    uses = [n for n in syntax.find(function, "identifier") if syntax.text(n, content) == word]
    rows = [
        n for n in syntax.find(function, "assignment")
        if (left := n.child_by_field_name("left")) is not None and left in uses
    ]  # fmt: skip
    value = rows[0].child_by_field_name("right") if len(rows) == 1 and len(uses) == 2 else None
    return value if value is not None and value.type == "string" else None
