"""A client of the app."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from .host import app, get_session


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """The app, with the database that its settings name."""
    # One client for all: pooled connections belong to the event loop that opened them.
    given = dict(app.dependency_overrides)  # when: mocked
    app.dependency_overrides.pop(get_session, None)  # when: mocked
    called = TestClient(app)  # when: not-some-hosts
    called = TestClient(app, base_url="http://localhost")  # when: some-hosts
    with called as client:
        yield client
    app.dependency_overrides.update(given)  # when: mocked
