"""FW311 empty-downgrade."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.reach import Reach, last, reach
from fastwright.review.rule import rule

_SCHEMA = frozenset({"create_table", "add_column", "create_index", "create_unique_constraint",
                     "create_foreign_key", "create_check_constraint", "drop_column",
                     "drop_table", "alter_column", "rename_table", "drop_constraint",
                     "drop_index"})  # fmt: skip
_COLUMN = re.compile(r"\bColumn\(\s*(['\"]\w+['\"])")
_REFUSAL = re.compile(r"\bassert\s+(?:False|0)\b")
_LITERAL = re.compile(r"(['\"])\w+\1")
_EMPTY = re.compile(
    rb":[^\n]*\n(?P<indent>[ \t]+)(?:[\"']{3}.*?[\"']{3}\s+)?(?:#.*\n\s*)*(?P<pass>pass)", re.DOTALL
)


@rule(code="FW311", severity=Severity.LOW)
def empty_downgrade(app: AppMap) -> Iterator[Finding]:
    """A migration that changes the schema and whose downgrade does nothing.

    ## Why is this bad?
    `alembic downgrade` says that it worked and leaves the tables as they are, with the revision
    number of before: the next upgrade then fails on what already exists, in the middle of taking
    back a bad release (CWE-460). A downgrade that cannot be, says so with an exception.

    ## Example
    ```python migrations/env.py
    from alembic import context
    ```
    ```python migrations/versions/0001_names.py
    import sqlalchemy as sa
    from alembic import op

    revision = "0001"
    down_revision = None


    def upgrade() -> None:
        op.add_column("items", sa.Column("name", sa.String()))


    def downgrade() -> None:
        pass
    ```

    Use instead:
    ```python migrations/env.py
    from alembic import context
    ```
    ```python migrations/versions/0001_names.py
    import sqlalchemy as sa
    from alembic import op

    revision = "0001"
    down_revision = None


    def upgrade() -> None:
        op.add_column("items", sa.Column("name", sa.String()))


    def downgrade() -> None:
        op.drop_column("items", "name")
    ```

    ## Fix safety
    Safe: only a downgrade runs it. Offered where the upgrade does nothing but create tables,
    columns and indexes by literal names; these are taken back in reverse.

    ## Known limits
    Revisions that only move rows are left alone, and so is a downgrade that raises. Where the
    upgrade does no more than let columns be null, the finding is only possible: that may stay. So
    it is where all that it does stands in a `try` or under an `if` of another thing than the
    dialect: that is for tables of which some have it already.
    """
    reached = reach(app)
    folders = {e.versions for e in app.migrations if "tests" not in e.versions.parts}
    for function in app.functions:
        is_revision = function.span.path.parent in folders and last(function.name) == "upgrade"
        back = reached.functions.get(f"{function.name[: -len('upgrade')]}downgrade")
        if not is_revision or back is None or back.span.path != function.span.path:
            continue
        done = [call for call in reached.calls_in(function) if last(call.text) in _SCHEMA]
        refuses = back.stops or _REFUSAL.search(app.text(back.span))
        if done and not refuses and not any(True for _ in reached.calls_in(back)):
            yield _finding(app, reached, function, back, done)


def _finding(
    app: AppMap, reached: Reach, function: Function, back: Function, done: list[Call]
) -> Finding:
    told = ", ".join(dict.fromkeys(f"`{last(call.text)}`" for call in done))
    return Finding(
        "empty-downgrade",
        back.span,
        f"`{function.span.path.name}` takes back nothing of what its upgrade does",
        evidence=(Evidence(EvidenceKind.SOURCE, f"the upgrade does {told}"),),
        related=(function.span,),
        fixes=_fixes(app, list(reached.calls_in(function)), function, back),
        symbol=back.name,
        structural=not all(_widens(call) or _is_tried(function, call) for call in done),
    )


def _widens(call: Call) -> bool:
    """True for a column that may be null from now on, which the code of before does not mind."""
    return last(call.text) == "alter_column" and dict(call.keywords).get("nullable") == "True"


def _is_tried(function: Function, call: Call) -> bool:
    """True for what is done only where it is missing: nothing tells whether to take it back."""
    return any(
        block.kind == "try" or (block.kind == "arm" and "dialect" not in block.words)
        for block in around(function, call.span.start)
    )


def _fixes(app: AppMap, calls: list[Call], function: Function, back: Function) -> tuple[Fix, ...]:
    doing = [c for c in calls if c.text.partition(".")[0] in ("op", "batch_op")]
    lines = [_reversed(call) for call in reversed(doing)]
    nested = any(around(function, call.span.start) for call in doing)
    found = _EMPTY.search(app.files[back.span.path], back.span.start, back.span.end)
    plain = all(c.callee and c.callee.startswith(("alembic.op.", "sqlalchemy.")) for c in calls)
    if found is None or nested or not plain or "" in lines:
        return ()
    indent = found["indent"].decode()
    span = Span(back.span.path, found.start("pass"), found.end("pass"))
    edit = Edit(span, f"\n{indent}".join(lines), "a downgrade takes back what the upgrade did")
    return (Fix("Take back what the upgrade does", Safety.SAFE, (edit,)),)


def _reversed(call: Call) -> str:
    """The statement that takes back an operation; empty where that is not certain."""
    given = dict(call.keywords)
    name, rest = (*call.arguments[:2], "", "")[:2]
    if not _LITERAL.fullmatch(name) or "schema" in given:
        return ""
    column, table = _COLUMN.search(rest), _quoted(name)
    match last(call.text):
        case "create_table":
            return f"op.drop_table({table})"
        case "add_column" if column:
            return f"op.drop_column({table}, {_quoted(column[1])})"
        case "create_index" if _LITERAL.fullmatch(rest):
            return f"op.drop_index({table}, table_name={_quoted(rest)})"
    return ""


def _quoted(literal: str) -> str:
    return f'"{literal[1:-1]}"'
