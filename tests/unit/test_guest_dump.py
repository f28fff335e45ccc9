"""SQL dumps as sources of values: what is read of them."""

from __future__ import annotations

from fastwright.guest.dump import parsed

SQLITE = """PRAGMA foreign_keys=OFF;
CREATE TABLE notes (id INTEGER, text VARCHAR);
INSERT INTO notes VALUES(1,'it''s; (a) note');
INSERT INTO "notes" ("id", "text") VALUES (2, NULL), (-3.5, 'C:\\path');
"""
POSTGRES = """SET client_encoding = 'UTF8';
INSERT INTO public.users (id, made, big) VALUES (1, now(), TRUE), (2, '2026-01-01'::date, E'a\\nb');
COPY public.tags (id, name, note) FROM stdin;
1\ta tab: \\t\t\\N
2\tplain\tx
\\.

COPY public.empty (id) FROM stdin;
\\.
"""


def test_rows_of_inserts_are_read_whatever_their_texts_hold() -> None:
    """Quotes, brackets and semicolons within a text end neither it nor the row."""
    assert list(parsed(SQLITE)) == [
        ("notes", [], [1, "it's; (a) note"]),
        ("notes", ["id", "text"], [2, None]),
        ("notes", ["id", "text"], [-3.5, "C:\\path"]),
    ]


def test_what_pg_dump_writes_is_read() -> None:
    """Casts, escapes and COPY; what only a database can tell is left to it."""
    assert list(parsed(POSTGRES)) == [
        ("users", ["id", "made", "big"], [1, ..., True]),
        ("users", ["id", "made", "big"], [2, "2026-01-01", "a\nb"]),
        ("tags", ["id", "name", "note"], ["1", "a tab: \t", None]),
        ("tags", ["id", "name", "note"], ["2", "plain", "x"]),
    ]
