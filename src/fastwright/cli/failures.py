"""How a command ends: the exit code, and one clear message where it went wrong."""

from __future__ import annotations

import contextlib
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
from fastwright.cli.unwritten import UNWRITTEN, flush_output, is_of_the_device

if TYPE_CHECKING:
    from fastwright.model.errors import FastwrightError

INTERRUPTED = 130
BROKEN = 70
"""An error of fastwright's own: ``EX_SOFTWARE`` of sysexits.h."""


def run_command(arguments: Sequence[str] | None) -> int:
    """Run one command and turn whatever it raises into a message and an exit code."""
    words = _words(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)
    return guarded(lambda: _run(words), as_json=_for_programs(words))


def end_interrupted(arguments: Sequence[str] | None) -> int:
    """Tell that the command was interrupted before it began; the exit code."""
    return _interrupted(KeyboardInterrupt(), as_json=_for_programs(_words(arguments)))


def _words(arguments: Sequence[str] | None) -> list[str]:
    return list(sys.argv[1:] if arguments is None else arguments)


def _for_programs(words: Sequence[str]) -> bool:
    """True where the command was asked for JSON, before it is known whether the rest is right."""
    joined = " ".join(words).replace("--format=", "--format ")
    return "--json" in words or "--format json" in joined


def _interrupt(_number: int, _frame: object) -> None:
    """End as on Ctrl-C, so that whatever was opened is closed."""
    raise KeyboardInterrupt


def _run(words: list[str]) -> int:
    try:
        ended = cli.main(args=words, prog_name="fastwright", standalone_mode=False)
    except SystemExit:  # called like this, click ends by itself only where the reader is gone
        raise BrokenPipeError from None
    flush_output()
    return ended if isinstance(ended, int) else 0


def guarded(run: Callable[[], int], *, as_json: bool) -> int:
    """What `run` returns, or the exit code of what it raised, which is told."""
    from fastwright.model.errors import FastwrightError  # noqa: PLC0415

    try:
        return run()
    except FastwrightError as error:
        return _told(error, as_json=as_json)
    except click.ClickException as error:
        return _misused(error, as_json=as_json)
    except (KeyboardInterrupt, click.Abort) as interrupt:
        return _interrupted(interrupt, as_json=as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 128 + signal.SIGPIPE  # as a shell tells of it; 1 would be findings
    except OSError as error:
        told = _unwritten if is_of_the_device(error) else _broken
        return told(error, as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last stop before the person
        return _broken(error, as_json=as_json)


def _told(error: FastwrightError, *, as_json: bool) -> int:
    if as_json:
        _document(error, error.exit_code)
    else:
        from rich.console import Console  # noqa: PLC0415

        from fastwright.report.terminal import Terminal  # noqa: PLC0415

        Terminal(Console(stderr=True, highlight=False)).error(error)
    return error.exit_code


def _document(error: FastwrightError, exit_code: int) -> None:
    from fastwright.report import json_text  # noqa: PLC0415

    click.echo(json_text.render_error(error, exit_code), nl=False)


def _misused(error: click.ClickException, *, as_json: bool) -> int:
    from fastwright.model.errors import UsageError  # noqa: PLC0415

    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "fastwright"
    if as_json:
        do = f"`{command} --help` shows what it takes"
        _document(
            UsageError(f"cannot run `{command}`", error.format_message(), do), error.exit_code
        )
    else:
        error.show()
    return error.exit_code


def _interrupted(interrupt: BaseException, *, as_json: bool) -> int:
    from fastwright.model.errors import FastwrightError  # noqa: PLC0415

    told = str(interrupt) or str(interrupt.__cause__ or "") or "nothing was changed"
    if as_json:
        _document(
            FastwrightError("cannot go on", f"interrupted; {told}", "run it again"), INTERRUPTED
        )
    else:
        click.echo(f"\ninterrupted; {told}", err=True)
    return INTERRUPTED


def _unwritten(error: OSError, *, as_json: bool) -> int:
    """Tell it where it can be told: the stream that is full may be any of them."""
    from fastwright.model.errors import FastwrightError  # noqa: PLC0415

    cannot = f"cannot write `{error.filename}`" if error.filename else "cannot write"
    because = error.strerror or str(error)
    with contextlib.suppress(OSError):
        if as_json:
            _document(FastwrightError(cannot, because, "make room, and run it again"), UNWRITTEN)
            flush_output()
            return UNWRITTEN
    with contextlib.suppress(OSError):
        click.echo(f"{cannot}: {because}", err=True)
    return UNWRITTEN


def _broken(error: Exception, *, as_json: bool) -> int:
    from fastwright.model.errors import FastwrightError  # noqa: PLC0415

    descriptor, name = tempfile.mkstemp(prefix="fastwright-", suffix=".traceback")
    with os.fdopen(descriptor, "w") as file:
        traceback.print_exception(error, file=file)
    reason = str(error).splitlines()[0] if str(error) else "it gave no reason"
    because = f"{type(error).__name__}: {reason}"
    do = f"report this as a fault of fastwright, with {Path(name)}"
    if as_json:
        _document(FastwrightError("cannot go on", because, do), BROKEN)
    else:
        click.echo(f"cannot go on\n  because of {because}\n  do: {do}", err=True)
    return BROKEN
