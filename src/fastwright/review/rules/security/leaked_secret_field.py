"""FW507 leaked-secret-field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.model.storage import Column
from fastwright.review.answers import Answers, Leaf, is_secret
from fastwright.review.decorators import registration, with_keyword
from fastwright.review.ownership import ownership_of
from fastwright.review.reach import reach
from fastwright.review.rule import rule
from fastwright.review.whole_rows import rows_in

NAME = "leaked-secret-field"
_KEY = re.compile(r"""["'](\w+)["']\s*:""")
_FACTOR = re.compile(r"(?i)(totp|otp|mfa|two_?factor)_?secret$")
_MADE = re.compile(r"(?i)\brandom_base32\(|\b(generate|create|make|new)_?\w*secret\w*\(")
_CONFIRMATION = re.compile(r"(?i)confirmation_?(code|token)$")
_ENROLS = re.compile(r"(?i)enable|set_?-?up|enrol|generat|activat|provision")
_WRITTEN_OUT = 3
"""From so many fields of the answer's model on, a dictionary is taken for the answer."""


@rule(code="FW507", severity=Severity.HIGH)
def leaked_secret_field(app: AppMap) -> Iterator[Finding]:
    """An answer whose model holds a password, its hash, or a code that stands for it.

    ## Why is this bad?
    A hash that leaves the server can be guessed at leisure; a reset code can be used at once. It
    ends up in browsers, logs and caches (OWASP API3:2023, broken object property level
    authorization; CWE-200).

    ## Example
    ```python
    class UserRow(BaseModel):
        model_config = ConfigDict(from_attributes=True)
        id: int
        email: str
        hashed_password: str


    @app.get("/users/me", response_model=UserRow)
    def read_me(user: CurrentUser) -> User:
        return user
    ```

    Use instead:
    ```python
    @app.get("/users/me", response_model=UserOut)
    def read_me(user: CurrentUser) -> User:
        return user
    ```

    ## Fix safety
    Changes behaviour: the field is left out of the answers of this route
    (`response_model_exclude`). Better is a model of its own without the field.

    ## Known limits
    Fields are judged by their names and types: a `SecretStr`, or a field with `exclude=True`, is
    passed over. Keys and tokens that a route hands out on purpose are not looked for. An answer
    without a response model is judged where the handler returns the caller, or a row that it has
    fetched, by itself or in a dictionary. Only possible are such a row where a commit without a
    `refresh` may have emptied it, a field that the handler leaves to a function which writes the
    answer out without it, one that a base declares, that may be null and that no table has, one of
    the request's own body that the handler sets or refuses before it gives the body back, a code of
    confirmation that the table of the accounts has not, which may be the reference of a booking,
    and one of a model that lies inside the body and inside the answer: settings that are given back
    as sent. The secret of a second factor is passed over where it is made for the answer. A model
    that several routes answer with is told once, at the first of them.
    """
    told: dict[tuple[str, bool], list[Finding]] = {}
    for model, found in _found(app):
        told.setdefault((model, found.structural), []).append(found)
    for (model, _), every in told.items():
        by_handler = {found.symbol: found for found in reversed(every)}  # a router included twice
        yield from reversed(by_handler.values()) if not model else _once(every)


def _once(every: list[Finding]) -> Iterator[Finding]:
    """What is told of one model: its first finding, with the number of the other routes."""
    first = every[0]
    fixes = [found.fixes[0] for found in every if found.fixes]
    others = len({found.symbol for found in every}) - 1
    if not others:
        yield first
        return
    changes = tuple(dict.fromkeys(change for fix in fixes for change in fix.changes))
    more = f", and so do {others} more" if others > 1 else ", and so does 1 more"
    fix = (replace(fixes[0], changes=changes),) if len(fixes) == len(every) else ()
    yield replace(first, message=first.message + more, fixes=fix)


def _found(app: AppMap) -> Iterator[tuple[str, Finding]]:
    """Every route that answers with a secret, with the models that hold it; none for a row."""
    answers = Answers(app)
    for route in app.routes:
        if not route.reachable or route.span is None:
            continue
        if "response_model_exclude" in app.text(route.span) or _hides(app, route):
            continue
        secrets = tuple(s for s in answers.secrets(route) if not _is_enrolment(app, route, s))
        if secrets:
            sent = answers.fields(replace(route, response_model=route.body_model))
            inner = {leaf.owner for leaf in sent} - {route.body_model, route.response_model}
            found = _finding(app, route, secrets)
            echoed = all(leaf.owner in inner for leaf in secrets)
            held = ", ".join(sorted({f"{leaf.owner}.{leaf.name}" for leaf in secrets}))
            yield held, replace(found, structural=found.structural and not echoed)
        elif route.response_model is None:
            rows = list(_whole_rows(app, route)) or list(_other_rows(app, route))
            yield from (("", found) for found in rows)


def _is_enrolment(app: AppMap, route: Route, leaf: Leaf) -> bool:
    """True where a second factor is set up: its owner must see the secret that is made, once."""
    if not _FACTOR.match(leaf.name) or route.method == "GET":
        return False
    running = (app.text(f.span) for f in reach(app).running(route))
    return _ENROLS.search(route.path) is not None or any(map(_MADE.search, running))


def _hides(app: AppMap, route: Route) -> bool:
    """The answer is built by `response_model_include`, which names what it holds."""
    return route.span is not None and "response_model_include" in app.text(route.span)


def _finding(app: AppMap, route: Route, secrets: tuple[Leaf, ...]) -> Finding:
    assert route.span is not None
    names = sorted({leaf.name for leaf in secrets})
    model = secrets[0].owner.rpartition(".")[2]
    fix = _fix(app, route, secrets)
    return Finding(
        NAME,
        route.span,
        f"`{route}` answers with `{model}`, which holds `{'`, `'.join(names)}`",
        evidence=tuple(
            Evidence(EvidenceKind.SOURCE, f"`{leaf.owner}` declares `{leaf.name}`")
            for leaf in secrets[:3]
        ),
        related=tuple(leaf.span for leaf in secrets if leaf.span is not None)[:3],
        fixes=(fix,) if fix else (),
        symbol=route.handler,
        structural=not all(_is_hollow(app, leaf) or _is_handled(app, route, leaf)
                           or _is_left_out(app, route, leaf) or _is_reference(app, leaf)
                           for leaf in secrets),
    )  # fmt: skip


def _is_hollow(app: AppMap, leaf: Leaf) -> bool:
    """True for a field that nothing fills, as far as the names of columns tell."""
    filled = any(c.attribute == leaf.name for table in app.tables for c in table.columns)
    return leaf.is_spare and not filled


def _is_reference(app: AppMap, leaf: Leaf) -> bool:
    """True for a code of confirmation that no account holds: a guest finds a booking by such."""
    accounts = ownership_of(app).accounts
    held = accounts is not None and any(c.attribute == leaf.name for c in accounts.columns)
    return _CONFIRMATION.match(leaf.name) is not None and not held


def _is_handled(app: AppMap, route: Route, leaf: Leaf) -> bool:
    """True where the handler gives its own body back, having set the field or refused it."""
    function = next((f for f in app.functions if f.name == route.handler), None)
    if function is None or route.body_model != leaf.owner:
        return False
    returned = {stop.value for stop in function.stops if stop.kind == "return"}
    body = next(iter(returned)) if len(returned) == 1 else ""
    if body not in function.parameters:
        return False
    field = rf"\b{body}\.{leaf.name}"
    is_set = re.search(rf"{field}\s*=[^=]", app.text(function.span))
    return bool(is_set) or _is_refused(function, re.compile(rf"{field}\b(?!\s*[=!<>])"))


def _is_left_out(app: AppMap, route: Route, leaf: Leaf) -> bool:
    """True where a function of ours writes the answer out, and the field is not there."""
    reached = reach(app)
    handler = reached.answering(route)
    schema = next((s for s in app.schemas if s.name == leaf.owner), None)
    if not leaf.is_spare or handler is None or schema is None:
        return False
    fields = {field.name for field in schema.fields}
    for call in reached.calls_in(handler):
        maker = reached.callee(call)
        given = [s.value for s in maker.stops if s.kind == "return"] if maker is not None else []
        keys = [set(_KEY.findall(text)) for text in given if text.lstrip().startswith("{")]
        is_whole = bool(keys) and len(keys) == len(given)
        if is_whole and all(len(one & fields) >= _WRITTEN_OUT for one in keys):
            return not any(leaf.name in one for one in keys)
    return False


def _is_refused(function: Function, field: re.Pattern[str]) -> bool:
    """True where what is sent in the field raises."""
    tests = [b for b in function.blocks if b.kind == "arm" and field.match(b.words)]
    raises = [stop.start for stop in function.stops if stop.kind == "raise"]
    return any(block.start <= at < block.end for block in tests for at in raises)


def _fix(app: AppMap, route: Route, secrets: tuple[Leaf, ...]) -> Fix | None:
    """Leave the fields out, where they stand in the model itself and not in one inside it."""
    call = registration(app, route)
    is_direct = all(leaf.owner == route.response_model for leaf in secrets)
    if call is None or not is_direct:
        return None
    names = ", ".join(f'"{name}"' for name in sorted({leaf.name for leaf in secrets}))
    why = "what stands for a password never leaves the server"
    edit: Edit = with_keyword(app, call, f"response_model_exclude={{{names}}}", why)
    return Fix(f"Leave {names} out of `{route}`", Safety.CHANGES_BEHAVIOUR, (edit,))


def _whole_rows(app: AppMap, route: Route) -> Iterator[Finding]:
    """Without a response model an ORM object is answered whole, the hash too."""
    accounts = ownership_of(app).accounts
    secret = (
        next((c for c in accounts.columns if is_secret(c.attribute)), None) if accounts else None
    )
    returned = (u for u in route.caller_uses if re.fullmatch(r"return \w+", u.text))
    own = (u for u in returned if _is_in(route.span, u.span))
    callers = _callers(app, route, accounts.model) if accounts is not None else frozenset()
    use = next((u for u in own if u.text.removeprefix("return ") in callers), None)
    if secret is None or use is None or accounts is None or route.span is None:
        return
    yield Finding(
        NAME,
        route.span,
        f"`{route}` answers with a row of `{accounts.name}`, which holds `{secret.attribute}`",
        evidence=(Evidence(EvidenceKind.SOURCE, f"it does `{use.text}` without a response model"),),
        related=(use.span,),
        symbol=route.handler,
        structural=True,
    )


def _other_rows(app: AppMap, route: Route) -> Iterator[Finding]:
    """Rows of accounts that are not the caller's, in an answer that says nothing of its type."""
    function = reach(app).answering(route)
    if function is None or function.returns or route.span is None:
        return
    for stop in function.stops:
        for name, table in rows_in(app, function, stop.value, stop.start):
            secret = next((c for c in table.columns if _is_shown(app, function, name, c)), None)
            if stop.kind == "return" and secret is not None:
                said = " ".join(app.text(Span(route.span.path, stop.start, stop.end)).split())
                told = f"it does `{said}` without a response model"
                yield Finding(
                    NAME,
                    route.span,
                    f"`{route}` answers with a row of `{table.name}`, which holds "
                    f"`{secret.attribute}`",
                    evidence=(Evidence(EvidenceKind.SOURCE, told),),
                    related=(Span(route.span.path, stop.start, stop.end),),
                    symbol=route.handler,
                    structural=not _is_emptied(app, route),
                )
                return


def _is_shown(app: AppMap, function: Function, name: str, column: Column) -> bool:
    """Whether a row that is answered shows a secret column: loaded with it, and not blanked."""
    if not is_secret(column.attribute):
        return False
    declared = app.text(column.span) if column.span is not None else ""
    blanked = re.compile(rf"\b{name}\.{column.attribute}\s*=(?!=)|\bdel {name}\.")
    is_kept = re.search(r"\bdeferred\b|\bexclude\s*=\s*True", declared) is not None
    return not is_kept and not blanked.search(app.text(function.span))


def _is_emptied(app: AppMap, route: Route) -> bool:
    """Whether a commit may have expired what is answered: nothing of that is in the answer."""
    if any(b"expire_on_commit=False" in text for text in app.files.values()):
        return False
    texts = [app.text(function.span) for function in reach(app).running(route)]
    return any(".commit(" in text and ".refresh(" not in text for text in texts)


def _is_in(outer: Span | None, inner: Span) -> bool:
    return outer is not None and outer.path == inner.path and outer.start <= inner.start < outer.end


def _callers(app: AppMap, route: Route, model: str | None) -> frozenset[str]:
    """The parameters that hold the caller as a row of `model`, and not a model made of it."""
    giving = {p.dependency for p in app.principals if model is not None and p.model == model}
    return frozenset(d.name for d in route.dependencies if d.name and d.call in giving)
