"""A client of the app."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from .host import app


@pytest.fixture
def client() -> Iterator[TestClient]:
    """The app, with the database that its settings name."""
    with TestClient(app) as client:
        yield client
