"""Where the event loop stood still: sampled from a thread of its own while a request is answered.

A beat in the loop notes the time; while none comes, the thread looks at what the loop's thread is
doing. A machine that is busy holds the loop up as well, which is why one look is not enough.
"""

import asyncio
import sys
import threading
import time

LONGEST = 0.05
"""Seconds between two beats from which on the loop counts as held up."""
_EVERY = 0.01
_LOOKS = 3


class Stalls:
    """A context in the event loop that is watched; `found` tells of it afterwards."""

    def __init__(self, frames):
        self._frames = frames
        self._over = threading.Event()
        self._seen = {}
        self._places = {}

    def __enter__(self):
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._beat()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._next.cancel()
        self._over.set()
        self._thread.join()

    def found(self):
        """``[{"seconds", "stack"}]`` of the project's lines that held the loop up."""
        return [
            {"seconds": seconds, "stack": self._places[key]}
            for key, (seconds, looks) in self._seen.items()
            if seconds >= LONGEST and looks >= _LOOKS
        ]

    def _beat(self):
        self._last = time.perf_counter()
        self._next = self._loop.call_later(_EVERY, self._beat)

    def _look(self):
        while not self._over.wait(_EVERY):
            since = time.perf_counter() - self._last
            if since < 2 * _EVERY:
                continue
            stack = self._frames.below(sys._current_frames().get(self._watched))
            if stack:
                key = str(stack[0][:2])
                longest, looks = self._seen.get(key, (0.0, 0))
                self._places[key] = stack
                self._seen[key] = (max(longest, since), looks + 1)
