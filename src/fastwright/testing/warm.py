"""Runs in a sample environment: imports the frameworks once, then boots one app a line, forked.

Reads ``{"folder": …, "target": "module:name"}`` as JSON lines and answers each with a line:
``{"error": ""}``, or the end of the traceback. Standard library only until the first line.
"""

import importlib
import json
import os
import sys
import traceback
import warnings


def main() -> None:
    """Answer until the input ends."""
    for name in ("fastapi", "fastapi.testclient", "sqlalchemy.ext.asyncio", "sqlmodel", "jwt"):
        try:
            importlib.import_module(name)
        except ImportError:
            continue
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps({"error": _forked(asked["folder"], asked["target"])}) + "\n")
        sys.stdout.flush()


def _forked(folder: str, target: str) -> str:
    """The error of one boot, made in a child so that nothing of it stays."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        said = _boot(folder, target)
        with os.fdopen(writing, "w") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return said if status == 0 else said or f"the process ended with status {status}"


def _boot(folder: str, target: str) -> str:
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.stdout = sys.stderr
    warnings.simplefilter("ignore")
    module, _, name = target.partition(":")
    try:
        app = getattr(importlib.import_module(module), name)
        made = app if hasattr(app, "openapi") else app()
        made.openapi()
    except BaseException:  # noqa: BLE001 - whatever it is ends this child alone
        return traceback.format_exc(limit=-4)
    return ""


if __name__ == "__main__":
    main()
