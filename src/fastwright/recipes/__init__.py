"""What fastwright can build: one package a recipe, found because its file exists.

::

    from fastwright.recipes import find, registry

    registry()["health-checks"]            # the class
    find("health-check")                   # UnknownName, with the nearest names

A third party's recipe is found by the entry point group ``fastwright.recipes``.
"""

from fastwright.recipes.recipe import (
    Choice,
    Recipe,
    choices,
    find,
    from_options,
    registry,
    to_options,
)

__all__ = ["Choice", "Recipe", "choices", "find", "from_options", "registry", "to_options"]
