"""``recipes`` and ``explain``: what can be added, and its page."""

from __future__ import annotations

import difflib

import click

from fastwright.cli.reviewing import described, show_rule
from fastwright.model.errors import UnknownName
from fastwright.model.wire import to_json
from fastwright.recipes.recipe import Recipe, choices, find, prose, registry
from fastwright.report.words import spoken
from fastwright.review.rule import every_rule, find_rule


def show_recipes(*, as_json: bool) -> int:
    """Print every recipe with its summary."""
    found = registry()
    if as_json:
        return _print_json([_described(recipe) for recipe in found.values()])
    width = max(map(len, found), default=0)
    for name, recipe in found.items():
        click.echo(f"{name:{width}}  {recipe.summary}")
    return 0


def show_page(name: str, *, as_json: bool = False) -> int:
    """Print the page of a rule or a recipe, or what is in it as one JSON document.

    Raises:
        UnknownName: Neither has this name; carries those most like it.
    """
    rules = every_rule()
    if name in registry():
        recipe = find(name)
        page = {**_described(recipe), "page": prose(recipe)}
        return _print_json(page) if as_json else show_recipe(name)
    try:
        rule = find_rule(name)
    except UnknownName:
        names = [*registry(), *rules, *(rule.code for rule in rules.values())]
        alike = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        raise UnknownName("recipe or rule", name, alike) from None
    if as_json:
        return _print_json({**described(rule), "page": rule.doc})
    show_rule(rule)
    return 0


def show_recipe(name: str) -> int:
    """Print one recipe's page."""
    recipe = find(name)
    click.echo(f"{recipe.name}: {recipe.summary}\n")
    click.echo(prose(recipe) + "\n")
    click.echo(f"Needs: {', '.join(recipe.needs) or 'nothing'}")
    click.echo(f"Gives: {', '.join(recipe.provides) or 'nothing that others bind to'}")
    options = choices(recipe)
    if options:
        click.echo("\nOptions:")
    for choice in options:
        click.echo(f"  {choice.usage}\n      {choice.doc} Default: {spoken(choice.default)}.")
    click.echo(f"\nExample:\n  fastwright add {recipe.name} --dry-run")
    return 0


def _print_json(document: object) -> int:
    import json  # noqa: PLC0415

    click.echo(json.dumps(document, indent=2))
    return 0


def _described(recipe: type[Recipe]) -> dict[str, object]:
    return {
        "name": recipe.name,
        "summary": recipe.summary,
        "needs": list(recipe.needs),
        "provides": list(recipe.provides),
        "options": [to_json(choice) for choice in choices(recipe)],
    }
