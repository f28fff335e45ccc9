"""A client of the app, with a database of its own."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from .host import Base, app, get_session


@pytest.fixture
def client() -> Iterator[TestClient]:
    """The app, with an empty database in memory."""
    engine = create_engine(
        "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
    )
    Base.metadata.create_all(engine)

    def session_of_test() -> Iterator[Session]:
        with Session(engine) as session:
            yield session
            session.commit()  # when: not-released

    given = dict(app.dependency_overrides)
    app.dependency_overrides[get_session] = session_of_test
    yield TestClient(app)  # when: not-some-hosts
    yield TestClient(app, base_url="http://localhost")  # when: some-hosts
    app.dependency_overrides.clear()
    app.dependency_overrides.update(given)
    engine.dispose()
