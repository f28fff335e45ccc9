"""Hashes that the app has stored so far: bcrypt."""

import re

import bcrypt
from pwdlib.hashers import HasherProtocol

# Whole: some versions of bcrypt do not survive the attempt to read a part of one.
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


class StoredBcrypt(HasherProtocol):
    """Verifies bcrypt hashes, which know no more than the first 72 bytes of a password."""

    @classmethod
    def identify(cls, hash: str | bytes) -> bool:
        """True for a bcrypt hash."""
        text = hash.decode() if isinstance(hash, bytes) else hash
        return _BCRYPT.fullmatch(text) is not None

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        """Refused: new hashes are argon2id."""
        raise NotImplementedError

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        """True where `password` is the one that was hashed."""
        secret = password.encode() if isinstance(password, str) else password
        return bcrypt.checkpw(secret[:72], hash.encode() if isinstance(hash, str) else hash)

    def check_needs_rehash(self, hash: str | bytes) -> bool:
        """Every one of them is replaced."""
        return True
