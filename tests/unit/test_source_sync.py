"""Asynchronous code has a synchronous form that does the same."""

from __future__ import annotations

import ast

import pytest

from fastwright.source.sync import render_sync


@pytest.mark.parametrize(
    ("asynchronous", "synchronous"),
    [
        ("async def f():\n    return 1\n", "def f():\n    return 1\n"),
        ("x = await f()\n", "x = f()\n"),
        ("x = (await f()).y\n", "x = f().y\n"),
        ("async with a as b:\n    pass\n", "with a as b:\n    pass\n"),
        ("async for a in b:\n    pass\n", "for a in b:\n    pass\n"),
        ("x = [a async for a in b]\n", "x = [a for a in b]\n"),
        ("x = await asyncio.to_thread(f, a, b)\n", "x = f(a, b)\n"),
        ("await asyncio.wait_for(f(a), timeout=2)\n", "f(a)\n"),
        ("await c.run_sync(metadata.create_all)\n", "metadata.create_all(c)\n"),
        ("await client.aclose()\n", "client.close()\n"),
        ('x = "async def f(): await g()"\n', 'x = "async def f(): await g()"\n'),
        ("# await this\nx = await_(1)\n", "# await this\nx = await_(1)\n"),
    ],
)
def test_each_form_has_its_twin(asynchronous: str, synchronous: str) -> None:
    """Each asynchronous construct becomes its twin; strings and comments stay."""
    assert render_sync(asynchronous) == synchronous


def test_types_come_from_their_own_modules() -> None:
    """SQLAlchemy's types and makers change their name and their module, and stay sorted."""
    text = render_sync(
        "from collections.abc import AsyncIterator\n\n"
        "from sqlalchemy import select\n"
        "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine\n\n"
        'engine = create_async_engine("x")\n\n\n'
        "async def get() -> AsyncIterator[AsyncSession]:\n"
        "    async with AsyncSession(engine) as session:\n"
        "        await session.scalar(select(1))\n"
        "        yield session\n"
    )
    assert text == (
        "from collections.abc import Iterator\n\n"
        "from sqlalchemy import create_engine, select\n"
        "from sqlalchemy.orm import Session\n\n"
        'engine = create_engine("x")\n\n\n'
        "def get() -> Iterator[Session]:\n"
        "    with Session(engine) as session:\n"
        "        session.scalar(select(1))\n"
        "        yield session\n"
    )


def test_a_generator_names_its_result_too() -> None:
    """The synchronous generator type has a third parameter."""
    text = render_sync(
        "from collections.abc import AsyncGenerator\n\n"
        "async def f() -> AsyncGenerator[int, None]:\n    yield 1\n"
    )
    assert "-> Generator[int, None, None]:" in text


def test_tests_lose_their_mark_and_change_their_client() -> None:
    """A marked asynchronous test becomes a plain one, over FastAPI's own client."""
    text = render_sync(
        "import httpx\nimport pytest\n\npytestmark = pytest.mark.anyio\n\n\n"
        "async def test_x(client: httpx.AsyncClient) -> None:\n"
        '    assert (await client.get("/")).status_code == 200\n'
    )
    assert text == (
        "from fastapi.testclient import TestClient\n\n\n"
        "def test_x(client: TestClient) -> None:\n"
        '    assert client.get("/").status_code == 200\n'
    )


def test_what_has_no_twin_is_an_error() -> None:
    """Concurrency is not dropped in silence."""
    with pytest.raises(ValueError, match=r"asyncio\.gather"):
        render_sync("import asyncio\n\nx = await asyncio.gather(a, b)\n")


def test_the_result_has_nothing_asynchronous() -> None:
    """No node of the rendered tree is asynchronous."""
    text = render_sync("async def f():\n    async with a() as b:\n        return await b.c()\n")
    kinds = (ast.AsyncFunctionDef, ast.AsyncWith, ast.AsyncFor, ast.Await)
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
