"""What the running app is, as one JSON document (its shape: ARCHITECTURE.md).

Every section is guarded: what cannot be read is left empty and its error is told in ``errors``.
"""

import platform
from importlib import metadata

from . import living, naming, routes, settings, tables


def describe(app, target, root):
    """The document of a loaded app; `root` is the absolute path of the project's tree."""
    errors = {}
    census = _guard(errors, "census", living.take_census, living.Living({}))
    found = _guard(
        errors,
        "routes",
        lambda: routes.describe(app, census, root),
        {"routes": [], "mounts": [], "apps": {}, "errors": []},
    )
    document = {
        "target": target,
        "python": platform.python_version(),
        "versions": _guard(errors, "versions", versions, {}),
        "routes": found["routes"],
        "mounts": found["mounts"],
        "middleware": _guard(errors, "middleware", lambda: middleware(app), []),
        "openapi_mounted": _mounted_contracts(found["apps"], errors),
        "settings": _guard(errors, "settings", lambda: settings.describe(census, root), []),
        "exception_handlers": _guard(errors, "handlers", lambda: exception_handlers(app), []),
        "modules": sorted(naming.project_modules(root)),
    }
    document["tables"], table_errors = _guard(
        errors, "tables", lambda: tables.describe(census, root), ([], [])
    )
    document["openapi"], document["openapi_error"] = contract(app)
    _tell(errors, "routes", found["errors"])
    _tell(errors, "tables", table_errors)
    document["errors"] = errors
    return document


def _guard(errors, section, read, instead):
    try:
        return read()
    except Exception as error:
        errors[section] = "{}: {}".format(type(error).__name__, error)
        return instead


def _tell(errors, section, messages):
    if messages:
        errors[section] = "; ".join([*filter(None, [errors.get(section)]), *messages])


def versions():
    """Installed distributions, ``{name in lower case: version}``."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"] if distribution.metadata else None
        if name:
            found.setdefault(name.lower().replace("_", "-"), distribution.version)
    return found


def middleware(app):
    """The middleware that the app added, outermost first; secret options are hidden."""
    found = []
    for entry in getattr(app, "user_middleware", None) or ():
        options = dict(getattr(entry, "kwargs", None) or getattr(entry, "options", None) or {})
        found.append(
            {
                "name": naming.dotted(entry.cls),
                "options": {name: naming.shown(name, value) for name, value in options.items()},
            }
        )
    return found


def exception_handlers(app):
    """What the app handles itself: status codes and dotted exception classes."""
    handlers = getattr(app, "exception_handlers", None) or {}
    return [key if isinstance(key, int) else naming.dotted(key) for key in handlers]


def contract(app):
    """``(OpenAPI document or None, error text)``."""
    if not hasattr(app, "openapi"):
        return None, "the app has no openapi()"
    try:
        return naming.plain(app.openapi(), depth=60), ""
    except Exception as error:
        return None, "{}: {}".format(type(error).__name__, error)


def _mounted_contracts(apps, errors):
    found = {}
    for path, app in sorted(apps.items()):
        document, error = contract(app)
        if document is not None:
            found[path] = document
        else:
            errors["openapi " + path] = error
    return found
