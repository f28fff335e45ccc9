"""What authentication binds to in one app: its users, session, settings, versions and habits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.errors import Refused
from fastwright.model.storage import SessionProvider
from fastwright.recipes.ensure import error_fields
from fastwright.recipes.ensure.application import application
from fastwright.recipes.ensure.drafting import path_of, split_symbol, version
from fastwright.recipes.jwt_auth.accounts import Accounts, find_accounts
from fastwright.recipes.jwt_auth.authority import Power
from fastwright.recipes.jwt_auth.joining import Joining
from fastwright.recipes.jwt_auth.new_users import new_accounts
from fastwright.recipes.jwt_auth.schemes import Scheme, find_scheme
from fastwright.recipes.jwt_auth.verifying import verifying_route


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something of the app's or of a package: `name` in `module`."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        """The whole name."""
        return f"{self.module}.{self.name}"


_SESSION_CLASSES = MappingProxyType(
    {
        ("sqlalchemy", True): Symbol("sqlalchemy.ext.asyncio", "AsyncSession"),
        ("sqlalchemy", False): Symbol("sqlalchemy.orm", "Session"),
        ("sqlmodel", True): Symbol("sqlmodel.ext.asyncio.session", "AsyncSession"),
        ("sqlmodel", False): Symbol("sqlmodel", "Session"),
    }
)


@dataclass(frozen=True, slots=True)
class Session:
    """How a handler gets a database session.

    `dependency` is what goes into ``Depends``; `alias` the ``Annotated`` alias, where there is
    one; `kind` the class of what it yields. `is_held` is true where it opens a transaction that may
    end with the request alone: nothing can be asked of the session after a commit.
    """

    dependency: Symbol
    kind: Symbol
    is_async: bool
    alias: Symbol | None = None
    is_held: bool = False

    @property
    def has_exec(self) -> bool:
        """True for SQLModel's own session classes."""
        return self.kind.module.partition(".")[0] == "sqlmodel"


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything that the payload is rendered for.

    `joining` is what a registration asks for, `power` where roles are kept; each where it is built.
    A refresh token that is not used is good for `refresh_days`. `problem` are the fields of what
    the app itself answers errors with, and their types; empty where FastAPI does. `verifies` is a
    route of the app's own that could not read a hash of another kind.
    """

    accounts: Accounts
    scheme: Scheme
    session: Session
    slug: str
    target: str
    base: str
    makes_users: bool = False
    maker: Symbol | None = None
    joining: Joining | None = None
    power: Power | None = None
    refresh_days: int = 14
    problem: tuple[tuple[str, str], ...] = ()
    verifies: str = ""

    @property
    def adds_role(self) -> bool:
        """True where the app's own user table gets a column for roles."""
        return self.power is not None and self.power.is_new and not self.makes_users

    @property
    def keeps_hashes(self) -> bool:
        """True where stored hashes stay as they are: new ones have no room, or no other reader."""
        return self.scheme.is_old and (not self.accounts.room or bool(self.verifies))


def bind(app: AppMap, user_table: str | None, login: str | None) -> Binding:
    """Everything that a login binds to in `app`.

    Raises:
        Refused: There is nothing to log in against, or no session to read it with.
    """
    check_versions(app)
    session = find_session(app)
    accounts = find_accounts(app, user_table, login)
    scheme = find_scheme(app)
    mapper = "sqlmodel" if session.has_exec else "sqlalchemy"
    made = accounts or new_accounts(app, mapper)
    return Binding(
        accounts=made,
        scheme=scheme,
        session=session,
        slug=slug_of(app),
        target=application(app).target.replace(":", "."),
        base=_declarative_class(app, made, mapper),
        makes_users=accounts is None,
        maker=_maker(app, session),
        problem=error_fields(app),
        verifies=verifying_route(app) if scheme.kind == "bcrypt" else "",
    )


def _declarative_class(app: AppMap, accounts: Accounts, mapper: str) -> str:
    if mapper == "sqlmodel" or accounts.table.mapper == "sqlmodel":
        return "sqlmodel.SQLModel"
    found = app.capability("db.base")
    base = accounts.table.base or (found.symbol if found else None)
    if base is None:
        raise Refused(
            "cannot write a user model",
            "no declarative base was found that it could inherit from",
            "add a user model of your own, and ask again",
        )
    return base


def _maker(app: AppMap, session: Session) -> Symbol | None:
    """What makes a session without a request: the app's session maker."""
    makers = [s for s in app.sessions if s.kind == "maker" and s.is_async == session.is_async]
    return _symbol(app, makers[0].symbol) if makers else None


def find_session(app: AppMap) -> Session:
    """The session dependency that most routes use.

    Raises:
        Refused: The app has none, or one that the payload is not written for.
    """
    usable = [s for s in app.sessions if (s.api, s.is_async) in _SESSION_CLASSES]
    dependencies = [s for s in usable if s.kind == "dependency"]
    if not dependencies:
        raise _no_session(app)
    provider = max(dependencies, key=lambda s: s.used_by)
    alias = _symbol(app, provider.alias) if provider.alias else None
    if alias and path_of(app, alias.module) in {router.path for router in app.routers}:
        # Its module could never ask for `CurrentUser` if that were made of the module's alias.
        alias = None
    return Session(
        dependency=_symbol(app, provider.symbol),
        kind=_session_class(provider),
        is_async=provider.is_async,
        alias=alias,
        is_held=_begins(app, provider),
    )


def _begins(app: AppMap, provider: SessionProvider) -> bool:
    """True where the dependency yields within ``begin()``."""
    written = app.text(provider.span) if provider.span else ""
    return bool(re.search(r"\.begin(_nested)?\(", written))


def _no_session(app: AppMap) -> Refused:
    if not app.sessions:
        return Refused(
            "cannot check passwords",
            "the app has no database session to read users with",
            "run `fastwright add database` first",
        )
    drivers = [s for s in app.sessions if (s.api, s.is_async) not in _SESSION_CLASSES]
    if drivers:
        names = " and ".join(dict.fromkeys(s.api for s in drivers))
        return Refused(
            "cannot read users through the app's own database connection",
            f"`{drivers[0].symbol}` gives {names} connections with queries in SQL, and a login is "
            "written with SQLAlchemy or SQLModel, which would be a second way to the same tables",
            "give the app a SQLAlchemy session dependency over that database, and ask again",
        )
    found = ", ".join(f"`{s.symbol}` ({s.kind})" for s in app.sessions[:3])
    return Refused(
        "cannot read users through the app's own session",
        f"it is reached by {found}, and none of them comes by `Depends`",
        "give the app a session dependency, and ask again",
    )


def _session_class(provider: SessionProvider) -> Symbol:
    default = _SESSION_CLASSES[provider.api, provider.is_async]
    module, _, name = (provider.annotation or "").rpartition(".")
    if module.partition(".")[0] in ("sqlalchemy", "sqlmodel") and name.endswith("Session"):
        return Symbol(module, name)
    return default


def _symbol(app: AppMap, dotted: str) -> Symbol:
    return Symbol(*split_symbol(app, dotted))


def slug_of(app: AppMap) -> str:
    """A short name of the app, for issuer and audience: its title, else its package."""
    target = app.app
    title = target.title if target and target.title and target.title.isprintable() else ""
    package = target.target.partition(":")[0].partition(".")[0] if target else "app"
    return re.sub(r"[^a-z0-9]+", "-", (title or package).lower()).strip("-") or "app"


_OLDEST = MappingProxyType({"pydantic": (2,), "sqlalchemy": (2,), "fastapi": (0, 100)})


def check_versions(app: AppMap) -> None:
    """Raises `Refused` where the app's packages are older than the code is written for."""
    for package, oldest in _OLDEST.items():
        found = version(app, package)
        if found and found < oldest:
            shown, wanted = (".".join(map(str, v)) for v in (found[:2], oldest))
            raise Refused(
                "cannot write code for this app",
                f"it has {package} {shown}, and the code is written for {wanted} and newer",
                f"move the app to {package} {wanted}, and ask again",
            )
    if app.python and python_of(app) < (3, 10):
        raise Refused(
            "cannot write code for this app",
            f"it runs on Python {app.python}, and the code is written for 3.10 and newer",
            "move the app to a newer Python, and ask again",
        )


def python_of(app: AppMap) -> tuple[int, ...]:
    """The app's Python, in numbers; empty where not known."""
    return tuple(int(n) for n in re.findall(r"\d+", app.python or ""))[:2]
