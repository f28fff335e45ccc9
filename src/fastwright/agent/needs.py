"""What a step needs first: capabilities that the app lacks, and the recipes that give them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from fastwright.model.app import AppMap
from fastwright.model.errors import Refused
from fastwright.model.plan import State, Step
from fastwright.recipes.recipe import Recipe


def in_order(
    steps: Sequence[Step],
    app: AppMap,
    recipes: Mapping[str, type[Recipe]],
    declined: Collection[str] = (),
) -> tuple[Step, ...]:
    """`steps` with what they need put before them, each once, otherwise as asked.

    What is there already needs nothing: an app's own login may have its own way to its database.

    Raises:
        Refused: No recipe gives a capability that the app lacks, or one of the `declined` does.
    """
    asked = {step.recipe: step for step in steps}
    ordered: dict[str, Step] = {}

    def place(step: Step, above: tuple[str, ...]) -> None:
        if step.recipe in ordered or step.recipe in above:
            return
        recipe = recipes[step.recipe]
        needed = [need for need in recipe.needs if app.capability(need) is None]
        if needed and not is_there(recipe, app):
            for need in needed:
                giver = _giver(need, step.recipe, recipes)
                if giver in declined:
                    raise _unwanted(step.recipe, giver)
                because = f"`{step.recipe}` needs `{need}`, which the app does not have"
                place(asked.get(giver, Step(giver, because)), (*above, step.recipe))
        ordered[step.recipe] = step

    for step in steps:
        place(step, ())
    return tuple(ordered.values())


def is_there(recipe: type[Recipe], app: AppMap) -> bool:
    """True where `app` has what `recipe` gives, ours or its own."""
    return recipe().detect(app).state in (State.PRESENT, State.FOREIGN)


def _unwanted(recipe: str, giver: str) -> Refused:
    """What is asked for stands on what is declined."""
    return Refused(
        f"cannot add `{recipe}` without `{giver}`",
        f"it works on what a {giver} keeps, and the app has none of its own",
        f"ask for it with a {giver}, or name an app that has one with `--target module:name`",
    )


def _giver(need: str, recipe: str, recipes: Mapping[str, type[Recipe]]) -> str:
    for name, candidate in recipes.items():
        if need in candidate.provides and name != recipe:
            return name
    raise Refused(
        f"cannot add `{recipe}`",
        f"it needs `{need}`, which the app does not have and no recipe gives",
        "add it by hand, or name the app with `--target module:name`",
    )
