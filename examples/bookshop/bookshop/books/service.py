from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bookshop.books.models import Book
from bookshop.books.schemas import BookCreate


class BookIsOrdered(Exception):
    """An order names the book, and orders stay."""


async def list_books(session: AsyncSession, limit: int, offset: int) -> list[Book]:
    found = await session.scalars(select(Book).order_by(Book.id).limit(limit).offset(offset))
    return list(found)


async def get_book(session: AsyncSession, book_id: int) -> Book | None:
    return await session.get(Book, book_id)


async def create_book(session: AsyncSession, wanted: BookCreate) -> Book:
    book = Book(**wanted.model_dump())
    session.add(book)
    await session.commit()
    return book


async def delete_book(session: AsyncSession, book: Book) -> None:
    await session.delete(book)
    try:
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise BookIsOrdered from error
