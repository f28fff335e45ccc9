"""FW203 text-for-enum."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit, Fix, Safety
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.reach import holds
from fastwright.review.rule import rule
from fastwright.review.storing import Stored, is_validated, stored
from fastwright.review.updating import assigned, updated
from fastwright.source.imports import ensure_import

_TEXT = re.compile(r"(?:Optional\[)?\bstr\b\]?(?: *\| *None)?|None *\| *str")
_CALLED = re.compile(r"\bEnum\(\s*([A-Z]\w*)")
_WORD = r"(?:\"[^\"\n]*\"|'[^'\n]*')"
_WORDS = re.compile(rf"\b(?:Enum|ENUM)\(\s*(?P<words>{_WORD}(?:\s*,\s*{_WORD})*)\s*[,)]")
_CAUGHT = re.compile(
    r"except\s*(?::|\(?[^:\n]*\b(?:Exception|LookupError|StatementError|DBAPIError|SQLAlchemyError"
    r"|DataError)\b)"
)


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
    The column's enumeration must be a class of the project, or named in its declaration, or its
    words stand there. The row must be made of the body, or the field be set on it as it came; a
    field that is compared or converted is passed over. It is only possible where the code catches
    what is raised.
    """
    told: set[Span] = set()
    for one in (*stored(app), *assigned(app), *_over_rows(app)):
        at = one.field.span
        if at is not None and at not in told and _is_free_text(app, one):
            told.add(at)
            yield _finding(app, one, at)


def _over_rows(app: AppMap) -> Iterator[Stored]:
    """The fields of bodies that are written over a row as a whole."""
    for update in updated(app):
        for field in update.schema.fields:
            column = update.table.column(field.name)
            if column is not None:
                yield Stored(update.route, update.schema, field, update.table, column, update.at,
                             whole=True)  # fmt: skip


def _is_free_text(app: AppMap, one: Stored) -> bool:
    if {"pattern", "regex"} & {name for name, _ in one.field.constraints}:
        return False
    plain = _TEXT.fullmatch((one.field.annotation or "").strip())
    takes_few = _words(app, one) or _enumeration(app, one) is not None
    is_free = bool(plain) and bool(takes_few) and not is_validated(app, one.schema)
    return is_free and not _is_asked(app, one)


def _words(app: AppMap, one: Stored) -> tuple[str, ...]:
    """The words that the declaration of a column lists."""
    found = _WORDS.search(app.text(one.column.span)) if one.column.span is not None else None
    return tuple(re.findall(_WORD, found["words"])) if found is not None else ()


def _is_asked(app: AppMap, one: Stored) -> bool:
    """Whether the field is compared or converted where it is written, or in the handler.

    What a statement compares with a column limits nothing.
    """
    name = re.escape(one.field.name)
    asked = re.compile(
        rf"\.{name}\b(?:\.\w+\(\))?\s*(?:not\s+in\b|in\b|==|!=)|"
        rf"(?<![\w.])(?!if\b|elif\b|and\b|or\b|not\b)[\w.]+[(\[]\s*\w+\.{name}\s*[)\],]"
        + (rf"|[\"']{name}[\"']|\.{name}\s*=[^=]" if one.whole else "")
    )
    in_sql = re.compile(rf"\b[A-Z]\w*\.\w+\s*[=!]=\s*\w+\.{name}\b")
    beside = re.compile(rf"[=!]=\s*\w+\.{name}\b")
    texts = [in_sql.sub("", text) for text in _texts(app, one)]
    return any(asked.search(text) or beside.search(text) for text in texts)


def _texts(app: AppMap, one: Stored) -> list[str]:
    """The code of the function that writes, and of the handler."""
    spans = {f.span for f in app.functions if holds(f.span, one.at)}
    return [app.text(span) for span in {*spans, *((one.route.span,) if one.route.span else ())}]


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
    words = _words(app, one)
    listed = ", ".join(words) if words else f"the members of `{dotted.rpartition('.')[2]}`"
    told = f"`{column}` takes {listed} alone"
    return Finding(
        "text-for-enum",
        at,
        f"`{name}` takes any text, and `{column}` does not",
        evidence=(Evidence(EvidenceKind.SOURCE, told),),
        related=(one.at,),
        fixes=_fixes(app, at, name, dotted, words),
        symbol=name,
        structural=not any(map(_CAUGHT.search, _texts(app, one))),
    )


def _fixes(
    app: AppMap, at: Span, name: str, dotted: str, words: tuple[str, ...]
) -> tuple[Fix, ...]:  # fmt: skip
    written = app.text(at)
    found = re.match(r"\w+\s*:\s*[^=\n]*?\b(?P<type>str)\b", written)
    module, _, last = dotted.rpartition(".")
    here = app.module_at(at.path)
    if found is None or ("=" in written and not re.search(r"=\s*None$", written)):
        return ()
    changes: tuple[Change, ...] = ()
    if words:
        bound = ensure_import(app, at.path, "typing", "Literal")
        changes, last = bound.edits, f"{bound.local}[{', '.join(words)}]"
    elif here is None or module != here.name:
        bound = ensure_import(app, at.path, module, last)
        changes, last = bound.edits, bound.local
    start = at.start + len(written[: found.start("type")].encode())
    edit = Edit(Span(at.path, start, start + 3), last, f"the column takes `{last}` alone")
    return (Fix(f"Declare `{name}` as `{last}`", Safety.CHANGES_BEHAVIOUR, (*changes, edit)),)
