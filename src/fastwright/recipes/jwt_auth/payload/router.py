"""Logging in."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response, status
from fastapi.security import OAuth2PasswordRequestForm

from .host import Answer, SessionDep, settings
from .limits import forgive_attempt, take_attempt
from .refresh_schemas import TokenPair
from .schemas import AccessToken, Problem
from .service import log_in

router = APIRouter(  # when: own-router
    prefix="/auth",  # when: router-prefix
    tags=["auth"],  # when: router-tags
)  # when: own-router

NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "/login",
    response_model=Answer,
    responses={
        401: {"model": Problem, "description": "Wrong login or password"},
        429: {"model": Problem, "description": "Too many attempts"},
    },
)
async def login(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    response: Response,
    session: SessionDep,
) -> Answer:
    """Exchange a login and a password for an access token."""
    address = request.client.host if request.client else None
    wait = await take_attempt(address, form.username)
    if wait:
        raise HTTPException(
            status.HTTP_429_TOO_MANY_REQUESTS,
            "Too many attempts",
            headers={"Retry-After": str(wait), **NO_STORE},
        )
    token = await log_in(session, form.username, form.password)
    if token is None:
        raise HTTPException(
            status.HTTP_401_UNAUTHORIZED,
            "Incorrect login or password",
            headers={"WWW-Authenticate": "Bearer", **NO_STORE},
        )
    await forgive_attempt(address, form.username)
    response.headers.update(NO_STORE)
    lifetime = 60 * settings.jwt_access_minutes
    return AccessToken(access_token=token, expires_in=lifetime)  # when: not-refresh
    return TokenPair(  # when: refresh
        access_token=token.access,  # when: refresh
        refresh_token=token.refresh,  # when: refresh
        expires_in=lifetime,  # when: refresh
    )  # when: refresh
