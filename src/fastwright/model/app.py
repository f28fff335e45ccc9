"""The application map: what is known of one app, and who saw it.

A field is known or it is ``None``: nothing here is a guess. Dotted names (``shop.api.deps.get_db``)
are resolved through imports, so that two of them are equal exactly when they name one thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fastwright.model.code import Call, Flow, Function, LeftOut, Mistake, Module
from fastwright.model.places import Span
from fastwright.model.routing import (
    Dependency,
    Guard,
    Parameter,
    Place,
    Query,
    Route,
    Witness,
)
from fastwright.model.storage import Migrations, SessionProvider, Table

__all__ = [
    "AppMap",
    "Application",
    "Capability",
    "Convention",
    "Dependency",
    "Disagreement",
    "Field",
    "Guard",
    "Inclusion",
    "Manifest",
    "Middleware",
    "Parameter",
    "Place",
    "Principal",
    "Query",
    "Roots",
    "Route",
    "Router",
    "Schema",
    "Setting",
    "SettingsClass",
    "Unresolved",
    "Witness",
]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a schema."""

    name: str
    annotation: str | None
    default: str | None = None
    required: bool = True
    constraints: tuple[tuple[str, str], ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A class that request or response bodies are read into: pydantic, dataclass, TypedDict."""

    name: str
    fields: tuple[Field, ...]
    bases: tuple[str, ...] = ()
    config: tuple[tuple[str, str], ...] = ()
    span: Span | None = None
    seen_by: tuple[Witness, ...] = (Witness.SOURCE,)


@dataclass(frozen=True, slots=True)
class Principal:
    """A dependency that yields who is calling.

    `dependency` is dotted; `alias` is the dotted ``Annotated`` alias routes use, if there is one;
    `model` is the dotted type it yields; `scheme` is the class of the scheme below it; `token_url`
    is what an OAuth2 scheme announces.
    """

    dependency: str
    model: str | None = None
    alias: str | None = None
    scheme: str | None = None
    scheme_symbol: str | None = None
    token_url: str | None = None
    permission: bool = False
    used_by: int = 0
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that the app takes from its environment.

    Attributes:
        name: The environment variable.
        attribute: The dotted attribute of the settings class; ``None`` when read directly.
        annotation: Declared type as written.
        default: The default's source text, if any.
        reader: ``pydantic-settings``, ``environ``, ``starlette``, ``decouple`` or
            ``dynaconf``.
        given_by: Files that give or suggest a value (``.env.example``); never the value.
    """

    name: str
    required: bool
    reader: str
    attribute: str | None = None
    annotation: str | None = None
    default: str | None = None
    given_by: tuple[str, ...] = ()
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class SettingsClass:
    """A settings class, and how the app gets hold of an instance.

    `instance` is the dotted name of a module-level object (``app.core.config.settings``),
    `getter` of a function that returns one; `prefix` is ``env_prefix``; `body_end` is where a
    further field can be inserted.
    """

    name: str
    span: Span
    body_end: int
    instance: str | None = None
    getter: str | None = None
    prefix: str = ""
    env_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Middleware:
    """One middleware, outermost first in the map; `condition` governs that it is added at all."""

    name: str
    options: tuple[tuple[str, str], ...] = ()
    span: Span | None = None
    seen_by: tuple[Witness, ...] = (Witness.SOURCE,)
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """One ASGI application object.

    `target` is ``module:name``; for a factory, ``module:function`` with `factory` True.
    `variable` is the local name of the app where it is built; `created` spans the ``FastAPI(…)``
    call's whole statement; `lifespan` is the dotted lifespan function.
    """

    target: str
    path: PurePosixPath
    created: Span
    variable: str
    factory: bool = False
    lifespan: str | None = None
    title: str | None = None
    mounted_at: str | None = None
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inclusion:
    """One ``include_router`` or ``mount``: `router` joins `into`, both dotted."""

    router: str
    into: str
    span: Span
    prefix: str | None = None
    prefix_text: str | None = None
    tags: tuple[str, ...] = ()
    function: str | None = None
    condition: str | None = None
    mount: bool = False


@dataclass(frozen=True, slots=True)
class Router:
    """One ``APIRouter``; `created` spans the whole statement that makes it."""

    name: str
    path: PurePosixPath
    created: Span
    variable: str
    prefix: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Convention:
    """A habit of this code base, with the count of its evidence.

    `topic` is a fixed word (``layout``, ``router-prefix``, ``dependency-style``, ``test-style``,
    ``quotes``, ``line-length``, …), `value` what the app does, in `count` of `total` places.
    """

    topic: str
    value: str
    count: int
    total: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Roots:
    """Where the project's pieces stand, relative to the repository root (``.`` for itself).

    `imports` is what goes on ``sys.path``; `working` is the directory that the app is started in.
    """

    imports: PurePosixPath = PurePosixPath()
    working: PurePosixPath = PurePosixPath()


@dataclass(frozen=True, slots=True)
class Manifest:
    """One file that declares or locks dependencies; `names` maps a package to its specifier."""

    path: PurePosixPath
    tool: str
    names: Mapping[str, str] = field(default_factory=dict)
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What the source says and the running app denies, or the other way round."""

    subject: str
    source: str
    running: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Something static reading met and could not follow."""

    what: str
    span: Span | None
    why: str


@dataclass(frozen=True, slots=True)
class Capability:
    """Something a recipe can bind to: the user's own symbol for `name`.

    Names in use: ``app``, ``settings``, ``db.session``, ``db.base``, ``auth.current_user``,
    ``auth.user_table``, ``auth.password_hash``, ``tests.client``.
    """

    name: str
    symbol: str
    span: Span | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class AppMap:
    """Everything known about one application. Made by `survey`, read by all, changed by none.

    `files` holds the bytes of every file that was read, so that a pure function can compute an
    edit; `app` is the application chosen where a repository has several in `applications`;
    `versions` are those of the interpreter's packages, as installed, else as locked; `signatures`
    are what FastAPI reads from each handler and dependency of ours, by its dotted name; `mistakes`
    are expressions that raise whenever they run: of functions, and, under the name of the module,
    of those modules that the import of the application comes to.
    """

    files: Mapping[PurePosixPath, bytes]
    app: Application | None
    applications: tuple[Application, ...] = ()
    modules: Mapping[str, Module] = field(default_factory=dict)
    routers: tuple[Router, ...] = ()
    inclusions: tuple[Inclusion, ...] = ()
    routes: tuple[Route, ...] = ()
    schemas: tuple[Schema, ...] = ()
    tables: tuple[Table, ...] = ()
    signatures: Mapping[str, tuple[Parameter, ...]] = field(default_factory=dict)
    functions: Sequence[Function] = ()
    calls: Sequence[Call] = ()
    flows: tuple[Flow, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    principals: tuple[Principal, ...] = ()
    settings: tuple[Setting, ...] = ()
    settings_classes: tuple[SettingsClass, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    sessions: tuple[SessionProvider, ...] = ()
    migrations: tuple[Migrations, ...] = ()
    manifests: tuple[Manifest, ...] = ()
    conventions: tuple[Convention, ...] = ()
    capabilities: tuple[Capability, ...] = ()
    roots: Roots = field(default_factory=Roots)
    interpreter: str | None = None
    python: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    disagreements: tuple[Disagreement, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    contract: Mapping[str, object] | None = None
    """The running app's OpenAPI document, where it was imported."""

    def route(self, method: str, path: str) -> Route | None:
        """The reachable route of `method` on `path`, if there is one."""
        wanted = (method, path)
        return next((r for r in self.routes if r.reachable and (r.method, r.path) == wanted), None)

    def capability(self, name: str) -> Capability | None:
        """The user's own symbol for `name`, where the app has one."""
        return next((c for c in self.capabilities if c.name == name), None)

    def convention(self, topic: str) -> Convention | None:
        """The app's habit in `topic`, where it has one."""
        return next((c for c in self.conventions if c.topic == topic), None)

    def table(self, name: str) -> Table | None:
        """The table of that table name or dotted class name."""
        return next((t for t in self.tables if name in (t.name, t.model)), None)

    def module_at(self, path: PurePosixPath) -> Module | None:
        """The module that a file is, where it was read as one."""
        wanted = str(path)  # which paths remember, and which is compared at once
        return next((m for m in self.modules.values() if str(m.path) == wanted), None)

    def text(self, span: Span) -> str:
        """The source text of a span."""
        return span.text(self.files[span.path])
