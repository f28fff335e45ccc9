"""Logging in, and who is logged in."""

from .current_user import CurrentUser
from .host import Account
from .router import router
from .schemas import Problem, SignedIn


@router.get("/me", response_model=SignedIn, responses={401: {"model": Problem}})
async def read_me(user: CurrentUser) -> Account:
    """The account that the request's token was issued to."""
    return user
