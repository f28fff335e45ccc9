"""Settings that all tests share."""

from __future__ import annotations

from hypothesis import settings

# A loaded machine is no finding: examples may take as long as they take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
