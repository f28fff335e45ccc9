"""How often a login may fail, counted for each address and for each account."""

import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable

MAX_KEYS = 50_000
SECOND = 1_000_000_000


class Limit:
    """At most `burst` failures at once, and one more every `interval` seconds, for each key.

    The generic cell rate algorithm: a key holds one number, the time at which all that was taken
    is paid off. It is kept in this process: every worker counts by itself.
    """

    def __init__(
        self, burst: int, interval: int, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        # Whole nanoseconds: sums of fractions would let or stop one attempt too many.
        self._interval = interval * SECOND
        self._burst, self._clock = burst, clock
        self._until: dict[str, int] = {}
        self._lock = threading.Lock()

    async def take(self, key: str) -> int:
        """Take one attempt of `key`: 0, or the seconds until there is one again."""
        with self._lock:
            now = self._clock()
            until = max(self._until.get(key, now), now) + self._interval
            wait = until - now - self._burst * self._interval
            if wait > 0:
                return -(-wait // SECOND)
            self._forget(now)
            self._until[key] = until
        return 0

    async def give_back(self, key: str) -> None:
        """Undo one `take`: the attempt was not a failure."""
        with self._lock:
            if key in self._until:
                self._until[key] -= self._interval

    def _forget(self, now: int) -> None:
        if len(self._until) >= MAX_KEYS:
            for key in [k for k, end in self._until.items() if end <= now]:
                del self._until[key]
        if len(self._until) >= MAX_KEYS:
            self._until.clear()


BY_ADDRESS = Limit(burst=20, interval=6)
BY_ACCOUNT = Limit(burst=5, interval=60)


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


def _account_key(login: str) -> str:
    """No names in the store: a digest says as much."""
    known_as = login.strip().lower().encode("utf-8", "replace")
    return f"account:{hashlib.sha256(known_as).hexdigest()}"


def _address_key(address: str) -> str:
    """An IPv6 host can take any address of its /64: that counts as one."""
    try:
        length = 64 if ":" in address else 32
        network = ipaddress.ip_network((address, length), strict=False)
    except ValueError:
        return f"address:{address}"
    return f"address:{network.network_address}"
