"""Settings that all tests share."""

from __future__ import annotations

import pytest
from hypothesis import settings

from fastwright.review import record

# A loaded machine is no finding: examples may take as long as they take.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rule's word is enough: what becomes of findings does not depend on today's record."""
    monkeypatch.setattr(record, "records", dict)
