"""Alembic, driven through several steps in one process of the app's own Python.

`SCRIPT` runs there, so that it is text here: standard library, Alembic and SQLAlchemy, and no
syntax above Python 3.8.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.prove.side import Side

SCRIPT = r"""
import io, json, os, sys, traceback

def main(config_path, steps):
    from alembic import command
    from alembic.config import Config
    sys.path.insert(0, os.getcwd())
    config = Config(config_path, stdout=io.StringIO())
    told = []
    for step in steps:
        try:
            told.append({"step": step, "value": take(command, config, step)})
        except BaseException as error:
            last = "%s: %s" % (type(error).__name__, str(error).strip().split("\n")[0])
            told.append({"step": step, "error": last, "trace": traceback.format_exc()[-2000:]})
            if step[0] != "check":
                break
    print("\n" + json.dumps(told))

def take(command, config, step):
    if step[0] == "snapshot":
        return snapshot(config)
    if step[0] == "check" and not hasattr(command, "check"):
        return "not offered"
    getattr(command, step[0])(config, *step[1:])

def snapshot(config):
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    found = {}
    def look(revision, context):
        from sqlalchemy import inspect
        seen = inspect(context.connection)
        for table in seen.get_table_names():
            if table != "alembic_version":
                found[table] = shape(seen, table)
        return []
    script = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, script, fn=look):
        script.run_env()
    return found

def shape(seen, table):
    columns = {c["name"]: "%s%s" % (c["type"], "" if c["nullable"] else " not null")
               for c in seen.get_columns(table)}
    indexes = {"index %s" % i["name"]: " ".join(map(str, i["column_names"]))
               for i in seen.get_indexes(table)}
    return dict(columns, **indexes)

main(sys.argv[1], json.loads(sys.argv[2]))
"""


@dataclass(frozen=True, slots=True)
class Took:
    """How one step ended: its result, or Alembic's error with the end of the traceback."""

    step: tuple[str, ...]
    value: object = None
    error: str = ""
    trace: str = ""


def take(side: Side, config: PurePosixPath, steps: Sequence[Sequence[str]]) -> tuple[Took, ...]:
    """Take `steps` in the world of `side`, up to the first that fails; ``check`` may fail.

    A step is an Alembic command with its arguments, or ``snapshot``: every table of the database
    with its columns and indexes.
    """
    argv = ("python", "-c", SCRIPT, config.name, json.dumps(steps))
    roots = dict.fromkeys((side.map.roots.imports, side.map.roots.working))
    paths = os.pathsep.join(os.path.normpath(side.world.tree / root) for root in roots)
    folder = side.world.copy / config.parent
    ended = side.world.run(argv, env={"PYTHONPATH": paths}, cwd=folder, timeout=180)
    lines = [line for line in ended.out.splitlines() if line.startswith("[{")]
    if not lines:
        said = (ended.err or ended.out).strip().splitlines()
        why = "it took longer than 180 s" if ended.timed_out else (said or ["it said nothing"])[-1]
        return (
            Took(tuple(steps[0]), error=f"Alembic did not run: {why}", trace=ended.err[-2000:]),
        )
    return tuple(_read(each) for each in json.loads(lines[-1]))


def _read(told: Mapping[str, object]) -> Took:
    step = told["step"]
    return Took(
        tuple(str(word) for word in step) if isinstance(step, list) else (),
        told.get("value"),
        str(told.get("error", "")),
        str(told.get("trace", "")),
    )
