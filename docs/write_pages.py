"""Writes ``docs/rules`` and ``docs/recipes`` from docstrings: ``python docs/write_pages.py``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastwright.agent.reviewing import card
from fastwright.recipes.recipe import Recipe, choices, prose, registry
from fastwright.report.rule_pages import render
from fastwright.report.words import spoken
from fastwright.review.rule import every_rule

FOLDER = Path(__file__).parent


def pages() -> dict[str, Mapping[str, str]]:
    """The pages of this version: by folder, by file name."""
    recipes = registry()
    index = "\n".join(f"| [`{n}`]({n}.md) | {r.summary} |" for n, r in recipes.items())
    head = "# Recipes\n\nWhat `fastwright add NAME` builds into an app, and proves."
    return {
        "rules": render([card(rule) for rule in every_rule().values()]),
        "recipes": {
            "README.md": f"{head}\n\n| recipe | what you get |\n|---|---|\n{index}\n",
            **{f"{name}.md": _page(recipe) for name, recipe in recipes.items()},
        },
    }


def _page(recipe: type[Recipe]) -> str:
    rows = "\n".join(
        f"| `{choice.usage.replace('|', ' or ')}` | {spoken(choice.default)} | {choice.doc} |"
        for choice in choices(recipe)
    )
    needs = ", ".join(f"`{name}`" for name in recipe.needs) or "nothing"
    gives = ", ".join(f"`{name}`" for name in recipe.provides) or "nothing that others bind to"
    options = f"\n## Options\n\n| option | default | what it is |\n|---|---|---|\n{rows}\n"
    return (
        f"# `{recipe.name}`\n\n{recipe.summary}\n\n```\nfastwright add {recipe.name}\n```\n\n"
        f"{prose(recipe)}\n\nNeeds {needs}; gives {gives}. What it writes into one app and another "
        f"stands in [its specification](../../tests/recipes/{recipe.name}.md), which is run as a "
        f"test.\n{options if rows else ''}"
    )


def main() -> None:
    """Write every page, and take away those of rules and recipes that are gone."""
    for folder, wanted in pages().items():
        (FOLDER / folder).mkdir(exist_ok=True)
        for stale in (FOLDER / folder).glob("*.md"):
            if stale.name not in wanted:
                stale.unlink()
        for name, text in wanted.items():
            (FOLDER / folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
