"""Whether the app runs, and whether it can serve: for whoever watches over the process."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The answer of a health check."""

    status: Literal["up", "down"]


@router.get("/health/live")
async def live() -> Health:
    """The process answers; a slow database is no reason to restart it."""
    return Health(status="up")
