"""Recipe `health-checks`: whether the app runs, and whether it can serve."""

from fastwright.recipes.health_checks.recipe import HealthChecks

__all__ = ["HealthChecks"]
