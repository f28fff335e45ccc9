"""Where passwords are kept and what hashes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fastwright.model.app import Capability
from fastwright.model.places import Span
from fastwright.model.storage import Table
from fastwright.survey.codebase import Unit
from fastwright.survey.evaluate import Evaluator
from fastwright.survey.facts import CallFact
from fastwright.survey.names import Symbol
from fastwright.survey.values import Frame, Made, Ref
from fastwright.survey.wiring import Wiring, is_test

_LIBRARIES = ("passlib", "bcrypt", "pwdlib", "argon2", "werkzeug", "hashlib", "nacl")
_HASH = re.compile(
    r"(password|passwd|pwd|pass)(_?(hash(ed)?|digest|encrypted))?$|"
    r"^hash(ed)?_?pass(word|wd)?$|(hashed|encrypted)_?(password|passwd|pwd)",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"^(e_?mail(_address)?|user_?name|login|phone(_number)?)$", re.IGNORECASE)
_VERBS = frozenset({"hash", "hashpw", "encrypt", "generate_password_hash", "scrypt", "pbkdf2_hmac",
                    "using"})  # fmt: skip
_MAKERS = frozenset({"CryptContext", "PasswordHash", "PasswordHasher"})


def is_password_hash(name: str) -> bool:
    """Whether a column is called as those are that keep what a password is compared with."""
    return _HASH.search(name) is not None


def user_table(tables: Iterable[Table]) -> Capability | None:
    """The table with a login name and a password-like column."""
    best: tuple[int, Table, str, str] | None = None
    for table in tables:
        password = next((c.name for c in table.columns if _HASH.search(c.attribute)), None)
        login = next((c.name for c in table.columns if _LOGIN.match(c.attribute)), None)
        if password is None or login is None:
            continue
        score = (
            ("user" in table.name.lower()) * 2
            + ("account" in table.name.lower())
            + (table.model is not None)
        )
        if best is None or score > best[0]:
            best = (score, table, login, password)
    if best is None:
        return None
    _, table, login, password = best
    because = f"table `{table.name}` has the columns `{login}` and `{password}`"
    return Capability("auth.user_table", table.model or table.name, table.span, because)


def password_hash(wiring: Wiring) -> Capability | None:
    """The function that hashes a password, else the object that can, with the library's name."""
    found = sorted(_hashers(wiring), key=lambda row: row[0])
    return found[0][1] if found else None


def _hashers(wiring: Wiring) -> Iterator[tuple[int, Capability]]:
    """Candidates with their rank: a function that hashes, one that also verifies, an object."""
    for name in sorted(_VERBS):
        for unit, index in wiring.sites(name):
            found = _function(wiring, unit, unit.facts.calls[index])
            if found is not None:
                yield found
    for name in sorted(_MAKERS):
        for unit, index in wiring.sites(name):
            if not is_test(unit):
                yield from _objects(wiring, unit, index)


def _function(wiring: Wiring, unit: Unit, row: CallFact) -> tuple[int, Capability] | None:
    scope = unit.scopes[row.scope]
    if is_test(unit) or scope.kind != "f" or not _named_for_hashing(scope.name):
        return None
    library = _library(wiring.evaluator, unit, row)
    if library is None:
        return None
    span = Span(unit.path, scope.start, scope.end)
    rank = "verif" in scope.name or "check" in scope.name
    return int(rank), Capability("auth.password_hash", unit.dotted(row.scope), span, library)


def _objects(wiring: Wiring, unit: Unit, index: int) -> Iterator[tuple[int, Capability]]:
    row = unit.facts.calls[index]
    library = _library(wiring.evaluator, unit, row)
    for assignment in unit.scopes[row.scope].assignments:
        if assignment.value == ["c", index] and library is not None:
            span = Span(unit.path, assignment.start, assignment.end)
            symbol = f"{unit.dotted(row.scope)}.{assignment.target}"
            yield 2, Capability("auth.password_hash", symbol, span, library)


def _named_for_hashing(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return any(word in last for word in ("hash", "password", "passwd", "pwd", "encrypt"))


def _library(evaluator: Evaluator, unit: Unit, row: CallFact) -> str | None:
    """``bcrypt through passlib``, from what is called; ``None`` for no hashing library."""
    for value in evaluator.values(row.callee, Frame(unit, row.scope, (), row.start)):
        name = value.symbol.dotted() if isinstance(value, Ref) else ""
        name = value.of.dotted() if isinstance(value, Made) else name
        package = name.partition(".")[0]
        if package in _LIBRARIES:
            schemes = _schemes(evaluator, unit, row)
            return f"{schemes} through {package}" if schemes else package
    return None


def _schemes(evaluator: Evaluator, unit: Unit, row: CallFact) -> str:
    """The schemes that a ``CryptContext`` or ``PasswordHash`` is made with."""
    words: list[str] = []
    for made in _contexts(evaluator, unit, row):
        text = _written(made)
        words += re.findall(
            r"argon2|bcrypt_sha256|bcrypt|pbkdf2_sha256|scrypt|sha256_crypt|sha512_crypt",
            text.lower(),
        )
        if not words and "recommended" in text:
            words.append("argon2")
    return ", ".join(dict.fromkeys(words))


def _written(made: Made) -> str:
    if made.unit is None:
        return ""
    row = made.unit.facts.calls[made.call]
    return made.unit.text((row.start, row.end))


def _contexts(evaluator: Evaluator, unit: Unit, row: CallFact) -> Iterator[Made]:
    written = row.callee.rpartition(".")[0] if isinstance(row.callee, str) else ""
    frame = Frame(unit, row.scope, (), row.start)
    if written:
        for value in evaluator.values(written, frame):
            if isinstance(value, Made) and value.call >= 0:
                yield value
    yield Made(Symbol("external", name="call"), unit, unit.facts.calls.index(row))
