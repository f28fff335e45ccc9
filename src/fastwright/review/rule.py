"""A rule: a page about a smell, and the pure function that finds it in a map.

A rule exists because its file exists: ``rules/<area>/<rule_name>.py`` defines a function of the
file's name under `rule`. There is no list to edit. Third parties give rules by entry points of the
group ``fastwright.rules``.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import MappingProxyType, ModuleType

from fastwright import __version__
from fastwright.model.app import AppMap
from fastwright.model.errors import UnknownName
from fastwright.model.finding import Finding, Rule, Severity
from fastwright.model.review import Fault

AREAS = ("design", "logic", "database", "performance", "security", "scale", "quality")
"""In the order of the first digit of a code, from 1."""

Check = Callable[[AppMap], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """Every rule by name, in the order of their codes, and those that could not be loaded."""

    rules: Mapping[str, Rule]
    broken: tuple[Fault, ...] = ()


def rule(*, code: str, severity: Severity, since: str = __version__) -> Callable[[Check], Rule]:
    """Make a documented function the rule of its name.

    The name is the function's with hyphens, the area that of the code's first digit, the page the
    docstring.
    """

    def decorate(check: Check) -> Rule:
        name = check.__name__.replace("_", "-")
        area = AREAS[int(code.removeprefix("FW")[0]) - 1] if code.startswith("FW") else "quality"
        return Rule(code, name, area, severity, since, inspect.getdoc(check) or "", check)

    return decorate


@functools.cache
def shelf() -> Shelf:
    """All rules: those that exist as files here, then those of entry points."""
    rules: dict[str, Rule] = {}
    broken: list[Fault] = []
    for where, load in (*_own(), *_foreign()):
        try:
            found = load()
        except Exception as error:  # noqa: BLE001 - one rule must not take the others with it
            broken.append(Fault(_last(where), where, f"{type(error).__name__}: {error}"))
        else:
            rules.setdefault(found.name, found)
    ordered = sorted(rules.values(), key=lambda found: found.code)
    return Shelf(MappingProxyType({found.name: found for found in ordered}), tuple(broken))


def every_rule() -> Mapping[str, Rule]:
    """The rules that can be used, by name, in the order of their codes."""
    return shelf().rules


def find_rule(name: str) -> Rule:
    """The rule of that name or code; underscores count as hyphens.

    Raises:
        UnknownName: There is none; carries up to three names most like it.
    """
    known = every_rule()
    by_code = {found.code: found for found in known.values()}
    wanted = name.replace("_", "-").lower()
    found = known.get(wanted) or by_code.get(name.upper())
    if found is None:
        alike = difflib.get_close_matches(wanted, known, n=3, cutoff=0.4)
        codes = difflib.get_close_matches(name.upper(), by_code, n=1, cutoff=0.7)
        raise UnknownName("rule", name, alike or codes)
    return found


def _own() -> Iterator[tuple[str, Callable[[], Rule]]]:
    root = importlib.import_module("fastwright.review.rules")
    for module in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
        if not module.ispkg:
            yield module.name, functools.partial(_of_file, module.name)


def _of_file(module: str) -> Rule:
    loaded = importlib.import_module(module)
    return _as_rule(getattr(loaded, _last(module)))


def _foreign() -> Iterator[tuple[str, Callable[[], Rule]]]:
    for point in entry_points(group="fastwright.rules"):
        yield point.value, lambda point=point: _as_rule(point.load())  # type: ignore[misc]


def _as_rule(value: object) -> Rule:
    if isinstance(value, ModuleType):
        value = getattr(value, _last(value.__name__))
    if not isinstance(value, Rule):
        raise TypeError(f"`{value!r}` is not made by `@rule`")
    return value


def _last(dotted: str) -> str:
    return dotted.replace(":", ".").rpartition(".")[2]
