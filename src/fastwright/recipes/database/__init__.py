"""Recipe `database`: an engine, a session for each request, and the base of the models."""

from fastwright.recipes.database.recipe import AsyncDatabase

__all__ = ["AsyncDatabase"]
