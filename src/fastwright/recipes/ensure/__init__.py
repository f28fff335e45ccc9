"""Steps that recipes are made of. Each asks the map whether it is satisfied already.

Every function is pure and returns changes, none where the app has what is asked for. Where the
place is not certain it returns a `Manual` with the exact snippet instead of a guess. What an edit
copies from the code around it is named in its reason, with the count of the evidence.

The changes of one recipe go through `change_set`, which computes the imports of a file together.
"""

from fastwright.recipes.ensure.cache_headers import ensure_own_caching
from fastwright.recipes.ensure.dependency import ensure_dependency_package
from fastwright.recipes.ensure.drafting import change_set
from fastwright.recipes.ensure.error_answer import ensure_error_answer
from fastwright.recipes.ensure.error_headers import ensure_error_headers, error_fields
from fastwright.recipes.ensure.lifespan import ensure_lifespan_step
from fastwright.recipes.ensure.middleware import ensure_middleware
from fastwright.recipes.ensure.migration import NewColumn, NewTable, ensure_migration
from fastwright.recipes.ensure.router import RouterPlace, ensure_router, router_place
from fastwright.recipes.ensure.setting import Reader, WantedSetting, ensure_setting

__all__ = [
    "NewColumn",
    "NewTable",
    "Reader",
    "RouterPlace",
    "WantedSetting",
    "change_set",
    "ensure_dependency_package",
    "ensure_error_answer",
    "ensure_error_headers",
    "ensure_lifespan_step",
    "ensure_middleware",
    "ensure_migration",
    "ensure_own_caching",
    "ensure_router",
    "ensure_setting",
    "error_fields",
    "router_place",
]
