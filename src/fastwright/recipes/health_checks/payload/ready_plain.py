"""Whether the app can serve, where it depends on nothing."""

from fastapi import APIRouter
from pydantic import BaseModel

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The answer of a health check."""

    status: str


@router.get("/health/ready")
async def ready() -> Health:
    """The app has started."""
    return Health(status="up")
