"""The limits that the payload writes, as they stand there."""

from __future__ import annotations

import asyncio

from fastwright.recipes.jwt_auth.payload.limit import MAX_KEYS, SECOND, Limit
from fastwright.recipes.jwt_auth.payload.limit_keys import _account_key, _address_key


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        """Nanoseconds."""
        return self.now


def take(limit: Limit, key: str = "k") -> int:
    """One attempt."""
    return asyncio.run(limit.take(key))


def test_a_burst_is_let_through_and_no_more() -> None:
    """Exactly as many attempts as the burst are free; the next one waits a whole interval."""
    limit = Limit(burst=5, interval=60, clock=Clock())
    assert [take(limit) for _ in range(6)] == [0, 0, 0, 0, 0, 60]


def test_time_gives_attempts_back() -> None:
    """One attempt returns with each interval, at any moment of the clock."""
    clock = Clock()
    limit = Limit(burst=1, interval=60, clock=clock)
    for start in (0, 123_456_789_123, 987_654_321_987_654):
        clock.now = start
        assert take(limit) == 0
        clock.now += 59 * SECOND
        assert take(limit) == 1
        clock.now += SECOND
        assert take(limit) == 0
        clock.now += 10**6 * SECOND


def test_a_success_is_not_counted() -> None:
    """What is given back can be taken again, exactly once."""
    limit = Limit(burst=1, interval=60, clock=Clock())
    for _ in range(1000):
        assert take(limit) == 0
        asyncio.run(limit.give_back("k"))
    assert take(limit) == 0
    assert take(limit) > 0


def test_a_refused_attempt_costs_nothing_more() -> None:
    """Trying while closed does not move the end of the wait."""
    limit = Limit(burst=1, interval=60, clock=Clock())
    assert [take(limit) for _ in range(4)] == [0, 60, 60, 60]


def test_keys_are_counted_apart_and_forgotten() -> None:
    """Memory is bounded: keys whose time is over make room for new ones."""
    clock = Clock()
    limit = Limit(burst=1, interval=1, clock=clock)
    for number in range(MAX_KEYS):
        assert take_now(limit, str(number)) == 0
    clock.now = 2 * SECOND
    assert take_now(limit, "one more") == 0
    assert len(limit._until) == 1


def test_many_keys_open_none_that_is_closed() -> None:
    """Whoever tries more keys than are kept resets their own counts, and nobody else's."""
    clock = Clock()
    limit = Limit(burst=5, interval=60, clock=clock)
    for _ in range(5):
        assert take_now(limit, "somebody") == 0
    for number in range(2 * MAX_KEYS):
        assert take_now(limit, str(number)) == 0
    assert take_now(limit, "somebody") == 60
    assert len(limit._until) <= MAX_KEYS


def take_now(limit: Limit, key: str) -> int:
    """One attempt, without an event loop of its own."""
    try:
        limit.take(key).send(None)
    except StopIteration as done:
        return int(done.value)
    raise AssertionError("a limit in memory does not wait")


def test_an_ipv6_network_is_one_address() -> None:
    """Whoever has a /64 has one allowance, not 2⁶⁴."""
    one, other = _address_key("2001:db8::1"), _address_key("2001:db8::ffff:2")
    assert one == other != _address_key("2001:db8:0:1::1")
    assert _address_key("192.0.2.1") != _address_key("192.0.2.2")
    assert _address_key("testclient") == "address:testclient"
    assert _address_key("fe80::1%eth0") == _address_key("fe80::2%eth0")


def test_ipv4_hosts_do_not_share_a_limit() -> None:
    """Not even on a socket for both kinds, where one of them would lock all others out."""
    assert _address_key("::ffff:192.0.2.1") == _address_key("192.0.2.1")
    assert _address_key("::ffff:192.0.2.1") != _address_key("::ffff:192.0.2.2")


def test_the_store_holds_no_names() -> None:
    """Keys of accounts do not show who they are of, and ignore how a login is written."""
    key = _account_key(" Ann@Example.com")
    assert "ann" not in key.lower()
    assert key == _account_key("ann@example.com")
    assert _account_key("\ud800")
