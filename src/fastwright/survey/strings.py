"""Strings put together in source, folded as far as their parts are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from fastwright.survey.values import UNKNOWN_TEXT, Const, Seq, Unknown, Value, Values, text_of


def join(parts: Sequence[Values]) -> Value:
    """The concatenation of `parts`, each unknown one as ``{?}``; unknown where all are."""
    words = [_word(part) for part in parts]
    if all(word is None for word in words):
        return Unknown("no part of the string is known")
    return Const.of("".join(UNKNOWN_TEXT if word is None else word for word in words))


def _word(values: Values) -> str | None:
    found = [v.value for v in values if isinstance(v, Const)]
    return str(found[0]) if len(found) == 1 and found[0] is not None else None


def fold_method(values: Values, method: str, arguments: Sequence[Values]) -> Values:
    """What ``text.method(…)`` gives for the string methods that paths are made with."""
    given = [text_of(argument) for argument in arguments]
    results: list[Value] = []
    for value in values:
        if not isinstance(value, Const) or not isinstance(value.value, str):
            continue
        if method == "join" and arguments:
            results += [join(_between(value, v)) for v in arguments[0] if isinstance(v, Seq)]
        elif method == "format":
            results.append(_formatted(value.value, given))
        elif method in _METHODS and None not in given:
            results.append(
                Const.of(_METHODS[method](value.value, [g for g in given if g is not None]))
            )
    return tuple(results)


def camel_words(text: str) -> list[str]:
    """``CamelCase`` as its words, each with its capital."""
    return re.findall(r"[A-Z]?[^A-Z]+|[A-Z]", text)


def _between(separator: Const, parts: Seq) -> list[Values]:
    found: list[Values] = []
    for item in parts.items:
        found += [(separator,), item] if found else [item]
    return found


def _formatted(template: str, given: Sequence[str | None]) -> Value:
    pieces = template.split("{}")
    filled = [UNKNOWN_TEXT if word is None else word for word in given]
    if len(pieces) != len(filled) + 1:
        return Unknown("format")
    return Const.of("".join(a + b for a, b in zip(pieces, [*filled, ""], strict=True)))


_METHODS: Mapping[str, Callable[[str, Sequence[str]], str]] = MappingProxyType(
    {
        "strip": lambda text, a: text.strip(*a[:1]),
        "lstrip": lambda text, a: text.lstrip(*a[:1]),
        "rstrip": lambda text, a: text.rstrip(*a[:1]),
        "lower": lambda text, _: text.lower(),
        "upper": lambda text, _: text.upper(),
        "title": lambda text, _: text.title(),
        "replace": lambda text, a: text.replace(a[0], a[1]) if len(a) == 2 else text,
        "removeprefix": lambda text, a: text.removeprefix(*a[:1]) if a else text,
        "removesuffix": lambda text, a: text.removesuffix(*a[:1]) if a else text,
    }
)
