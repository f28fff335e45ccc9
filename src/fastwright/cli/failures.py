"""How a command ends: the exit code, and one clear message where it went wrong."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastwright.cli.commands import cli

if TYPE_CHECKING:
    from fastwright.model.errors import FastwrightError

INTERRUPTED = 130
BROKEN = 70
"""An error of fastwright's own: ``EX_SOFTWARE`` of sysexits.h."""


def run_command(arguments: Sequence[str] | None) -> int:
    """Run one command and turn whatever it raises into a message and an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    return guarded(lambda: _run(words), as_json="--json" in words)


def _interrupt(_number: int, _frame: object) -> None:
    """End as on Ctrl-C, so that whatever was opened is closed."""
    raise KeyboardInterrupt


def _run(words: list[str]) -> int:
    ended = cli.main(args=words, prog_name="fastwright", standalone_mode=False)
    return ended if isinstance(ended, int) else 0


def guarded(run: Callable[[], int], *, as_json: bool) -> int:
    """What `run` returns, or the exit code of what it raised, which is told."""
    from fastwright.model.errors import FastwrightError  # noqa: PLC0415

    try:
        return run()
    except FastwrightError as error:
        return _told(error, as_json=as_json)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as interrupt:
        told = str(interrupt.__cause__ or interrupt) or "nothing was changed"
        click.echo(f"\ninterrupted; {told}", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:  # noqa: BLE001 - the last stop before the person
        return _broken(error)


def _told(error: FastwrightError, *, as_json: bool) -> int:
    if as_json:
        from fastwright.report import json_text  # noqa: PLC0415

        click.echo(json_text.render_error(error), nl=False)
    else:
        from rich.console import Console  # noqa: PLC0415

        from fastwright.report.terminal import Terminal  # noqa: PLC0415

        Terminal(Console(stderr=True, highlight=False)).error(error)
    return error.exit_code


def _broken(error: Exception) -> int:
    descriptor, name = tempfile.mkstemp(prefix="fastwright-", suffix=".traceback")
    with os.fdopen(descriptor, "w") as file:
        traceback.print_exception(error, file=file)
    reason = str(error).splitlines()[0] if str(error) else "it gave no reason"
    click.echo(f"cannot go on\n  because of {type(error).__name__}: {reason}", err=True)
    click.echo(f"  do: report this as a fault of fastwright, with {Path(name)}", err=True)
    return BROKEN
