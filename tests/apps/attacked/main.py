"""A login that withstands every attack; tests take one property out of it at a time."""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from typing import Annotated

import jwt

from fastapi import Body, Depends, FastAPI, Form, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, Field
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import ForeignKey, create_engine, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

SECRET = os.environ.get("APP_SECRET", "jb7oCP2yA0pYwqkzGZzTP1t3VfXl0yQx")
ISSUER, AUDIENCE = "attacked", "attacked-api"
REQUIRED = ["sub", "iss", "aud", "exp", "jti", "pwd"]

engine = create_engine("sqlite:///attacked.db", connect_args={"check_same_thread": False})
passwords = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),))
DECOY = passwords.hash(secrets.token_urlsafe())


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str] = mapped_column(default="user")
    is_staff: Mapped[bool] = mapped_column(default=False)


class Refresh(Base):
    __tablename__ = "refresh_tokens"

    digest: Mapped[str] = mapped_column(primary_key=True)
    family: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    used: Mapped[bool] = mapped_column(default=False)
    revoked: Mapped[bool] = mapped_column(default=False)


Base.metadata.create_all(engine)
app = FastAPI(title="Attacked")
bearer = OAuth2PasswordBearer(tokenUrl="login")


@app.exception_handler(RequestValidationError)
def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
    shown = [{"loc": e["loc"], "msg": e["msg"]} for e in error.errors()]
    return JSONResponse({"detail": shown}, status_code=422)


def get_db() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


DB = Annotated[Session, Depends(get_db)]


class Failures:
    """Counts failures by key; at the limit, the seconds to wait."""

    def __init__(self, most: int) -> None:
        self.most, self.seen = most, {}

    def wait(self, key: str) -> int:
        count, since = self.seen.get(key, (0, time.monotonic()))
        if time.monotonic() - since > 60:
            count, since = 0, time.monotonic()
        self.seen[key] = (count + 1, since)
        return 60 if count >= self.most else 0

    def forgive(self, key: str) -> None:
        self.seen.pop(key, None)


by_account, by_address, registrations = Failures(5), Failures(20), Failures(10)


def stamp(user: User) -> str:
    return hashlib.sha256(user.password_hash.encode()).hexdigest()[:24]


def access_token(user: User) -> str:
    now = int(time.time())
    claims = {"sub": str(user.id), "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 600}
    claims |= {"jti": secrets.token_hex(8), "pwd": stamp(user)}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def refresh_token(db: Session, user_id: int, family: str) -> str:
    token = secrets.token_urlsafe(32)
    db.add(Refresh(digest=digest(token), family=family, user_id=user_id))
    db.commit()
    return token


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def storable(text: str) -> bool:
    return len(text) <= 1024 and not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


def authenticate(db: Session, email: str, password: str) -> User | None:
    if not (storable(email) and storable(password)):
        return None
    user = db.scalar(select(User).where(User.email == email))
    matches = passwords.verify(password, user.password_hash if user else DECOY)
    return user if user and matches else None


def current_user(token: Annotated[str, Depends(bearer)], db: DB) -> User:
    try:
        claims = jwt.decode(
            token,
            SECRET,
            algorithms=["HS256"],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": REQUIRED},
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Not authenticated")
    user = db.get(User, int(claims["sub"]))
    if user is None or claims["pwd"] != stamp(user):
        raise HTTPException(401, "Not authenticated")
    return user


def log_in(request: Request, db: Session, email: str, password: str) -> dict[str, str]:
    address = request.client.host
    wait = by_address.wait(address) or by_account.wait(digest(email.lower()))
    if wait:
        raise HTTPException(429, "Too many attempts", headers={"Retry-After": str(wait)})
    user = authenticate(db, email, password)
    if user is None:
        raise HTTPException(401, "Wrong address or password")
    by_account.forgive(digest(email.lower()))
    by_address.forgive(address)
    fresh = refresh_token(db, user.id, secrets.token_hex(8))
    return {"access_token": access_token(user), "refresh_token": fresh, "token_type": "bearer"}


@app.post("/login")
def login(
    request: Request, db: DB, username: Annotated[str, Form()], password: Annotated[str, Form()]
) -> dict[str, str]:
    return log_in(request, db, username, password)


class Credentials(BaseModel):
    email: str = Field(max_length=2_000_000)
    password: str = Field(max_length=2_000_000)


@app.post("/sessions")
def open_session(request: Request, db: DB, wanted: Credentials) -> dict[str, str]:
    return log_in(request, db, wanted.email, wanted.password)


@app.post("/refresh")
def refresh(db: DB, refresh_token_: Annotated[str, Body(embed=True, alias="refresh_token")]) -> dict[str, str]:
    stored = db.get(Refresh, digest(refresh_token_))
    if stored is None or stored.revoked:
        raise HTTPException(401, "Not authenticated")
    if stored.used:
        db.execute(update(Refresh).where(Refresh.family == stored.family).values(revoked=True))
        db.commit()
        raise HTTPException(401, "Not authenticated")
    stored.used = True
    user = db.get(User, stored.user_id)
    fresh = refresh_token(db, user.id, stored.family)
    return {"access_token": access_token(user), "refresh_token": fresh, "token_type": "bearer"}


class Registration(BaseModel):
    email: str = Field(max_length=320)
    password: str = Field(min_length=12, max_length=1024)


@app.post("/register", status_code=201)
def register(request: Request, db: DB, wanted: Registration) -> dict[str, str | int]:
    wait = registrations.wait(request.client.host)
    if wait:
        raise HTTPException(429, "Too many attempts", headers={"Retry-After": str(wait)})
    if not (storable(wanted.email) and storable(wanted.password)):
        raise HTTPException(422, "Not to be stored")
    email = wanted.email.lower()
    if db.scalar(select(User).where(User.email == email)):
        raise HTTPException(409, "Taken")
    user = User(email=email, password_hash=passwords.hash(wanted.password))
    db.add(user)
    db.commit()
    return {"id": user.id, "email": user.email}


@app.get("/me")
def me(user: Annotated[User, Depends(current_user)]) -> dict[str, str | int]:
    return {"id": user.id, "email": user.email}


@app.get("/users")
def list_users(db: DB) -> list[dict[str, str | int]]:
    return [{"id": user.id, "email": user.email} for user in db.scalars(select(User).limit(100))]
