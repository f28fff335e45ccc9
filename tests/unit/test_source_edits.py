"""Edits are applied to the byte, and only where they belong."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastwright.model.change import Edit, NewFile
from fastwright.model.errors import Refused
from fastwright.model.places import Span
from fastwright.source import edits

PATH = PurePosixPath("a.py")


def edit(start: int, end: int, text: str, why: str = "because") -> Edit:
    """An edit of the one file."""
    return Edit(Span(PATH, start, end), text, why)


def applied(content: bytes, *changes: Edit) -> bytes:
    """The one file after `changes`."""
    return edits.apply({PATH: content}, changes)[PATH]


def test_edits_are_independent_of_their_order() -> None:
    """Edits are relative to the file as it was, in whatever order they come."""
    one, two = edit(0, 1, "xx"), edit(2, 3, "")
    assert applied(b"abc", one, two) == applied(b"abc", two, one) == b"xxb"


def test_insertions_at_one_place_keep_their_order() -> None:
    """Two insertions at one place stand as they were given."""
    assert applied(b"ab", edit(1, 1, "1"), edit(1, 1, "2")) == b"a12b"


def test_overlap_is_refused_with_both_reasons() -> None:
    """Two edits of the same bytes are refused, and the refusal names both reasons."""
    with pytest.raises(Refused) as refusal:
        applied(b"abcd", edit(0, 3, "x", "first"), edit(2, 4, "y", "second"))
    assert "first" in refusal.value.because
    assert "second" in refusal.value.because


def test_a_new_file_over_a_file_is_refused() -> None:
    """A file that is there is never overwritten by a new one."""
    with pytest.raises(Refused, match=r"a\.py"):
        edits.apply({PATH: b"kept"}, [NewFile(PATH, "new", "because")])


def test_an_edit_outside_the_file_is_an_error() -> None:
    """An edit beyond the end of its file is nobody's wish."""
    with pytest.raises(ValueError, match="outside"):
        applied(b"ab", edit(5, 6, "x"))


def test_line_ends_are_those_of_the_file() -> None:
    """Text inserted into CRLF lines ends its lines likewise; LF files are left alone."""
    assert applied(b"a\r\nb\r\n", edit(3, 3, "x\n")) == b"a\r\nx\r\nb\r\n"
    assert applied(b"a\nb\n", edit(2, 2, "x\n")) == b"a\nx\nb\n"


def test_nothing_goes_before_a_byte_order_mark() -> None:
    """An insertion at the very beginning stands behind the mark."""
    assert applied(b"\xef\xbb\xbfa\n", edit(0, 0, "x\n")) == b"\xef\xbb\xbfx\na\n"


@given(st.binary(max_size=60), st.data())
def test_what_no_edit_spans_stays(content: bytes, data: st.DataObject) -> None:
    """Bytes outside of all spans are in the result, in their order."""
    end = len(content.removeprefix(b"\xef\xbb\xbf"))
    start = data.draw(st.integers(0, end))
    stop = data.draw(st.integers(start, end))
    shift = len(content) - end
    after = applied(content, edit(start + shift, stop + shift, "|"))
    assert after == content[: start + shift] + b"|" + content[stop + shift :]


def test_a_diff_counts_and_explains() -> None:
    """A diff holds the lines, how many came and went, and each reason once."""
    changes = [edit(0, 1, "x", "why"), edit(2, 3, "y", "why")]
    after = edits.apply({PATH: b"a\nb\n"}, changes)
    (found,) = edits.diff({PATH: b"a\nb\n"}, after, changes)
    assert (found.added, found.removed, found.why) == (2, 2, ("why",))
    assert "+x\n" in found.diff


def test_a_secret_file_is_not_shown() -> None:
    """The text of a secret file is in no diff."""
    new = NewFile(PurePosixPath(".env"), "TOKEN=hunter2\n", "a secret", secret=True)
    (found,) = edits.diff({}, edits.apply({}, [new]), [new])
    assert (found.path, found.diff) == (".env", "")


def test_a_missing_last_newline_is_said() -> None:
    """A diff of a file without a final newline says so, and stays a diff."""
    (found,) = edits.diff({PATH: b"a"}, {PATH: b"b"})
    assert found.diff.count("\\ No newline at end of file") == 2
