from typing import Any

from fastapi import APIRouter, HTTPException
from sqlmodel import select

from app.core.hashing import password_hash
from app.deps import SessionDep
from app.models import User
from app.schemas.user import UserCreate, UserPublic

router = APIRouter(prefix="/users", tags=["users"])


@router.post("/", response_model=UserPublic, status_code=201)
def create_user(session: SessionDep, body: UserCreate) -> Any:
    if session.exec(select(User).where(User.username == body.username)).first():
        raise HTTPException(status_code=409, detail="Username already registered")
    user = User(
        username=body.username,
        full_name=body.full_name,
        hashed_password=password_hash.hash(body.password),
    )
    session.add(user)
    session.commit()
    session.refresh(user)
    return user


@router.get("/{user_id}", response_model=UserPublic)
def read_user(session: SessionDep, user_id: int) -> Any:
    user = session.get(User, user_id)
    if user is None:
        raise HTTPException(status_code=404, detail="User not found")
    return user
