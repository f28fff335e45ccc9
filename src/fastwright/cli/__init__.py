"""Arguments → calls, nothing else. Imports of the other layers wait until a command needs them."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (`model.errors` says which).

    Args:
        arguments: What stands after the program's name; by default those of the process.
    """
    try:
        from fastwright.cli.failures import run_command  # noqa: PLC0415

        return run_command(arguments)
    except KeyboardInterrupt:
        return _interrupted_early(arguments)


def _interrupted_early(arguments: Sequence[str] | None) -> int:
    """The end of a command that was interrupted while its own modules were being imported."""
    import signal  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from fastwright.cli.failures import end_interrupted  # noqa: PLC0415

    return end_interrupted(arguments)


def program() -> None:
    """Run the process's own command, and end the process.

    What is in memory is not taken apart first: of the map of a large app that takes seconds.
    """
    code = main()
    atexit._run_exitfuncs()  # `os._exit` leaves them out
    for stream in filter(None, (sys.stdout, sys.stderr)):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
