"""Limits that all workers count together."""

import hashlib

from redis.asyncio import Redis
from redis.asyncio.retry import Retry  # when: async
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry  # when: sync

from .host import settings
from .limit import Limit

STORE = str(settings.redis_url)
STORE_TIMEOUT = 0.1
# The clock is that of Redis, in microseconds: workers whose clocks differ agree.
TAKE = """
local time = redis.call("TIME")
local now = time[1] * 1000000 + time[2]
local burst, interval = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local paid = math.max(tonumber(redis.call("GET", KEYS[1]) or now), now) + interval
local wait = paid - now - burst * interval
if wait > 0 then return math.ceil(wait / 1000000) end
local lasts = math.ceil((paid - now) / 1000)
redis.call("SET", KEYS[1], string.format("%.0f", paid), "PX", lasts)
return 0
"""
GIVE_BACK = """
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
return redis.call("DECRBY", KEYS[1], ARGV[1] * 1000000)
"""


class SharedLimit:
    """A `Limit` that is counted in Redis, exactly, whichever worker takes an attempt.

    A take is one round trip. Where Redis does not answer within `STORE_TIMEOUT` seconds, this
    process counts by itself, as `Limit` does, until it answers again: logins go on, still limited.
    `in_redis` says where the last attempt was counted.
    """

    def __init__(self, burst: int, interval: int, store: str = STORE) -> None:
        self._burst, self._interval = burst, interval
        self._here = Limit(burst, interval)
        redis = Redis.from_url(
            store,
            socket_timeout=STORE_TIMEOUT,
            socket_connect_timeout=STORE_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = redis.register_script(TAKE)
        self._give_back = redis.register_script(GIVE_BACK)
        self.in_redis = False

    async def take(self, key: str) -> int:
        """Take one attempt of `key`: 0, or the seconds until there is one again."""
        arguments = [self._burst, self._interval]
        # A connection that another event loop opened, as tests do, ends in a RuntimeError.
        try:
            wait = await self._take(keys=[_digest(key)], args=arguments)
        except (RedisError, OSError, RuntimeError):
            self.in_redis = False
            return await self._here.take(key)
        self.in_redis = True
        return int(wait)

    async def give_back(self, key: str) -> None:
        """Undo one `take`: the attempt was not a failure."""
        try:
            await self._give_back(keys=[_digest(key)], args=[self._interval])
        except (RedisError, OSError, RuntimeError):
            await self._here.give_back(key)


def _digest(key: str) -> str:
    """The store holds no addresses either."""
    return "placeholder-logins:" + hashlib.sha256(key.encode()).hexdigest()
