"""Whether the app can serve: its database answers in time."""

import asyncio
import logging
from typing import Literal

from fastapi import APIRouter, Response, status
from pydantic import BaseModel
from sqlalchemy import text

from .host import SessionDep

logger = logging.getLogger(__name__)

DATABASE_TIMEOUT = 2.0  # seconds  # when: async

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The answer of a health check."""

    status: Literal["up", "down"]


@router.get("/health/ready", responses={503: {"model": Health}})
async def ready(response: Response, session: SessionDep) -> Health:
    """The app can serve: its database answers."""
    try:
        await asyncio.wait_for(session.scalar(text("SELECT 1")), timeout=DATABASE_TIMEOUT)
    except Exception:
        logger.warning("The database does not answer", exc_info=True)
        await session.rollback()  # when: commits
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Health(status="down")
    return Health(status="up")
