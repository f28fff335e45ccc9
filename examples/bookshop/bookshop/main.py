"""The application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from bookshop import models  # noqa: F401  registers every table
from bookshop.books.router import router as books_router
from bookshop.database import engine
from bookshop.orders.router import router as orders_router
from bookshop.reviews.router import router as reviews_router
from bookshop.users.router import router as users_router


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(title="Bookshop", version="1.0.0", lifespan=lifespan)

app.include_router(books_router)
app.include_router(users_router)
app.include_router(orders_router)
app.include_router(reviews_router)
