"""FW213 uninjected-default."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.callers import is_dead
from fastwright.review.markers import is_asked_for, markers_of, uses
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.sent_values import given_by
from fastwright.source import layout, signatures
from fastwright.survey.codebase import of_tests

_FILLS = re.compile(r"(?i)inject|depend|wire|provide")
"""What a decorator is called that fills parameters itself."""
_VALUE = re.compile(r"-?\d+(?:\.\d+)?|True|False|None|\"[^\"\\]*\"|'[^'\\]*'")


@dataclass(frozen=True, slots=True)
class Unfilled:
    """One call that leaves a parameter to its marker, and whether each run then uses it."""

    call: Call
    function: Function
    name: str
    marker: Call
    surely: bool


@rule(code="FW213", severity=Severity.HIGH)
def uninjected_default(app: AppMap) -> Iterator[Finding]:
    """A call of ours that leaves a parameter to `Depends(…)` or `Query(…)`, which nothing fills.

    ## Why is this bad?
    FastAPI fills such a default only where it calls the function itself. In a plain call the
    parameter *is* the marker: the first use of it raises (`'Depends' object has no attribute
    'execute'`), so that the client gets a 500, or it is taken for a value, for it is true in every
    test (CWE-665).

    ## Example
    ```python
    def items_of(owner_id: int, session: Session = Depends(get_session)) -> list[Item]:
        return list(session.scalars(select(Item).where(Item.owner_id == owner_id)))


    @app.get("/items/count")
    def count_items(user: CurrentUser, session: Session = Depends(get_session)) -> int:
        return len(items_of(user.id))
    ```

    Use instead:
    ```python
    def items_of(owner_id: int, session: Session) -> list[Item]:
        return list(session.scalars(select(Item).where(Item.owner_id == owner_id)))


    @app.get("/items/count")
    def count_items(user: CurrentUser, session: Session = Depends(get_session)) -> int:
        return len(items_of(user.id, session))
    ```

    ## Fix safety
    Changes behaviour: what raised, or took a marker for a value, now gets one. Offered where the
    caller has a parameter of that name with the same default, or where the marker holds a plain
    value, as `Query(10)` does.

    ## Known limits
    Markers inside `Annotated` leave a parameter without a default, and Python itself refuses the
    call. A parameter that the function uses on some ways alone, or binds anew, is only possible,
    and so is a call in code that nothing runs. Not told are a parameter that is never used, one
    whose kind the function asks for, functions with a decorator that fills parameters, and calls
    with `*` or `**`.
    """
    written = Counter(function.name for function in app.functions)
    for call in app.calls:
        if not of_tests(call.span.path):
            plain, function = _called(app, call)
            if function is not None and written[function.name] == 1:
                found = sorted(_unfilled(app, plain, function), key=lambda one: not one.surely)
                if found:
                    yield _finding(app, found)


def _called(app: AppMap, call: Call) -> tuple[Call, Function | None]:
    """A call and what it calls; of ``tasks.add_task(send, 1)`` the call that is made later."""
    is_later = last(call.text) == "add_task" and call.arguments
    module = app.module_at(call.span.path) if is_later else None
    if module is None:
        return call, reach(app).callee(call)
    head, _, rest = call.arguments[0].partition(".")
    dotted = f"{module.imports.get(head, f'{module.name}.{head}')}.{rest}".rstrip(".")
    return replace(call, arguments=call.arguments[1:]), reach(app).functions.get(dotted)


def _unfilled(app: AppMap, call: Call, function: Function) -> Iterator[Unfilled]:
    markers = markers_of(app).of(function)
    if not markers:
        return
    given = given_by(function, call)
    if "**" in given or any(text.startswith("*") for text in call.arguments):
        return
    if given.keys() >= set(function.parameters) - {"self", "cls"}:
        return
    if any(_FILLS.search(name) for name in function.decorators):
        return
    for name, marker in markers.items():
        used = uses(app, function, name) if name not in given else None
        if used is not None and not is_asked_for(app, function, name):
            yield Unfilled(call, function, name, marker, used)


def _finding(app: AppMap, found: list[Unfilled]) -> Finding:
    first = found[0]
    call, marker = first.call, layout.shortened(app.text(first.marker.span), 40)
    runs = call.caller not in reach(app).functions or not is_dead(app, call.caller)
    told = [f"`{one.name}` is `{layout.shortened(app.text(one.marker.span), 40)}` there, and used"
            for one in found]  # fmt: skip
    mended = [edit for one in found if (edit := _edit(app, one)) is not None]
    title = f"Give `{last(first.function.name)}` what FastAPI does not"
    fix = Fix(title, Safety.CHANGES_BEHAVIOUR, tuple(mended[:1]))
    return Finding(
        "uninjected-default",
        call.span,
        f"`{call.text}` is called without `{first.name}`, which is then `{marker}` itself",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in told),
        related=(first.marker.span,),
        fixes=(fix,) if len(found) == len(mended) == 1 else (),
        symbol=f"{call.caller}:{call.text}:{first.name}",
        structural=first.surely and runs,
    )


def _edit(app: AppMap, one: Unfilled) -> Edit | None:
    """The call with the argument that it lacks, where it is at hand."""
    caller = reach(app).functions.get(one.call.caller)
    own = markers_of(app).of(caller).get(one.name) if caller is not None else None
    value = one.marker.arguments[0] if one.marker.arguments else ""
    is_same = own is not None and app.text(own.span) == app.text(one.marker.span)
    written = one.name if is_same else value if _VALUE.fullmatch(value) else ""
    at = one.call.span
    node = layout.outermost(app.files[at.path], at.start, at.end, "call") if written else None
    if node is None:
        return None
    why = "FastAPI fills a default only where it calls the function itself"
    given = f"{one.name}={written}"
    return signatures.with_keyword(at.path, app.files[at.path], node, given, why)
