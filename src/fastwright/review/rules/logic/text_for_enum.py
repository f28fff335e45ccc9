"""FW203 text-for-enum."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.rule import rule
from fastwright.review.storing import Stored, is_validated, stored
from fastwright.source.imports import ensure_import

_TEXT = re.compile(r"(?:Optional\[)?\bstr\b\]?(?: *\| *None)?|None *\| *str")
_CALLED = re.compile(r"\bEnum\(\s*([A-Z]\w*)")


@rule(code="FW203", severity=Severity.MEDIUM)
def text_for_enum(app: AppMap) -> Iterator[Finding]:
    """A field of free text that is written to a column which takes a few words alone.

    ## Why is this bad?
    Any other word passes validation and is refused by the database or by SQLAlchemy: the client
    gets a 500 for a typing error, and the contract does not say which words there are (CWE-20).

    ## Example
    ```python
    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"


    class Car(Base):
        __tablename__ = "cars"
        id: Mapped[int] = mapped_column(primary_key=True)
        colour: Mapped[Colour] = mapped_column()


    class CarCreate(BaseModel):
        colour: str


    @app.post("/cars")
    def create_car(data: CarCreate, session: SessionDep) -> None:
        session.add(Car(colour=data.colour))
        session.commit()
    ```

    Use instead:
    ```python
    class Colour(enum.Enum):
        RED = "red"
        BLUE = "blue"


    class Car(Base):
        __tablename__ = "cars"
        id: Mapped[int] = mapped_column(primary_key=True)
        colour: Mapped[Colour] = mapped_column()


    class CarCreate(BaseModel):
        colour: Colour


    @app.post("/cars")
    def create_car(data: CarCreate, session: SessionDep) -> None:
        session.add(Car(colour=data.colour))
        session.commit()
    ```

    ## Fix safety
    Changes behaviour: the contract names the words, and others are refused with 422. Clients that
    sent the names of members instead of their values are refused as well.

    ## Known limits
    The column's enumeration must be a class of the project, or named in its declaration.
    """
    for one in stored(app):
        at = one.field.span
        if at is not None and _is_free_text(app, one):
            yield _finding(app, one, at)


def _is_free_text(app: AppMap, one: Stored) -> bool:
    if {"pattern", "regex"} & {name for name, _ in one.field.constraints}:
        return False
    plain = _TEXT.fullmatch((one.field.annotation or "").strip())
    return bool(plain) and _enumeration(app, one) is not None and not is_validated(app, one.schema)


def _enumeration(app: AppMap, one: Stored) -> str | None:
    """The dotted class of the column's enumeration."""
    if one.column.span is None:
        return None
    called = _CALLED.search(app.text(one.column.span))
    name = called[1] if called else (one.column.type or "").rpartition(".")[2]
    module = app.module_at(one.column.span.path)
    if not name or module is None:
        return None
    dotted = module.imports.get(name, f"{module.name}.{name}" if module.name else name)
    return dotted if _is_enumeration(app, dotted) else None


def _is_enumeration(app: AppMap, dotted: str) -> bool:
    """True where the class is one of ours and says that it is an enumeration."""
    place, _, name = dotted.rpartition(".")
    module = app.modules.get(place)
    if module is None:
        return False
    text = app.files[module.path].decode("utf-8", "replace")
    declared = re.search(rf"(?m)^class {name}\((?P<bases>[^)]*)\)", text)
    return bool(declared and re.search(r"\b\w*Enum\b", declared["bases"]))


def _finding(app: AppMap, one: Stored, at: Span) -> Finding:
    name = f"{one.schema.name.rpartition('.')[2]}.{one.field.name}"
    dotted = _enumeration(app, one) or ""
    column = f"{one.table.name}.{one.column.name}"
    told = f"`{column}` takes the members of `{dotted.rpartition('.')[2]}` alone"
    return Finding(
        "text-for-enum",
        at,
        f"`{name}` takes any text, and `{column}` does not",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(one.at,),
        fixes=_fixes(app, at, name, dotted),
        symbol=name,
        structural=True,
    )


def _fixes(app: AppMap, at: Span, name: str, dotted: str) -> tuple[Fix, ...]:
    written = app.text(at)
    found = re.match(r"\w+\s*:\s*[^=\n]*?\b(?P<type>str)\b", written)
    module, _, last = dotted.rpartition(".")
    here = app.module_at(at.path)
    if found is None or ("=" in written and not re.search(r"=\s*None$", written)):
        return ()
    changes: tuple[Change, ...] = ()
    if here is None or module != here.name:
        bound = ensure_import(app, at.path, module, last)
        changes, last = bound.edits, bound.local
    start = at.start + len(written[: found.start("type")].encode())
    edit = Edit(Span(at.path, start, start + 3), last, f"the column takes `{last}` alone")
    return (Fix(f"Declare `{name}` as `{last}`", Safety.CHANGES_BEHAVIOUR, (*changes, edit)),)
