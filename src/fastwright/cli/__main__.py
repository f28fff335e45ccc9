"""``python -m fastwright.cli``."""

from __future__ import annotations

from fastwright.cli import program

program()
