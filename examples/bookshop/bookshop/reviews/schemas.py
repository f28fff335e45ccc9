from pydantic import BaseModel, ConfigDict, Field


class ReviewCreate(BaseModel):
    user_id: int = Field(ge=1, le=2_147_483_647)
    stars: int = Field(ge=1, le=5)
    text: str = Field(default="", max_length=5000)


class ReviewRead(ReviewCreate):
    model_config = ConfigDict(from_attributes=True)

    id: int
    book_id: int
