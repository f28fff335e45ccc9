"""A small good app to be examined: accounts, roles, owned notes, a page, a fetch and a file."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Path as InPath, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, String, create_engine, delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

KEY = os.environ.get("EXAMINED_KEY", "of-a-process-that-nobody-else-knows-of")
engine = create_engine("sqlite:///examined.db", connect_args={"check_same_thread": False})
app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="login")
tries: dict[str, int] = {}
Key = Annotated[int, InPath(le=2**63 - 1)]


@app.exception_handler(RequestValidationError)
def refuse_invalid(_: Request, problem: RequestValidationError) -> JSONResponse:
    told = [{key: part[key] for key in ("type", "loc", "msg")} for part in problem.errors()]
    return JSONResponse({"detail": told}, status_code=422)


@app.exception_handler(IntegrityError)
def refuse_taken(_: Request, __: IntegrityError) -> JSONResponse:
    return JSONResponse({"detail": "There is one already"}, status_code=409)


@app.exception_handler(UnicodeEncodeError)
def refuse_half_a_letter(_: Request, __: UnicodeEncodeError) -> JSONResponse:
    return JSONResponse({"detail": "This is no text"}, status_code=422)


class Base(DeclarativeBase): ...


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    is_admin: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelves.id"))


class Credentials(BaseModel):
    email: str
    password: str


class Profile(BaseModel):
    email: str


class UserOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    email: str


class NoteIn(BaseModel):
    title: str = Field(max_length=100)


class NoteOut(NoteIn):
    model_config = ConfigDict(from_attributes=True)
    id: int


class BookIn(BaseModel):
    shelf_id: Annotated[int, Field(le=2**63 - 1)]
    title: str = Field(max_length=100)


class Gift(BaseModel):
    to_shelf_id: Annotated[int, Field(le=2**63 - 1)]
    title: str = Field(max_length=100)


class Shelves(BaseModel):
    ids: Annotated[list[Annotated[int, Field(le=2**63 - 1)]], Field(max_length=50)]


def hash_password(password: str) -> str:
    return "sha$" + hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 1000).hex()


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


Db = Annotated[Session, Depends(get_session)]


def limit_login(request: Request) -> None:
    host = request.client.host if request.client else ""
    tries[host] = tries.get(host, 0) + 1
    if tries[host] > 10:
        raise HTTPException(429)


def current_user(db: Db, token: Annotated[str, Depends(scheme)]) -> User:
    try:
        claims = jwt.decode(token, KEY, algorithms=["HS256"])
    except jwt.PyJWTError as error:
        raise HTTPException(401) from error
    user = db.get(User, int(claims["sub"]))
    if user is None or not user.is_active:
        raise HTTPException(401)
    return user


Me = Annotated[User, Depends(current_user)]


def require_admin(me: Me) -> User:
    if not me.is_admin:
        raise HTTPException(403)
    return me


@app.post("/sign-up", status_code=201)
def sign_up(body: Credentials, db: Db) -> UserOut:
    user = User(email=body.email, password_hash=hash_password(body.password))
    db.add(user)
    db.commit()
    return UserOut.model_validate(user)


@app.post("/login", dependencies=[Depends(limit_login)])
def login(body: Credentials, db: Db) -> dict[str, str]:
    user = db.scalar(select(User).where(User.email == body.email))
    if user is None or user.password_hash != hash_password(body.password):
        raise HTTPException(401, "Incorrect email or password")
    if not user.is_active:
        raise HTTPException(403)
    claims = {"sub": str(user.id), "exp": int(time.time()) + 900}
    return {"access_token": jwt.encode(claims, KEY, algorithm="HS256")}


@app.get("/me")
def me(me: Me) -> UserOut:
    return UserOut.model_validate(me)


@app.patch("/me")
def change_me(body: Profile, me: Me, db: Db) -> UserOut:
    for name, value in body.model_dump().items():
        setattr(me, name, value)
    db.commit()
    return UserOut.model_validate(me)


@app.get("/notes")
def notes(me: Me, db: Db, limit: Annotated[int, Query(ge=1, le=50)] = 20) -> list[NoteOut]:
    mine = select(Note).where(Note.owner_id == me.id).order_by(Note.id.desc()).limit(limit)
    return [NoteOut.model_validate(note) for note in db.scalars(mine)]


@app.post("/notes", status_code=201)
def add(body: NoteIn, me: Me, db: Db) -> NoteOut:
    note = Note(title=body.title, owner_id=me.id)
    db.add(note)
    db.commit()
    return NoteOut.model_validate(note)


def own_note(note_id: Key, me: Me, db: Db) -> Note:
    note = db.get(Note, note_id)
    if note is None or note.owner_id != me.id:
        raise HTTPException(404)
    return note


Own = Annotated[Note, Depends(own_note)]


@app.get("/notes/{note_id}")
def read(note: Own) -> NoteOut:
    return NoteOut.model_validate(note)


@app.put("/notes/{note_id}")
def change(note: Own, body: NoteIn, db: Db) -> NoteOut:
    note.title = body.title
    db.commit()
    return NoteOut.model_validate(note)


@app.delete("/notes/{note_id}", status_code=204)
def remove(note: Own, db: Db) -> None:
    db.delete(note)
    db.commit()


def own_shelf(shelf_id: Key, me: Me, db: Db) -> Shelf:
    shelf = db.get(Shelf, shelf_id)
    if shelf is None or shelf.owner_id != me.id:
        raise HTTPException(404)
    return shelf


@app.get("/shelves/{shelf_id}")
def read_shelf(shelf: Annotated[Shelf, Depends(own_shelf)]) -> str:
    return shelf.name


@app.post("/shelves/clear")
def clear_shelves(body: Shelves, me: Me, db: Db) -> None:
    db.execute(delete(Shelf).where(Shelf.id.in_(body.ids), Shelf.owner_id == me.id))
    db.commit()


@app.get("/books")
def books_of(shelf_id: Annotated[int, Query(le=2**63 - 1)], me: Me, db: Db) -> list[str]:
    found = select(Book.title).join(Shelf).where(Shelf.id == shelf_id, Shelf.owner_id == me.id)
    return list(db.scalars(found.order_by(Book.id).limit(50)))


@app.post("/books", status_code=201)
def add_book(body: BookIn, me: Me, db: Db) -> None:
    own_shelf(body.shelf_id, me, db)
    db.add(Book(title=body.title, shelf_id=body.shelf_id))
    db.commit()


@app.post("/gifts", status_code=201)
def give(body: Gift, me: Me, db: Db) -> None:
    if db.get(Shelf, body.to_shelf_id) is None:
        raise HTTPException(404)
    db.add(Book(title=body.title, shelf_id=body.to_shelf_id))
    db.commit()


def book_of_shelf(book_id: Key, shelf: Annotated[Shelf, Depends(own_shelf)], db: Db) -> Book:
    book = db.get(Book, book_id)
    if book is None or book.shelf_id != shelf.id:
        raise HTTPException(404)
    return book


OwnBook = Annotated[Book, Depends(book_of_shelf)]


@app.get("/shelves/{shelf_id}/books/{book_id}")
def read_book(book: OwnBook) -> str:
    return book.title


@app.delete("/shelves/{shelf_id}/books/{book_id}", status_code=204)
def remove_book(book: OwnBook, db: Db) -> None:
    db.delete(book)
    db.commit()


@app.get("/search")
def search(q: str, me: Me, db: Db) -> list[str]:
    found = text("SELECT title FROM notes WHERE owner_id = :owner AND title LIKE :q LIMIT 20")
    return list(db.scalars(found, {"owner": me.id, "q": q}))


@app.get("/users", dependencies=[Depends(require_admin)])
def users(db: Db) -> list[UserOut]:
    return [UserOut.model_validate(user) for user in db.scalars(select(User).limit(50))]


@app.post("/users", dependencies=[Depends(require_admin)], status_code=201)
def create_user(body: Profile, db: Db) -> None:
    db.add(User(email=body.email, password_hash=""))
    db.commit()


@app.put("/users/{user_id}", dependencies=[Depends(require_admin)])
def change_user(user_id: Key, body: Profile, db: Db) -> None:
    user = db.get(User, user_id)
    if user is None:
        raise HTTPException(404)
    user.email = body.email
    db.commit()


@app.delete("/users/{user_id}", dependencies=[Depends(require_admin)], status_code=204)
def remove_user(user_id: Key, db: Db) -> None:
    user = db.get(User, user_id)
    if user is not None:
        db.delete(user)
        db.commit()


@app.get("/pages/{name}")
def page(name: str, me: Me) -> FileResponse:
    folder = Path(__file__).parent.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix != ".html":
        raise HTTPException(404)
    return FileResponse(path)


@app.post("/previews")
def preview(url: str, me: Me) -> int:
    return len(url)


Base.metadata.create_all(engine)
