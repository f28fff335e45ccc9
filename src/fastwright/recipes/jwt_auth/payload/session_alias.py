"""The session of a request."""

from typing import Annotated

from fastapi import Depends

from .host import AsyncSession, get_session

SessionDep = Annotated[AsyncSession, Depends(get_session)]
