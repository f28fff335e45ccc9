"""How often a login may fail, counted for each address and for each account."""

from .limit import Limit
from .limit_keys import _account_key, _address_key
from .shared_limit import SharedLimit

BY_ADDRESS = Limit(burst=20, interval=6)  # when: not-redis
BY_ACCOUNT = Limit(burst=5, interval=60)  # when: not-redis
BY_ADDRESS = SharedLimit(burst=20, interval=6)  # when: redis
BY_ACCOUNT = SharedLimit(burst=5, interval=60)  # when: redis


async def take_attempt(address: str | None, login: str) -> int:
    """Count one login: 0, or the whole seconds after which to try again."""
    if address is None:
        return await BY_ACCOUNT.take(_account_key(login))
    wait = await BY_ADDRESS.take(_address_key(address))
    return wait or await BY_ACCOUNT.take(_account_key(login))


async def forgive_attempt(address: str | None, login: str) -> None:
    """Take back what `take_attempt` counted, after a login that succeeded."""
    await BY_ACCOUNT.give_back(_account_key(login))
    if address is not None:
        await BY_ADDRESS.give_back(_address_key(address))
