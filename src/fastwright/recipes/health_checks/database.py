"""How readiness can ask the app's database, by the app's own means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.storage import SessionProvider
from fastwright.recipes.ensure.drafting import path_of, split_symbol
from fastwright.recipes.ensure.session import session_dependency
from fastwright.source.import_header import Imported

_ORM = ("sqlalchemy", "sqlmodel")


@dataclass(frozen=True, slots=True)
class Database:
    """What readiness asks through.

    Attributes:
        kind: ``session`` (SQLAlchemy or SQLModel, by a dependency), ``connection`` (a driver's,
            by a dependency that opens it), or empty where readiness can ask nothing.
        symbol: The app's dotted symbol.
        is_async: Whether it is awaited.
        parameter: Source of the handler's parameter type, with its default where the app gives
            dependencies as defaults.
        imports: What that source needs.
        commits: False where it is known not to commit at the end of a request.
        because: Why there is nothing to ask.
        question: A pattern for the statement that asks.
    """

    kind: str
    symbol: str = ""
    is_async: bool = True
    parameter: str = ""
    imports: tuple[Imported, ...] = ()
    commits: bool = True
    because: str = ""
    question: str = ""
    takes_request: bool = False


def find_database(app: AppMap) -> Database:
    """The app's own way to its database, or the reason why readiness cannot use it."""
    provider = session_dependency(app)
    if provider is None:
        others = ", ".join(f"`{p.symbol}`" for p in app.sessions)
        because = f"{others} is not a dependency" if others else "the app has no session"
        return Database("", because=because)
    if provider.api in _ORM:
        return _session(app, provider)
    return _connection(app, provider)


def _session(app: AppMap, provider: SessionProvider) -> Database:
    module, name = split_symbol(app, provider.symbol)
    session, imported = _session_type(provider)
    holder = name.partition(".")[0]  # a method of an object is reached through that
    imports = [Imported(module, holder), Imported("fastapi", "Depends"), *imported]
    alias = _usable_alias(app, provider)
    if alias:
        parameter, imports = alias[1], [Imported(*alias)]
    elif _annotates(app):
        parameter = f"Annotated[{session}, Depends({name})]"
        imports.append(Imported("typing", "Annotated"))
    else:
        parameter = f"{session} = Depends({name})"
    return Database(
        kind="session",
        symbol=provider.symbol,
        is_async=provider.is_async,
        parameter=parameter,
        imports=tuple(imports),
        commits=provider.commits is not False,
        question=r"(await asyncio\.wait_for\(\s*)?session\.scalar\(text\(.SELECT 1.\)\)"
        r"(,\s*timeout=DATABASE_TIMEOUT,?\s*\))?",
    )


def _session_type(provider: SessionProvider) -> tuple[str, list[Imported]]:
    if provider.api == "sqlmodel":
        module = "sqlmodel.ext.asyncio.session" if provider.is_async else "sqlmodel"
    else:
        module = "sqlalchemy.ext.asyncio" if provider.is_async else "sqlalchemy.orm"
    name = "AsyncSession" if provider.is_async else "Session"
    return name, [Imported(module, name)]


def _usable_alias(app: AppMap, provider: SessionProvider) -> tuple[str, str] | None:
    """The app's ``Annotated`` alias, unless it belongs to one router's module."""
    if provider.alias is None:
        return None
    module, name = split_symbol(app, provider.alias)
    routers = {router.path for router in app.routers}
    home = path_of(app, module)
    return None if home is None or home in routers else (module, name)


def _annotates(app: AppMap) -> bool:
    """True where more of the app's dependencies are ``Annotated`` than defaults."""
    text = "\n".join(
        content.decode("utf-8", "replace")
        for path, content in app.files.items()
        if path.suffix == ".py" and b"Depends(" in content
    )
    defaults = len(re.findall(r"=\s*Depends\(", text))
    return len(re.findall(r"Annotated\[[^\n]*Depends\(", text)) >= defaults


def _connection(app: AppMap, provider: SessionProvider) -> Database:
    known = next((f for f in app.functions if f.name == provider.symbol), None)
    parameters = known.parameters if known is not None else None
    if provider.api != "asyncpg" or parameters not in ((), ("request",)):
        because = f"`{provider.symbol}` ({provider.api}) cannot be asked by this recipe"
        return Database("", because=because)
    return Database(
        kind="connection",
        symbol=provider.symbol,
        takes_request=bool(parameters),
        question=r"await connection\.execute\(.SELECT 1.\)",
    )
