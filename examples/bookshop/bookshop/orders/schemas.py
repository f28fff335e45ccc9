from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class OrderLine(BaseModel):
    book_id: int = Field(ge=1, le=2_147_483_647)
    quantity: int = Field(ge=1, le=100)


class OrderCreate(BaseModel):
    # The caller says who is ordering, for nobody can log in yet.
    user_id: int = Field(ge=1, le=2_147_483_647)
    lines: list[OrderLine] = Field(min_length=1, max_length=50)


class OrderItemRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    book_id: int
    quantity: int
    price: Decimal


class OrderRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int
    status: str
    items: list[OrderItemRead]
