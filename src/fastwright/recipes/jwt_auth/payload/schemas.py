"""What the authentication endpoints answer with."""

from pydantic import BaseModel, ConfigDict

from .host import AccountKey


class AccessToken(BaseModel):
    """The token answer of the OAuth2 password flow; `expires_in` counts seconds."""

    access_token: str
    token_type: str = "bearer"
    expires_in: int


class SignedIn(BaseModel):
    """Who a token was issued to."""

    model_config = ConfigDict(from_attributes=True)

    id: AccountKey
    login_name: str


class Problem(BaseModel):
    """Why a request was turned away."""

    detail: str
