"""Does a quotation mark break a statement?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.finding import Caller
from fastwright.review.live.baits import baited
from fastwright.review.live.matrix import Grid
from fastwright.review.live.proof import Proof
from fastwright.review.live.stage import Stage

_SYNTAX = re.compile(
    r"syntax error|unterminated quoted|unrecognized token|near \"|SyntaxError|ProgrammingError",
    re.IGNORECASE,
)
_DATABASE = re.compile(r"sqlite3|asyncpg|psycopg|sqlalchemy|databases|MySQL", re.IGNORECASE)


def broken_statement(stage: Stage, grid: Grid) -> Iterator[Proof]:
    """Send one quotation mark, then two: a text that is a value minds neither.

    The statement is known to break by the database's own message in the app's traceback; that two
    marks are taken again shows that it was the mark that broke it.
    """
    del grid
    for operation in stage.routes:
        if stage.is_over:
            return
        yield from _tried(stage, operation)


def _tried(stage: Stage, operation: str) -> Iterator[Proof]:
    whole = dict(baited(stage, operation, "fw''q", lambda _: True))
    for name, request in baited(stage, operation, "fw'q", lambda _: True):
        exchange = stage.send(Caller.OWNER, operation, request)
        broken = exchange.status >= 500 and _DATABASE.search(exchange.error)
        if not broken or not _SYNTAX.search(exchange.error) or name not in whole:
            continue
        control = stage.send(Caller.OWNER, operation, whole[name])
        if control.status < 500:
            message = f"`{operation}` puts `{name}` into the text of a statement"
            shown = (
                (exchange, "one quotation mark breaks the statement"),
                (control, "two are taken"),
            )
            yield Proof("sql-built-string", operation, message, shown)
            return
