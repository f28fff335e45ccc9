"""What authentication takes from the environment."""

from functools import lru_cache

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class AuthSettings(BaseSettings):
    """There is no default secret: an app without one does not start."""

    model_config = SettingsConfigDict(env_prefix="PLACEHOLDER_", extra="ignore")

    jwt_secret: SecretStr
    jwt_access_minutes: int = 15
    redis_url: str = "redis://localhost:6379/0"  # when: own-redis


@lru_cache
def get_auth_settings() -> AuthSettings:
    """The settings, read once."""
    return AuthSettings()  # type: ignore[call-arg]
