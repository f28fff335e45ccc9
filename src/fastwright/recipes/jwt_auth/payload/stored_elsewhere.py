"""Hashes that the app has stored so far, verified by the app's own function."""

from pwdlib.hashers import HasherProtocol

from .host import verify_stored


class StoredElsewhere(HasherProtocol):
    """Verifies hashes that are not argon2 the way that the app did before."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:
        """True for every other hash; it stands last."""
        text = hash.decode() if isinstance(hash, bytes) else hash
        return bool(text) and not text.startswith("$argon2")

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Refused: new hashes are argon2id."""
        raise NotImplementedError

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        """True where the app's own function says so; raises what it raises."""
        secret = password if isinstance(password, str) else password.decode()
        text = hash.decode() if isinstance(hash, bytes) else hash
        return bool(verify_stored(secret, text))

    def check_needs_rehash(self, hash: str | bytes) -> bool:
        """Every one of them is replaced."""
        return True
