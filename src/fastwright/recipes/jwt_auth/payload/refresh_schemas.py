"""What the refresh endpoint takes and gives."""

from pydantic import Field

from .schemas import AccessToken
from .texts import TextsAlone


class TokenPair(AccessToken):
    """An access token, and what it is renewed with."""

    refresh_token: str


class Renewal(TextsAlone):
    """A refresh token, as a login or a refresh gave it."""

    refresh_token: str = Field(min_length=1, max_length=200)
