from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, status

from bookshop.database import SessionDep
from bookshop.users import service
from bookshop.users.models import User
from bookshop.users.schemas import Profile, UserCreate, UserRead

router = APIRouter(prefix="/users", tags=["users"])

UserId = Annotated[int, Path(ge=1, le=2_147_483_647)]


@router.post("", response_model=UserRead, status_code=status.HTTP_201_CREATED)
async def sign_up(wanted: UserCreate, session: SessionDep) -> User:
    try:
        return await service.sign_up(session, wanted)
    except service.EmailTaken as error:
        raise HTTPException(status.HTTP_409_CONFLICT, "This address is taken") from error


@router.get("/{user_id}", response_model=UserRead)
async def read_user(user_id: UserId, session: SessionDep) -> User:
    user = await service.get_user(session, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such user")
    return user


@router.get("/{user_id}/profile", response_model=Profile)
async def read_profile(user_id: UserId, session: SessionDep) -> Profile:
    user = await service.get_user(session, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "No such user")
    return await service.profile(session, user)
