"""The files of the recipe: module, tests, and Alembic's where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, NewFile
from fastwright.recipes import payload
from fastwright.recipes.ensure.drafting import app_package, module_for, path_of, split_symbol
from fastwright.recipes.ensure.setting import Reader
from fastwright.recipes.ensure.suite import learn_suite
from fastwright.recipes.payload import Piece, Rendering
from fastwright.source.import_header import Imported

_PACKAGE = "fastwright.recipes.database"
_WHY = "one engine, and one session for each request"


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be written: where, for which server, and whether sessions commit themselves."""

    path: PurePosixPath
    module: str
    reader: Reader
    server: str
    commits: bool


def plan(app: AppMap, reader: Reader, server: str, *, commits: bool) -> Plan:
    """The module beside the app, or in its ``core`` package, under a name that is free."""
    folder = app_package(app)
    if any(p.parent == folder / "core" and p.suffix == ".py" for p in app.files):
        folder = folder / "core"
    names = ("database.py", "db.py", "app_database.py")
    free = (n for n in names if _is_free(app, folder / n))
    path = folder / next(free, "sql_database.py")
    return Plan(path, module_for(app, path), reader, server, commits)


def written(app: AppMap, wanted: Plan) -> Iterator[Change]:
    """The module, and its tests."""
    text = payload.new_module(app, wanted.path, [_engine(app, wanted), _session(app, wanted)])
    yield NewFile(wanted.path, text, _WHY)
    suite = learn_suite(app)
    strings = {"placeholder.database": wanted.module}
    flags = frozenset({"commits"} if wanted.commits else ())
    tests = payload.render(app, _PACKAGE, "test_database", Rendering(strings=strings, flags=flags))
    path = suite.file(app, "database")
    yield NewFile(
        path, payload.new_module(app, path, [tests]), f"tests of the session, {suite.because}"
    )


def dependency(app: AppMap, maker: str, *, commits: bool) -> tuple[Change, ...]:
    """The dependency that hands out the sessions of `maker`, below it."""
    module, _ = split_symbol(app, maker)
    path = path_of(app, module)
    assert path is not None, "a maker of the map stands in one of its files"
    how = Rendering(host={"new_session": maker})
    piece = payload.render(app, _PACKAGE, _session_unit(commits=commits), how)
    return payload.appended(app, path, piece, "requests get a session each")


def alembic(app: AppMap, wanted: Plan) -> tuple[Change, ...]:
    """An Alembic environment that uses the app's settings and models."""
    root = app.roots.working
    how = Rendering(
        host={"Base": f"{wanted.module}:Base"},
        names={"database_url": wanted.reader.expression},
    )
    env = _reading(payload.render(app, _PACKAGE, "env", how), wanted)
    path = root / "migrations" / "env.py"
    why = "tables change by revisions that can be taken back"
    return (
        NewFile(root / "alembic.ini", _INI, why),
        NewFile(path, payload.new_module(app, path, [env]), why),
        NewFile(root / "migrations" / "script.py.mako", _TEMPLATE, why),
        NewFile(root / "migrations" / "versions" / ".gitkeep", "", why),
    )


def _is_free(app: AppMap, path: PurePosixPath) -> bool:
    folder = path.with_suffix("")
    return path not in app.files and not any(p.is_relative_to(folder) for p in app.files)


def _engine(app: AppMap, wanted: Plan) -> Piece:
    how = Rendering(
        names={"database_url": wanted.reader.expression},
        flags=frozenset({"server"} if wanted.server == "postgresql" else ()),
    )
    return _reading(payload.render(app, _PACKAGE, "database", how), wanted)


def _reading(piece: Piece, wanted: Plan) -> Piece:
    """`piece` with the import that the setting's expression needs."""
    read = Imported(wanted.reader.module, wanted.reader.name)
    return replace(piece, imported=(*piece.imported, read))


def _session(app: AppMap, wanted: Plan) -> Piece:
    host = {"new_session": f"{wanted.module}:new_session"}
    unit = _session_unit(commits=wanted.commits)
    return payload.render(app, _PACKAGE, unit, Rendering(host=host))


def _session_unit(*, commits: bool) -> str:
    return "session_committing" if commits else "session_plain"


_INI = """[alembic]
script_location = migrations
prepend_sys_path = .
file_template = %%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s
"""

_TEMPLATE = '''"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
'''
