"""A shop on an async session and PostgreSQL: ``/slow`` routes with twins below ``/good``."""

import os
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

engine = create_async_engine(os.environ["DATABASE_URL"])
make_session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase): ...


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer", order_by="Order.id")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(default="open")
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    customer: Mapped[Customer] = relationship(back_populates="orders")
    lines: Mapped[list["Line"]] = relationship(back_populates="order", order_by="Line.id")


class Line(Base):
    __tablename__ = "lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="lines")


class LineRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    amount: int


class OrderRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    lines: list[LineRead]


async def get_session() -> AsyncIterator[AsyncSession]:
    async with make_session() as session:
        yield session


Db = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI()


@app.get("/slow/orders")
async def slow_orders(db: Db):
    found = []
    for order in (await db.scalars(select(Order).order_by(Order.id))).all():
        customer = await db.get(Customer, order.customer_id)
        found.append({"id": order.id, "email": customer.email})
    return found


@app.get("/good/orders")
async def good_orders(db: Db):
    found = select(Order).options(selectinload(Order.customer)).order_by(Order.id)
    return [{"id": o.id, "email": o.customer.email} for o in (await db.scalars(found)).all()]


@app.get("/slow/counts")
async def slow_counts(db: Db):
    result = await db.execute(select(Customer).order_by(Customer.id))
    customers = result.scalars().all()
    found = {}
    for customer in customers:
        found[customer.email] = await db.scalar(
            select(func.count(Order.id)).where(Order.customer_id == customer.id)
        )
    return found


@app.get("/good/counts")
async def good_counts(db: Db):
    grouped = select(Order.customer_id, func.count()).group_by(Order.customer_id)
    rows = await db.execute(grouped.order_by(Order.customer_id))
    return [[key, count] for key, count in rows]


@app.get("/slow/lines")
async def slow_lines(db: Db):
    found = {}
    for order in (await db.scalars(select(Order).order_by(Order.id))).all():
        stmt = select(Line).where(Line.order_id == order.id).order_by(Line.id)
        lines = (await db.execute(stmt)).scalars().all()
        found[order.id] = [line.amount for line in lines]
    return found


@app.get("/good/lines", response_model=list[OrderRead])
async def good_lines(db: Db):
    found = select(Order).options(selectinload(Order.lines)).order_by(Order.id)
    return (await db.scalars(found)).all()


@app.get("/slow/sums")
async def slow_sums(db: Db):
    orders = (await db.scalars(select(Order).order_by(Order.id))).all()
    return [
        await db.scalar(select(func.sum(Line.amount)).where(Line.order_id == order.id))
        for order in orders
    ]


@app.get("/slow/owners")
async def slow_owners(db: Db):
    emails = (await db.scalars(select(Customer.email).order_by(Customer.id))).all()
    found = []
    for email in emails:
        query = select(Customer).where(Customer.email == email)
        customer = (await db.execute(query)).scalar_one_or_none()
        found.append(customer.id)
    return found


@app.get("/slow/broken", response_model=list[OrderRead])
async def slow_broken(db: Db):
    return (await db.scalars(select(Order).order_by(Order.id))).all()
