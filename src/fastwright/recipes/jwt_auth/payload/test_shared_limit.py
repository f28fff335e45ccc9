"""Limits that workers share."""

import asyncio  # when: async
import importlib
from typing import Any
from uuid import uuid4


def shared_limit(**options: str) -> Any:
    """A limit of three attempts, as one more worker would have it."""
    try:
        limits = importlib.import_module("placeholder.limits")
    except ModuleNotFoundError:
        limits = None
    assert hasattr(limits, "SharedLimit"), "nothing limits logins"
    return limits.SharedLimit(burst=3, interval=60, **options)


async def attempts(*workers: Any) -> list[int]:
    """Six attempts of one key by each of `workers`, in turn: what each has to wait."""
    key = uuid4().hex
    return [await worker.take(key) for worker in workers * 6]


def test_workers_share_a_limit() -> None:
    """Three of all attempts pass where Redis answers; else three of each worker's."""
    one, other = shared_limit(), shared_limit()
    waits = asyncio.run(attempts(one, other))  # when: async
    waits = attempts(one, other)  # when: sync
    assert waits.count(0) == (3 if one.in_redis else 6)
    assert all(0 < wait <= 60 for wait in waits[6:])


def test_logins_are_limited_without_redis() -> None:
    """Where Redis cannot be reached, attempts are counted all the same."""
    alone = shared_limit(store="redis://127.0.0.1:1")
    waits = asyncio.run(attempts(alone))  # when: async
    waits = attempts(alone)  # when: sync
    assert waits[:3] == [0, 0, 0]
    assert all(0 < wait <= 60 for wait in waits[3:])
    assert not alone.in_redis
