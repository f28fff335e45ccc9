from sqlmodel import Field, SQLModel


class TaskCreate(SQLModel):
    title: str = Field(min_length=1, max_length=200)
    owner_id: int


class TaskUpdate(SQLModel):
    title: str | None = Field(default=None, min_length=1, max_length=200)
    done: bool | None = None


class TaskPublic(SQLModel):
    id: int
    title: str
    done: bool
    owner_id: int
