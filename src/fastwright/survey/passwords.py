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
_HASH = re.compile(r"(password|passwd|pwd|pass)(_?(hash(ed)?|digest|encrypted))?$|^hash(ed)?_?pass(word|wd)?$|"
                   r"(hashed|encrypted)_?(password|passwd|pwd)", re.I)  # fmt: skip
_LOGIN = re.compile(r"^(e_?mail(_address)?|user_?name|login|phone(_number)?)$", re.I)
_VERBS = frozenset({"hash", "hashpw", "encrypt", "generate_password_hash", "scrypt", "pbkdf2_hmac",
                    "using"})  # fmt: skip
_MAKERS = frozenset({"CryptContext", "PasswordHash", "PasswordHasher"})


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
    for name in _VERBS:
        for unit, index in wiring.sites(name):
            row = unit.facts.calls[index]
            library = None if is_test(unit) else _library(wiring.evaluator, unit, row)
            scope = unit.scopes[row.scope]
            if library is None:
                continue
            if scope.kind == "f" and _named_for_hashing(scope.name):
                span = Span(unit.path, scope.start, scope.end)
                rank = "verif" in scope.name or "check" in scope.name
                yield (
                    int(rank),
                    Capability("auth.password_hash", unit.dotted(row.scope), span, library),
                )
    for name in _MAKERS:
        for unit, index in wiring.sites(name):
            row = unit.facts.calls[index]
            for assignment in unit.scopes[row.scope].assignments:
                if assignment.value == ["c", index] and not is_test(unit):
                    span = Span(unit.path, assignment.start, assignment.end)
                    library = _library(wiring.evaluator, unit, row, direct=True)
                    symbol = f"{unit.dotted(row.scope)}.{assignment.target}"
                    if library:
                        yield 2, Capability("auth.password_hash", symbol, span, library)


def _named_for_hashing(name: str) -> bool:
    last = name.rpartition(".")[2].lower()
    return any(word in last for word in ("hash", "password", "passwd", "pwd", "encrypt"))


def _library(
    evaluator: Evaluator, unit: Unit, row: CallFact, *, direct: bool = False
) -> str | None:
    """``bcrypt through passlib``, from what is called; ``None`` for no hashing library."""
    if not any(library.encode() in unit.content for library in _LIBRARIES):
        if not direct and "." not in str(row.callee):
            return None
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
        text = (
            made.unit.text(
                (made.unit.facts.calls[made.call].start, made.unit.facts.calls[made.call].end)
            )
            if made.unit
            else ""
        )
        words += re.findall(
            r"argon2|bcrypt_sha256|bcrypt|pbkdf2_sha256|scrypt|sha256_crypt|sha512_crypt",
            text.lower(),
        )
        if not words and "recommended" in text:
            words.append("argon2")
    return ", ".join(dict.fromkeys(words))


def _contexts(evaluator: Evaluator, unit: Unit, row: CallFact) -> Iterator[Made]:
    written = row.callee.rpartition(".")[0] if isinstance(row.callee, str) else ""
    frame = Frame(unit, row.scope, (), row.start)
    if written:
        for value in evaluator.values(written, frame):
            if isinstance(value, Made) and value.call >= 0:
                yield value
    yield Made(Symbol("external", name="call"), unit, unit.facts.calls.index(row))
