import httpx
import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from shop.db import Base, get_session
from shop.main import app


@pytest.fixture(scope='module')
def anyio_backend():
    return 'asyncio'


@pytest.fixture
async def sessions(tmp_path):
    engine = create_async_engine(f'sqlite+aiosqlite:///{tmp_path}/test.db')
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


@pytest.fixture
async def client(sessions):
    async def session_of_test():
        async with sessions() as session:
            yield session

    app.dependency_overrides[get_session] = session_of_test
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url='http://shop'
    ) as client:
        yield client
    app.dependency_overrides.clear()
