"""Does an error tell what is nobody's business: a traceback, SQL, a path, an address, a secret?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote_plus

from fastwright.model.errors import FastwrightError
from fastwright.review.harm import is_secret_setting, is_telling
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType({
    "a traceback": re.compile(r"Traceback \(most recent call last\)|File \\?\"[^\"]+\", line \d+"),
    "the text of a statement": re.compile(
        r"\[SQL: |\bINSERT INTO \"?\w+\"? ?\(|\bSELECT [\w.\", *]+ FROM \"?\w+|"
        r"\bUPDATE \"?\w+\"? SET |\bDELETE FROM \"?\w+"
    ),
    "the address of a database": re.compile(
        r"\b(?:postgres(?:ql)?|mysql|mongodb|redis|rediss|mssql|oracle|sqlite)(?:\+\w+)?://\S+|"
        r"connection to server (?:at|on) \S+"
    ),
    "what the database's driver said": re.compile(
        r"\((?:psycopg2?|asyncpg|sqlite3|pymysql|MySQLdb|aiosqlite)\.[\w.]+\)|"
        r"<class '(?:asyncpg|psycopg|sqlalchemy)[\w.]+'>|sqlalche\.me/e/|"
        r"duplicate key value violates unique|UNIQUE constraint failed: |violates foreign key|"
        r"NOT NULL constraint failed: |null value in column|value too long for type|"
        r"invalid input (?:syntax|value) for|invalid byte sequence for encoding"
    ),
})  # fmt: skip
_MANY = 3
_AROUND = 60
_ENVIRONMENT = "dict(modules['os'].environ)"
_FOLDER = "modules['os'].getcwd()"


@dataclass(frozen=True, slots=True)
class _Told:
    """What one answer tells: the kind of thing, the passage, and the words that may not be there.

    `rule` is the rule that looks for it in source.
    """

    exchange: Exchange
    what: str
    passage: str
    words: str
    rule: str = "exception-text-to-client"


def telling_error(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Read every answer of 400 and above that came so far, those to broken input among them.

    What the request itself held is no news. Of an app that runs in debug mode it is a question
    whether it does so elsewhere.
    """
    del grid
    secrets, folder = _secrets(stage), _folder(stage)
    found: dict[tuple[str, str], list[_Told]] = {}
    for exchange in stage.refusals.values():
        if exchange.route in stage.routes:
            for told in _read(exchange, secrets, folder):
                found.setdefault((told.rule, told.what), []).append(told)
    debugs = _is_in_debug_mode(stage)
    for group in found.values():
        by_route = {told.exchange.route: told for told in reversed(group)}
        apart = list(by_route.values())[::-1]
        if len(apart) >= _MANY or debugs:
            yield _proof(stage, apart, is_meant=not debugs)
        else:
            yield from (_proof(stage, [told], is_meant=True) for told in apart)


def _read(exchange: Exchange, secrets: Mapping[str, str], folder: str) -> Iterator[_Told]:
    text = re.sub(r"\\n|\s+", " ", exchange.text)
    for name, value in secrets.items():
        if value in text and not _was_sent(exchange, value):
            what = f"the value of `{name}`"
            yield _Told(exchange, what, f"…{name}…", value, "settings-in-answer")
    for what, shape in _SHAPES.items():
        match = shape.search(text)
        if match is not None and not _was_sent(exchange, match[0]):
            yield _Told(exchange, what, _around(text, match), _stable(match[0]))
            return
    path = re.search(rf"{re.escape(folder)}/[\w./-]+\.\w+", text) if len(folder) > 1 else None
    if path is not None and not _was_sent(exchange, path[0]):
        yield _Told(exchange, "a path of the server's files", _around(text, path), path[0])


def _was_sent(exchange: Exchange, words: str) -> bool:
    sent = unquote_plus(exchange.request.path)
    return words in sent or words.encode() in exchange.request.body


def _around(text: str, match: re.Match[str]) -> str:
    passage = text[max(0, match.start() - _AROUND // 3) : match.end() + _AROUND]
    return passage.strip()


def _stable(words: str) -> str:
    """What of a passage would be there the next time too: no path, name or number."""
    return re.split(r"[\d@]|\\?\"| FROM ", words)[0].strip() or words


def _secrets(stage: Stage) -> dict[str, str]:
    """The values of the environment that are secret by their names."""
    try:
        told = stage.target.evaluate(_ENVIRONMENT)
    except FastwrightError:
        return {}
    found = {n: str(v) for n, v in told.items() if is_secret_setting(n) and is_telling(str(v))}
    stage.people.notes.hide(*found.values())
    return found


def _folder(stage: Stage) -> str:
    try:
        return str(stage.target.evaluate(_FOLDER))
    except FastwrightError:
        return ""


def _is_in_debug_mode(stage: Stage) -> bool:
    """Whether the app shows tracebacks because it is told to."""
    try:
        return bool(stage.target.evaluate("bool(getattr(app, 'debug', False))"))
    except FastwrightError:
        return False


def _proof(stage: Stage, group: list[_Told], *, is_meant: bool) -> Proof:
    first = group[0]
    others = len(group) - 1
    verb = f" and {others} more tell" if others else " tells"
    asked = "" if is_meant else "; is `debug` off where strangers can call"
    shown = tuple((told.exchange, f"{told.what}: {stage.people.notes.mask(told.passage)}")
                  for told in group[:_MANY])  # fmt: skip
    return Proof(
        first.rule,
        first.exchange.route,
        f"`{first.exchange.route}`{verb} whoever calls {first.what} in an answer of "
        f"{first.exchange.status}{asked}",
        shown,
        is_meant=is_meant,
        forbidden=first.words,
        beside=tuple(told.exchange.route for told in group[1:]),
    )
