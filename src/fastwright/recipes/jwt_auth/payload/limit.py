"""How often something may happen, counted for each key."""

import threading
import time
from collections.abc import Callable

MAX_KEYS = 50_000
SECOND = 1_000_000_000


class Limit:
    """At most `burst` failures at once, and one more every `interval` seconds, for each key.

    The generic cell rate algorithm: a key holds one number, the time at which all that was taken
    is paid off. It is kept in this process: every worker counts by itself.

    There are at most `MAX_KEYS` keys. Where more are tried, those that are paid off go first, then
    those that are paid off soonest: whoever tries many keys makes room among them, and does not
    open one that is closed.
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
        if len(self._until) < MAX_KEYS:
            return
        # A tenth at once: to sort them all for each further key would cost whoever logs in.
        ends = sorted(((end, key) for key, end in self._until.items() if end > now), reverse=True)
        self._until = {key: end for end, key in ends[: MAX_KEYS - MAX_KEYS // 10]}
