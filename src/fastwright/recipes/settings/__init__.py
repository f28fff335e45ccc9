"""Recipe `settings`: one typed class for what the app takes from its environment."""

from fastwright.recipes.settings.recipe import TypedSettings

__all__ = ["TypedSettings"]
