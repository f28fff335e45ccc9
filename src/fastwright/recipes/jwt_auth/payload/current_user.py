"""Who is calling, by the access token that came along."""

from typing import Annotated

from fastapi import Depends, HTTPException, status
from fastapi.security import OAuth2PasswordBearer

from .accounts import find_by_subject
from .host import Account, SessionDep
from .tokens import read_token

oauth2_scheme = OAuth2PasswordBearer(tokenUrl="auth/login")


async def current_user(
    token: Annotated[str, Depends(oauth2_scheme)], session: SessionDep
) -> Account:
    """The account that the token was issued to.

    Raises:
        HTTPException: 401 where the token does not hold, or no longer.
    """
    claims = read_token(token)
    account = await find_by_subject(session, claims.subject) if claims else None
    if claims is None or account is None or not claims.fit(account.stored_hash):
        raise _not_authenticated()
    if not account.is_enabled:  # when: active
        raise _not_authenticated()  # when: active
    return account


def _not_authenticated() -> HTTPException:
    return HTTPException(
        status.HTTP_401_UNAUTHORIZED,
        "Not authenticated",
        headers={"WWW-Authenticate": "Bearer"},
    )


CurrentUser = Annotated[Account, Depends(current_user)]
