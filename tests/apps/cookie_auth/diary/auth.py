"""Sessions of our own: an opaque cookie, of which only the hash is stored."""

import hashlib
import secrets
from datetime import datetime, timedelta, timezone
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Response
from fastapi.security import APIKeyCookie
from passlib.context import CryptContext
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from diary.database import LoginSession, User, get_db

router = APIRouter(tags=['auth'])

passwords = CryptContext(schemes=['pbkdf2_sha256'], pbkdf2_sha256__rounds=20_000)
cookie = APIKeyCookie(name='diary_session', auto_error=False)
LIFETIME = timedelta(days=1)
NOBODY = passwords.hash('nobody')

Database = Annotated[Session, Depends(get_db)]


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def now() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def get_current_user(db: Database, token: Annotated[str | None, Depends(cookie)]) -> User:
    session = db.get(LoginSession, digest(token)) if token else None
    if session is None or session.expires_at < now():
        raise HTTPException(401, 'Log in first')
    return session.user


CurrentUser = Annotated[User, Depends(get_current_user)]


@router.post('/register', status_code=201)
def register(
    db: Database,
    email: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(min_length=8, max_length=200)],
) -> dict[str, int]:
    if db.scalar(select(User).where(User.email == email)):
        raise HTTPException(409, 'This address is registered')
    user = User(email=email, password=passwords.hash(password))
    db.add(user)
    db.commit()
    return {'id': user.id}


@router.post('/login', status_code=204)
def login(
    db: Database,
    response: Response,
    email: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=200)],
) -> None:
    user = db.scalar(select(User).where(User.email == email))
    good = passwords.verify(password, user.password if user else NOBODY)
    if user is None or not good:
        raise HTTPException(401, 'Wrong address or password')
    token = secrets.token_urlsafe(32)
    db.add(LoginSession(token_hash=digest(token), user_id=user.id, expires_at=now() + LIFETIME))
    db.commit()
    response.set_cookie('diary_session', token, httponly=True, samesite='lax')


@router.post('/logout', status_code=204)
def logout(
    db: Database, response: Response, token: Annotated[str | None, Depends(cookie)] = None
) -> None:
    if token:
        db.execute(delete(LoginSession).where(LoginSession.token_hash == digest(token)))
        db.commit()
    response.delete_cookie('diary_session')
