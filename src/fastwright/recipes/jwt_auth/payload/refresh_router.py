"""Renewing a login, and ending it."""

from fastapi import HTTPException, Response, status

from .host import SessionDep, settings
from .refresh_schemas import Renewal, TokenPair
from .refreshing import exchange
from .router import NO_STORE, router
from .schemas import Problem


@router.post("/refresh", response_model=TokenPair, responses={401: {"model": Problem}})
async def refresh(renewal: Renewal, response: Response, session: SessionDep) -> TokenPair:
    """Exchange a refresh token, once, for an access token and the next refresh token."""
    pair = await exchange(session, renewal.refresh_token)
    if pair is None:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED,
            "Not authenticated",
            headers={"WWW-Authenticate": "Bearer", **NO_STORE},
        )
    response.headers.update(NO_STORE)
    lifetime = 60 * settings.jwt_access_minutes
    return TokenPair(access_token=pair.access, refresh_token=pair.refresh, expires_in=lifetime)
