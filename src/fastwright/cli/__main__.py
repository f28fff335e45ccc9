"""``python -m fastwright.cli``."""

from __future__ import annotations

import sys

from fastwright.cli import main

sys.exit(main())
