"""Ending a login."""

from fastapi import status

from .host import SessionDep
from .refresh_schemas import Renewal
from .refreshing import close_family
from .router import router


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def logout(renewal: Renewal, session: SessionDep) -> None:
    """End the login of a refresh token; an unknown one is answered alike."""
    await close_family(session, renewal.refresh_token)
