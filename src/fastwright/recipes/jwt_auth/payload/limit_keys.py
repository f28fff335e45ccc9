"""What failed logins are counted by."""

import hashlib
import ipaddress


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
