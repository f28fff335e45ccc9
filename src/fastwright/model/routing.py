"""Routes: one method on one path, what guards it, and what it asks of the database."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fastwright.model.places import Span


class Witness(enum.StrEnum):
    """Who saw a fact."""

    SOURCE = "source"
    IMPORT = "import"
    TRAFFIC = "traffic"


class Place(enum.StrEnum):
    """Where a dependency is attached to a route, innermost first."""

    PARAMETER = "parameter"
    DECORATOR = "decorator"
    ROUTER = "router"
    INCLUSION = "inclusion"
    APP = "app"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a handler or dependency.

    `source` is where FastAPI takes it from: path, query, header, cookie, body, form, file,
    dependency or special (``Request``, ``BackgroundTasks``, …); ``None`` where not known. `span`
    are its annotation and default, as written in the signature.
    """

    name: str
    annotation: str | None = None
    default: str | None = None
    source: str | None = None
    required: bool = True
    constraints: tuple[tuple[str, str], ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """One node of a route's dependency tree.

    Attributes:
        call: Dotted name of what FastAPI calls; for a parametrised instance, of its class.
        name: The parameter that receives the result; empty where the result is dropped.
        place: Where it is attached; a child has the place of its root.
        scopes: OAuth2 scopes asked for by ``Security``.
        scheme: Class name of the security scheme (``OAuth2PasswordBearer``) where it is one.
        returns: Annotated result type, dotted where resolved.
        children: The dependencies of `call` itself.
        options: Literal arguments given to `Depends` or to the scheme (``auto_error=False``).
    """

    call: str
    name: str = ""
    place: Place = Place.PARAMETER
    scopes: tuple[str, ...] = ()
    scheme: str | None = None
    returns: str | None = None
    children: tuple[Dependency, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    span: Span | None = None

    def walk(self) -> tuple[Dependency, ...]:
        """This node and everything below it, depth first."""
        return (self, *(node for child in self.children for node in child.walk()))


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that can turn a request away before the handler runs.

    `role` is ``scheme`` (asks for credentials), ``principal`` (yields who is calling),
    ``permission`` (demands more than being somebody) or ``middleware``.
    """

    name: str
    role: str
    place: Place | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """One database statement that a handler runs, in itself or below it.

    `tables`: the one it is about, then those joined; none where SQL names a table that is put
    together elsewhere; `many`: it can yield more than one row; `bounded`: a limit caps them;
    `eager`: relationship paths loaded with it, ``?`` for an option that is made elsewhere;
    `filters`: columns compared, as ``table.column``, and ``?`` for a part of SQL that is put
    together elsewhere; `ordered`: its rows have an order; `skips`: an offset passes over some.
    """

    tables: tuple[str, ...]
    span: Span
    many: bool
    bounded: bool
    kind: str = "select"
    eager: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    seen_by: tuple[Witness, ...] = (Witness.SOURCE,)
    ordered: bool = False
    skips: bool = False


@dataclass(frozen=True, slots=True)
class CallerUse:
    """One place where what is done for a route turns on who is calling.

    `kind` is ``filtered`` (a condition of a statement), ``stored`` (written into a row), ``passed``
    (given to a call that source cannot follow) or ``read`` (anything else: compared, tested,
    returned); `text` is the line or the call as written.
    """

    kind: str
    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path, and the function that answers it.

    Attributes:
        path: The full path, mounts and prefixes included; a part that is not known statically
            stands as ``{?}``.
        handler: Dotted name of the function.
        span: The whole handler with its decorators; ``None`` where it lies outside the project.
        router: Dotted name of the router or app that it is registered on.
        app: ``module:name`` of the application that serves it.
        reachable: False for a handler decorated on a router that nothing includes.
        condition: The test under which it is registered, as written; ``None`` if always.
        caller_uses: Where handler, dependencies and what they call turn on who is calling.
        refuses: Which of 401 and 403 the handler, or what it calls, can itself raise.
    """

    method: str
    path: str
    handler: str
    span: Span | None = None
    parameters: tuple[Parameter, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    guards: tuple[Guard, ...] = ()
    body_model: str | None = None
    response_model: str | None = None
    status_code: int | None = None
    queries: tuple[Query, ...] = ()
    is_async: bool | None = None
    tags: tuple[str, ...] = ()
    in_schema: bool = True
    router: str | None = None
    app: str | None = None
    reachable: bool = True
    condition: str | None = None
    seen_by: tuple[Witness, ...] = (Witness.SOURCE,)
    caller_uses: tuple[CallerUse, ...] = ()
    refuses: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def every_dependency(self) -> tuple[Dependency, ...]:
        """The whole dependency tree, flat."""
        return tuple(node for root in self.dependencies for node in root.walk())
