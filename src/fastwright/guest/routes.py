"""The routes of a running app, flat: mounts entered, included routers followed, by their full path.

FastAPI keeps a flat list up to 0.136 and a tree of included routers from 0.137; there
``fastapi.routing.iter_route_contexts`` gives the effective routes.
"""

import inspect

from . import dependencies, naming


def describe(app, census, root):
    """Routes and mounts below `app`.

    Returns:
        ``{"routes": […], "mounts": […], "apps": {mount path: app}, "errors": […]}``, where an
        entry of ``routes`` is one method on one path. ``apps`` holds live FastAPI objects.
    """
    found = {"routes": [], "mounts": [], "apps": {}, "errors": []}
    _walk(app, "", found, _Reader(app, census, root), set())
    return found


def _walk(app, mount, found, reader, seen):
    if id(app) in seen:
        return
    seen.add(id(app))
    places = dependencies.Places(app, reader.census)
    for route in effective(getattr(app, "routes", None) or ()):
        try:
            if _is_mount(route):
                _enter_mount(route, mount, found, reader, seen)
            else:
                found["routes"].extend(reader.read(route, mount, places))
        except Exception as error:
            found["errors"].append(
                "{}: {}: {}".format(mount + _path(route), type(error).__name__, error)
            )


def effective(routes):
    """The routes with included routers resolved, in the order that requests try them."""
    try:
        from fastapi.routing import iter_route_contexts
    except ImportError:
        return list(routes)
    return list(iter_route_contexts(routes))


def _original(route):
    return getattr(route, "original_route", route)


def _path(route):
    return getattr(route, "path", None) or ""


def _is_mount(route):
    kinds = {cls.__name__ for cls in type(_original(route)).__mro__}
    return "Mount" in kinds or "Host" in kinds


def _enter_mount(route, mount, found, reader, seen):
    path = mount + _path(route).rstrip("/")
    inner = inner_app(getattr(route, "app", None))
    kind = "static" if type(inner).__name__ == "StaticFiles" else "asgi"
    if getattr(inner, "routes", None) is not None:
        kind = "app"
        if hasattr(inner, "openapi"):
            found["apps"][path] = inner
    found["mounts"].append(
        {
            "path": path,
            "kind": kind,
            "name": getattr(route, "name", None) or "",
            "app": naming.dotted(inner),
            "directory": _directory(inner),
        }
    )
    _walk(inner, path, found, reader, seen)


def inner_app(app):
    """What a chain of middleware around a mounted app ends in."""
    for _ in range(20):
        if getattr(app, "routes", None) is not None or not hasattr(app, "app"):
            return app
        app = app.app
    return app


def _directory(app):
    directory = getattr(app, "directory", None)
    return str(directory) if directory is not None else None


class _Reader:
    """Reads one route into its entries."""

    def __init__(self, app, census, root):
        self.app = app
        self.census = census
        self.root = root

    def read(self, route, mount, places):
        """The entries of one route: one for each method."""
        kind = _kind(route)
        entry = self._entry(route, mount, kind)
        if kind in ("api", "websocket") and getattr(route, "dependant", None) is not None:
            entry.update(dependencies.describe(route, places, self.root))
        return [dict(entry, method=method) for method in _methods(route, kind)]

    def _entry(self, route, mount, kind):
        endpoint = getattr(route, "endpoint", None)
        file, line = naming.code_place(endpoint, self.root) if endpoint else ("", 0)
        return {
            "method": "",
            "path": mount + _path(route),
            "kind": kind,
            "handler": naming.dotted(endpoint) if endpoint else "",
            "file": file,
            "line": line,
            "name": getattr(route, "name", None) or "",
            "status_code": getattr(route, "status_code", None),
            "response_model": _model(getattr(route, "response_model", None)),
            "body_model": None,
            "tags": [str(getattr(tag, "value", tag)) for tag in getattr(route, "tags", None) or ()],
            "in_schema": bool(getattr(route, "include_in_schema", False)) and kind == "api",
            "is_async": _is_async(endpoint),
            "deprecated": bool(getattr(route, "deprecated", None)),
            "app": mount,
            "parameters": [],
            "dependencies": [],
        }


def _kind(route):
    names = {cls.__name__ for cls in type(_original(route)).__mro__}
    if "WebSocketRoute" in names:
        return "websocket"
    if "APIRoute" in names:
        return "api"
    return "starlette" if "Route" in names else "other"


def _methods(route, kind):
    """One a method; the HEAD that Starlette adds to every GET is not told."""
    if kind == "websocket":
        return ["WEBSOCKET"]
    methods = set(getattr(route, "methods", None) or ())
    if kind == "starlette" and "GET" in methods:
        methods.discard("HEAD")
    return sorted(methods) or (["ANY"] if kind == "starlette" else [])


def _model(model):
    """The response model's name; FastAPI's own placeholder for "none given" counts as None."""
    if model is None or type(model).__name__ == "DefaultPlaceholder":
        return None
    return naming.annotation(model)


def _is_async(endpoint):
    if endpoint is None:
        return None
    call = inspect.unwrap(endpoint)
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
