"""Let the first user in: what turns a credential into a user yields the hub instead.

The override takes the very session that the original would have taken, so that what the user's
attributes load is loaded as ever. What asks for more than being somebody runs as it is.
"""

import functools
import gc
import inspect
import re
import sys
import typing

from . import claims, fill, naming, routes, seed, watch

_USERS = re.compile(r"(^|_)(users?|accounts?|members?|customers?)$")


def admit(app, hub):
    """Override every dependency that yields who is calling.

    Args:
        app: The application; its ``dependency_overrides`` are written to.
        hub: ``{table: first row}``, by column name.

    Returns:
        The dotted names of what was overridden.
    """
    if "sqlalchemy" not in sys.modules:
        return []
    mappers = _mappers(len(sys.modules))
    done = {}
    for owner, route in _routes(app):
        for scheme, chain in _chains(route.dependant, ()):
            for chosen, mapper, instead in _chosen(scheme, chain, mappers):
                if chosen.call not in done:
                    row = hub.get(mapper.local_table.fullname) or {} if mapper else {}
                    done[chosen.call] = instead(chosen, mapper, row)
                if done[chosen.call] is not None:
                    owner.dependency_overrides[chosen.call] = done[chosen.call]
    callers = (call for call, instead in done.items() if instead and instead is not _presented)
    return sorted({_named(call) for call in callers})


def _named(call):
    return naming.dotted(call if inspect.isroutine(call) else type(call))


def _chosen(scheme, chain, mappers):
    """What of one chain is replaced: the dependency, the users' mapper, and by what."""
    users = _users(mappers)
    if not chain and type(scheme.call).__module__.startswith("fastapi."):
        yield scheme, None, _credentials  # of a whole router: nobody takes what it yields
        return
    own = users is not None and not type(scheme.call).__module__.startswith("fastapi.")
    if own and chain and _reads_claims(chain[0].call, scheme.name):
        yield scheme, users, _claiming  # and what stands on it loads the user as ever
        return
    chosen, mapper = _principal(chain, mappers)
    if chosen is not None and mapper is not None and mapper.class_ is not None:
        yield chosen, mapper, _instead
    elif users is not None:
        for dependant in chain:
            if _tells_of(users, _yielded(dependant.call)):
                yield dependant, users, _claiming
                break
    if own:
        yield scheme, users, _claiming


def _routes(app):
    """Every API route with the application whose overrides it looks up."""
    for route in routes.effective(getattr(app, "routes", None) or ()):
        if getattr(route, "dependant", None) is not None:
            if hasattr(app, "dependency_overrides"):
                yield app, route
        elif getattr(route, "app", None) is not None:
            inner = routes.inner_app(route.app)
            if inner is not app:
                yield from _routes(inner)


def _chains(dependant, above):
    """Each security scheme with the dependencies that stand on it, innermost first."""
    for child in dependant.dependencies:
        if _is_scheme(child.call):
            yield child, above
        else:
            yield from _chains(child, (child, *above))


def _is_scheme(call):
    names = {(cls.__module__, cls.__name__) for cls in type(call).__mro__}
    return ("fastapi.security.base", "SecurityBase") in names


@functools.lru_cache(maxsize=1)
def _mappers(modules):
    """Every mapper by its class; looked for again when more `modules` are imported."""
    from sqlalchemy.orm import Mapper

    found = {}
    for thing in gc.get_objects():
        if type(thing) is Mapper and thing.local_table is not None:
            found[thing.class_] = thing
    return found


def _principal(chain, mappers):
    """The innermost dependency of `chain` that yields a mapped object, else the innermost one."""
    for dependant in chain:
        mapper = mappers.get(_yielded(dependant.call))
        if mapper is not None:
            return dependant, mapper
    if not chain or _yielded(chain[0].call) is not None:
        return None, None
    return chain[0], _users(mappers)


def _users(mappers):
    """The mapper of the users' table, by its name; None where no table is called so."""
    users = [m for m in mappers.values() if _USERS.search(m.local_table.name.lower())]
    users = users or [t for t in map(_Bare, fill.tables()) if _USERS.search(t.local_table.name)]
    return min(users, key=lambda m: len(m.local_table.name), default=None)


class _Bare:
    """A table that no class is mapped to, in the place of a mapper."""

    class_ = None

    def __init__(self, table):
        self.local_table = table
        self.primary_key = tuple(table.primary_key.columns)


def _reads_claims(call, name):
    """The parameter `name` of `call` is a dictionary: the token is read already."""
    try:
        kind = typing.get_type_hints(call).get(name)
    except Exception:
        return False
    return (typing.get_origin(kind) or kind) is dict


def _credentials(dependant, mapper, row):
    return _presented


def _presented():
    """Stands for credentials where they are asked for, and who sent them is not."""
    return "fastwright"


def _tells_of(users, kind):
    """`kind` is a dictionary, or a model of its own with the columns of a user."""
    columns = [column.name for column in users.local_table.columns]
    return isinstance(kind, type) and (issubclass(kind, dict) or claims.resembles(kind, columns))


def _claiming(dependant, mapper, row):
    """A dependency that yields the claims of `row`, in the form that is declared."""
    key = [column.name for column in mapper.primary_key]
    if not row:
        return None
    kind = _yielded(dependant.call)
    if kind is str:
        return lambda: "fastwright"
    if _is_scheme(dependant.call):
        return lambda: claims.Claims(row, key[0])  # what a token says came as JSON
    columns = mapper.local_table.c
    typed = {name: seed.typed(columns[name], value) for name, value in row.items()}
    if claims.resembles(kind, typed):
        return lambda: claims.likeness(kind, typed)
    return lambda: claims.Claims(typed, key[0])


def _yielded(call):
    """The class that a dependency is annotated to return; None where it does not say."""
    function = call if inspect.isroutine(call) else type(call).__call__
    try:
        kind = typing.get_type_hints(function).get("return")
    except Exception:
        return None
    alternatives = () if _is_dict(kind) else naming.typing_arguments(kind)
    for inner in alternatives or (kind,):
        plain = typing.get_origin(inner) or inner
        if isinstance(plain, type) and plain is not type(None):
            return plain
    return None


def _is_dict(kind):
    """True for ``dict[str, int]``, whose arguments are no alternatives."""
    return typing.get_origin(kind) is dict


def _instead(dependant, mapper, row):
    from fastapi import Depends

    key = tuple(row.get(column.name) for column in mapper.primary_key)
    if not key or None in key:
        return None
    wanted = tuple(seed.typed(c, value) for c, value in zip(mapper.primary_key, key))
    session = next((c for c in _below(dependant) if _is_session(c)), None)
    model = mapper.class_
    if session is None:
        return _detached(model, wanted)
    one = wanted[0] if len(wanted) == 1 else wanted
    given = Depends(session.call)
    if _is_async_session(session):

        async def caller(session=given):
            return await session.get(model, one)

    else:

        def caller(session=given):
            return session.get(model, one)

    return caller


def _below(dependant):
    for child in dependant.dependencies:
        yield child
        yield from _below(child)


def _is_session(dependant):
    return "session" in str(_text(dependant)).lower() or _text(dependant).lower() in ("db", "dbs")


def _text(dependant):
    kind = naming.annotation(getattr(inspect.signature(dependant.call), "return_annotation", None))
    yielded = kind if kind and kind != "inspect._empty" else ""
    return yielded or dependant.name or getattr(dependant.call, "__name__", "")


def _is_async_session(dependant):
    call = dependant.call
    return (
        inspect.isasyncgenfunction(call)
        or inspect.iscoroutinefunction(call)
        or "async" in _text(dependant).lower()
    )


def _detached(model, key):
    """Without a session at hand: an object that is loaded already, and can load nothing more."""

    async def caller():
        def load(connection):
            from sqlalchemy.orm import Session

            with Session(bind=connection, expire_on_commit=False) as session:
                found = session.get(model, key[0] if len(key) == 1 else key)
                session.expunge_all()
                return found

        with watch.unwatched():
            return await seed.begin(seed.find_engine(), load)

    return caller
