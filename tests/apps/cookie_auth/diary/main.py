from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import select

from diary.auth import CurrentUser, Database
from diary.auth import router as auth
from diary.database import Base, Entry, engine


@asynccontextmanager
async def lifespan(app: FastAPI):
    Base.metadata.create_all(engine)
    yield
    engine.dispose()


app = FastAPI(title='Diary', lifespan=lifespan)
app.include_router(auth)


class EntryIn(BaseModel):
    text: str = Field(min_length=1, max_length=10_000)


@app.get('/me')
def me(user: CurrentUser):
    return {'id': user.id, 'email': user.email}


@app.get('/entries')
def list_entries(user: CurrentUser, db: Database):
    found = db.scalars(select(Entry).where(Entry.user_id == user.id).limit(100))
    return [{'id': entry.id, 'text': entry.text} for entry in found]


@app.post('/entries', status_code=201)
def write(entry: EntryIn, user: CurrentUser, db: Database):
    written = Entry(user_id=user.id, text=entry.text)
    db.add(written)
    db.commit()
    return {'id': written.id, 'text': written.text}


@app.get('/entries/{entry_id}')
def read(entry_id: int, user: CurrentUser, db: Database):
    entry = db.get(Entry, entry_id)
    if entry is None or entry.user_id != user.id:
        raise HTTPException(404, 'No such entry')
    return {'id': entry.id, 'text': entry.text}
