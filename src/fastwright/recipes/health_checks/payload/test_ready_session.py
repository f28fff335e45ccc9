"""The app is not ready without its database."""

import httpx
import pytest

from .host import app, get_session


async def unreachable() -> None:
    """Stands for the function above."""


async def test_the_app_is_not_ready_without_its_database(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readiness answers 503 while the database is away; liveness goes on."""
    monkeypatch.setitem(app.dependency_overrides, get_session, unreachable)
    answer = await client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json() == {"status": "down"}
    assert (await client.get("/health/live")).status_code == 200
