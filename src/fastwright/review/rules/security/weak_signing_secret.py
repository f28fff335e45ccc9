"""FW510 weak-signing-secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap, Setting
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.rule import rule
from fastwright.review.signing import signing_of
from fastwright.review.uncommented import uncommented

NAME = "weak-signing-secret"
_LITERAL = re.compile(r"""^(?:SecretStr\()?[rbuRBU]?(["'])(?P<text>.*)\1\)?$""", re.DOTALL)


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
    Only what is given as the key to PyJWT or python-jose is looked at, by name. A random default
    is not reported: it is new with each start. Only possible are a setting that a validator of its
    class may refuse, and a script beside the app, which no other module imports.
    """
    signing = signing_of(app)
    seen: set[str] = set()
    for call in (*signing.encodings, *signing.decodings):
        secret = signing.secret_of(call)
        found = _weak(app, call, secret)
        if found is not None and secret not in seen:
            seen.add(secret)
            yield found


def _weak(app: AppMap, call: Call, secret: str) -> Finding | None:
    secret = secret.removesuffix(".get_secret_value()")
    literal = _LITERAL.match(secret)
    if literal is not None:
        found = _finding(call, call.span, "a text in the source") if literal["text"] else None
        return _graded(found, sure=_is_loaded(app, call))
    setting = _setting(app, call, secret)
    if setting is not None:
        given = _LITERAL.match(setting.default or "")
        if given is None or not given["text"] or setting.span is None:
            return None
        what = f"the setting `{setting.name}`, which has a default in the source"
        found = _finding(call, setting.span, what, _required(app, setting))
        return _graded(found, sure=not _may_be_refused(app, setting))
    module = app.modules.get(_module_of(app, call))
    if module is None:
        return None
    dotted = module.imports.get(secret, f"{module.name}.{secret}" if module.name else secret)
    owner, _, name = dotted.rpartition(".")
    constant = app.modules[owner].constants.get(name) if owner in app.modules else None
    if constant is None and not owner:
        constant = module.constants.get(secret)
    found = _finding(call, call.span, f"`{secret}`, a text in the source") if constant else None
    return _graded(found, sure=_is_loaded(app, call))


def _graded(found: Finding | None, *, sure: bool) -> Finding | None:
    return replace(found, structural=sure) if found is not None else None


def _is_loaded(app: AppMap, call: Call) -> bool:
    """Whether the module of a call holds routes or is imported: a script beside the app is not."""
    own = _module_of(app, call)
    if any(route.span and route.span.path == call.span.path for route in app.routes):
        return True
    imported = (
        dotted
        for name, module in app.modules.items()
        for dotted in module.imports.values()
        if name != own
    )
    return any(dotted == own or dotted.startswith(f"{own}.") for dotted in imported)


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
    verb = "signs" if "encode" in (call.callee or "") else "verifies"
    return Finding(
        NAME,
        at,
        f"`{call.caller.rpartition('.')[2]}` {verb} tokens with {what}",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it is the key of `{call.text}`"),),
        related=(call.span,) if call.span != at else (),
        fixes=(fix,) if fix else (),
        symbol=call.caller,
        structural=True,
    )
