"""Values that code works with, traced to the parameter or field that the client sends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap, Field, Parameter, Route
from fastwright.model.code import Call, Function
from fastwright.review.reach import last, reach
from fastwright.review.storing import is_validated, plain

_NUMBER = re.compile(r"(?:Optional\[)?(?:int|float|(?:decimal\.)?Decimal)\]?(?: *\| *None)?")
_FROM_CLIENT = ("query", "path", "body", "form", None)
_LOWEST = ("gt", "ge", "multiple_of")
_CHECKS = re.compile(r"(?i)valid|check|ensure|positive|require|assert|verify|guard|limit")


@dataclass(frozen=True, slots=True)
class Sent:
    """A value of the client's, as one function of a route has it.

    Attributes:
        name: How the route calls it: ``body.amount``.
        declared: Where it is declared.
        owner: The dotted schema of a field; empty for a parameter.
    """

    name: str
    declared: Field | Parameter
    owner: str = ""

    @property
    def has_lowest(self) -> bool:
        """Whether its declaration says how low it may be, or is of no plain number."""
        bounds = {key for key, _ in self.declared.constraints}
        return bool(bounds.intersection(_LOWEST)) or not _NUMBER.fullmatch(self.type)

    @property
    def type(self) -> str:
        """Its type as written, without what is declared beside it."""
        field = self.declared
        return plain(field) if isinstance(field, Field) else _inner(field.annotation or "")


def _inner(annotation: str) -> str:
    """The type of ``Annotated[int, Query()]``."""
    found = re.fullmatch(r"(?:\w+\.)?Annotated\[\s*([\w.| ]+?)\s*,.*\]", annotation, re.DOTALL)
    return found[1] if found else annotation


@dataclass(frozen=True, slots=True)
class Way:
    """One function that runs for a route, and the calls that lead to it from the handler."""

    route: Route
    functions: tuple[Function, ...]
    via: tuple[Call, ...] = ()

    @property
    def function(self) -> Function:
        """The function at its end."""
        return self.functions[-1]


def ways(app: AppMap, route: Route) -> Iterator[Way]:
    """Every function that runs for the handler of a route, itself first, each once."""
    root = reach(app).answering(route)
    if root is None:
        return
    yield Way(route, (root,))
    seen = {root.name}
    for step in reach(app).below(root):
        if step.function.name not in seen:
            seen.add(step.function.name)
            yield Way(route, step.functions, step.via)


def sent(app: AppMap, way: Way, written: str) -> Sent | None:
    """What the client sends as `written` in the function of `way`; None for anything else."""
    head, _, attribute = written.partition(".")
    if "." in attribute:
        return None
    looped = next((b for b in way.function.blocks if b.kind == "for" and b.names == (head,)), None)
    if looped is not None:
        return _of_item(app, way, looped.words, attribute)
    if not way.via:
        return _of_route(app, way.route, head, attribute)
    given = given_by(way.function, way.via[-1]).get(head, "")
    if not given or not re.fullmatch(r"\w+(\.\w+)?", given) or (attribute and "." in given):
        return None
    before = Way(way.route, way.functions[:-1], way.via[:-1])
    return sent(app, before, f"{given}.{attribute}" if attribute else given)


def _of_route(app: AppMap, route: Route, head: str, attribute: str) -> Sent | None:
    parameter = next((p for p in route.parameters if p.name == head), None)
    if parameter is None or parameter.source not in _FROM_CLIENT:
        return None
    if not attribute:
        return Sent(head, parameter)
    return _of_field(app, _schema(app, parameter.annotation, route), head, attribute)


def _of_field(app: AppMap, schema: str, head: str, attribute: str) -> Sent | None:
    found = next((s for s in app.schemas if s.name == schema), None)
    field = next((f for f in found.fields if f.name == attribute), None) if found else None
    return Sent(f"{head}.{attribute}", field, schema) if field is not None else None


def _of_item(app: AppMap, way: Way, words: str, attribute: str) -> Sent | None:
    """The field of each element of a list of the body: ``for item in body.items``."""
    whole = sent(app, way, words) if re.fullmatch(r"\w+(\.\w+)?", words) else None
    if whole is None or not attribute:
        return None
    inside = re.search(
        r"(?i)(?:list|sequence|set|tuple)\[[\"']?([\w.]+)", whole.declared.annotation or ""
    )
    schema = _named(app, inside[1], way.route) if inside else ""
    return _of_field(app, schema, f"{whole.name}[]", attribute)


def _schema(app: AppMap, annotation: str | None, route: Route) -> str:
    named = re.findall(r"[\w.]+", annotation or "")
    if route.body_model and last(route.body_model) in {last(n) for n in named}:
        return route.body_model
    return next((found for n in named if (found := _named(app, n, route))), "")


def _named(app: AppMap, name: str, route: Route) -> str:
    """The dotted schema of that last name, one of the route's own file where there are several."""
    found = [s for s in app.schemas if last(s.name) == last(name)]
    near = [s for s in found if s.span and route.span and s.span.path == route.span.path]
    chosen = near if len(near) == 1 else found
    return chosen[0].name if len(chosen) == 1 else ""


def given_by(function: Function, call: Call) -> dict[str, str]:
    """What a call gives for each parameter of what it calls."""
    names = [p for p in function.parameters if p not in ("self", "cls")]
    return {**dict(zip(names, call.arguments, strict=False)), **dict(call.keywords)}


def is_checked(app: AppMap, one: Sent, texts: list[str], calls: list[Call]) -> bool:
    """Whether code asks how low the number is: a validator, a comparison, or what is called so."""
    schema = next((s for s in app.schemas if s.name == one.owner), None)
    if schema is not None and is_validated(app, schema):
        return True
    name = re.escape(one.name.rpartition(".")[2])
    low = r"-?(?:0|1|Decimal\([\"']?[01][\w.\"']*\))\b|[A-Z_]*MIN[A-Z_]*\b|min_\w+|\w*\.min_\w+"
    compared = re.compile(
        rf"\b{name}\)?\s*(?:<|>|<=|>=|==|!=)\s*(?:{low})|\b[01]\s*<=?\s*(?:\w+\.)?{name}\b|"
        rf"\babs\(\s*(?:\w+\.)?{name}|\bmax\([^)]*\b{name}\b|\bnot (?:\w+\.)?{name}\b.*positive"
    )
    asked = (c for c in calls if _CHECKS.search(last(c.text)))
    given = (a for c in asked for a in (*c.arguments, *(v for _, v in c.keywords)))
    words = {one.name.rpartition(".")[2], one.name, one.name.partition(".")[0]}
    return any(map(compared.search, texts)) or any(a in words for a in given)
