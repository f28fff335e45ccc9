"""What failed logins are counted by."""

import hashlib
import ipaddress


def _account_key(login: str) -> str:
    """No names in the store: a digest says as much."""
    known_as = login.strip().lower().encode("utf-8", "replace")
    return f"account:{hashlib.sha256(known_as).hexdigest()}"


def _address_key(address: str) -> str:
    """An IPv6 host can take any address of its /64: that counts as one.

    A socket for both kinds calls an IPv4 host ``::ffff:192.0.2.1``; all of those share one /64.
    """
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{address}"
    if isinstance(host, ipaddress.IPv6Address):
        network = ipaddress.IPv6Network((int(host), 64), strict=False)
        return f"address:{host.ipv4_mapped or network.network_address}"
    return f"address:{host}"
