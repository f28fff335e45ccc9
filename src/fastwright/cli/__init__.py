"""Arguments → calls, nothing else. Imports of the other layers wait until a command needs them."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (`model.errors` says which).

    Args:
        arguments: What stands after the program's name; by default those of the process.
    """
    from fastwright.cli.failures import run_command  # noqa: PLC0415

    return run_command(arguments)
