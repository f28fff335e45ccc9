"""FW539 mass-assignment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Schema
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Flow
from fastwright.model.finding import Finding, Severity
from fastwright.model.places import Span
from fastwright.review.harm import Harm, finding, harms
from fastwright.review.reach import holds, reach
from fastwright.review.rule import rule

_DENIES = re.compile(
    r"\b(?P<name>\w+) (?:not )?in\b[^:\n]*:\s*\n\s*(?:continue|setattr\([^,]+,\s*(?P=name)\b)|"
    r"\bfor (?P<key>\w+),? ?\w* in\b[^}\n]*\bif (?P=key) not in\b"
)
"""How code passes a key over, by a list of those that a client may not write."""
_DICTIONARIES = frozenset({"dict", "Dict", "Mapping", "Any", "MutableMapping", "JSON"})


@rule(code="FW539", severity=Severity.HIGH)
def mass_assignment(app: AppMap) -> Iterator[Finding]:
    """A row that takes every column which the client cares to name.

    ## Why is this bad?
    A body without a closed list of fields is written to the table as it comes: the client adds
    `is_admin`, `owner_id` or `id` to it, and the row is theirs (CWE-915, OWASP API3:2023).

    ## Example
    ```python
    @app.patch("/items/{item_id}")
    def change_item(item_id: int, changes: dict[str, Any], session: SessionDep) -> None:
        item = session.get_one(Item, item_id)
        for name, value in changes.items():
            setattr(item, name, value)
        session.commit()
    ```

    Use instead:
    ```python
    @app.patch("/items/{item_id}")
    def change_item(item_id: int, changes: ItemIn, session: SessionDep) -> None:
        item = session.get_one(Item, item_id)
        for name, value in changes.model_dump(exclude_unset=True).items():
            setattr(item, name, value)
        session.commit()
    ```

    ## Fix safety
    Changes behaviour for a model with `extra="allow"`, which becomes `"forbid"`: unknown fields are
    answered by 422. For a bare dictionary there is no fix: which columns a client may write is a
    decision, and a model is where it is made.

    ## Known limits
    A model that declares a privileged column is another fault. Only classes that the survey knows
    as tables are reported. A dictionary of which the handler makes an object of a schema is only
    possible: whether that goes on, or the dictionary, is not seen. Where the code passes some keys
    over, the others are still the client's to name, and it is said that a few are not.
    """
    tables = {table.model for table in app.tables if table.model}
    for harm in harms(app, "fields", "attribute"):
        flows = tuple(f for f in harm.flows if f.into in tables and _is_open(app, f))
        if flows:
            open_harm = Harm(harm.at, flows)
            model = flows[0].into.rpartition(".")[2]
            which = "every column but a few" if _leaves_out(app, harm) else "every column"
            message = f"`{model}` takes {which} that {open_harm.source} names"
            fix = _closed(app, flows[0])
            found = finding(app, "mass-assignment", open_harm, message, (fix,) if fix else ())
            closed = all(_is_made_a_schema(app, flow) for flow in flows)
            yield replace(found, structural=found.structural and not closed)


def _leaves_out(app: AppMap, harm: Harm) -> bool:
    """Whether some of the keys are passed over, in the call, before it or in the loop around it."""
    inside = [f for f in reach(app).functions.values() if holds(f.span, harm.at)]
    function = max(inside, key=lambda f: f.span.start, default=None)
    if function is None:
        return False
    call = app.text(harm.at)
    named = set(re.findall(r"\w+", call))
    bound = (b for b in function.bindings if b.name in named)
    texts = [call, *(app.text(Span(harm.at.path, b.start, b.end)) for b in bound)]
    texts += [app.text(function.span)] if "setattr" in call else []
    return any(map(_DENIES.search, texts))


def _is_made_a_schema(app: AppMap, flow: Flow) -> bool:
    """Whether an object of a closed schema is made on the way, which drops what it does not have.

    That the object goes on, and not what it was made of, is not seen.
    """
    closed = {
        s.name for s in app.schemas if dict(s.config).get("extra", "").strip("'\"") != "allow"
    }
    handler = reach(app).functions.get(flow.handler)
    for call in reach(app).calls_in(handler) if handler is not None else ():
        made, given = _made_of(call)
        if made in closed and flow.name.partition(".")[0] in given:
            return True
    below = (f for span in flow.path for f in reach(app).functions.values() if holds(f.span, span))
    calls = (call for f in below if f is not handler for call in reach(app).calls_in(f))
    return any(made in closed and any(given) for made, given in map(_made_of, calls))


def _made_of(call: Call) -> tuple[str, tuple[str | None, ...]]:
    """What a call would make an object of, and of what: ``Item(**sent)``."""
    made = (call.callee or "").removesuffix(".model_validate").removesuffix(".parse_obj")
    is_class = made == call.callee
    return made, (*(() if is_class else call.arguments[:1]), dict(call.keywords).get("**"))


def _is_open(app: AppMap, flow: Flow) -> bool:
    """Whether the client names the columns: keys of a bare dictionary, or of an open model."""
    keys = flow.name.endswith(("keys()", "[…]")) if flow.kind == "attribute" else True
    if flow.kind == "attribute" and not flow.name.endswith("keys()") and "str" in flow.types:
        return keys
    if flow.kind == "attribute":
        return flow.name.endswith("keys()")
    schema = _schema(app, flow)
    if schema is not None:
        return dict(schema.config).get("extra", "").strip("'\"") == "allow"
    of_request = flow.name.endswith(("json()", "form()"))
    return of_request or bool(_DICTIONARIES & set(flow.types))


def _schema(app: AppMap, flow: Flow) -> Schema | None:
    return next((s for s in app.schemas if s.name == flow.model), None)


def _closed(app: AppMap, flow: Flow) -> Fix | None:
    """``extra="forbid"`` for a model that takes fields which it does not declare."""
    route = next((r for r in app.routes if r.handler == flow.handler), None)
    name = flow.model or (route.body_model if route is not None else None)
    schema = next((s for s in app.schemas if s.name == name), None)
    if schema is None or schema.span is None:
        return None
    found = re.search(r"extra[\"']?\s*[=:]\s*([\"'])(allow)\1", app.text(schema.span))
    if found is None:
        return None
    start = len(app.text(schema.span)[: found.start(2)].encode()) + schema.span.start
    place = Span(schema.span.path, start, start + len("allow"))
    edit = Edit(place, "forbid", "a field that is not declared is no column to write")
    return Fix(f"Forbid fields that `{schema.name.rpartition('.')[2]}` does not declare",
               Safety.CHANGES_BEHAVIOUR, (edit,))  # fmt: skip
