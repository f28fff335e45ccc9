"""Settings rewritten to the ports and files of a world without namespaces."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fastwright.lab.rewriting import rewrite
from fastwright.lab.sandbox import Mount, Sandbox
from fastwright.lab.servers import Servers
from fastwright.lab.services import REDIS, Service, read

PORTS = {"postgresql": 50001, "redis": 50002}


def rewritten(values: dict[str, str]) -> dict[str, str]:
    """Settings as commands get them."""
    return rewrite(values, PORTS, lambda path: f"/scratch{path}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("postgresql+asyncpg://u:p%40@db:5433/shop", "postgresql+asyncpg://u:p%40@{pg}/shop"),
        ("postgresql://db/shop?user=u&application_name=x", "postgresql://u@{pg}/shop?user=u&"),
        ("postgresql://u@/shop?host=/var/run/postgresql", "postgresql://u@{pg}/shop"),
        ("postgresql://u@db/shop?sslmode=require", "postgresql://u@{pg}/shop"),
        ("rediss://:pw@cache/3", "redis://:pw@{redis}/3"),
        ("unix:///run/redis.sock", "redis://{redis}/0"),
        ("sqlite+aiosqlite:////data/app.db", "sqlite+aiosqlite:////scratch/data/app.db"),
        ("sqlite:///./app.db", "sqlite:///./app.db"),
        ("mysql://u@db/shop", "mysql://u@db/shop"),
        ("https://example.test/?next=postgresql://db", "https://example.test/"),
    ],
)
def test_a_url_leads_to_the_private_server(before: str, after: str) -> None:
    """Only the place changes: driver, credentials, database and other options stay."""
    expected = after.format(pg="127.0.0.1:50001", redis="127.0.0.1:50002")
    assert rewritten({"URL": before})["URL"].startswith(expected)


def test_a_rewritten_url_names_one_server_at_loopback() -> None:
    """What is read from the new value is the private server, under the same database."""
    (service,) = read(rewritten({"URL": "postgresql://u:p@a:1,b:2/shop?ssl=true"}))
    assert (service.host, service.port, service.database) == ("127.0.0.1", 50001, "shop")
    assert not service.tls


def test_parts_lead_there_too() -> None:
    """Host and port of each kind, the port also where only a default stands; others stay."""
    values = {
        "POSTGRES_SERVER": "db",
        "POSTGRES_PORT": "5432",
        "POSTGRES_DB": "shop",
        "REDIS_HOST": "cache",
        "MYSQL_HOST": "old",
        "PORT": "8000",
    }
    assert rewritten(values) == values | {
        "POSTGRES_SERVER": "127.0.0.1",
        "POSTGRES_PORT": "50001",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": "50002",
    }


def test_a_path_is_seen_in_the_nearest_mount() -> None:
    """Without namespaces a command finds a path in the folder that stands for it."""
    mounts = (Mount("/s/home", "/home/a", writable=True), Mount("/s/copy", "/home/a/tree"))
    place = Path("/s")
    open_air = Sandbox(place, mounts, isolated=False)
    assert open_air.seen_at("/home/a/tree/x") == "/s/copy/x"
    assert open_air.seen_at("/home/a/.cache") == "/s/home/.cache"
    assert open_air.seen_at("/usr/bin") == "/usr/bin"
    assert Sandbox(place, mounts).seen_at("/home/a") == "/home/a"


@pytest.mark.parametrize("taken", [False, True])
def test_a_server_answers_at_the_apps_own_port_where_nobody_is_there(
    tmp_path: Path, taken: bool
) -> None:
    """A port that stands in the app's code leads to the private server, never to a person's own."""
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        port = theirs.getsockname()[1]
        if not taken:
            theirs.close()
        wanted = Service(REDIS, "the code", host="localhost", port=port)
        servers = Servers(tmp_path / "world", (wanted,), isolated=False)
        try:
            servers.start(tmp_path / "cache")
            found = servers.relay_in_the_open().ports[REDIS]
        finally:
            servers.stop()
    assert (found == port) is not taken
