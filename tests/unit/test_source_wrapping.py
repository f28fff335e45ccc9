"""Lines are brought to a width by brackets that hold something."""

from __future__ import annotations

from fastwright.source.wrapping import fitted

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
