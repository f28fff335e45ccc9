"""FW576 committed-credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.idle_secrets import opens_nothing
from fastwright.review.rule import rule
from fastwright.review.secret_shapes import (
    address_in,
    given_by,
    host_in,
    is_for_everybody,
    is_generated,
    is_live,
    is_placeholder,
)
from fastwright.review.signing import signing_of
from fastwright.review.written_texts import Written, in_lines, in_python
from fastwright.survey.codebase import of_samples, of_tests

NAME = "committed-credentials"
_PASSWORD = re.compile(r"(?i)(?:^|_|[a-z](?=P))(?:password|passwd|pwd|pass)$")
_KEY = re.compile(
    r"(?i)(?:api_?key|api_?secret|client_?secret|app_?secret|secret_?(?:access_?)?key|access_?token"
    r"|auth_?token|bot_?token|api_?token|_token|_secret|account_?key|encryption_?key|fernet_?key)$"
)
_PUBLIC = re.compile(r"(?i)public|publishable|anon|site_?key|csrf|firebase|next_|vite_|react_|hash")
_REFUSED = re.compile(r"(?i)compromised|leaked|revoked|forbidden|insecure|denied|blocked")
"""Names of secrets that everybody knows, and that the code refuses."""
_HOST = re.compile(r"(?i)host(?:name)?$|server$|domain$|url$|uri$|endpoint$|address$|cluster$")
_CONFIGURES = frozenset({".ini", ".cfg", ".toml", ".yml", ".yaml", ".conf", ".env", ".sh"})
_BY_NAME = frozenset({"Dockerfile", "Procfile", "Makefile"})
_QUIET = re.compile(
    r"(?i)(?:^|[/._-])(?:tests?|testing|examples?|samples?|docs?|ci|e2e|mocks?|fixtures?|locales?"
    r"|\.?github|\.?gitlab|site-packages|node_modules|postman)(?:$|[/._-])"
)
_EXAMPLE = re.compile(
    r"(?i)example|sample|template|tmpl|default|dist\b"
    r"|(?:^|[._-])(?:dev|local|development)(?:[._-]|$)"
)


@dataclass(frozen=True, slots=True)
class Held:
    """A credential that stands in a file: what it is in words, and whether it is in use."""

    written: Written
    secret: str
    message: str
    because: str
    sure: bool


@rule(code="FW576", severity=Severity.HIGH)
def committed_credentials(app: AppMap) -> Iterator[Finding]:
    """A password or key of a service that runs, where everybody reads it who has the code.

    ## Why is this bad?
    Whoever has the repository, a fork, an old copy or an image that was built from it has the
    database or the account too, and taking the line away does not help: the history keeps it
    (CWE-798, OWASP A07:2021).

    ## Example
    ```python
    DATABASE_URL = "postgresql://shop:x7Kq92vLpmT4@db.lamps-and-more.com:5432/shop"


    @app.get("/items")
    def items() -> list[str]:
        return [DATABASE_URL.partition(":")[0]]
    ```

    Use instead:
    ```python
    import os

    DATABASE_URL = os.environ.get("DATABASE_URL", "sqlite://")


    @app.get("/items")
    def items() -> list[str]:
        return [DATABASE_URL.partition(":")[0]]
    ```

    ## Fix safety
    There is no fix to apply: the credential has to be taken back where it was given, and a new one
    goes to the environment.

    ## Known limits
    Seen are URLs with a password at a host that has a public name, keys of services that are known
    by how they begin, passwords beside such a host under names that belong together (`DB_HOST`,
    `DB_PASSWORD`), and keys that no person has thought of under names such as `STRIPE_API_KEY`, in
    Python and in files of configuration. A key under a name that the code does not speak of, a
    password without a host and what a file for examples or development holds are only possible, and
    so is a key that stands in tests too, in settings that `.dockerignore` keeps out of images, in a
    compose file beside another that takes it from the environment, or as a default of a script
    beside a host of this machine. Hosts of this machine and of compose files, placeholders, tests,
    samples, examples of schemas and keys that browsers are given are passed over,
    real env files are not read, and keys in Python that sign tokens are told by
    `weak-signing-secret`. The secret itself is in no report.
    """
    told: dict[str, Finding] = {}
    for held in sorted(_every(app), key=lambda held: (not held.sure, _order(held))):
        known = told.get(held.secret)
        at = held.written.at
        if known is None:
            evidence = (Evidence(EvidenceKind.SOURCE, held.because),)
            told[held.secret] = Finding(
                NAME, at, held.message, evidence, symbol=held.written.name, structural=held.sure
            )
        elif at not in (known.at, *known.related):
            told[held.secret] = replace(known, related=(*known.related, at))
    yield from told.values()


def _order(held: Held) -> tuple[bool, str, int]:
    path = held.written.at.path
    return path.suffix != ".py", str(path), held.written.at.start


def _every(app: AppMap) -> Iterator[Held]:
    """The credentials of all files, the same one as often as it stands there."""
    signed = _signing(app)
    for path, content in app.files.items():
        if _is_quiet(path):
            continue
        texts = tuple(_texts(path, content))
        hosts = {w.name: host for w in texts if _HOST.search(w.name) and (host := host_in(w.text))}
        live = {name: host for name, host in hosts.items() if is_live(host)}
        for written in texts:
            if written.is_shown:
                continue
            held = _by_url(written) or _by_shape(written)
            if held is None and not _is_told(written, signed):
                held = _beside_host(written, live) or _by_name(app, written)
            if held is not None:
                yield held


def _is_quiet(path: PurePosixPath) -> bool:
    """Whether nothing in a file is in use: tests, samples, and words for people."""
    if of_tests(path) or of_samples(path):
        return True
    quiet = _QUIET.search(str(path.parent)) or _QUIET.search(path.stem)
    is_env = ".env" in path.name
    return bool(quiet) and not (is_env and _EXAMPLE.search(path.name))


def _texts(path: PurePosixPath, content: bytes) -> Iterator[Written]:
    if path.suffix == ".py":
        return in_python(path, content)
    is_read = path.suffix in _CONFIGURES or path.name in _BY_NAME or ".env" in path.name
    return in_lines(path, content) if is_read else iter(())


def _by_url(written: Written) -> Held | None:
    """A URL with the password of a server that runs somewhere."""
    found = address_in(written.text)
    if found is None or not is_live(found.host):
        return None
    is_name = "." not in found.host or found.host.endswith(".internal")
    sure = is_generated(found.password, 9) or not (_is_example(written) or is_name)
    sure = sure and (bool(written.name) or is_generated(found.password, 16))
    why = f"the URL names {_length(found.password)} at `{found.host}`"
    said = f"the password of `{found.host}`"
    return Held(written, found.password, _message(written, said), why, sure)


def _by_shape(written: Written) -> Held | None:
    """A key that tells by its beginning who has given it."""
    kind = given_by(written.text.strip("'\"")) if written.name else None
    if kind is None or _PUBLIC.search(written.name):
        return None
    why = f"its first characters and {_length(written.text)} are those of {kind}"
    return Held(written, written.text, _message(written, kind), why, not _is_example(written))


def _beside_host(written: Written, live: dict[str, str]) -> Held | None:
    """A password whose name belongs to that of a host."""
    if not _PASSWORD.search(written.name) or is_placeholder(written.text):
        return None
    if not re.fullmatch(r"[^\s{}<>]{6,64}", written.text):
        return None
    family = _family(written.name, _PASSWORD)
    host = next((h for name, h in live.items() if _family(name, _HOST) == family), None)
    if host is None:
        return None
    why = f"{_length(written.text)} stands beside the host `{host}`"
    sure = is_generated(written.text, 9) or not _is_example(written)
    said = f"the password of `{host}`"
    return Held(written, written.text, _message(written, said), why, sure)


def _family(name: str, ending: re.Pattern[str]) -> str:
    return ending.sub("", name).strip("_").lower()


def _by_name(app: AppMap, written: Written) -> Held | None:
    """A text that no person has thought of, under the name of a secret."""
    name, text = written.name, written.text
    is_key = _KEY.search(name) is not None
    if not (is_key or _PASSWORD.search(name)) or _PUBLIC.search(name) or _REFUSED.search(name):
        return None
    if not is_generated(text, 20 if is_key else 12) or is_for_everybody(text):
        return None
    sure = is_key and not _is_example(written) and _is_spoken_of(app, name)
    sure = sure and not opens_nothing(app, written)
    said = "a secret that was drawn at random"
    why = f"it is {_length(text)}, and no person has thought of it"
    return Held(written, text, _message(written, said), why, sure)


def _is_spoken_of(app: AppMap, name: str) -> bool:
    """Whether code names it, beside the place where it is bound."""
    word = re.compile(rb"(?i)\b%b\b" % re.escape(name.encode()))
    python = (text for path, text in app.files.items() if path.suffix == ".py")
    return sum(len(word.findall(text)) for text in python) > 1


def _signing(app: AppMap) -> frozenset[str]:
    """The names of what signs tokens, in small letters: `weak-signing-secret` tells of them."""
    signing = signing_of(app)
    calls = (*signing.encodings, *signing.decodings, *signing.hashes)
    words = map(partial(re.findall, r"[A-Za-z_]\w*"), map(signing.secret_of, calls))
    return frozenset(word.lower() for found in words for word in found)


def _is_told(written: Written, signed: frozenset[str]) -> bool:
    """Whether it is a key that signs: in Python it is told elsewhere, in an example it is none."""
    name = written.name.lower()
    signs = name in signed or re.search(r"^(?:jwt|token)_|secret_?key$", name) is not None
    return signs and (written.at.path.suffix == ".py" or _is_example(written))


def _is_example(written: Written) -> bool:
    return _EXAMPLE.search(written.at.path.name) is not None


def _length(secret: str) -> str:
    return f"a text of {len(secret)} characters"


def _message(written: Written, said: str) -> str:
    holder = f"`{written.name}`" if written.name else f"`{written.at.path.name}`"
    return f"{holder} holds {said}, for everybody who has the code"
