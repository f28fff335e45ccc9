"""FW512 unlimited-login."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.intent import Intent
from fastwright.review.logins import logins_of
from fastwright.review.rule import rule

NAME = "unlimited-login"


@rule(code="FW512", severity=Severity.MEDIUM)
def unlimited_login(app: AppMap) -> Iterator[Finding]:
    """A login that can be tried without end.

    ## Why is this bad?
    Lists of leaked passwords have billions of entries, and a login that answers each of them is
    the way to find out which still work (OWASP API4:2023, unrestricted resource consumption;
    CWE-307).

    ## Example
    ```python
    class Credentials(BaseModel):
        email: str
        password: str


    @app.post("/login")
    def login(body: Credentials, session: SessionDep) -> str:
        user = session.scalar(select(User).where(User.email == body.email))
        if user is None or user.hashed_password != body.password:
            raise HTTPException(401)
        return user.email
    ```

    Use instead:
    ```python
    class Credentials(BaseModel):
        email: str
        password: str


    def limit_tries(request: Request) -> None:
        key = request.client.host if request.client else ""
        tries[key] = tries.get(key, 0) + 1
        if tries[key] > 10:
            raise HTTPException(429)


    tries: dict[str, int] = {}


    @app.post("/login", dependencies=[Depends(limit_tries)])
    def login(body: Credentials, session: SessionDep) -> str:
        user = session.scalar(select(User).where(User.email == body.email))
        if user is None or user.hashed_password != body.password:
            raise HTTPException(401)
        return user.email
    ```

    ## Fix safety
    There is none to apply: how many tries, and where they are counted (one process, Redis, the
    proxy), is a decision.

    ## Known limits
    A limit is known by the names of dependencies, decorators, middleware and functions that the
    login reaches, and by code that answers 429 or asks whether the account is locked. Only
    possible is a login of which no code is seen that compares the password, one of a repository
    whose own proxy limits requests, and one that calls what compares as plain Python and leaves a
    parameter to `Depends`: each try fails before any password is compared. One that only another
    proxy has is not seen: say so in `[tool.fastwright.access]` by naming the operation as
    `limited`.
    """
    logins, intent = logins_of(app), Intent.read(app)
    told: set[tuple[str, Span]] = set()  # a router that is included twice has one login
    for route in logins.routes:
        if route.span is None or (route.handler, route.span) in told:
            continue
        if logins.limited_by(route) or intent.is_limited(route):
            continue
        told.add((route.handler, route.span))
        seen = "no dependency, decorator, middleware or function that it reaches counts tries"
        yield Finding(
            NAME,
            route.span,
            f"`{route}` takes any number of passwords",
            evidence=(Evidence(EvidenceKind.SOURCE, seen),),
            symbol=route.handler,
            structural=logins.is_read(route),
        )
