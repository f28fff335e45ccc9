"""Access tokens: signed, short-lived, and good for no longer than the password they came from."""

import hashlib
import hmac
import time
import uuid
from dataclasses import dataclass

import jwt

from .host import settings

ALGORITHM = "HS256"
ISSUER = "placeholder"
AUDIENCE = "placeholder"
REQUIRED = ["sub", "iss", "aud", "exp", "iat", "jti", "pwd"]
# Secrets of documentation and examples, which everybody knows.
PUBLISHED = frozenset(
    {
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "a-string-secret-at-least-256-bits-long",
    }
)


@dataclass(frozen=True)
class Claims:
    """What a token that holds says: whose it is, and of which password."""

    subject: str
    password: str

    def fit(self, stored_hash: str) -> bool:
        """True while the account's password is the one that the token was issued for."""
        return hmac.compare_digest(self.password, fingerprint(stored_hash))


def issue_token(subject: str, stored_hash: str) -> str:
    """A new access token for the account `subject`, bound to its password."""
    now = int(time.time())
    claims = {
        "sub": subject,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 60 * settings.jwt_access_minutes,
        "jti": uuid.uuid4().hex,
        "pwd": fingerprint(stored_hash),
    }
    return jwt.encode(claims, signing_key(), algorithm=ALGORITHM)


def read_token(token: str) -> Claims | None:
    """What `token` says, or `None` where anything about it is not as it was issued."""
    try:
        claims = jwt.decode(
            token,
            signing_key(),
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": REQUIRED},
        )
    except jwt.InvalidTokenError:
        return None
    return Claims(subject=str(claims["sub"]), password=str(claims["pwd"]))


def signing_key() -> str:
    """The secret that tokens are signed with.

    Raises:
        ValueError: It is short enough to guess, or published.
    """
    secret = settings.jwt_secret.get_secret_value()
    if len(secret) < 32 or secret in PUBLISHED or len(set(secret)) < 8:
        raise ValueError("JWT_SECRET must be 32 random characters or more")
    return secret


def fingerprint(stored_hash: str) -> str:
    """What a token says of the password that it was issued for."""
    digest = hmac.new(signing_key().encode(), stored_hash.encode(), hashlib.sha256)
    return digest.hexdigest()[:32]


# An app whose secret can be guessed must not start.
signing_key()
