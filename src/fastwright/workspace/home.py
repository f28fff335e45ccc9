"""The person's home folder, which not everybody has."""

from __future__ import annotations

from pathlib import Path


def home() -> Path:
    """It; the root folder where the system knows none, as for a number without a name."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/")
