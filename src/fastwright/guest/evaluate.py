"""Run a small function, given as text, among the app's own modules."""

import __future__

import ast
import importlib
import inspect
import sys

from . import naming


def evaluate(source, arguments, app, loop):
    """The value of an expression, or of the last function defined in `source`, in terms of JSON.

    The text sees ``app`` (the application object), ``modules`` (``sys.modules``) and
    ``load(dotted)``; a coroutine is awaited on the app's own loop. Annotations are not evaluated:
    the names that they use may live where the function was written.
    """
    names = {"app": app, "modules": sys.modules, "load": find, "__name__": "fastwright_evaluated"}
    tree = ast.parse(source)
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        names.update(arguments)
        value = eval(compile(source.strip(), "<evaluated>", "eval"), names)
    else:
        exec(compile(source, "<evaluated>", "exec", __future__.annotations.compiler_flag), names)
        value = names[_last_function(tree)](**_fitting(arguments))
    if inspect.isawaitable(value):
        value = loop.run_until_complete(_wait(value))
    return naming.plain(value)


async def _wait(value):
    return await value


def _last_function(tree):
    functions = [
        node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    if not functions:
        raise ValueError("the text is neither an expression nor does it define a function")
    return functions[-1]


def _fitting(arguments):
    return {str(name): value for name, value in arguments.items()}


def find(dotted):
    """The object of a dotted name: the longest importable module, then attributes."""
    parts = dotted.replace(":", ".").split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError as error:
            if cut == 1 or not ".".join(parts[:cut]).startswith(error.name or "\0"):
                raise
            continue
        for part in parts[cut:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(dotted)
