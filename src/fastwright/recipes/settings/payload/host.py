"""Stands for the app: what the payload takes from it. Never written."""

from functools import lru_cache

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """The settings of the app."""


@lru_cache
def get_settings() -> Settings:
    """The settings, read once."""
    return Settings()
