"""How often a login may fail and somebody may register, counted for each address and account."""

from .limit import Limit
from .limit_keys import _address_key
from .shared_limit import SharedLimit

REGISTRATIONS = Limit(burst=10, interval=60)  # when: not-redis
REGISTRATIONS = SharedLimit(burst=10, interval=60)  # when: redis


async def take_registration(address: str | None) -> int:
    """Count one registration: 0, or the whole seconds after which to try again.

    One that succeeds is counted too; callers whose address is not known count as one.
    """
    return await REGISTRATIONS.take(f"registration:{_address_key(address or '')}")
