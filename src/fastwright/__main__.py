"""``python -m fastwright``."""

from __future__ import annotations

import sys

try:
    from fastwright.cli import program
except KeyboardInterrupt:
    sys.exit(130)

program()
