"""The suite's own client, by the name that these tests call it."""

from typing import Any

import pytest


@pytest.fixture
def client(suite_client: Any) -> Any:
    """The suite's own client."""
    return suite_client
