"""FW510 weak-signing-secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Setting
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.signing import signing_of
from fastwright.review.uncommented import uncommented

NAME = "weak-signing-secret"
_LITERAL = re.compile(
    r"""(?:SecretStr\()?(?:[rbuRBU]?(["'])(?P<text>.*)\1|(?P<number>\d+))\)?""", re.DOTALL
)
_BYTES = re.compile(r"(?:bytes\()?(?P<key>[^()]+?(?:\.get_secret_value\(\))?)"
                    r"(?:\.encode\([^()]*\)|,\s*[\"'][\w-]+[\"']\))?")  # fmt: skip
_PROVES = re.compile(r"(?i)verif|sign|webhook|token|valid|authenti|check")
_NAMES = re.compile(r"(?i)secret|token|key")
_PUBLIC = re.compile(r"(?i)(?:^|[._])public_?key|(?:^|[._])pub_?key")


@rule(code="FW510", severity=Severity.HIGH)
def weak_signing_secret(app: AppMap) -> Iterator[Finding]:
    """A secret for signing tokens that stands in the source, where everybody can read it.

    ## Why is this bad?
    Whoever has read the repository can sign a token for any user, and nothing tells it from a
    true one. A default in a settings class is as public: the app starts with it wherever nobody
    has set the variable (OWASP API2:2023, broken authentication; CWE-798, CWE-1392).

    ## Example
    ```python
    import jwt

    SECRET_KEY = "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"


    @app.post("/token")
    def token(email: str) -> str:
        return jwt.encode({"sub": email}, SECRET_KEY, algorithm="HS256")
    ```

    Use instead:
    ```python
    import os

    import jwt

    SECRET_KEY = os.environ.get("SECRET_KEY")


    @app.post("/token")
    def token(email: str) -> str:
        return jwt.encode({"sub": email}, SECRET_KEY, algorithm="HS256")
    ```

    ## Fix safety
    Changes behaviour: a setting loses its default, so that the app does not start until the
    environment gives it a value. A constant has to be moved to the settings by hand.

    ## Known limits
    Only what is given as the key to PyJWT, python-jose or `hmac` is looked at, by name. A random
    default is not reported: it is new with each start. An empty default is one for `hmac` alone,
    where nothing asks whether the setting is there. Only possible are a setting that a validator of
    its class may refuse, a script beside the app, which no other module imports, and a key of
    `hmac` in a function that is not named like a signature: it may be no secret. The public half
    of a pair of keys is none, and one setting is told of once.
    """
    signing = signing_of(app)
    seen: set[str] = set()
    told: set[Span] = set()
    for call in (*signing.encodings, *signing.decodings):
        secret = signing.secret_of(call)
        found = None if _is_public(secret) else _weak(app, call, secret)
        if found is not None and secret not in seen and found.at not in told:
            seen.add(secret)
            told.add(found.at)
            yield found
    for call in signing.hashes:
        secret = _key_of(app, call, signing.secret_of(call))
        found = _weak(app, call, secret) if secret and not _is_reversed(call) else None
        if found is not None and secret not in seen:
            seen.add(secret)
            proves = _PROVES.search(call.caller.rpartition(".")[2]) is not None
            yield replace(found, structural=found.structural and proves)


def _is_public(secret: str) -> bool:
    """True for the half of a pair of keys that everybody may have."""
    return "PUBLIC KEY" in secret or _PUBLIC.search(secret) is not None


def _key_of(app: AppMap, call: Call, key: str) -> str:
    """The key of `hmac`, which wants bytes, as the text that they are made of."""
    function = reach(app).functions.get(call.caller)
    bound = [b for b in function.bindings if b.name == key] if function is not None else []
    if len(bound) == 1:
        key = app.text(Span(call.span.path, bound[0].start, bound[0].end))
    found = _BYTES.fullmatch(key.strip())
    return found["key"].strip() if found is not None else ""


def _is_reversed(call: Call) -> bool:
    """True where the secret is what is hashed, under a name that everybody may know."""
    said = call.arguments[1] if len(call.arguments) > 1 else ""
    return bool(_LITERAL.fullmatch(call.arguments[0] if call.arguments else "")
                and _NAMES.search(said))  # fmt: skip


def _weak(app: AppMap, call: Call, secret: str) -> Finding | None:
    secret = secret.removesuffix(".get_secret_value()")
    literal = _LITERAL.fullmatch(secret)
    if literal is not None:
        is_there = literal["text"] or literal["number"]
        found = _finding(call, call.span, "a text in the source") if is_there else None
        return _graded(found, sure=_is_loaded(app, call))
    setting = _setting(app, call, secret)
    if setting is not None:
        return _by_default(app, call, setting)
    module = app.modules.get(_module_of(app, call))
    if module is None:
        return None
    dotted = module.imports.get(secret, f"{module.name}.{secret}" if module.name else secret)
    owner, _, name = dotted.rpartition(".")
    constant = app.modules[owner].constants.get(name) if owner in app.modules else None
    if constant is None and not owner:
        constant = module.constants.get(secret)
    constant = constant or _number(app, module.path, secret)
    found = _finding(call, call.span, f"`{secret}`, a text in the source") if constant else None
    return _graded(found, sure=_is_loaded(app, call))


def _by_default(app: AppMap, call: Call, setting: Setting) -> Finding | None:
    """What a setting is where nobody sets it."""
    given = _LITERAL.fullmatch(setting.default or "")
    if given is None or setting.span is None:
        return None
    what = f"the setting `{setting.name}`, which has a default in the source"
    if not (given["text"] or given["number"]):
        if "hmac" not in (call.callee or "") or _is_asked_for(app, setting):
            return None
        what = f"the setting `{setting.name}`, which is empty where nobody sets it"
    found = _finding(call, setting.span, what, _required(app, setting))
    return _graded(found, sure=not _may_be_refused(app, setting))


def _is_asked_for(app: AppMap, setting: Setting) -> bool:
    """Whether any code asks if a setting is there."""
    name = re.escape((setting.attribute or setting.name).rpartition(".")[2]).encode()
    asked = re.compile(rb"(?:\bif|\bnot|\band|\bor|\bbool\()\s*[\w.]*\b%b\b" % name)
    return any(asked.search(text) for path, text in app.files.items() if path.suffix == ".py")


def _number(app: AppMap, path: PurePosixPath, name: str) -> str:
    """The number that a top-level name of a file is bound to, as written."""
    wanted = rb"(?m)^%b(?:\s*:\s*int)?\s*=\s*(\d+)\s*$" % re.escape(name.encode())
    found = re.search(wanted, app.files[path])
    return found[1].decode() if found is not None else ""


def _graded(found: Finding | None, *, sure: bool) -> Finding | None:
    return replace(found, structural=sure) if found is not None else None


def _is_loaded(app: AppMap, call: Call) -> bool:
    """Whether the module of a call holds routes or is imported: a script beside the app is not."""
    own = _module_of(app, call)
    inner = f"{own}."
    if any(route.span and route.span.path == call.span.path for route in app.routes):
        return True
    imported = (
        dotted
        for name, module in app.modules.items()
        for dotted in module.imports.values()
        if name != own
    )
    return any(dotted == own or dotted.startswith(inner) for dotted in imported)


def _may_be_refused(app: AppMap, setting: Setting) -> bool:
    """Whether a method of the settings reads the value and raises: a default may end the start."""
    owner, _, name = (setting.attribute or "").rpartition(".")
    own = (f for f in app.functions if owner and f.class_name == owner)
    texts = (uncommented(app, function) for function in own)
    return any("raise " in text and re.search(rf"\b{name}\b", text) for text in texts)


def _module_of(app: AppMap, call: Call) -> str:
    return next((n for n, m in app.modules.items() if m.path == call.span.path), "")


def _setting(app: AppMap, call: Call, secret: str) -> Setting | None:
    """The setting that an expression such as ``settings.SECRET_KEY`` reads."""
    name = secret.rpartition(".")[2]
    if not re.fullmatch(r"[\w.()]+", secret):
        return None
    found = [s for s in app.settings if (s.attribute or "").rpartition(".")[2] == name]
    module = app.modules.get(_module_of(app, call))
    is_own = "." not in secret and module is not None and name in module.constants
    return found[0] if found and not is_own else None


def _required(app: AppMap, setting: Setting) -> Fix | None:
    """The declaration without its default."""
    assert setting.span is not None
    text = app.text(setting.span)
    found = re.match(r"^(\w+\s*:\s*[\w.\[\] |]+?)\s*=\s*", text)
    if found is None or not text.isascii() or "\n" in text:
        return None
    edit = Edit(setting.span, found[1], "the app does not start with a secret that everybody knows")
    return Fix(f"Demand `{setting.name}`", Safety.CHANGES_BEHAVIOUR, (edit,))


def _finding(call: Call, at: Span, what: str, fix: Fix | None = None) -> Finding:
    verb = "signs tokens" if "encode" in (call.callee or "") else "verifies tokens"
    verb = "makes signatures" if "hmac" in (call.callee or "") else verb
    return Finding(
        NAME,
        at,
        f"`{call.caller.rpartition('.')[2]}` {verb} with {what}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it is the key of `{call.text}`"),),
        related=(call.span,) if call.span != at else (),
        fixes=(fix,) if fix else (),
        symbol=call.caller,
        structural=True,
    )
