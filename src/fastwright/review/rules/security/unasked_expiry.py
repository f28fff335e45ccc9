"""FW522 unasked-expiry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.model.routing import Query, Route
from fastwright.model.storage import Column, Table
from fastwright.review.deeds import holder, innermost
from fastwright.review.guarding import guarding_of, permissions
from fastwright.review.logins import logins_of
from fastwright.review.narrowing import narrowed
from fastwright.review.once import once
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.signing import signing_of, verifies
from fastwright.review.uncommented import uncommented
from fastwright.survey.codebase import of_tests

NAME = "unasked-expiry"
_EXPIRES = re.compile(
    r"^(expires?(_at|_on)?|expiry(_date|_at)?|expiration(_date|_at)?|valid_until)$"
)
_SPENT = re.compile(r"^(is_)?(used|revoked|redeemed|consumed|spent)(_at|_on)?$")
_SECRET = re.compile(r"(^|_)(token|code|key|otp|pin|jti|nonce|secret|digest|hash)($|_)")
_TICKET = re.compile(
    r"(?i)token|otp|nonce|jti|secret|voucher|gift|coupon|invit|verif|reset|confirm|activat|magic|"
    r"link|ticket|recover|redeem|session|share|preview|api_?key"
)
"""What a table or a column is called whose rows open something for whoever holds them."""
_ENDING = re.compile(
    r"(?i)log_?-?out|sign_?-?out|revok|delete|cancel|invalidat|unsubscri|remove|clean|list|admin"
)
_CONSTANT = r"\s*(?:[\"'\d]|(?:\w+\.)*[A-Z][A-Z_\d]+\b)"
_OWN = re.compile(r"\b(?:self|cls)\.(\w+)\b(?!\s*=[^=])")
_LEAVES = re.compile(r"\b(?:raise|return|continue)\b")
_DEEPEST = 3
"""How many properties may read each other: ``is_valid`` reads ``is_expired``."""


@dataclass(frozen=True, slots=True)
class _Taking:
    """A row that a route looks up by a secret that the client sends, and what may end it."""

    route: Route
    query: Query
    table: Table
    ends: tuple[Column, ...]


@rule(code="FW522", severity=Severity.HIGH)
def unasked_expiry(app: AppMap) -> Iterator[Finding]:
    """A code, link or token that is taken after it has expired, or a second time.

    ## Why is this bad?
    A mail with the link that resets a password lies in a mailbox for years, and a coupon that can
    be used twice is used a thousand times. The row says when it ends, another route asks for it,
    and this one does not (CWE-613, CWE-640, CWE-841).

    ## Example
    ```python
    class Voucher(Base):
        __tablename__ = "vouchers"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str] = mapped_column(unique=True)
        used: Mapped[bool] = mapped_column(default=False)


    @app.post("/vouchers/redeem")
    def redeem(code: str, session: SessionDep) -> int:
        voucher = session.scalar(select(Voucher).where(Voucher.code == code))
        if voucher is None:
            raise HTTPException(404)
        voucher.used = True
        session.commit()
        return voucher.id
    ```

    Use instead:
    ```python
    class Voucher(Base):
        __tablename__ = "vouchers"
        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str] = mapped_column(unique=True)
        used: Mapped[bool] = mapped_column(default=False)


    @app.post("/vouchers/redeem")
    def redeem(code: str, session: SessionDep) -> int:
        unused = select(Voucher).where(Voucher.code == code, Voucher.used.is_(False))
        voucher = session.scalar(unused.with_for_update())
        if voucher is None:
            raise HTTPException(404)
        voucher.used = True
        session.commit()
        return voucher.id
    ```

    ## Fix safety
    Changes behaviour: what has been used or revoked is as if it were not there. Two requests at
    once may still both find it: a lock, or one `update` that asks and marks, parts them. There is
    no fix for an expiry, for in which time zone it is kept is not known.

    ## Known limits
    A row is looked up by a column such as `token` or `code`, and what ends it is known by its name
    (`expires_at`, `used`, `revoked_at`). It must be shown to end something: code asks for it or
    sets it, or it has a default. A row whose being there is the reason to refuse, for its code must
    be free, is passed over. A route that ends rows itself, one that demands a role, and a
    reading one that shows nothing but the row are passed over. It is certain only where the secret
    that the request brings is compared with the column in the source, and the column or the table
    is called after a ticket (a token, a voucher, an invitation): a `code` may be the number of a
    cost centre. Only possible is also one that asks for a column of the same kind: whether the row
    is revoked, and not whether it is used.
    """
    told: set[Span] = set()
    for taking in _takings(app):
        unasked = [c for c in taking.ends if not _is_asked(app, taking, c)]
        shown = {c.attribute: _shown(app, taking.table, c) for c in unasked}
        meant = tuple(c for c in unasked if shown[c.attribute])
        if meant and taking.query.span not in told:
            told.add(taking.query.span)
            sure = _is_open(taking, unasked, meant) and _is_brought(app, taking)
            yield replace(_finding(app, taking, meant, shown), structural=sure)


def _is_open(taking: _Taking, unasked: list[Column], meant: tuple[Column, ...]) -> bool:
    """Whether nothing like a column is asked for: what is ``revoked`` may be what is ``used``."""
    asked = [c.attribute for c in taking.ends if c not in unasked]
    spent = any(_SPENT.match(name) for name in asked)
    ended = any(_EXPIRES.match(name) for name in asked)
    return not all(spent if _SPENT.match(c.attribute) else ended for c in meant)


def _is_brought(app: AppMap, taking: _Taking) -> bool:
    """Whether the column is compared with what the request brings, and is that of a ticket."""
    names = [name.lower() for name in logins_of(app).names(taking.route)]
    function = innermost(app, taking.query)
    if function is None or not any(map(_SECRET.search, names)):
        return False
    text = uncommented(app, function)
    secret = (c for c in taking.table.columns if _SECRET.search(c.attribute))
    for column in secret:
        ticket = _TICKET.search(f"{column.attribute} {taking.table.name}")
        compared = re.finditer(rf"\b{column.attribute}\s*={{1,2}}\s*([\w.]+)", text)
        if ticket and any(_is_given(app, function, value[1]) for value in compared):
            return True
    return False


def _is_given(app: AppMap, function: Function, value: str) -> bool:
    """Whether a value is a parameter of the function, or is made of one."""
    name = value.partition(".")[0]
    rows = [b for b in function.bindings if b.name == name]
    made = (app.text(Span(function.span.path, b.start, b.end)) for b in rows)
    given = [p for p in function.parameters if p not in ("self", "cls")]
    words = re.compile(rf"\b(?:{'|'.join(map(re.escape, given))})\b") if given else None
    return name in given or (words is not None and any(map(words.search, made)))


def _takings(app: AppMap) -> Iterator[_Taking]:
    for route in guarding_of(app).served:
        if _ends_rows(route) or permissions(route):
            continue
        for query in route.queries:
            table = app.table(query.tables[0]) if query.tables else None
            ends = _ends(table) if table is not None else ()
            if table is None or not ends or not _opens(route, query):
                continue
            if _is_by_secret(app, table, query) and not _is_refused(app, query):
                yield _Taking(route, query, table, ends)


def _is_refused(app: AppMap, query: Query) -> bool:
    """Whether a row that is found is the reason to refuse: the code of a new one must be free."""
    function = innermost(app, query)
    name = holder(function, query) if function is not None else ""
    if function is None or not name:
        return False
    path, begin = function.span.path, query.span.end
    found = re.compile(rf"{name}(?:\s+is\s+not\s+None)?")
    arms = [b for b in function.blocks if b.kind == "arm" and found.fullmatch(b.words.strip())]
    texts = [app.text(Span(path, arm.start, arm.end)) for arm in arms if arm.start > begin]
    used = re.search(rf"\b{name}\b\s*[.,)\[]", app.text(Span(path, begin, function.span.end)))
    return used is None and any(map(_LEAVES.search, texts))


def _ends_rows(route: Route) -> bool:
    words = f"{route.path} {last(route.handler)}"
    return route.method == "DELETE" or _ENDING.search(words) is not None


def _ends(table: Table) -> tuple[Column, ...]:
    named = (c for c in table.columns if _EXPIRES.match(c.attribute) or _SPENT.match(c.attribute))
    return tuple(named)


def _is_by_secret(app: AppMap, table: Table, query: Query) -> bool:
    """Whether the row is looked for by what only its holder knows, which is the client's to say."""
    columns = (c for c in table.columns if _SECRET.search(c.attribute))
    names = {n for c in columns for n in (c.name, c.attribute)}
    asked = {n for n in names if f"{table.name}.{n}" in query.filters}
    if not asked or query.kind not in ("select", "update"):
        return False
    text = _around(app, query)
    return any(_is_compared(text, name) for name in asked)


def _around(app: AppMap, query: Query) -> str:
    """The innermost function that makes a statement: its conditions may stand beside it."""
    function = innermost(app, query)
    return uncommented(app, function) if function else app.text(query.span)


def _is_compared(text: str, name: str) -> bool:
    """Whether a column may equal what is sent; one that equals a constant is a kind of row."""
    sent = re.search(rf"\b{name}\b[)\]\s]*(?:={{1,2}}|\.in_\()(?!=|{_CONSTANT})", text)
    return sent is not None or re.search(rf"\b{name}\b", text) is None


def _opens(route: Route, query: Query) -> bool:
    """Whether holding the row gives more than a look at it."""
    return route.method != "GET" or any(q.tables[:1] != query.tables[:1] for q in route.queries)


def _is_asked(app: AppMap, taking: _Taking, column: Column) -> bool:
    """Whether anything that runs for the route reads the column, or a method that does."""
    words = {column.attribute, column.name, *_alike(column.attribute)}
    words |= _telling(app, words)
    running = {f.span: f for f in reach(app).running(taking.route)}
    texts = [uncommented(app, f) for f in running.values()]
    asked = any(_reads(text, word) for text in texts for word in words)
    return asked or (bool(_EXPIRES.match(column.attribute)) and _is_signed(app, taking.route))


def _telling(app: AppMap, words: set[str]) -> set[str]:
    """Methods and properties that read one of `words` of their own row, or a method that does."""
    found: set[str] = set()
    for _ in range(_DEEPEST):
        found |= {name for name, own in _reading_own(app) if not own.isdisjoint(words | found)}
    return found


@once
def _reading_own(app: AppMap) -> tuple[tuple[str, frozenset[str]], ...]:
    """Each method with what it reads of its own row."""
    methods = ((last(f.name), uncommented(app, f)) for f in app.functions if f.class_name)
    return tuple((name, frozenset(_OWN.findall(text))) for name, text in methods)


def _is_signed(app: AppMap, route: Route) -> bool:
    """Whether the handler opens a token that tells its own end, which the library asks for."""
    root = reach(app).answering(route)
    calls = {step.call.span for step in reach(app).below(root)} if root is not None else set()
    return any(
        c.span in calls and verifies(c) and "verify_exp" not in dict(c.keywords).get("options", "")
        for c in signing_of(app).decodings
    )


def _alike(name: str) -> tuple[str, ...]:
    """How a column that says the same is called: ``is_used`` beside ``used_at``."""
    stem = re.sub(r"^(is|was|has_been)_|_(at|on|date|time)$", "", name)
    stem = "expired" if stem in ("expires", "expiry", "expiration") else stem
    return (stem, f"is_{stem}", f"{stem}_at")


def _reads(text: str, word: str) -> bool:
    """Whether code speaks of `word` otherwise than to set it."""
    by_name = re.search(rf"filter_by\([^)]*\b{word}\s*=", text)
    return bool(by_name or re.search(rf"\b{word}\b(?!\s*=[^=])(?![\"']\s*:)", text))


def _shown(app: AppMap, table: Table, column: Column) -> str:
    """How the app says that the column ends its row; empty where it does not."""
    name, functions = column.attribute, _about(app, table)
    for told, verb in ((_tested(name), "asks for"), (rf"\b{name}\s*=[^=]", "sets")):
        found = (f for f in functions if re.search(told, uncommented(app, f)))
        if (one := next(found, None)) is not None:
            return f"`{last(one.name)}` {verb} it"
    return "it has a default" if column.default and _EXPIRES.match(name) else ""


def _tested(name: str) -> str:
    """A column of some row in a condition; what is only shown in an answer ends nothing."""
    compared = rf"\.{name}\s*(?:[<>]|[!=]=|is\b|\.is_|\.isnot)|[<>]=?\s*[\w.]+\.{name}\b"
    return rf"{compared}|\b(?:not|if|and|or)\s+[\w.]+\.{name}\b(?!\s*=[^=])"


def _about(app: AppMap, table: Table) -> list[Function]:
    """The functions that name the class of the table, and those that run for routes on it."""
    word = re.compile(rf"\b{last(table.model or table.name)}\b")
    naming = [f for f in app.functions if word.search(app.text(f.span))]
    routes = (r for r in app.routes if any(table.name in q.tables for q in r.queries))
    running = (f for r in routes for f in reach(app).running(r))
    found = {f.name: f for f in (*naming, *running) if not of_tests(f.span.path)}
    return list(found.values())


def _finding(
    app: AppMap, taking: _Taking, columns: tuple[Column, ...], shown: dict[str, str]
) -> Finding:
    table, route = taking.table, taking.route
    assert route.span is not None
    named = " and ".join(f"`{c.attribute}`" for c in columns)
    which = "has expired" if all(_EXPIRES.match(c.attribute) for c in columns) else "is spent"
    told = (f"`{c.attribute}`: {shown[c.attribute]}" for c in columns)
    fix = _fix(app, taking, columns)
    return Finding(
        NAME,
        taking.query.span,
        f"`{route}` takes a row of `{table.name}` that {which}: it does not ask for {named}",
        evidence=tuple(Evidence(EvidenceKind.SOURCE, text) for text in told),
        fixes=(fix,) if fix is not None else (),
        symbol=route.handler,
        structural=True,
    )


def _fix(app: AppMap, taking: _Taking, columns: tuple[Column, ...]) -> Fix | None:
    """What is spent is looked past, where nothing else is to be asked."""
    column = columns[0]
    if len(columns) > 1 or not _SPENT.match(column.attribute):
        return None
    unspent = "None" if column.attribute.endswith(("_at", "_on")) else "False"
    why = f"a row of `{taking.table.name}` that is spent opens nothing"
    edits = narrowed(app, taking.table, taking.query.span, (column, unspent), why)
    title = f"Look past rows of `{taking.table.name}` that are spent"
    return Fix(title, Safety.CHANGES_BEHAVIOUR, edits) if edits else None
