"""What the refresh endpoint takes and gives."""

from pydantic import BaseModel, Field

from .schemas import AccessToken


class TokenPair(AccessToken):
    """An access token, and what it is renewed with."""

    refresh_token: str


class Renewal(BaseModel):
    """A refresh token, as a login or a refresh gave it."""

    refresh_token: str = Field(max_length=200)
