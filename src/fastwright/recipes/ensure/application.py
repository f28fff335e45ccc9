"""Where the application is made, and where statements about it go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import Application, AppMap
from fastwright.model.change import Edit
from fastwright.model.errors import Refused
from fastwright.recipes.ensure.drafting import insert_lines
from fastwright.source import layout
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse


@dataclass(frozen=True, slots=True)
class AppPlace:
    """A place for one statement about the app object `variable`."""

    path: PurePosixPath
    offset: int
    indent: str
    variable: str

    def insert(self, app: AppMap, line: str, why: str) -> Edit:
        """`line`, without indentation and newline, inserted here."""
        return insert_lines(app, self.path, self.offset, f"{self.indent}{line}\n", why)


def application(app: AppMap) -> Application:
    """The application of the map.

    Raises:
        Refused: There is none.
    """
    if app.app is None:
        raise Refused(
            "cannot change the application",
            "no FastAPI application was found",
            "name it with `--app module:name`",
        )
    return app.app


def statement_after_creation(app: AppMap) -> AppPlace:
    """The line after the statement that makes the app, and after those about it that follow."""
    target = application(app)
    content = app.files[target.path]
    start = target.created.start
    return AppPlace(
        path=target.path,
        offset=after_setup(content, start, target.variable),
        indent=layout.indentation(content, start),
        variable=target.variable,
    )


def after_setup(content: bytes, start: int, variable: str) -> int:
    """Behind the statement at `start` and the calls on `variable` that follow it directly."""
    made = layout.statement_at(parse(content), start)
    if made is None:
        return layout.after_statement(content, start)
    last = made
    following = made.next_named_sibling
    while following is not None and _sets_up(following, variable):
        last = following
        following = following.next_named_sibling
    return layout.line_end(content, last.end_byte - 1)


def _sets_up(node: Node, variable: str) -> bool:
    written = text_of(node)
    return node.type == "expression_statement" and written.startswith(
        (f"{variable}.add_middleware(", f"{variable}.state.", f"{variable}.add_exception_handler(")
    )


def creation_call(app: AppMap) -> Node | None:
    """The ``FastAPI(…)`` call."""
    target = application(app)
    content = app.files[target.path]
    return layout.outermost(content, target.created.start, target.created.end, "call")
