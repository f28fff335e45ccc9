"""The engine, the session of a request, and the base of every model."""

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from .host import database_url

# Constraints have names, so that a migration can alter them.
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of every model."""

    metadata = MetaData(naming_convention=NAMING)


# A request that finds no connection fails within seconds, not after half a minute.
engine = create_async_engine(
    database_url,
    pool_pre_ping=True,
    pool_size=10,  # when: server
    max_overflow=5,  # when: server
    pool_timeout=2,  # when: server
    pool_recycle=1800,  # when: server
    connect_args={"timeout": 3, "command_timeout": 10},  # when: server
)
new_session = async_sessionmaker(engine, expire_on_commit=False)
