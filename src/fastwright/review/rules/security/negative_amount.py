"""FW523 negative-amount."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Field, Parameter
from fastwright.model.change import Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.bounding import constrained
from fastwright.review.guarding import WRITES, guarding_of, permissions
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.sent_values import Sent, Way, is_checked, sent, ways
from fastwright.review.uncommented import uncommented
from fastwright.source.fields import with_constraint

NAME = "negative-amount"
_X = r"(?P<x>\w+(?:\.\w+)?)(?![\w.(\[])"
_Y = _X.replace("<x>", "<y>")
_MONEY = r"(?:\w+_)?(?:price|cost|fee|fare)(?:_\w+)?"
_MOVED = re.compile(
    rf"(?m)^[ \t]*\w+\.(?P<set>\w+)[ \t]*"
    rf"(?:(?P<sign>[+-])=|=[ \t]*\w+\.(?P=set)[ \t]*(?P<by>[+-]))[ \t]*{_X}"
    rf"|\b(?P<column>\w+)[\"']?[=:][ \t]*\w+\.(?P=column)[ \t]*(?P<sql>[+-])[ \t]*{_Y}"
)
"""``row.column -= x``, ``row.column = row.column - x`` and ``column=Model.column - x``."""

_CHANGED = re.compile(r"\.\w+[ \t]*[+-]")
"""Stands in all of those; most functions have no such place."""

_PRICED = re.compile(
    rf"\w+\.(?P<price>{_MONEY})[ \t]*\*[ \t]*{_X}"
    rf"|(?<![\w.])(?P<y>\w+(?:\.\w+)?)[ \t]*\*[ \t]*\w+\.(?P<times>{_MONEY})\b"
)
_QUANTITY = re.compile(
    r"(^|_)(quantity|qty|quantities|count|units?|seats|tickets|nights|copies|pieces|number)($|_)"
)
_NUMERIC = re.compile(r"(?i)^(int|float|decimal|(big|small)?integer|numeric|double|real|money)\b")


@dataclass(frozen=True, slots=True)
class _Sum:
    """A calculation with a number of the client's.

    `effect` is what a negative one does, `shown` how the app says that it is meant to be none;
    empty where it does not.
    """

    way: Way
    at: Span
    number: Sent
    effect: str
    shown: str


@rule(code="FW523", severity=Severity.HIGH)
def negative_amount(app: AppMap) -> Iterator[Finding]:
    """A number that the client may send below zero, where the app counts on it to be above.

    ## Why is this bad?
    A check that there is enough bounds an amount from above. Below zero it passes, too: whoever
    transfers minus a hundred takes a hundred from the other account, and an order of minus three
    pieces is paid out (CWE-20, CWE-839, CWE-840).

    ## Example
    ```python
    class Purse(Base):
        __tablename__ = "purses"
        id: Mapped[int] = mapped_column(primary_key=True)
        balance: Mapped[int] = mapped_column(default=0)


    class Payment(BaseModel):
        amount: int


    @app.post("/purses/{purse_id}/payments")
    def pay(purse_id: int, body: Payment, session: SessionDep) -> None:
        purse = session.get(Purse, purse_id, with_for_update=True)
        if purse is None or purse.balance < body.amount:
            raise HTTPException(409)
        purse.balance -= body.amount
        session.commit()
    ```

    Use instead:
    ```python
    class Purse(Base):
        __tablename__ = "purses"
        id: Mapped[int] = mapped_column(primary_key=True)
        balance: Mapped[int] = mapped_column(default=0)


    class Payment(BaseModel):
        amount: int = Field(gt=0)


    @app.post("/purses/{purse_id}/payments")
    def pay(purse_id: int, body: Payment, session: SessionDep) -> None:
        purse = session.get(Purse, purse_id, with_for_update=True)
        if purse is None or purse.balance < body.amount:
            raise HTTPException(409)
        purse.balance -= body.amount
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: zero and less are refused with 422.

    ## Known limits
    That a number is meant to be above zero is shown by a comparison with what there is, by its
    being taken from one row and given to another, or by a price that a quantity is multiplied by.
    A number that is only added is not reported: it may be a correction. Nor is one that a
    validator, a comparison with zero, a constraint of the table, or a function named as a check
    looks at, or that only a role may send.
    """
    told: set[tuple[str, str]] = set()
    seen: dict[str, tuple[re.Match[str], ...]] = {}
    for route in guarding_of(app).served:
        is_open = route.method in WRITES and not permissions(route)
        for way in ways(app, route) if is_open else ():
            name = way.function.name
            if name not in seen:
                seen[name] = _calculations(app.text(way.function.span))
            for one in _sums(app, way, seen[name]):
                key = (name, one.number.name)
                if key not in told and one.shown and not _is_bounded(app, one):
                    told.add(key)
                    yield _finding(app, route, one)


def _calculations(text: str) -> tuple[re.Match[str], ...]:
    """What may be a sum in the text of a function, which many routes may run."""
    moved = _MOVED.finditer(text) if _CHANGED.search(text) else ()
    return (*moved, *(_PRICED.finditer(text) if "*" in text else ()))


def _sums(app: AppMap, way: Way, calculations: tuple[re.Match[str], ...]) -> Iterator[_Sum]:
    start = way.function.span.start
    for found in calculations:
        given = found.groupdict()
        written = given.get("x") or given.get("y") or ""
        column = given.get("set") or given.get("column") or given.get("price") or given.get("times")
        number = sent(app, way, written) if _is_numeric(app, column or "") else None
        if number is None or column is None:
            continue
        first = start + len(found.string[: found.start()].encode())
        whole = found[0].encode()
        blank = len(whole) - len(whole.lstrip())
        at = Span(way.function.span.path, first + blank, first + len(whole))
        moves = given.get("set") or given.get("column")
        effect = f"which moves `{column}` the other way" if moves else "and so a negative price"
        yield _Sum(way, at, number, effect, _shown(uncommented(app, way.function), written, given))


def _is_numeric(app: AppMap, name: str) -> bool:
    columns = (t.column(name) for t in app.tables)
    return any(
        c is not None and _NUMERIC.match(c.type or "") and not c.foreign_key for c in columns
    )


def _shown(text: str, written: str, given: dict[str, str | None]) -> str:
    """What says that the number is meant to be none below zero."""
    column = given.get("set") or given.get("column")
    if column is None:
        is_many = _QUANTITY.search(written.rpartition(".")[2])
        return f"a price is multiplied by `{written}`" if is_many else ""
    name = rf"(?<![\w.]){re.escape(written)}(?![\w.])"
    row = rf"\w+\.{column}\b"
    enough = re.search(
        rf"(?m)^.*(?:{row}\s*(?:[+-]\s*{name}\s*[<>]|[<>]=?\s*{name})|{name}\s*[<>]=?\s*{row}).*$",
        text,
    )
    if enough is not None:
        return f"it is bounded from above: `{enough[0].strip().removeprefix('if ').rstrip(':')}`"
    signs = {f["sign"] or f["by"] or f["sql"] for f in _MOVED.finditer(text)
             if (f["x"] or f["y"]) == written}  # fmt: skip
    return f"`{written}` is taken from one row and given to another" if len(signs) == 2 else ""


def _is_bounded(app: AppMap, one: _Sum) -> bool:
    if one.number.has_lowest:
        return True
    functions = list(reach(app).running(one.way.route))
    texts = [uncommented(app, f) for f in functions]
    texts += [
        app.text(t.span) for t in app.tables if t.span and "CheckConstraint" in app.text(t.span)
    ]
    calls = [c for f in functions for c in reach(app).calls_in(f)]
    return is_checked(app, one.number, texts, calls)


def _finding(app: AppMap, route: Route, one: _Sum) -> Finding:
    declared, name = one.number.declared, one.number.name
    fix = _fix(app, declared, name)
    return Finding(
        NAME,
        one.at,
        f"`{route}` takes a negative `{name}`, {one.effect}",
        evidence=(Evidence(EvidenceKind.SOURCE, one.shown),),
        related=(declared.span,) if declared.span is not None else (),
        fixes=(fix,) if fix is not None else (),
        symbol=f"{one.way.function.name}:{name}",
        structural=True,
    )


def _fix(app: AppMap, declared: Field | Parameter, name: str) -> Fix | None:
    why = "what is taken, bought or moved is more than nothing"
    if isinstance(declared, Field):
        changes = with_constraint(app, declared, "gt=0", why)
    else:
        changes = constrained(app, declared, "gt=0", why)
    title = f"Refuse a `{name}` that is not above zero"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, changes) if changes else None
