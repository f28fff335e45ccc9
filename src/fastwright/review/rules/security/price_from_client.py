"""FW525 price-from-client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Route
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.storage import Column, Table
from fastwright.review.guarding import WRITES, guarding_of, permissions
from fastwright.review.nesting import target_of
from fastwright.review.ownership import ownership_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.sent_values import sent, ways
from fastwright.review.storing import stored
from fastwright.review.uncommented import uncommented

NAME = "price-from-client"
_NUMERIC = re.compile(r"(?i)^(int|float|decimal|(big|small)?integer|numeric|double|real|money)\b")
_SUM = re.compile(r"(?i)^(unit_|item_|line_|total_|sub_?|final_)?(price|total|cost|amount|sum)$")
_PRICE = re.compile(r"(?i)^(unit_|sale_|list_|base_)?(price|cost|fee|fare)(_cents)?$")
_BOUGHT = re.compile(
    r"(?i)order|cart|basket|checkout|booking|purchase|reservation|rental|subscription|ticket"
)
_AGREED = re.compile(r"(?i)bid|offer|quote|proposal|supplier|stock|restock|counter")


@dataclass(frozen=True, slots=True)
class _Given:
    """A sum of the client's that a new row of `table` takes, and where.

    `base` is what the code there calls the object that holds it; empty where it is none.
    """

    name: str
    base: str
    table: Table
    at: Span


@rule(code="FW525", severity=Severity.HIGH)
def price_from_client(app: AppMap) -> Iterator[Finding]:
    """A price that the client names, where the app has one of its own.

    ## Why is this bad?
    The page shows the price and sends it back with the order. Whoever sends the order without the
    page names another: everything costs one cent (CWE-472, CWE-602, CWE-840).

    ## Example
    ```python
    class Product(Base):
        __tablename__ = "products"
        id: Mapped[int] = mapped_column(primary_key=True)
        price: Mapped[int]


    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
        total: Mapped[int]


    class OrderIn(BaseModel):
        product_id: int
        quantity: Annotated[int, Field(gt=0)]
        price: int


    @app.post("/orders")
    def buy(body: OrderIn, session: SessionDep) -> None:
        session.add(Order(product_id=body.product_id, total=body.price * body.quantity))
        session.commit()
    ```

    Use instead:
    ```python
    class Product(Base):
        __tablename__ = "products"
        id: Mapped[int] = mapped_column(primary_key=True)
        price: Mapped[int]


    class Order(Base):
        __tablename__ = "orders"
        id: Mapped[int] = mapped_column(primary_key=True)
        product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
        total: Mapped[int]


    class OrderIn(BaseModel):
        product_id: int
        quantity: Annotated[int, Field(gt=0)]


    @app.post("/orders")
    def buy(body: OrderIn, session: SessionDep) -> None:
        product = session.get(Product, body.product_id)
        if product is None:
            raise HTTPException(404)
        session.add(Order(product_id=product.id, total=product.price * body.quantity))
        session.commit()
    ```

    ## Fix safety
    There is no fix to apply: the field goes out of the contract, and what is bought at which price
    is a decision.

    ## Known limits
    The row that is made must be of something that is bought, by its name (an order, a booking), and
    point at a row that has a price, which nothing that runs for the route reads. What is offered
    and agreed on has its price from people, and is passed over, as are roles, and things that are
    the caller's own.
    """
    told: set[Span] = set()
    for route in guarding_of(app).served:
        if route.method not in WRITES or permissions(route):
            continue
        for given in (*_calculated(app, route), *_as_it_came(app, route)):
            priced = _priced(app, given.table)
            if priced is None or given.at in told or _is_read(app, route, given, priced[1]):
                continue
            told.add(given.at)
            yield _finding(route, given, priced)


def _calculated(app: AppMap, route: Route) -> Iterator[_Given]:
    """``Order(total=body.price * body.quantity)``."""
    tables = {t.model: t for t in app.tables if t.model}
    for way in ways(app, route):
        for call in reach(app).calls_in(way.function):
            table = tables.get(call.callee or "")
            for key, value in call.keywords if table is not None else ():
                for written in re.findall(r"(?<![\w.])[a-z_]\w*(?:\.\w+)?(?![\w.(])", value):
                    number = sent(app, way, written) if _is_sum(written) else None
                    if number is not None and table is not None and _is_numeric(table.column(key)):
                        base = written.rpartition(".")[0]
                        yield _Given(number.name, base, table, call.span)


def _as_it_came(app: AppMap, route: Route) -> Iterator[_Given]:
    """``Order(**body.model_dump())``."""
    for one in stored(app):
        if one.route == route and _is_sum(one.field.name) and _is_numeric(one.column):
            name = f"{last(one.schema.name)}.{one.field.name}"
            yield _Given(name, "", one.table, one.at)


def _is_sum(written: str) -> bool:
    return _SUM.match(written.rpartition(".")[2]) is not None


def _is_numeric(column: Column | None) -> bool:
    return column is not None and _NUMERIC.match(column.type or "") is not None


def _priced(app: AppMap, table: Table) -> tuple[Table, Column] | None:
    """The table with a price of its own that a row of something bought points at."""
    if not _BOUGHT.search(table.name) or _AGREED.search(table.name):
        return None
    for column in table.columns:
        target = app.table(target_of(column))
        if target is None or target is table or target.name in ownership_of(app).owned:
            continue
        found = (c for c in target.columns if _PRICE.match(c.attribute) and _is_numeric(c))
        if (price := next(found, None)) is not None:
            return target, price
    return None


def _is_read(app: AppMap, route: Route, given: _Given, price: Column) -> bool:
    """Whether anything that runs for the route reads the app's own price."""
    mine = rf"(?<!\b{given.base})" if given.base else ""
    pattern = re.compile(rf"\w{mine}\.{price.attribute}\b(?!\s*=[^=])|[\"']{price.name}[\"']\]")
    return any(pattern.search(uncommented(app, f)) for f in reach(app).running(route))


def _finding(route: Route, given: _Given, priced: tuple[Table, Column]) -> Finding:
    target, price = priced
    told = (
        f"`{target.name}.{price.attribute}` is there, and nothing that runs for the route reads it"
    )
    return Finding(
        NAME,
        given.at,
        f"`{route}` sells for what the client says: `{given.name}` goes into `{given.table.name}`",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        symbol=route.handler,
        structural=True,
    )
