"""Logging in, and making an account to log in with."""

from fastapi import HTTPException, Request, status

from .host import SessionDep
from .register_limits import take_registration
from .register_schemas import Registration
from .registering import open_account
from .router import NO_STORE, router
from .schemas import Problem, SignedIn


@router.post(
    "/register",
    status_code=status.HTTP_201_CREATED,
    response_model=SignedIn,
    responses={
        409: {"model": Problem, "description": "The login is taken"},
        429: {"model": Problem, "description": "Too many attempts"},
    },
)
async def register_account(wanted: Registration, request: Request, session: SessionDep) -> SignedIn:
    """Make an account, which can log in at once."""
    wait = await take_registration(request.client.host if request.client else None)
    if wait:
        raise HTTPException(
            status.HTTP_429_TOO_MANY_REQUESTS,
            "Too many attempts",
            headers={"Retry-After": str(wait), **NO_STORE},
        )
    key = await open_account(
        session,
        wanted.login_name,
        wanted.password,
        wanted.further,  # when: asks-more
    )
    if key is None:
        raise HTTPException(status.HTTP_409_CONFLICT, "This login is taken", headers=NO_STORE)
    return SignedIn(id=key, login_name=wanted.login_name)
