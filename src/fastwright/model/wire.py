"""Model values as JSON and back.

One codec serves every frozen type, so that a plan, a map or a proof written by one process is
the same value in another: ``from_json(type(x), to_json(x)) == x`` is a law over the model.
"""

from __future__ import annotations

import base64
import dataclasses
import enum
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import PurePath
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
UNTOLD = "untold"
"""In a field's metadata: it is for the process that made it, and no part of the JSON."""


def to_json(value: object) -> Any:
    """`value` in terms of dict, list, str, int, float, bool and None."""
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _fields_to_json(value)
    return _collection_to_json(value)


def _collection_to_json(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [to_json(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted(to_json(item) for item in value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(f"no JSON form for {type(value).__name__}")


def told(value: Any) -> Iterator[tuple[str, object]]:
    """The fields of a value that are part of its JSON, by name."""
    for field in dataclasses.fields(value):
        if not field.metadata.get(UNTOLD):
            yield field.name, getattr(value, field.name)


def _fields_to_json(value: Any) -> dict[str, Any]:
    plain = {name: to_json(given) for name, given in told(value)}
    kind = getattr(type(value), "kind", None)
    return {"kind": kind, **plain} if isinstance(kind, str) else plain


def from_json(kind: type[T], data: Any) -> T:
    """The value of type `kind` that `to_json` turned into `data`.

    Raises:
        ValueError: `data` does not have the shape of `kind`.
    """
    return typing.cast("T", _read(kind, data))


def _read(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(get_args(kind), data)
    if origin is not None:
        return _read_generic(origin, get_args(kind), data)
    if kind is Any or kind is object:
        return data
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, data)
    return _read_plain(kind, data)


def _read_plain(kind: Any, data: Any) -> Any:
    if kind in (None, type(None)):
        return None
    if kind is bytes:
        return base64.b64decode(data)
    if issubclass(kind, enum.Enum | PurePath):
        return kind(data)
    if kind is float and isinstance(data, int):
        return float(data)
    if not isinstance(data, kind):
        raise ValueError(f"expected {kind.__name__}, got {data!r}")
    return data


def _read_generic(origin: Any, args: tuple[Any, ...], data: Any) -> Any:
    if origin is Sequence:
        return tuple(_read(args[0], item) for item in data)
    if origin is tuple:
        kinds = args[:1] * len(data) if args[1:] == (...,) else args
        return tuple(_read(kind, item) for kind, item in zip(kinds, data, strict=True))
    if origin in (frozenset, set):
        return frozenset(_read(args[0], item) for item in data)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {_read(args[0], key): _read(args[1], item) for key, item in data.items()}
    if origin is typing.Literal:
        return data
    raise ValueError(f"no reader for {origin!r}")


def _read_union(kinds: tuple[Any, ...], data: Any) -> Any:
    if data is None:
        return None
    if isinstance(data, dict) and "kind" in data:
        kinds = tuple(k for k in kinds if getattr(k, "kind", None) == data["kind"]) or kinds
    for kind in kinds:
        if kind is not type(None):
            try:
                return _read(kind, data)
            except (ValueError, TypeError, KeyError):
                continue
    raise ValueError(f"no member of the union fits {data!r}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_fields(kind: Any, data: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"expected the fields of {kind.__name__}, got {data!r}")
    names = {f.name for f in dataclasses.fields(kind) if f.init}
    hints = _hints(kind)
    return kind(**{name: _read(hints[name], data[name]) for name in names & data.keys()})
