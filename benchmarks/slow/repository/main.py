"""A library behind a generic repository and services: ``/slow`` routes with twins in ``/good``."""

from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

engine = create_engine("sqlite:///library.db")


class Base(DeclarativeBase): ...


Model = TypeVar("Model", bound=Base)


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    books: Mapped[list["Book"]] = relationship(back_populates="shelf", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="books")
    loans: Mapped[list["Loan"]] = relationship(back_populates="book", order_by="Loan.id")


class Loan(Base):
    __tablename__ = "loans"
    id: Mapped[int] = mapped_column(primary_key=True)
    reader: Mapped[str]
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id"))
    book: Mapped[Book] = relationship(back_populates="loans")


class Repository(Generic[Model]):
    def __init__(self, session: Session, model: type[Model]) -> None:
        self.session, self.model = session, model

    def everything(self) -> list[Model]:
        return list(self.session.scalars(select(self.model).order_by(self.model.id)))

    def by_id(self, key: Any) -> Model | None:
        return self.session.get(self.model, key)


class LibraryService:
    def __init__(self, session: Session) -> None:
        self.books = Repository(session, Book)
        self.shelves = Repository(session, Shelf)

    def shelf(self, key: int) -> Shelf | None:
        return self.shelves.by_id(key)


class Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LoanRead(Read):
    reader: str


class BookRead(Read):
    title: str
    loans: list[LoanRead]


class BookWithShelf(Read):
    title: str
    shelf_label: str


class ShelfRead(Read):
    label: str
    books: list[BookRead]


class ShelfLabel(Read):
    label: str


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


Db = Annotated[Session, Depends(get_session)]
app = FastAPI()


@app.get("/slow/books", response_model=list[BookWithShelf])
def slow_books(db: Db):
    books = Repository(db, Book).everything()
    return [BookWithShelf(title=b.title, shelf_label=b.shelf.label) for b in books]


@app.get("/slow/shelves/{shelf_id}", response_model=ShelfRead)
def slow_shelf(shelf_id: int, db: Db):
    return Repository(db, Shelf).by_id(shelf_id)


@app.get("/slow/service/{shelf_id}", response_model=ShelfRead)
def slow_service(shelf_id: int, db: Db):
    return LibraryService(db).shelf(shelf_id)


@app.get("/good/shelves", response_model=list[ShelfLabel])
def good_shelves(db: Db):
    return Repository(db, Shelf).everything()


@app.get("/good/shelves/{shelf_id}", response_model=ShelfLabel)
def good_shelf(shelf_id: int, db: Db):
    return Repository(db, Shelf).by_id(shelf_id)
