"""``add``: one command a recipe, its flags made from the recipe's fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from fastwright.cli.nearest import NearestGroup
from fastwright.cli.options import to_run, work_options

if TYPE_CHECKING:
    from fastwright.recipes.recipe import Choice, Recipe


class RecipeCommands(NearestGroup):
    """The recipes as commands; they are loaded when ``add`` is used, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The recipes' names, sorted."""
        from fastwright.recipes.recipe import registry  # noqa: PLC0415

        return list(registry())

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command that adds the recipe `cmd_name`."""
        from fastwright.recipes.recipe import registry  # noqa: PLC0415

        recipe = registry().get(cmd_name)
        return _command(recipe) if recipe else None

    def meant(self, name: str) -> Sequence[str]:
        """The recipes that a request in the words of `name` would be planned with."""
        from fastwright.agent import readings  # noqa: PLC0415
        from fastwright.recipes.recipe import registry  # noqa: PLC0415

        said = sorted(
            readings.suggested(name.lower().replace("-", " ").replace("_", " ")),
            key=lambda r: -r.strength,
        )
        return [r.topic for r in said if r.topic in registry()]

    def _kind(self) -> str:
        return "recipe"


def _command(recipe: type[Recipe]) -> click.Command:
    from fastwright.recipes.recipe import choices  # noqa: PLC0415

    known = choices(recipe)
    names = {choice.name for choice in known}

    def add(**given: Any) -> int:
        from fastwright.cli.running import run_add  # noqa: PLC0415

        chosen = {n[4:]: v for n, v in given.items() if n[4:] in names and v is not None}
        return run_add(recipe.name, chosen, to_run(given))

    add.__doc__ = f"{recipe.summary}."
    command = click.command(recipe.name)(work_options(add))
    command.params[:0] = [_flag(choice) for choice in known]
    return command


def _flag(choice: Choice) -> click.Option:
    """The option of `choice`; its name carries a prefix, so that none meets a shared option's."""
    parameter = f"own_{choice.name}"
    told = choice.doc + (f" Default: {_spoken(choice)}.")
    if choice.kind == "bool":
        return click.Option(
            [parameter, f"{choice.flag}/--no-{choice.flag[2:]}"], default=None, help=told
        )
    kind = click.Choice(choice.allowed) if choice.allowed else _types(choice.kind)
    return click.Option([parameter, choice.flag], type=kind, default=None, help=told)


def _types(kind: str) -> click.ParamType[int] | click.ParamType[str]:
    return click.INT if kind == "int" else click.STRING


def _spoken(choice: Choice) -> str:
    from fastwright.report.words import spoken  # noqa: PLC0415

    return spoken(choice.default)
