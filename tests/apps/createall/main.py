import asyncio
from contextlib import asynccontextmanager

import bcrypt
from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field
from sqlalchemy import select

from db import DB, engine
from models import Base, Recipe, User


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(title="Recipes", lifespan=lifespan)


class NewUser(BaseModel):
    email: str = Field(pattern=r"^\S+@\S+$", max_length=200)
    password: str = Field(min_length=8, max_length=64)


class NewRecipe(BaseModel):
    title: str = Field(min_length=1, max_length=100)
    minutes: int = Field(gt=0, lt=10_000)
    author_id: int | None = None


@app.post("/users", status_code=201)
async def register(new: NewUser, db: DB):
    if await db.scalar(select(User.id).where(User.email == new.email)):
        raise HTTPException(409, "email taken")
    secret = new.password.encode()[:72]
    hashed = await asyncio.to_thread(bcrypt.hashpw, secret, bcrypt.gensalt(8))
    user = User(email=new.email, hashed_password=hashed.decode())
    db.add(user)
    await db.flush()
    return {"id": user.id, "email": user.email}


@app.get("/recipes")
async def list_recipes(db: DB, quicker_than: int = Query(10_000, gt=0, le=10_000)):
    wanted = select(Recipe).where(Recipe.minutes < quicker_than).order_by(Recipe.id).limit(100)
    return [
        {"id": recipe.id, "title": recipe.title, "minutes": recipe.minutes}
        for recipe in await db.scalars(wanted)
    ]


@app.post("/recipes", status_code=201)
async def write_recipe(new: NewRecipe, db: DB):
    if new.author_id is not None and await db.get(User, new.author_id) is None:
        raise HTTPException(404, "no such author")
    recipe = Recipe(**new.model_dump())
    db.add(recipe)
    await db.flush()
    return {"id": recipe.id}
