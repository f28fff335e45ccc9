"""Lines are brought to a width by brackets that hold something."""

from __future__ import annotations

from fastwright.source.wrapping import fitted, refitted

LONG = "a" * 50


def test_empty_brackets_are_not_opened() -> None:
    """A line that ends in an empty call is broken elsewhere, and no line is left with blanks."""
    written = fitted(f"found = session.scalars(select({LONG}).where(own)).first()\n", 60)
    assert written == (
        f"found = session.scalars(\n    select({LONG}).where(\n        own\n    ),\n).first()\n"
    )


def test_no_comma_makes_a_tuple() -> None:
    """What stands in brackets of its own stays what it is over several lines."""
    written = fitted(f"found = (await session.scalars({LONG}.where(own))).first()\n", 60)
    assert written == (
        f"found = (\n    await session.scalars(\n        {LONG}.where(\n            own\n"
        "        ),\n    )\n).first()\n"
    )


GROWN = """\
@app.get("/items")
def read(session: Session, skip: int = 0, limit: int = 20) -> list[Item]:
    return session.query(Item).offset(skip).limit(limit).all()


def other(
    first_number: int, second: int, third_number: int
) -> int:
    return first_number + second  # a long comment of whoever wrote this, which stays as it is
"""


def test_what_a_change_made_too_long_is_laid_out() -> None:
    """Parameters go onto lines of their own where an annotation grew; long lines of before stay."""
    mark = "Annotated[int, Query(ge=0, le=2147483647)]"
    after = GROWN.replace("skip: int", f"skip: {mark}").replace("second: int", f"second: {mark}")
    content = after.encode()
    for start, end, text in reversed(list(refitted(GROWN.encode(), content, 88))):
        content = content[:start] + text.encode() + content[end:]
    told = content.decode()
    assert (
        f"def read(\n    session: Session,\n    skip: {mark} = 0,\n    limit: int = 20,\n)" in told
    )
    assert (
        f"def other(\n    first_number: int,\n    second: {mark},\n    third_number: int,\n) -> int"
        in told
    )
    assert "whoever wrote this, which stays as it is" in told
    assert list(refitted(GROWN.encode(), GROWN.encode(), 40)) == []
