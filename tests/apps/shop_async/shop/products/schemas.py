from pydantic import BaseModel, ConfigDict, Field


class ProductIn(BaseModel):
    sku: str = Field(pattern=r'^[A-Z0-9-]{3,40}$')
    name: str = Field(min_length=1, max_length=120)
    cents: int = Field(ge=0, le=100_000_000)


class ProductOut(ProductIn):
    model_config = ConfigDict(from_attributes=True)

    id: int
