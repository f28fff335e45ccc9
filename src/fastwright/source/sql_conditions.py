"""The conditions of SQL that is written as text: which columns decide which rows are meant.

No parser of a dialect: words are read from left to right, and whether they stand in a condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"--[^\n]*|/\*(?s:.*?)\*/|::\s*\w+(?:\[\])?"
    r"|(?P<string>'(?:[^']|'')*')|(?P<hole>\{[^{}]*\})"
    r"|(?P<given>:\w+|\$\d+|%\(\w+\)s|%s|\?|@\w+|\d[\d.]*)"
    r"|(?P<word>[A-Za-z_]\w*|\"[^\"]+\"|`[^`]+`)|(?P<sign>[<>!=~]+|\S)"
)
_BEGINS = frozenset({"where", "on", "having"})
_ENDS = frozenset({"select", "from", "join", "left", "right", "inner", "full", "cross", "group",
                   "order", "limit", "offset", "returning", "union", "intersect", "except", "set",
                   "values", "window", "for", "using"})  # fmt: skip
_TABLES = frozenset({"from", "join", "update", "into", "using"})
_CHOSEN = frozenset({"where", "on", "having", "from", "join", "update", "using"})
_NOT_CONDITIONS = frozenset({"conflict", "duplicate"})
_WORDS = frozenset({"and", "or", "not", "in", "is", "null", "like", "ilike", "similar", "to", "any",
                    "between", "exists", "all", "some", "true", "false", "case", "when", "then",
                    "else", "end", "as", "escape", "collate", "interval", "distinct", "at", "time",
                    "zone", "current_date", "current_time", "current_timestamp", "asc", "desc",
                    "only", "lateral", "outer", "natural", "default"})  # fmt: skip
_VALUE = re.compile(r"[<>!=~]+|i?like|in|between|and|any|\(|,", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the conditions of a statement speak of.

    Attributes:
        columns: Each column with its table; an empty one where the text does not say which.
            Two columns by which a join puts rows together are none.
        tables: Those that the statement names, each once.
        whole: False where a part of the text is not known that may be a condition.
    """

    columns: tuple[tuple[str, str], ...] = ()
    tables: tuple[str, ...] = ()
    whole: bool = True


def conditions(text: str) -> Conditions:
    """The conditions of the statement `text`, those of statements within it too.

    What stands in braces is taken for a part that is not known; where a value may stand it is one.
    """
    reading = _Reading(list(_tokens(text)))
    for place in range(len(reading.tokens)):
        reading.take(place)
    tables = {name.lower(): table for name, table in reading.names.items()}
    columns = ((tables.get(of.lower(), of.lower()), name) for of, name in reading.columns)
    return Conditions(
        tuple(dict.fromkeys(columns)), tuple(dict.fromkeys(tables.values())), reading.whole
    )


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str

    @property
    def keyword(self) -> str:
        """The word in small letters; empty for anything that is none, or in quotes."""
        return self.text.lower() if self.kind == "word" and self.text[0] not in '"`' else ""


_NONE = _Token("", "")


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        if found.lastgroup is not None:
            yield _Token(found.lastgroup, found[0])


@dataclass(slots=True)
class _Reading:
    """Walks over the tokens; `clause` is the last word of a clause, for each open bracket."""

    tokens: list[_Token]
    names: dict[str, str] = field(default_factory=dict)
    columns: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = True
    clause: list[str] = field(default_factory=lambda: [""])

    def at(self, place: int) -> _Token:
        """The token there; an empty one beyond both ends."""
        return self.tokens[place] if 0 <= place < len(self.tokens) else _NONE

    def take(self, place: int) -> None:
        """Read one token."""
        token = self.tokens[place]
        if token.text == "(":
            self.clause.append(self.clause[-1])
        elif token.text == ")" and len(self.clause) > 1:
            self.clause.pop()
        elif token.kind == "hole":
            self._hole(place)
        elif token.keyword in _BEGINS | _ENDS | _TABLES:
            self._begin(place, token.keyword)
        elif token.kind == "word" and token.keyword not in _WORDS:
            self._name(place)

    def _begin(self, place: int, word: str) -> None:
        before, after = self.at(place - 1).keyword, self.at(place + 1).keyword
        is_none = before == "distinct" or after in _NOT_CONDITIONS
        if not (is_none and word in ("on", "from")) and not (word == "update" and before == "for"):
            self.clause[-1] = word

    def _hole(self, place: int) -> None:
        """A part that is not known: harmless as a value, as a name, and in what only orders."""
        before, after = self.at(place - 1), self.at(place + 1)
        is_name = before.text == "." or after.text == "." or before.keyword in _TABLES
        is_value = self.clause[-1] in _BEGINS and _VALUE.fullmatch(before.text) is not None
        is_value = is_value and before.keyword != "and"
        if self.clause[-1] in _CHOSEN and not (is_name or is_value):
            self.whole = False

    def _name(self, place: int) -> None:
        before, after = self.at(place - 1), self.at(place + 1)
        if after.text in (".", "("):
            return
        if self.clause[-1] in _BEGINS and before.keyword != "as":
            self._column(place)
        elif self.clause[-1] in _TABLES:
            self._table(place)

    def _table(self, place: int) -> None:
        """A name among those of tables: the table, or what the rest of the text calls it."""
        before, name = self.at(place - 1), _bare(self.tokens[place])
        held = self.at(place - 2) if before.keyword == "as" else before
        begins = before.text in (",", ".") or before.keyword in _TABLES | _WORDS - {"as"}
        if begins:
            self.names.setdefault(name, name.lower())
        elif held.kind == "word":
            self.names[name] = self.names.get(_bare(held), _bare(held).lower())

    def _column(self, place: int) -> None:
        if not (self.clause[-1] == "on" and self._joins(place)):
            self.columns.append(self._qualified(place))

    def _qualified(self, place: int) -> tuple[str, str]:
        of = _bare(self.at(place - 2)) if self.at(place - 1).text == "." else ""
        return of, _bare(self.tokens[place])

    def _joins(self, place: int) -> bool:
        """Whether a column stands beside another, of another table, with ``=`` between them."""
        right = self.at(place + 1).text == "=" and self.at(place + 3).text == "."
        start = place - 2 if self.at(place - 1).text == "." else place
        left = self.at(start - 1).text == "=" and self.at(start - 3).text == "."
        return right or left


def _bare(token: _Token) -> str:
    return token.text.strip('"`')
