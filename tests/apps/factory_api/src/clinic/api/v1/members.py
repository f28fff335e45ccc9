from typing import Annotated

from fastapi import APIRouter, Depends
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from clinic.errors import ClinicError
from clinic.storage import Member, get_session

router = APIRouter(prefix="/members", tags=["members"])

passwords = PasswordHash((Argon2Hasher(),))


class MemberIn(BaseModel):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    password: str = Field(min_length=10, max_length=128)


class MemberOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    email: str
    role: str


@router.post("", response_model=MemberOut, status_code=201)
def enrol(wanted: MemberIn, session: Annotated[Session, Depends(get_session)]) -> Member:
    if session.scalar(select(Member).where(Member.email == wanted.email)):
        raise ClinicError("This address is enrolled already")
    member = Member(
        email=wanted.email, password_hash=passwords.hash(wanted.password), role="nurse"
    )
    session.add(member)
    session.commit()
    return member
