"""The app tells whether it runs, and whether it can serve."""

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_a_running_app_is_live(client: httpx.AsyncClient) -> None:
    """Liveness answers 200 while the process runs."""
    answer = await client.get("/health/live")
    assert answer.status_code == 200
    assert answer.json() == {"status": "up"}


async def test_the_app_is_ready(client: httpx.AsyncClient) -> None:
    """Readiness answers 200 while the app can serve."""
    answer = await client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json() == {"status": "up"}
