"""What a relationship says of rows that refer to one that goes: cascades, and who nulls keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.storage import Relationship
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import CallFact
from fastwright.survey.terms_text import render

_UNKNOWN = "**"


def with_options(row: Relationship, call: CallFact, unit: Unit) -> Relationship:
    """`row` with what the keywords of its call say, those for SQLAlchemy inside SQLModel's too."""
    given = dict(_options(call, unit))
    return replace(
        row,
        lazy=_text(given, "lazy") or None,
        cascade=_cascade(given),
        passive_deletes=_text(given, "passive_deletes"),
        through=_text(given, "secondary") or _text(given, "link_model"),
        views=_text(given, "viewonly") == "True",
        backref=_text(given, "backref"),
        backref_cascade=_cascade(given, "backref_"),
    )


def _options(call: CallFact, unit: Unit) -> Iterator[tuple[str, str]]:
    """Each keyword as written; ``**`` for those that are made elsewhere."""
    for key, term in call.keywords:
        if key == "sa_relationship_kwargs" and isinstance(term, list) and term[0] == "d":
            for name, value in term[1:]:
                known = isinstance(name, list) and name[0] == "s"
                yield (str(name[1]) if known else _UNKNOWN), render(value, unit)
        elif key in ("sa_relationship", "sa_relationship_args", "sa_relationship_kwargs"):
            yield _UNKNOWN, ""
        elif key == "backref" and isinstance(term, list) and term[0] == "c":
            yield from _of_backref(unit.facts.calls[term[1]], unit)
        else:
            yield key, render(term, unit)


def _of_backref(call: CallFact, unit: Unit) -> Iterator[tuple[str, str]]:
    """``backref("items", cascade="all")``."""
    yield "backref", render(call.arguments[0], unit) if call.arguments else _UNKNOWN
    for key, term in call.keywords:
        yield f"backref_{key}", render(term, unit)


def _text(given: dict[str, str], key: str) -> str:
    return given.get(key, "").strip("'\"")


def _cascade(given: dict[str, str], before: str = "") -> str | None:
    """The cascade as written; ``None`` where it may be written elsewhere."""
    written = given.get(f"{before}cascade", "")
    if _text(given, "cascade_delete") == "True" and not before:
        return "all, delete-orphan"
    is_literal = not written or written[0] in "'\""
    return None if _UNKNOWN in given or not is_literal else written.strip("'\"")
