from typing import Optional

from fastapi import FastAPI
from pydantic import BaseModel, validator

app = FastAPI()


class Item(BaseModel):
    name: str
    price: float
    note: Optional[str] = None

    class Config:
        orm_mode = True

    @validator("price")
    def not_negative(cls, value):
        if value < 0:
            raise ValueError("must not be negative")
        return value


@app.post("/items")
def create_item(item: Item):
    return item.dict()
