"""A whole map kept between runs: a tree that did not change is not linked again.

Rows are lists in the order of the fields, read by readers that are made once for each type: the
general codec of `model.wire` takes seconds for the tens of thousands of calls of a large app.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from fastwright.model import app as model_app
from fastwright.model.app import AppMap
from fastwright.survey.applications import Target
from fastwright.survey.facts_source import FactCache
from fastwright.survey.later import Later

Files = Mapping[PurePosixPath, bytes]
Reader = Callable[[Any], Any]

_LATER = ("functions", "calls")
"""The fields of a map that hold most of its values, and are read when they are asked for."""


def recall(store: FactCache, files: Files, target: Target) -> AppMap | None:
    """The map of exactly these files, as kept; ``None`` where none is, or it cannot be read."""
    head, _, rows = (store.get(_place(target)) or "").partition("\n")
    tree, _, whole = head.partition(" ")
    if not rows or tree != fingerprint(files) or whole != _digest(rows):
        return None
    try:
        counts, *texts = rows.split("\n")
        named = dict(zip(_names(AppMap), _row_readers(AppMap), strict=True))
        values = {name: named[name](value) for name, value in json.loads(texts.pop()).items()}
        for name, count, text in zip(_LATER, json.loads(counts), texts, strict=True):
            values[name] = Later(count, text, named[name])
        return AppMap(files=files, **values)
    except (ValueError, TypeError, LookupError):
        return None


def keep(store: FactCache, app: AppMap, target: Target) -> None:
    """Keep `app` in the one place that maps of `target` have."""
    fields = {n: getattr(app, n) for n in _names(AppMap) if n != "files"}
    many = [fields.pop(name) for name in _LATER]
    rows = "\n".join(map(_text, ([len(values) for values in many], *many, fields)))
    store.put(_place(target), f"{fingerprint(app.files)} {_digest(rows)}\n{rows}")


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), default=_plain, check_circular=False)


def _digest(rows: str) -> str:
    """A hash by which what is torn is known before it is read, which may be much later."""
    return hashlib.blake2b(rows.encode(), digest_size=16).hexdigest()


def _place(target: Target) -> str:
    return f"map {target}/" if isinstance(target, PurePosixPath) else f"map {target or ''}"


def fingerprint(files: Files) -> str:
    """A hash of what a map is made of: every file, and the code of this package."""
    digest = hashlib.blake2b(_own_code(), digest_size=16)
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0".encode())
        digest.update(files[path])
    return digest.hexdigest()


@cache
def _own_code() -> bytes:
    digest = hashlib.blake2b()
    model = Path(model_app.__file__)
    for folder in (Path(__file__).parent, model.parent):
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()


def _plain(value: Any) -> Any:
    """What `json` asks for values that it does not know; it writes tuples and strings itself."""
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    kind: Any = type(value)
    return dict(value) if isinstance(value, Mapping) else _fields_of(kind)(value)


@cache
def _fields_of(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    names = _names(kind)
    read = operator.attrgetter(*names)
    return read if len(names) > 1 else lambda value: (read(value),)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _row_readers(kind: Any) -> tuple[Reader, ...]:
    hints = typing.get_type_hints(kind)
    return tuple(_reader(hints[name]) for name in _names(kind))


@cache
def _reader(kind: Any) -> Reader:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        (inner,) = (a for a in arguments if a is not type(None))
        read = _reader(inner)
        return read if read is _same else partial(_optional, read)
    if origin in (tuple, Sequence):
        rest = arguments[1:] == (...,)
        same = arguments[0] if rest or len(set(arguments)) == 1 else None
        read = _reader(same) if same is not None else _same
        return tuple if read is _same else partial(_several, read)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return partial(_mapping, _reader(arguments[1]))
    if dataclasses.is_dataclass(kind):
        return partial(_row, kind)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    return _path if kind is PurePosixPath else _same


def _same(value: Any) -> Any:
    return value


@cache
def _path(text: str) -> PurePosixPath:
    return PurePosixPath(text)


def _optional(inner: Reader, value: Any) -> Any:
    return None if value is None else inner(value)


def _several(inner: Reader, values: Any) -> Any:
    return tuple([inner(value) for value in values])


def _mapping(inner: Reader, values: Any) -> Any:
    return {key: inner(value) for key, value in values.items()}


def _row(kind: Any, values: Any) -> Any:
    for place, read in _changed_fields(kind):
        values[place] = read(values[place])
    return kind(*values)


@cache
def _changed_fields(kind: Any) -> tuple[tuple[int, Reader], ...]:
    """The fields that JSON does not give back as they were, and how to read each."""
    readers = enumerate(_row_readers(kind))
    return tuple((place, read) for place, read in readers if read is not _same)
