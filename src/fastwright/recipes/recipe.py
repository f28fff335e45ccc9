"""A recipe: a frozen value whose fields are its options."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import inspect
import pkgutil
import re
import types
import typing
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar, Literal

from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet
from fastwright.model.errors import UnknownName, UsageError
from fastwright.model.plan import Presence

Value = str | int | bool | None
PATH = types.MappingProxyType(
    {"pattern": r"(/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+", "form": "a path such as `/auth/login`"}
)
"""Metadata of an option that is written into source as the path of a route."""


@dataclass(frozen=True, kw_only=True)
class Recipe(ABC):
    """One thing that fastwright can build into an app.

    A subclass is a frozen, keyword-only dataclass in a package of its own under
    ``fastwright.recipes``. Its fields are its options, each with a default, each described in the
    ``Attributes:`` section of its docstring; their types are ``str``, ``int``, ``bool``, a
    ``Literal`` of strings, or one of these with ``None`` for *choose for this app*. What a text
    must match as a whole is ``pattern`` in the field's metadata, with ``form`` in words; the
    bounds of a number are ``least`` and ``most``. Flags of the command line, questions of the plan
    and the published page derive from that.

    Attributes:
        name: What the person gets, in kebab-case; the package has the same name in snake_case.
        summary: One line, no full stop.
        needs: Capabilities that the app must have before (``db.session``).
        provides: Capabilities that the app has afterwards.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    provides: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def detect(self, app: AppMap) -> Presence:
        """How much of it `app` has already, by the map."""

    def check(self, app: AppMap) -> None:  # noqa: B027 - most recipes name nothing of the app
        """Hold the options against the map of the source, before anything runs.

        Raises:
            UsageError: One of them names what `app` does not have, or cannot use so.
        """

    @abstractmethod
    def build(self, app: AppMap) -> ChangeSet:
        """The changes that give `app` what it lacks; empty where everything is there.

        Pure: the same map and options give the same changes.

        Raises:
            Refused: The app cannot be given this; says why and what to do.
        """


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a recipe, as command lines, plans and pages show it.

    Attributes:
        name: The field (``ready_path``); on the command line, ``--ready-path``.
        kind: ``str``, ``int`` or ``bool``.
        default: The value where nobody chooses; ``None`` leaves it to the app.
        doc: What it is, from the recipe's docstring.
        allowed: The only values there are; empty where any of `kind` will do.
        bounds: What a text has to match and a number to lie between, as `Recipe` says.
    """

    name: str
    kind: str
    default: Value
    doc: str
    allowed: tuple[str, ...] = ()
    bounds: Mapping[str, object] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def flag(self) -> str:
        """The option's name on a command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def usage(self) -> str:
        """How it is given on a command line, as help and pages show it."""
        if self.kind == "bool":
            return f"{self.flag} / --no-{self.flag[2:]}"
        return f"{self.flag} {'|'.join(self.allowed) or self.kind.upper()}"


def prose(recipe: type[Recipe]) -> str:
    """The text of a recipe's page: its docstring without the options."""
    return (inspect.getdoc(recipe) or "").partition("Attributes:")[0].rstrip()


def choices(recipe: type[Recipe]) -> tuple[Choice, ...]:
    """The options of `recipe`, in the order of its fields."""
    hints = typing.get_type_hints(recipe)
    docs = _attribute_docs(inspect.getdoc(recipe) or "")
    return tuple(
        Choice(
            name=f.name,
            kind=_kind(hints[f.name]),
            default=None if f.default is dataclasses.MISSING else f.default,
            doc=docs.get(f.name, ""),
            allowed=_allowed(hints[f.name]),
            bounds=f.metadata,
        )
        for f in dataclasses.fields(recipe)
    )


def to_options(recipe: Recipe) -> dict[str, Value]:
    """The options of `recipe` as JSON-ready values; `from_options` is its inverse."""
    return {f.name: getattr(recipe, f.name) for f in dataclasses.fields(recipe)}


def from_options(recipe: type[Recipe], options: Mapping[str, object]) -> Recipe:
    """A `recipe` with these options; numbers and truths may come as text, as flags give them.

    Raises:
        UnknownName: An option that the recipe does not have.
        UsageError: A value that the option does not allow.
    """
    known = {choice.name: choice for choice in choices(recipe)}
    for name in options:
        if name not in known:
            raise UnknownName("option", name, difflib.get_close_matches(name, known, n=3))
    return recipe(**{name: _value(known[name], value) for name, value in options.items()})


def registry() -> Mapping[str, type[Recipe]]:
    """Every recipe by name: this package's own, then those of installed entry points."""
    found = {recipe.name: recipe for recipe in _own()}
    for entry in entry_points(group="fastwright.recipes"):
        recipe = _loaded(entry)
        found.setdefault(recipe.name, recipe)
    return types.MappingProxyType(dict(sorted(found.items())))


def find(name: str) -> type[Recipe]:
    """The recipe called `name`.

    Raises:
        UnknownName: There is none; carries up to three names most like it.
    """
    known = registry()
    if name not in known:
        raise UnknownName("recipe", name, difflib.get_close_matches(name, known, n=3, cutoff=0.4))
    return known[name]


def _own() -> Iterator[type[Recipe]]:
    package = importlib.import_module("fastwright.recipes")
    for module in pkgutil.iter_modules(package.__path__):
        if module.ispkg and module.name != "ensure":
            loaded = importlib.import_module(f"fastwright.recipes.{module.name}")
            yield from _recipes_in(loaded)


def _recipes_in(module: types.ModuleType) -> Iterator[type[Recipe]]:
    for value in vars(module).values():
        if inspect.isclass(value) and issubclass(value, Recipe) and not inspect.isabstract(value):
            yield value


def _loaded(entry: EntryPoint) -> type[Recipe]:
    recipe = entry.load()
    if inspect.isclass(recipe) and issubclass(recipe, Recipe):
        return recipe
    raise UsageError(
        f"cannot use the recipe `{entry.name}`", f"`{entry.value}` is not a `Recipe`", ""
    )


def _attribute_docs(doc: str) -> dict[str, str]:
    _, _, section = doc.partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        entry = re.match(r"    (\w+): (.*)", line)
        if entry:
            name = entry[1]
            found[name] = entry[2]
        elif line.startswith("     ") and name:
            found[name] += " " + line.strip()
        elif line.strip():
            break
    return found


def _members(hint: object) -> tuple[object, ...]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(m for m in typing.get_args(hint) if m is not type(None))
    return (hint,)


def _kind(hint: object) -> str:
    (member,) = _members(hint)
    return member.__name__ if isinstance(member, type) else "str"


def _allowed(hint: object) -> tuple[str, ...]:
    (member,) = _members(hint)
    return typing.get_args(member) if typing.get_origin(member) is Literal else ()


def _value(choice: Choice, value: object) -> Value:
    if value is None or (choice.kind == "bool" and isinstance(value, bool)):
        return value
    text = str(value)
    if choice.allowed and text not in choice.allowed:
        raise _unusable(choice, text, " or ".join(f"`{a}`" for a in choice.allowed))
    if choice.kind == "int" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return _within(choice, int(text))
    if choice.kind == "bool" and text.lower() in ("true", "false", "yes", "no"):
        return text.lower() in ("true", "yes")
    if choice.kind == "str":
        return _matching(choice, text)
    raise _unusable(choice, text, "a whole number" if choice.kind == "int" else "yes or no")


def _within(choice: Choice, number: int) -> int:
    least, most = choice.bounds.get("least"), choice.bounds.get("most")
    if (isinstance(least, int) and number < least) or (isinstance(most, int) and number > most):
        raise _unusable(choice, str(number), f"a whole number from {least} to {most}")
    return number


def _matching(choice: Choice, text: str) -> str:
    pattern = choice.bounds.get("pattern")
    if isinstance(pattern, str) and not re.fullmatch(pattern, text):
        raise _unusable(choice, text, str(choice.bounds.get("form", f"what matches `{pattern}`")))
    return text


def _unusable(choice: Choice, text: str, wanted: str) -> UsageError:
    return UsageError(
        f"cannot use `{text}` for `{choice.flag}`", "it is not allowed", f"give {wanted}"
    )
