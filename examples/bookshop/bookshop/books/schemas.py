from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class BookCreate(BaseModel):
    title: str = Field(min_length=1, max_length=200)
    author: str = Field(min_length=1, max_length=200)
    price: Decimal = Field(ge=0, max_digits=8, decimal_places=2)
    stock: int = Field(default=0, ge=0, le=1_000_000)


class BookRead(BookCreate):
    model_config = ConfigDict(from_attributes=True)

    id: int
