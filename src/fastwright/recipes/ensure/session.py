"""The app's own way to a database session, used by its routes already or not."""

from __future__ import annotations

from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.storage import SessionProvider


def session_dependency(app: AppMap) -> SessionProvider | None:
    """The dependency that most routes get their session from.

    Where no route has one yet: a function that yields what one of the app's session makers makes.
    """
    used = [p for p in app.sessions if p.kind == "dependency"]
    if used:
        return max(used, key=lambda p: (p.used_by, p.alias is not None))
    maker = next((p for p in app.sessions if p.kind == "maker"), None)
    function = _handing_out(app) if maker is not None else None
    if maker is None or function is None:
        return None
    return replace(maker, symbol=function.name, kind="dependency", span=function.span)


def _handing_out(app: AppMap) -> Function | None:
    """A function without parameters, no fixture or context manager, that yields a session."""
    made = ("sessionmaker", "sessionmaker.begin")
    makers = {call.caller for call in app.calls if (call.callee or "").endswith(made)}
    fitting = (
        function
        for function in app.functions
        if function.name in makers
        and function.yields
        and not function.parameters
        and not function.decorators
    )
    return next(fitting, None)
