"""What the app takes from its environment."""

from functools import lru_cache

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Values come from environment variables, or from a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="ENV_PREFIX", env_file=".env", extra="ignore")


@lru_cache
def get_settings() -> Settings:
    """The settings, read once."""
    return Settings()
