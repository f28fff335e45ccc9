"""What mends a value that ends in a 500: a bound that the database has, a net; or the decision."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from fastwright.model.app import AppMap, Field, Parameter, Route
from fastwright.model.change import Change, Fix, Safety
from fastwright.model.places import Span
from fastwright.review.bounding import constrained
from fastwright.review.live.conflicts import caught, is_duplicate
from fastwright.review.live.proof import Cause
from fastwright.review.live.schemas import field_of
from fastwright.review.live.values import LENGTHS, NEGATIVE, NUL, NULL, TWICE, UNKNOWN_ROW
from fastwright.review.paging import core, is_size_name
from fastwright.review.storing import is_validated, plain
from fastwright.review.versions import runs_on
from fastwright.source.fields import home_of_field, with_constraint

_TEXT = re.compile(r"(?:Optional\[)?str\]?(?: *\| *None)?|None *\| *str")
_NUMBER = re.compile(r"(?:Optional\[)?int\]?(?: *\| *None)?|None *\| *int")
_LENGTH = re.compile(r"value too long for type character varying\((\d+)\)")
_TOO_LONG = re.compile(r"value too long for type|Data too long for column")
_LARGEST = (
    (re.compile(r"(?<!big)integer out of range|value out of int32 range"), 2**31 - 1),
    (re.compile(r"bigint out of range|value out of int64 range|too large to convert to SQLite"),
     2**63 - 1),
)  # fmt: skip
_OF_NUL = re.compile(r"(?i)\bNULs?\b|0x00|null (byte|character)|CharacterNotInRepertoire")
"""What those say who take any other text: a database, a hasher, a file system."""

_WITHOUT_NUL = r'pattern=r"^[^\x00]*$"'
_IN_PYDANTIC_1 = _WITHOUT_NUL.replace("pattern", "regex")
"""The same for pydantic 1, whose `Field` takes any `pattern` and looks at none."""

_IN_SQLMODEL = r'schema_extra={"pattern": r"^[^\x00]*$"}'
"""The same for SQLModel's own `Field`, which takes no `pattern`, and a `regex` that it ignores."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """How a 500 ends.

    Attributes:
        fixes: One, where there is one way alone for anything of it.
        decision: What the person has to decide for the rest; empty where nothing, or nothing is
            known.
    """

    fixes: tuple[Fix, ...] = ()
    decision: str = ""


@dataclass(frozen=True, slots=True)
class _Bound:
    """A constraint for one field, why it is none but this, and what it is to do."""

    constraint: str
    why: str
    title: str

    @property
    def name(self) -> str:
        """Of the keyword."""
        return self.constraint.partition("=")[0]


@dataclass(slots=True)
class _Plan:
    """What is gathered of all causes; constraints stand by the declaration that gets them."""

    declared: dict[Span, Field | Parameter] = field(default_factory=dict)
    bounds: dict[Span, dict[str, _Bound]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    titles: dict[str, dict[str, None]] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)

    def entitle(self, title: str, name: str) -> None:
        """Say what is done, and to what."""
        self.titles.setdefault(title, {})[f"`{name}`"] = None

    @property
    def title(self) -> str:
        """What all of it does."""
        return "; ".join(title.format(", ".join(names)) for title, names in self.titles.items())


def remedy(app: AppMap, causes: Iterable[Cause]) -> Remedy:
    """What mends `causes` in `app`; empty where it is there already."""
    plan = _Plan()
    for cause in causes:
        gather = _duplicate if cause.what == TWICE and is_duplicate(cause.error) else _bounded
        gather(app, cause, plan)
    for span, bounds in plan.bounds.items():
        declared, several = plan.declared[span], tuple(bounds.values())
        edits = _constrained(app, declared, several)
        plan.changes += edits
        for bound in several if edits else ():
            plan.entitle(bound.title, declared.name)
        plan.decisions += () if edits else (f"how `{declared.name}` is bounded",)
    changes = tuple(dict.fromkeys(plan.changes))
    fixes = (Fix(plan.title, Safety.CHANGES_BEHAVIOUR, changes),) if changes else ()
    return Remedy(fixes, next(filter(None, plan.decisions), ""))


def _duplicate(app: AppMap, cause: Cause, plan: _Plan) -> None:
    """Add what catches it, where the place is certain."""
    changes = caught(app, cause.handler, cause.statement, cause.error)
    if changes is None:
        plan.decisions.append("where a duplicate is caught, and what it is answered")
    elif changes:
        plan.changes += changes
        plan.entitle("Answer a duplicate in {} with 409", cause.operation)


def _bounded(app: AppMap, cause: Cause, plan: _Plan) -> None:
    """Add what bounds each field that broke, where its declaration is known."""
    bound = _bound(app, cause)
    if bound is None or not cause.places:
        plan.decisions.append(_decision(cause))
        return
    for place in cause.places:
        declared = _declared(app, cause, place)
        kind = _NUMBER if bound.name == "le" else _TEXT
        if bound.name == "le" and is_size_name(place):
            plan.decisions.append(f"how many rows `{place}` may ask for")
        elif declared is None or declared.span is None or not kind.fullmatch(_type(declared)):
            plan.decisions.append(f"how `{place}` is bounded")
        elif not _is_bound(app, declared, bound):
            plan.declared[declared.span] = declared
            plan.bounds.setdefault(declared.span, {})[bound.name] = bound


def _bound(app: AppMap, cause: Cause) -> _Bound | None:
    """The constraint that the database has, or no text of it breaks; None where it tells none."""
    length = _LENGTH.search(cause.error)
    if length:
        why = f"the column holds {length[1]} characters"
        return _Bound(f"max_length={length[1]}", why, f"Bound {{}} to {length[1]} characters")
    if cause.what == NUL and _OF_NUL.search(cause.error):
        why = "what takes this text takes no NUL character"
        is_old = runs_on(app, "pydantic", "2") is False
        return _Bound(_IN_PYDANTIC_1 if is_old else _WITHOUT_NUL, why, "Refuse NUL in {}")
    for pattern, largest in _LARGEST:
        if pattern.search(cause.error) and cause.what != NEGATIVE:
            why = "the column holds no larger number"
            return _Bound(f"le={largest}", why, f"Bound {{}} to {largest}")
    return None


def _decision(cause: Cause) -> str:
    """What has to be decided, as far as the value tells."""
    if cause.what == TWICE:
        return "what the same values mean when they come again"
    if not cause.places:
        return ""
    place = f"`{cause.places[0]}`"
    if cause.what == UNKNOWN_ROW:
        return f"whether an unknown {place} is answered with 404 or with 422"
    if cause.what == NULL:
        return f"whether {place} may be null"
    if cause.what in LENGTHS:
        return f"how long {place} may be"
    return f"which values of {place} are refused, and with what answer"


def _declared(app: AppMap, cause: Cause, place: str) -> Field | Parameter | None:
    """The field of the body, or the parameter, that a request fills at `place`."""
    route = next((r for r in app.routes if r.handler == cause.handler), None)
    if route is None:
        return None
    found = field_of(app, route.body_model, place)
    if found is not None:
        return None if is_validated(app, found[0]) else found[1]
    name = place.lower().replace("-", "_")
    named = next((p for p in _parameters(app, route) if p.name.lower() == name), None)
    if named is not None and re.search(rf"\{{{named.name}[:}}]", route.path):
        return replace(named, source="path")  # which the signature of a dependency does not say
    return named


def _parameters(app: AppMap, route: Route) -> Iterator[Parameter]:
    yield from route.parameters
    for node in route.every_dependency():
        yield from app.signatures.get(node.call, ())


def _is_bound(app: AppMap, declared: Field | Parameter, bound: _Bound) -> bool:
    """Whether the declaration has such a constraint."""
    written = app.text(declared.span) if declared.span is not None else ""
    return bound.name in dict(declared.constraints) or f'"{bound.name}":' in written


def _type(declared: Field | Parameter) -> str:
    return plain(declared) if isinstance(declared, Field) else core(declared.annotation or "")


def _constrained(
    app: AppMap, declared: Field | Parameter, bounds: tuple[_Bound, ...]
) -> tuple[Change, ...]:
    constraint, why = ", ".join(b.constraint for b in bounds), "; ".join(b.why for b in bounds)
    if not isinstance(declared, Field):
        return constrained(app, declared, constraint, why)
    if declared.span is not None and home_of_field(app, declared.span) == "sqlmodel":
        constraint = constraint.replace(_WITHOUT_NUL, _IN_SQLMODEL)
        if _IN_SQLMODEL in constraint and "schema_extra" in app.text(declared.span):
            return ()
    return with_constraint(app, declared, constraint, why)
