from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, EmailStr, Field, field_validator

from bookshop.users.passwords import LONGEST


class UserCreate(BaseModel):
    email: EmailStr
    name: str = Field(min_length=1, max_length=100)
    password: str = Field(min_length=8, max_length=LONGEST)

    @field_validator("password")
    @classmethod
    def fits_bcrypt(cls, password: str) -> str:
        if len(password.encode()) > LONGEST:
            raise ValueError(f"must not be longer than {LONGEST} bytes")
        return password


class UserRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    email: EmailStr
    name: str
    created_at: datetime


class ProfileOrder(BaseModel):
    id: int
    status: str
    titles: list[str]
    total: Decimal


class ProfileReview(BaseModel):
    title: str
    stars: int


class Profile(BaseModel):
    user: UserRead
    orders: list[ProfileOrder]
    reviews: list[ProfileReview]
