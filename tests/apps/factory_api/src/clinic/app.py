from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from clinic import errors
from clinic.api import build_router
from clinic.settings import Settings
from clinic.storage import Model, open_engine


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    Model.metadata.create_all(app.state.engine)
    yield
    app.state.engine.dispose()


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    app = FastAPI(title="Clinic", lifespan=lifespan)
    app.state.settings = settings
    app.state.engine = open_engine(settings.database_url)
    errors.install(app)
    app.include_router(build_router(), prefix=settings.api_prefix)
    return app
