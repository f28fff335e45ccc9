"""A small good app to be broken: racks and things on PostgreSQL, and every value foreseen."""

from __future__ import annotations

import enum
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import jwt
from fastapi import (
    Cookie,
    Depends,
    FastAPI,
    Form,
    Header,
    HTTPException,
    Query,
    Request,
    UploadFile,
)
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

KEY = os.environ.get("BROKEN_KEY", "of-a-process-that-nobody-else-knows-of")
engine = create_engine(os.environ["DATABASE_URL"])
app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="login")
tries: dict[str, int] = {}
TONES = {"light": "kind", "dark": "stern"}
TEMPORARY = Path(tempfile.mkdtemp())


def written(text: str) -> str:
    text.encode()  # half a letter raises a ValueError, which is an error of validation here
    if "\0" in text:
        raise ValueError("no NUL, please")
    return text


Text = Annotated[str, AfterValidator(written)]
Key = Annotated[int, InPath(le=2**31 - 1)]
Amount = Annotated[int, Field(le=1000)]


class Colour(enum.Enum):
    RED = "RED"
    BLUE = "BLUE"


class Base(DeclarativeBase): ...


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(200), unique=True)
    password: Mapped[str] = mapped_column(String(200))


class Rack(Base):
    __tablename__ = "racks"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(40))
    remark: Mapped[str] = mapped_column(default="")
    amount: Mapped[int] = mapped_column(default=1)
    price: Mapped[float] = mapped_column(default=1.0)
    colour: Mapped[Colour] = mapped_column(default=Colour.RED)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))


class Loan(Base):
    __tablename__ = "loans"
    id: Mapped[int] = mapped_column(primary_key=True)
    rack_id: Mapped[int] = mapped_column(ForeignKey("racks.id"))


class Credentials(BaseModel):
    email: Text = Field(max_length=200)
    password: Text = Field(max_length=200)


class Wish(BaseModel):
    title: Text = Field(max_length=40)


class RackIn(BaseModel):
    name: Text = Field(max_length=80)


class Labelled(BaseModel):
    title: Text = Field(max_length=40)


class Counted(BaseModel):
    amount: Amount


class Priced(BaseModel):
    price: float = Field(allow_inf_nan=False)


class Painted(BaseModel):
    colour: Colour = Field(default=Colour.RED, examples=["RED"])


class Remarked(BaseModel):
    remark: Text = Field(max_length=2000)


class Retitled(BaseModel):
    title: Text = Field(max_length=40)


class LoanIn(BaseModel):
    rack_id: int = Field(le=2**31 - 1)


class ThingOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    title: str


@app.exception_handler(RequestValidationError)
def refuse_invalid(_: Request, problem: RequestValidationError) -> JSONResponse:
    told = [{key: part[key] for key in ("type", "loc", "msg")} for part in problem.errors()]
    return JSONResponse({"detail": told}, status_code=422)


def get_session() -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as session:
        yield session


Db = Annotated[Session, Depends(get_session)]


def unit_of_work() -> Iterator[Session]:
    with Session(engine) as session:
        yield session
        session.commit()


Work = Annotated[Session, Depends(unit_of_work, scope="function")]


def stored(db: Session, row: Base) -> None:
    db.add(row)
    db.commit()


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
    if user is None:
        raise HTTPException(401)
    return user


Me = Annotated[User, Depends(current_user)]


@app.post("/sign-up", status_code=201)
def sign_up(body: Credentials, db: Db) -> None:
    try:
        stored(db, User(email=body.email, password=f"sha${body.password[::-1]}"))
    except IntegrityError as error:
        raise HTTPException(409) from error


@app.post("/login", dependencies=[Depends(limit_login)])
def login(body: Credentials, db: Db) -> dict[str, str]:
    user = db.scalar(select(User).where(User.email == body.email))
    if user is None or user.password != f"sha${body.password[::-1]}":
        raise HTTPException(401, "Incorrect email or password")
    claims = {"sub": str(user.id), "exp": int(time.time()) + 900}
    return {"access_token": jwt.encode(claims, KEY, algorithm="HS256")}


@app.get("/me")
def read_me(me: Me) -> str:
    return me.email


@app.post("/racks", status_code=201)
def add_rack(body: RackIn, me: Me, db: Db) -> None:
    try:
        stored(db, Rack(name=body.name))
    except IntegrityError as error:
        raise HTTPException(409) from error


@app.post("/loans", status_code=201)
def add_loan(body: LoanIn, me: Me, db: Db) -> None:
    if db.get(Rack, body.rack_id) is None:
        raise HTTPException(404)
    stored(db, Loan(rack_id=body.rack_id))


@app.post("/labels", status_code=201)
def add_label(body: Labelled, me: Me, db: Db) -> None:
    stored(db, Thing(title=body.title, owner_id=me.id))


@app.post("/counts", status_code=201)
def add_count(body: Counted, me: Me, db: Db) -> None:
    stored(db, Thing(title="counted", amount=body.amount, owner_id=me.id))


@app.post("/prices", status_code=201)
def add_price(body: Priced, me: Me, db: Db) -> int:
    stored(db, Thing(title="priced", price=body.price, owner_id=me.id))
    return round(body.price)


@app.post("/paints", status_code=201)
def add_paint(body: Painted, me: Me, db: Db) -> None:
    stored(db, Thing(title="painted", colour=body.colour, owner_id=me.id))


@app.post("/remarks", status_code=201)
def add_remark(body: Remarked, me: Me, db: Db) -> None:
    stored(db, Thing(title="remarked", remark=body.remark, owner_id=me.id))


@app.post("/wishes", status_code=201)
def add_wish(body: Wish, me: Me, work: Work) -> None:
    work.add(Thing(title=body.title, owner_id=me.id))


@app.get("/things")
def read_things(
    me: Me,
    db: Db,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> list[ThingOut]:
    mine = select(Thing).where(Thing.owner_id == me.id).order_by(Thing.id)
    found = db.scalars(mine.offset(offset).limit(limit))
    return [ThingOut.model_validate(thing) for thing in found]


def own_thing(thing_id: Key, me: Me, db: Db) -> Thing:
    thing = db.get(Thing, thing_id)
    if thing is None:
        raise HTTPException(404)
    if thing.owner_id != me.id:
        raise HTTPException(404)
    return thing


@app.get("/things/{thing_id}")
def read_thing(thing: Annotated[Thing, Depends(own_thing)]) -> ThingOut:
    return ThingOut.model_validate(thing)


@app.patch("/things/{thing_id}")
def change_thing(
    thing: Annotated[Thing, Depends(own_thing)], body: Retitled, db: Db
) -> ThingOut:
    thing.title = body.title
    db.commit()
    return ThingOut.model_validate(thing)


if os.environ.get("BROKEN_STAGE", "development") == "development":

    @app.post("/samples", status_code=201)
    def add_sample(name: str, me: Me, db: Db) -> None:
        stored(db, Rack(name=name))


@app.get("/averages/{count}")
def average(count: Annotated[int, InPath(ge=1, le=1000)], me: Me) -> float:
    return 1000 / count


@app.post("/feedback", status_code=201)
def add_feedback(
    text: Annotated[Text, Form(max_length=40)],
    stars: Annotated[int, Form(ge=1, le=5)],
    me: Me,
    db: Db,
) -> None:
    stored(db, Thing(title=text, amount=stars, owner_id=me.id))


@app.get("/greetings")
def greet(
    me: Me,
    db: Db,
    x_count: Annotated[int, Header(ge=1, le=100)] = 1,
    x_client: Annotated[str, Header()] = "web/1",
    theme: Annotated[Text | None, Cookie(max_length=40)] = None,
) -> list[str]:
    name, _, version = x_client.partition("/")
    tone = TONES.get(theme or "light", "plain")
    told = f"{tone} {name.encode('ascii', 'replace').decode()} {version}"
    rack = db.scalar(select(Rack.name).where(Rack.name == theme))
    mine = select(Thing.title).where(Thing.owner_id == me.id).order_by(Thing.id)
    return [told, rack or "", *db.scalars(mine.limit(x_count))]


@app.post("/lists", status_code=201)
def add_list(file: UploadFile, me: Me) -> int:
    name = file.filename or ""
    kind = file.content_type or ""
    if "." not in name or not re.fullmatch(r"[\w.-]{1,100}", name):
        raise HTTPException(422)
    if not kind.startswith("text/"):
        raise HTTPException(415)
    try:
        lines = file.file.read(10_000).decode().splitlines() or [""]
    except UnicodeDecodeError as error:
        raise HTTPException(422) from error
    TEMPORARY.joinpath(name.rsplit(".", 1)[1]).touch()
    TEMPORARY.joinpath(name).touch()
    return len(lines[0])


@app.post("/pictures", status_code=201)
def add_picture(picture: UploadFile, me: Me) -> str:
    if picture.content_type != "image/png":
        raise HTTPException(415)
    return (picture.filename or "").rpartition(".")[2]


@app.get("/totals")
def totals(me: Me) -> dict[str, int]:
    return {"users": 1}


Base.metadata.create_all(engine)
