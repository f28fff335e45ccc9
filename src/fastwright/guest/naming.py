"""Dotted names and plain values: how things of the user's process are spoken of in JSON."""

import base64
import datetime as dt
import decimal
import enum
import functools
import inspect
import math
import sys
import typing
import uuid

SECRET_PARTS = ("secret", "password", "passwd", "token", "api_key", "apikey", "private")


def dotted(value):
    """The dotted name of a class, function, method or instance (then of its class)."""
    while isinstance(value, functools.partial):
        value = value.func
    if not isinstance(value, type) and not hasattr(value, "__qualname__"):
        value = type(value)
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", repr(value))
    return name if module in ("builtins", "") else "{}.{}".format(module, name)


def annotation(kind):
    """An annotation as text, names dotted: ``app.models.User | None``; None for none given."""
    if kind is inspect.Signature.empty or kind is inspect.Parameter.empty:
        return None
    if kind is None or kind is type(None):
        return "None"
    if isinstance(kind, str):
        return kind
    if isinstance(kind, typing.ForwardRef):
        return kind.__forward_arg__
    if kind is typing.Any:
        return "typing.Any"
    if kind is Ellipsis:
        return "..."
    arguments = typing_arguments(kind)
    return _generic(kind, arguments) if arguments else _bare(kind)


def typing_arguments(kind):
    """The arguments of a generic annotation, none for anything else."""
    return getattr(kind, "__args__", None) or () if typing_origin(kind) is not None else ()


def typing_origin(kind):
    """``typing.get_origin`` that also knows ``Annotated`` of the typing_extensions."""
    return typing.get_origin(kind)


def _bare(kind):
    if isinstance(kind, type) or hasattr(kind, "__qualname__"):
        return dotted(kind)
    return str(kind)


def _generic(kind, arguments):
    origin = typing_origin(kind)
    if hasattr(kind, "__metadata__"):
        return annotation(arguments[0])
    if origin is typing.Union or type(kind).__name__ == "UnionType":
        return " | ".join(str(annotation(argument)) for argument in arguments)
    if str(origin).endswith("Literal"):
        return "typing.Literal[{}]".format(", ".join(repr(value) for value in arguments))
    inner = ", ".join(
        str(annotation(argument)) if not isinstance(argument, list) else "[...]"
        for argument in arguments
    )
    return "{}[{}]".format(dotted(origin), inner)


def yielded(kind):
    """What a dependency injects: the first argument of a generator annotation, else itself."""
    name = dotted(typing_origin(kind)) if typing_origin(kind) is not None else ""
    if name.split(".")[-1] in (
        "Generator",
        "AsyncGenerator",
        "Iterator",
        "AsyncIterator",
        "Iterable",
        "AsyncIterable",
    ):
        arguments = typing_arguments(kind)
        return arguments[0] if arguments else kind
    return kind


def hints(call):
    """The resolved annotations of a callable, unresolved ones as written; never fails."""
    try:
        return typing.get_type_hints(call)
    except Exception:
        return dict(getattr(call, "__annotations__", {}) or {})


def code_place(call, root):
    """The file (relative to `root`; empty outside it) and first line of a callable."""
    call = inspect.unwrap(_unpartial(call))
    code = getattr(call, "__code__", None) or getattr(type(call).__call__, "__code__", None)
    if code is None:
        return class_place(call, root)
    return relative(code.co_filename, root), code.co_firstlineno


def class_place(cls, root):
    """The file and line of a class; empty and 0 where unknown."""
    try:
        path, line = inspect.getsourcefile(cls), inspect.getsourcelines(cls)[1]
    except (TypeError, OSError):
        return "", 0
    return relative(path, root), line


def relative(path, root):
    """`path` relative to `root`, with forward slashes; empty outside of it or in packages."""
    root = root.rstrip("/") + "/"
    if not path or not path.startswith(root) or "/site-packages/" in path:
        return ""
    return path[len(root) :]


def _unpartial(call):
    while isinstance(call, functools.partial):
        call = call.func
    return call


def plain(value, depth=12):
    """`value` in terms of JSON; what has no such form becomes its ``repr``."""
    if isinstance(value, enum.Enum):
        return plain(value.value, depth)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if depth == 0:
        return repr(value)
    if isinstance(value, dict):
        return {str(key): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth - 1) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return {"base64": base64.b64encode(bytes(value)).decode("ascii")}
    return _object(value, depth)


def _object(value, depth):
    if isinstance(value, (uuid.UUID, decimal.Decimal)):
        return str(value)
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    for method in ("model_dump", "dict", "_asdict"):
        dump = getattr(value, method, None)
        if callable(dump) and not isinstance(value, type):
            try:
                return plain(dump(), depth - 1)
            except Exception:
                return repr(value)
    return repr(value)


def shown(name, value):
    """An option's value as text, hidden where its name sounds secret."""
    if any(part in name.lower() for part in SECRET_PARTS):
        return "***"
    try:
        return dotted(value) if callable(value) else repr(value)
    except Exception:
        return "<{}>".format(type(value).__name__)


def project_modules(root):
    """Modules of the user's project that are imported, as ``{name: module}``."""
    found = {}
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None) or ""
        if relative(path, root) and "/.venv/" not in path and "/venv/" not in path:
            found[name] = module
    return found
