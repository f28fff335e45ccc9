from pydantic import BaseModel, ConfigDict, Field


class Line(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    product_id: int
    quantity: int = Field(ge=1, le=99)


class CartIn(BaseModel):
    note: str | None = Field(None, max_length=200)


class CartOut(CartIn):
    model_config = ConfigDict(from_attributes=True)

    id: int
    lines: list[Line]
