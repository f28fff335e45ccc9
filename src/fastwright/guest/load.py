"""Import the user's app as its server would: by ``module:attribute``, or through its factory."""

import importlib
import inspect
import sys

from . import routes


class NotAnApp(Exception):
    """What the target names is not an ASGI application."""


def load(target, factory=None):
    """The application that `target` names.

    Args:
        target: ``module:attribute``; the attribute may be dotted.
        factory: True to call what is found, False to take it as it is, None to find out.

    Returns:
        ``(outer, inner)``: the ASGI callable that serves, and the application that has the routes
        (the same, unless the app is wrapped in middleware by hand).
    """
    module_name, _, attribute = target.partition(":")
    value = importlib.import_module(module_name)
    for part in (attribute or "app").split("."):
        value = _attribute(value, part, target)
    if factory or (factory is None and is_factory(value)):
        value = _call(value, target)
    inner = routes.inner_app(value)
    if not callable(value) or getattr(inner, "routes", None) is None:
        raise NotAnApp("`{}` is a {}, not an ASGI application".format(target, type(value).__name__))
    return value, inner


def _attribute(value, part, target):
    try:
        return getattr(value, part)
    except AttributeError:
        raise NotAnApp(
            "`{}` has no attribute `{}`".format(getattr(value, "__name__", target), part)
        ) from None


def is_factory(value):
    """A function without required parameters, as ``uvicorn --factory`` calls it."""
    return inspect.isfunction(value) and not inspect.iscoroutinefunction(value)


def _call(factory, target):
    needed = [
        p.name
        for p in inspect.signature(factory).parameters.values()
        if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if needed:
        raise NotAnApp("the factory `{}` requires {}".format(target, ", ".join(needed)))
    return factory()


def add_paths(paths):
    """Put the import roots first on ``sys.path``, in their order."""
    for path in reversed(list(paths)):
        if path in sys.path:
            sys.path.remove(path)
        sys.path.insert(0, path)
