"""Paths under a prefix that the settings give."""

from httpx import AsyncClient

from .test_rows import app_of


def address(client: AsyncClient, path: str) -> str:
    """`path` under the prefix that the settings give."""
    served = [p for p in app_of(client).openapi()["paths"] if p.endswith(path)]
    return served[0] if served else path
