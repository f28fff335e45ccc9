"""The options of a step as the person may choose them, priced by building the other choice."""

from __future__ import annotations

from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet
from fastwright.model.errors import Refused
from fastwright.model.plan import Option, Step
from fastwright.recipes.recipe import Choice, choices, find, from_options
from fastwright.report.words import count, spoken


def options(step: Step, app: AppMap, built: ChangeSet) -> tuple[Option, ...]:
    """Every option of `step`, with what its other value would add.

    Args:
        step: The recipe with the options that were asked for.
        app: The map that it builds on.
        built: What it builds as asked.
    """
    if built.is_empty:
        return ()
    return tuple(_option(step, choice, app, built) for choice in choices(find(step.recipe)))


def _option(step: Step, choice: Choice, app: AppMap, built: ChangeSet) -> Option:
    is_chosen = choice.name in step.options
    value = step.options[choice.name] if is_chosen else choice.default
    others = choice.allowed or (("no", "yes") if choice.kind == "bool" else ())
    shown, because = spoken(value), choice.doc.replace("``", "`") or "the default"
    found = next((r for r in built.resolved if r.option == choice.name), None)
    if value is None and found is not None:
        shown, because = found.value, found.because
    return Option(
        name=choice.flag,
        value=shown,
        because="asked for" if is_chosen else because,
        alternatives=tuple(other for other in others if other != shown),
        costs=_price(step, choice, app, built) if value is False else "",
    )


def _price(step: Step, choice: Choice, app: AppMap, built: ChangeSet) -> str:
    """What *yes* adds to what is built, in operations, files and tables."""
    try:
        wanted = {**step.options, choice.name: True}
        other = from_options(find(step.recipe), wanted).build(app)
    except Refused as refused:
        return f"not possible: {refused.because}"
    files = len(set(other.paths()) - set(built.paths()))
    tables = set(other.promise.tables) - set(built.promise.tables)
    there = sorted(name for name in tables if app.table(name) is not None)
    figures = {
        "operation": len(other.promise.adds) - len(built.promise.adds),
        "file": files,
        "table": len(tables) - len(there),
    }
    adds = ", ".join(count(n, what) for what, n in figures.items() if n) or "nothing"
    altered = f"; changes the table `{there[0]}`" if there else ""
    return f"yes adds {adds}{altered}"
