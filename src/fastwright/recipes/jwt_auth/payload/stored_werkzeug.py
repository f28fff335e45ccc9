"""Hashes that the app has stored so far: ``method$salt$digest``, as werkzeug writes them."""

import hashlib
import hmac

from pwdlib.hashers import HasherProtocol


class StoredWerkzeug(HasherProtocol):
    """Verifies ``scrypt:n:r:p`` and ``pbkdf2:digest:rounds`` hashes."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:
        """True for a hash of one of these two methods."""
        text = hash.decode() if isinstance(hash, bytes) else hash
        return text.startswith(("scrypt:", "pbkdf2:")) and text.count("$") == 2

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Refused: new hashes are argon2id."""
        raise NotImplementedError

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        """True where `password` is the one that was hashed."""
        text = hash.decode() if isinstance(hash, bytes) else hash
        method, salt, digest = text.split("$")
        secret = password.encode() if isinstance(password, str) else password
        return hmac.compare_digest(self._digest(method, secret, salt.encode()), digest)

    def check_needs_rehash(self, hash: str | bytes) -> bool:
        """Every one of them is replaced."""
        return True

    @staticmethod
    def _digest(method: str, secret: bytes, salt: bytes) -> str:
        name, *settings = method.split(":")
        if name == "pbkdf2":
            return hashlib.pbkdf2_hmac(settings[0], secret, salt, int(settings[1])).hex()
        n, r, p = (int(number) for number in settings)
        memory = 132 * n * r * p
        return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=64).hex()
