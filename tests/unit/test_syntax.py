"""The parser's one door: trees of whole and broken files, and literals."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastwright.source import syntax


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("x = 1\n", 0),
        ("try:\n    pass\nexcept A, B:\n    pass\n", 0),
        ("def f(:\n", 1),
        ("x = (1,\n", 1),
        ("", 0),
    ],
)
def test_errors_are_counted(text: str, errors: int) -> None:
    """A whole file has no errors, newer syntax than ours included; a broken one has some."""
    found = syntax.error_count(syntax.parse(text.encode()))
    assert found >= errors
    assert (found == 0) == (errors == 0)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r")))
def test_a_string_literal_folds_to_what_python_reads(text: str) -> None:
    """The value of a literal as Python writes it is the string itself."""
    written = repr(text).encode("utf-8", "replace")
    assert syntax.string_value(written) == ast.literal_eval(written.decode())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (rb'r"\d+"', r"\d+"),
        (b'"a\\\nb"', "ab"),
        (rb'"\N{DASH}"', r"\N{DASH}"),
        (b"'''a'b'''", "a'b"),
        (b'b"x"', None),
        (b'"unfinished', None),
    ],
)
def test_literals_of_every_kind(written: bytes, value: str | None) -> None:
    """Raw, triple-quoted and continued literals fold; bytes and torn ones do not."""
    assert syntax.string_value(written) == value


def test_concatenated_literals_are_one() -> None:
    """Adjacent literals are one string; with an interpolation there is no literal."""
    root = syntax.parse(b'x = "a" "b"\ny = f"a{b}"\n')
    plain = next(syntax.find(root, "concatenated_string"))
    assert syntax.literal(plain, b'x = "a" "b"\ny = f"a{b}"\n') == "ab"
    formatted = [n for n in syntax.find(root, "string") if n.start_byte > 12]
    assert syntax.literal(formatted[0], b'x = "a" "b"\ny = f"a{b}"\n') is None


def test_walk_gives_nodes_in_the_order_of_the_text() -> None:
    """Starts of nodes never go back, and every identifier is met."""
    content = b"def f(a, b):\n    return a + b\n"
    nodes = list(syntax.walk(syntax.parse(content)))
    assert [n.start_byte for n in nodes] == sorted(n.start_byte for n in nodes)
    names = [syntax.text(n, content) for n in nodes if n.type == "identifier"]
    assert names == ["f", "a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "import os\n\ndef half(:\n    pass\n",
            (3, "`def half(:` cannot be parsed: `)` is missing"),
        ),
        ("x = [1, 2\n", (1, "`x = [1, 2` cannot be parsed")),
        ("print(f'{x!r:>{width}}')\ntype A[T] = list[T]\n", None),
        ("", None),
    ],
)
def test_the_first_error_is_told_with_its_line(text: str, told: tuple[int, str] | None) -> None:
    """What cannot be read is a line and a reason; newer syntax than ours is no error."""
    assert syntax.first_error(text.encode()) == told


def test_around_gives_exactly_the_nodes_that_span() -> None:
    """What is left out on the way down spans nothing that was asked for."""
    root = syntax.parse(b"def f(a):\n    return g(a + 1)\n\nx = f(2)\n")
    every = list(syntax.walk(root))
    for asked in every:
        start, end = asked.start_byte, asked.end_byte
        spanning = [n for n in every if n.start_byte <= start and end <= n.end_byte]
        assert list(syntax.around(root, start, end)) == spanning
