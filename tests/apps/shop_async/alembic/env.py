import asyncio

from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

from shop.carts import models as carts_models  # noqa: F401
from shop.db import Base
from shop.products import models as products_models  # noqa: F401
from shop.settings import settings


def run(connection):
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(settings.database_url)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
