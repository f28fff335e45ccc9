"""An exception answered by a function, for the whole app."""

from __future__ import annotations

from fastwright.model.app import AppMap
from fastwright.model.change import Change
from fastwright.recipes.ensure.application import statement_after_creation
from fastwright.recipes.ensure.drafting import split_symbol
from fastwright.source.imports import ensure_import


def ensure_error_answer(
    app: AppMap, exception: str, function: str, *, why: str
) -> tuple[Change, ...]:
    """Have `function` answer requests that end in `exception`; both are dotted.

    Nothing where the app registers `function` already.
    """
    registered = ("add_exception_handler", "exception_handler")
    for call in app.calls:
        if call.text.rpartition(".")[2] in registered and _names(call.arguments, exception):
            return ()
    place = statement_after_creation(app)
    raised = ensure_import(app, place.path, *split_symbol(app, exception))
    module, name = split_symbol(app, function)
    answers = ensure_import(app, place.path, module, name, own=True)
    line = f"{place.variable}.add_exception_handler({raised.local}, {answers.local})"
    return (*raised.edits, *answers.edits, place.insert(app, line, why))


def _names(arguments: tuple[str, ...], exception: str) -> bool:
    wanted = exception.rpartition(".")[2]
    return any(argument.rpartition(".")[2] == wanted for argument in arguments[:1])
