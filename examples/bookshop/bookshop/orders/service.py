from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from bookshop.books.models import Book
from bookshop.orders.models import Order, OrderItem
from bookshop.orders.schemas import OrderCreate, OrderLine
from bookshop.users.models import User


class CannotOrder(Exception):
    """The order names something that is not there, or not in stock."""


async def orders_of(session: AsyncSession, user_id: int, limit: int) -> list[Order]:
    wanted = (
        select(Order)
        .where(Order.user_id == user_id)
        .options(selectinload(Order.items))
        .order_by(Order.id.desc())
        .limit(limit)
    )
    return list(await session.scalars(wanted))


async def get_order(session: AsyncSession, order_id: int) -> Order | None:
    return await session.get(Order, order_id, options=[selectinload(Order.items)])


async def place_order(session: AsyncSession, wanted: OrderCreate) -> Order:
    if await session.get(User, wanted.user_id) is None:
        raise CannotOrder("No such user")
    items = [await _reserve(session, line) for line in wanted.lines]
    order = Order(user_id=wanted.user_id, status="new", items=items)
    session.add(order)
    await session.commit()
    return order


async def _reserve(session: AsyncSession, line: OrderLine) -> OrderItem:
    book = await session.get(Book, line.book_id, with_for_update=True)
    if book is None:
        raise CannotOrder(f"No such book: {line.book_id}")
    if book.stock < line.quantity:
        raise CannotOrder(f"Only {book.stock} left of book {book.id}")
    book.stock -= line.quantity
    return OrderItem(book_id=book.id, quantity=line.quantity, price=book.price)


async def cancel_order(session: AsyncSession, order: Order) -> Order:
    order.status = "cancelled"
    await session.commit()
    return order
