"""Runs the migrations against the configured database, or the one that a caller names."""

from alembic import context
from sqlalchemy import create_engine, pool

from blog import models
from blog.config import get_settings

target_metadata = models.Base.metadata


def database_url() -> str:
    return context.config.attributes.get("url") or get_settings().database_url


def run_online() -> None:
    engine = create_engine(database_url(), poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection, target_metadata=target_metadata, render_as_batch=True
        )
        with context.begin_transaction():
            context.run_migrations()


def run_offline() -> None:
    context.configure(url=database_url(), target_metadata=target_metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
