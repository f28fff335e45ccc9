"""Properties that the written code promises, each with the edit that takes it out again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.change import Mutation
from fastwright.recipes.jwt_auth.render import Style, worded
from fastwright.recipes.payload import requoted
from fastwright.source import import_header


@dataclass(frozen=True, slots=True)
class _Property:
    """A promised property of `unit`: `old` is written once, `new` is the same without it.

    `beside` is a unit whose tests guard it: without that unit it is not promised.
    """

    name: str
    unit: str
    old: str
    new: str
    flag: str = ""
    beside: str = ""


_DECODED = 'options={"require": REQUIRED}'


def _decoded(options: str) -> str:
    return f'options={{"require": REQUIRED, {options}}}'


_PROPERTIES = (
    _Property(
        "the signature is verified",
        "tokens",
        _DECODED,
        _decoded(
            '"verify_signature": False, "verify_exp": True, "verify_aud": True, "verify_iss": True'
        ),
        "me",
    ),
    _Property("expiry is verified", "tokens", _DECODED, _decoded('"verify_exp": False'), "me"),
    _Property(
        "the audience is verified", "tokens", _DECODED, _decoded('"verify_aud": False'), "me"
    ),
    _Property("the issuer is verified", "tokens", _DECODED, _decoded('"verify_iss": False'), "me"),
    _Property(
        "a claim that is missing is missed",
        "tokens",
        _DECODED,
        'options={"require": []}',
        "me",
    ),
    _Property(
        "the password is compared",
        "passwords",
        "if matches and stored else None",
        "if stored else None",
    ),
    _Property(
        "an unknown account costs a verification too",
        "passwords",
        "    target = stored or _decoy\n",
        "    if not stored:\n        return None\n    target = stored\n",
    ),
    _Property(
        "a hash that cannot be read opens nothing",
        "passwords",
        "        _hashes.verify(password, _decoy)\n        return None\n",
        "        return target\n",
    ),
    _Property(
        "a hash that cannot be read costs a verification too",
        "passwords",
        "        _hashes.verify(password, _decoy)\n        return None\n",
        "        return None\n",
    ),
    _Property(
        "what cannot be a password is not hashed",
        "service",
        "if not (is_text(login) and is_text(password)):",
        "if not is_text(login):",
    ),
    _Property(
        "a password is verified off the event loop",
        "passwords",
        "return await loop.run_in_executor(_hashing, _check, password, stored)",
        "return _check(password, stored)",
        "async",
    ),
    _Property(
        "a password is verified off the event loop",
        "passwords",
        "return _hashing.submit(_check, password, stored).result()",
        "return _check(password, stored)",
        "sync",
    ),
    _Property(
        "a new hash takes work",
        "passwords",
        "Argon2Hasher()",
        "Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)",
        "own-argon",
    ),
    _Property(
        "failures are limited for each account",
        "limits",
        "return wait or {await}BY_ACCOUNT.take(_account_key(login))",
        "return wait",
    ),
    _Property(
        "failures are limited for each address",
        "limits",
        "wait = {await}BY_ADDRESS.take(_address_key(address))",
        "wait = 0",
    ),
    _Property(
        "failures are limited where Redis does not answer",
        "shared_limit",
        "return {await}self._here.take(key)",
        "return 0",
    ),
    _Property(
        "a token ends with its password",
        "current_user",
        " or not claims.fit(",
        " or not bool(",
        "me",
    ),
    _Property(
        "a switched-off account does not log in",
        "service",
        "if account is None or not account.is_enabled:",
        "if account is None:",
        "active-test",
    ),
    _Property(
        "reuse of a refresh token ends its family",
        "refreshing",
        "if ({await}session.scalars(successor)).first() is not None:",
        "if False:",
    ),
    _Property(
        "a body that holds no text is refused",
        "texts",
        "{name: as_text(given.get(name)) for name in cls.model_fields}",
        "{name: str(given.get(name)) for name in cls.model_fields}",
    ),
    _Property(
        "refreshing ends with the password",
        "refreshing",
        " or not claims.fit(",
        " or not bool(",
    ),
    _Property(
        "a logout ends the login",
        "logout_router",
        "    {await}close_family(session, renewal.refresh_token)",
        "    return None",
    ),
    _Property(
        "a login is found however it is written",
        "accounts",
        "    login = login.lower()",
        "    login = str(login)",
        "lowercase",
    ),
    _Property(
        "the password of a new account is hashed",
        "registering",
        "stored_hash={await}hash_password(password)",
        "stored_hash=password",
    ),
    _Property(
        "a new password is hashed off the event loop",
        "new_password",
        "return await loop.run_in_executor(_hashing, _new_hash, password)",
        "return _new_hash(password)",
        "async",
        beside="register_schemas",
    ),
    _Property(
        "a new password is hashed off the event loop",
        "new_password",
        "return _hashing.submit(_new_hash, password).result()",
        "return _new_hash(password)",
        "sync",
        beside="register_schemas",
    ),
    _Property(
        "a new password is long enough",
        "register_schemas",
        "min_length=MIN_PASSWORD_LENGTH",
        "min_length=1",
    ),
    _Property(
        "a new password is no longer than what its hash reads",
        "register_schemas",
        'raise ValueError(f"must not be longer than {LONGEST} bytes")',
        "password = password[:36]",
        "keep-bcrypt",
    ),
    _Property(
        "registrations are limited for each address",
        "register_router",
        "    wait = {await}take_registration(",
        "    wait = not bool(",
    ),
    _Property(
        "logins that differ in capitals alone are one",
        "registering",
        "(func.lower(spelled) == login.lower())",
        "(func.lower(spelled) == login)",
        "any-case",
    ),
    _Property(
        "a login that is taken is a conflict",
        "register_router",
        "status.HTTP_409_CONFLICT",
        "status.HTTP_200_OK",
    ),
    _Property(
        "nobody registers with a role",
        "registering",
        "    session.add(account)",
        '    account.role_name = "granted-role"\n    session.add(account)',
        "plain-role",
    ),
    _Property(
        "a route for one role is closed to others",
        "roles",
        "if roles_of(user).isdisjoint(roles):",
        "if False:",
    ),
    _Property(
        "whoever has the role is let in",
        "roles",
        "if roles_of(user).isdisjoint(roles):",
        "if True:",
    ),
    _Property(
        "an older hash is replaced",
        "accounts",
        ".values(stored_hash=new)",
        ".values(stored_hash=old)",
        "upgrade",
    ),
)


def mutations(texts: Mapping[str, tuple[PurePosixPath, str]], style: Style) -> Iterator[Mutation]:
    """The mutations of the files just written.

    Args:
        texts: The file of each unit that was written, and its text.
        style: How they were rendered; a property whose flag is not set is not promised.
    """
    for wanted in _PROPERTIES:
        if not {wanted.unit, wanted.beside or wanted.unit} <= texts.keys():
            continue
        if wanted.flag and wanted.flag not in style.how.flags:
            continue
        path, text = texts[wanted.unit]
        old, new = (_told(part, style, wanted.unit) for part in (wanted.old, wanted.new))
        if old not in text:
            old, new = requoted(old), requoted(new)
        if text.count(old) == 1:
            yield Mutation(wanted.name, path, old, new)


def _told(text: str, style: Style, unit: str) -> str:
    """A piece of the payload as it stands in the app."""
    awaited = text.replace("{await}", "await " if style.is_async(unit) else "")
    named = awaited.replace("granted-role", style.how.strings["granted-role"])
    return worded(import_header.renamed(named, style.how.names), style.words)
