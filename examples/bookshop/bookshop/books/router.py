from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, status

from bookshop.books import service
from bookshop.books.models import Book
from bookshop.books.schemas import BookCreate, BookRead
from bookshop.database import SessionDep

router = APIRouter(prefix="/books", tags=["books"])

BookId = Annotated[int, Path(ge=1, le=2_147_483_647)]


@router.get("", response_model=list[BookRead])
async def list_books(
    session: SessionDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> list[Book]:
    return await service.list_books(session, limit, offset)


@router.post("", response_model=BookRead, status_code=status.HTTP_201_CREATED)
async def create_book(wanted: BookCreate, session: SessionDep) -> Book:
    return await service.create_book(session, wanted)


@router.get("/{book_id}", response_model=BookRead)
async def read_book(book_id: BookId, session: SessionDep) -> Book:
    book = await service.get_book(session, book_id)
    if book is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such book")
    return book


@router.delete("/{book_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_book(book_id: BookId, session: SessionDep) -> None:
    book = await service.get_book(session, book_id)
    if book is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such book")
    try:
        await service.delete_book(session, book)
    except service.BookIsOrdered as error:
        raise HTTPException(status.HTTP_409_CONFLICT, "An order names this book") from error
