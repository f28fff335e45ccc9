"""FW514 user-enumeration."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.routing import Route
from fastwright.review.logins import logins_of
from fastwright.review.narrowing import within
from fastwright.review.reach import Reach, Step, reach
from fastwright.review.rule import rule
from fastwright.review.signing import signing_of

NAME = "user-enumeration"
_UNKNOWN = re.compile(
    r"(user(name)?|e-?mail|account|login)\b[^'\"]{0,40}\b(not\s+(found|exist|registered|known)|"
    r"(does|did)\s*n[o']t\s+exist|unknown|n't\s+exist|incorrect|invalid|wrong)|"
    r"(no|unknown|invalid|incorrect|wrong)\s+(such\s+)?(user(name)?|e-?mail|account)\b"
    r"(?!\s*(or|and|/|&|format|syntax|domain))|no\s+(user|account|email)\b",
    re.IGNORECASE,
)
_BOTH = re.compile(r"password|credential", re.IGNORECASE)


@rule(code="FW514", severity=Severity.MEDIUM)
def user_enumeration(app: AppMap) -> Iterator[Finding]:
    """A login that tells an unknown user from a wrong password.

    ## Why is this bad?
    Whoever tries addresses learns which have an account here: a list to attack, to phish, or, for
    some services, all that they wanted to know (CWE-204).

    ## Example
    ```python
    class Credentials(BaseModel):
        email: str
        password: str


    @app.post("/login")
    def login(body: Credentials, session: SessionDep) -> str:
        user = session.scalar(select(User).where(User.email == body.email))
        if user is None:
            raise HTTPException(404, "User not found")
        if user.hashed_password != body.password:
            raise HTTPException(401, "Wrong password")
        return user.email
    ```

    Use instead:
    ```python
    class Credentials(BaseModel):
        email: str
        password: str


    @app.post("/login")
    def login(body: Credentials, session: SessionDep) -> str:
        user = session.scalar(select(User).where(User.email == body.email))
        if user is None:
            raise HTTPException(401, "Incorrect email or password")
        if user.hashed_password != body.password:
            raise HTTPException(401, "Incorrect email or password")
        return user.email
    ```

    ## Fix safety
    Changes behaviour: an unknown user is answered as a wrong password is. Offered where the login
    has exactly one other refusal to be answered with.

    ## Known limits
    Only refusals that are raised as `HTTPException` with a text in the source are compared, and
    none that stands in front of the function's first statement, nor one behind a token that the
    function has opened: who is meant is read in it, and nobody else can ask. That an unknown user
    is answered faster, for no hash is computed, is left to the live examination.
    """
    reached = reach(app)
    for route in logins_of(app).routes:
        calls = [
            c
            for c in _refusals(reached, route)
            if not _is_before(route, reached, c) and not _is_proved(app, reached, route, c)
        ]
        unknown = [c for c in calls if _tells_unknown(c)]
        others = [c for c in calls if c not in unknown]
        for call in unknown[:1]:
            if all(_answer(c) == _answer(call) for c in others) and others:
                continue
            yield _finding(app, route, call, others)


def _refusals(reached: Reach, route: Route) -> list[Call]:
    """Every ``HTTPException`` with a text that the handler, or what it calls, makes."""
    function = reached.answering(route)
    if function is None:
        return []
    made = (s.call for s in reached.below(function))
    return [c for c in made if c.text.rpartition(".")[2] == "HTTPException" and _detail(c)]


def _is_before(route: Route, reached: Reach, call: Call) -> bool:
    """Whether a refusal stands in front of all that its function asks of the database.

    It says what is wrong with the text that was sent, whoever has an account.
    """
    function = reached.functions.get(call.caller)
    asked = [
        q.span for q in route.queries if function is not None and within(q.span, function.span)
    ]
    return bool(asked) and all(call.span.end <= span.start for span in asked)


def _is_proved(app: AppMap, reached: Reach, route: Route, call: Call) -> bool:
    """Whether the way to a refusal leads behind the reading of a token that the client holds."""
    handler = reached.answering(route)
    if handler is None:
        return False
    signing = signing_of(app)
    opened = {c.span for c in (*signing.decodings, *signing.links) if c not in signing.unverified}
    steps = reached.below(handler)
    before = [step for step in steps if step.call.span in opened]
    ways = [step for step in steps if step.call.span == call.span]
    return bool(ways) and all(any(_leads_behind(way, step) for step in before) for way in ways)


def _leads_behind(way: Step, opening: Step) -> bool:
    """Whether a call stands behind another in the first function in which their ways part."""
    pairs = zip((*way.via, way.call), (*opening.via, opening.call), strict=False)
    parted = next((pair for pair in pairs if pair[0] is not pair[1]), None)
    return parted is not None and parted[1].span.end <= parted[0].span.start


def _tells_unknown(call: Call) -> bool:
    detail = _detail(call)
    return bool(_UNKNOWN.search(detail)) and not _BOTH.search(detail)


def _detail(call: Call) -> str:
    given = dict(call.keywords).get("detail")
    return given or (call.arguments[1] if len(call.arguments) > 1 else "")


def _answer(call: Call) -> tuple[str, str]:
    given = dict(call.keywords)
    status = given.get("status_code") or (call.arguments[0] if call.arguments else "")
    return status, _detail(call)


def _finding(app: AppMap, route: Route, call: Call, others: list[Call]) -> Finding:
    fix = _fix(app, call, others)
    return Finding(
        NAME,
        call.span,
        f"`{route}` tells that a user is unknown: {_detail(call)}",
        evidence=tuple(
            Evidence(EvidenceKind.SOURCE, f"it refuses otherwise with {_detail(c)}")
            for c in others[:2]
        ),
        related=tuple(c.span for c in others[:2]),
        fixes=(fix,) if fix else (),
        symbol=route.handler,
        structural=True,
    )


def _fix(app: AppMap, call: Call, others: list[Call]) -> Fix | None:
    """The other refusal of the same function, word for word."""
    answers = {_answer(c): c for c in others if c.caller == call.caller}
    if len(answers) != 1:
        return None
    (chosen,) = answers.values()
    text = app.text(chosen.span)
    if re.search(r"\bf[\"']", text):
        return None
    edit = Edit(call.span, text, "an unknown user is answered as a wrong password is")
    return Fix("Answer both alike", Safety.CHANGES_BEHAVIOUR, (edit,))
