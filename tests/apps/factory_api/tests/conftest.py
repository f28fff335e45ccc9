from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from clinic.app import create_app
from clinic.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{tmp_path}/clinic.db", api_prefix="/c", page_size=2)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client
