"""FW527 hollow-guard."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.empty_guards import Empty, empty_guards, last_name
from fastwright.review.hollow import Hollow, hollow_tests
from fastwright.review.reach import reach
from fastwright.review.rule import rule

NAME = "hollow-guard"


@rule(code="FW527", severity=Severity.HIGH)
def hollow_guard(app: AppMap) -> Iterator[Finding]:
    """A guard that comes out the same for everybody who asks.

    ## Why is this bad?
    It reads as if somebody were turned away, and nobody is, or everybody. A member of an `Enum`
    that is no `str` never equals a text, a method that is not called is always true, and a
    dependency with an empty body lets everybody pass, whatever it is called (OWASP API5:2023,
    broken function level authorization; CWE-863, CWE-570).

    ## Example
    ```python
    class Role(enum.Enum):
        ADMIN = "admin"
        READER = "reader"


    class Member(Base):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)
        role: Mapped[Role]


    def current_member(db: SessionDep, x_member: int = Header()) -> Member:
        return db.get_one(Member, x_member)


    @app.delete("/films/{film_id}")
    def remove(film_id: int, member: Member = Depends(current_member)) -> None:
        if member.role != "admin":
            raise HTTPException(403)
        films.pop(film_id)
    ```

    Use instead:
    ```python
    class Role(enum.Enum):
        ADMIN = "admin"
        READER = "reader"


    class Member(Base):
        __tablename__ = "members"
        id: Mapped[int] = mapped_column(primary_key=True)
        role: Mapped[Role]


    def current_member(db: SessionDep, x_member: int = Header()) -> Member:
        return db.get_one(Member, x_member)


    @app.delete("/films/{film_id}")
    def remove(film_id: int, member: Member = Depends(current_member)) -> None:
        if member.role is not Role.ADMIN:
            raise HTTPException(403)
        films.pop(film_id)
    ```

    ## Fix safety
    There is none to apply: who shall be turned away is a decision.

    ## Known limits
    Tests are read in code that runs for routes, of names whose class is told by an annotation, a
    dependency or what a function says that it returns. A text is compared with a member where a
    row or an object holds members of an enumeration of the project that is neither `str` nor
    `int` and has no `__eq__`, in a test that refuses or that speaks of roles. A dependency is
    empty where it calls nothing, raises nothing, takes nothing but what other dependencies give,
    and is named for what it should ask; one that is overridden somewhere is passed over.
    """
    seen = set()
    for ran in reach(app).ran():
        for hollow in hollow_tests(app, ran.function):
            if hollow.at not in seen:
                seen.add(hollow.at)
                yield _of_test(hollow)
    for empty in empty_guards(app):
        yield _of_dependency(empty)


def _of_test(hollow: Hollow) -> Finding:
    return Finding(
        NAME, hollow.at, hollow.because, symbol=hollow.function.name, structural=True
    )  # fmt: skip


def _of_dependency(empty: Empty) -> Finding:
    count = len(empty.routes)
    routes = f"{count} routes ask" if count > 1 else f"`{empty.routes[0]}` asks"
    seen = (f"`{route}` depends on it" for route in empty.routes[:3])
    return Finding(
        NAME,
        empty.function.span,
        f"`{last_name(empty.node.call)}` {empty.because}, and {routes} for it",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in seen),
        related=tuple(route.span for route in empty.routes[:3] if route.span),
        symbol=empty.node.call,
        structural=True,
    )
