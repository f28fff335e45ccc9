"""What the shop takes from its environment."""

from functools import lru_cache

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Values come from `BOOKSHOP_…` variables, or from a `.env` file."""

    model_config = SettingsConfigDict(env_prefix="BOOKSHOP_", env_file=".env", extra="ignore")

    database_url: str
    echo_sql: bool = False


@lru_cache
def get_settings() -> Settings:
    return Settings()
