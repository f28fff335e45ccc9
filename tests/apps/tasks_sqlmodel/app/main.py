from fastapi import APIRouter, FastAPI

from app.core.config import settings
from app.routers import tasks, users

app = FastAPI(title=settings.APP_NAME)

api = APIRouter()
api.include_router(users.router)
api.include_router(tasks.router)

app.include_router(api, prefix=settings.API_PREFIX)
