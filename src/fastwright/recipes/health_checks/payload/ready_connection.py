"""Whether the app can serve: its database answers in time."""

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import Literal

from fastapi import APIRouter, Request, Response, status
from pydantic import BaseModel

from .host import get_connection

logger = logging.getLogger(__name__)

DATABASE_TIMEOUT = 2.0  # seconds

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The answer of a health check."""

    status: Literal["up", "down"]


async def ask_database(request: Request) -> None:
    """One statement over a connection of the app's own.

    The connection is opened here, for a dependency that fails ends in a 500.
    """
    async with asynccontextmanager(get_connection)(request) as connection:
        await connection.execute("SELECT 1")


@router.get("/health/ready", responses={503: {"model": Health}})
async def ready(request: Request, response: Response) -> Health:
    """The app can serve: its database answers."""
    try:
        await asyncio.wait_for(ask_database(request), timeout=DATABASE_TIMEOUT)
    except Exception:
        logger.warning("The database does not answer", exc_info=True)
        response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE
        return Health(status="down")
    return Health(status="up")
