"""The environment that an app is booted with: a value for each setting, and where it comes from."""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from fastwright.lab import services, settings_files, settings_values
from fastwright.lab.services import Service
from fastwright.lab.settings_files import Suggestion
from fastwright.lab.settings_values import Stack
from fastwright.model.app import AppMap, Setting

Read = Callable[[PurePosixPath], bytes | None]

_LITERAL = re.compile(r"""^\s*[rb]?(['"])(.*)\1\s*$""", re.DOTALL)
_NUMBER = re.compile(r"^\s*-?\d+(\.\d+)?\s*$")
_URL = re.compile(rb"""['"]((?:postgres(?:ql)?|redis|rediss)(?:\+\w+)?://[^'"\s{}]+)['"]""")
_REAL = tuple(
    PurePosixPath(name)
    for name in (
        ".env",
        ".env.local",
        ".env.dev",
        ".env.development",
        ".env.prod",
        ".env.production",
    )
)


def _address(one: Service) -> tuple[object, ...]:
    return one.kind, one.host, one.port, one.socket, one.file, one.user, one.database


class Origin(enum.StrEnum):
    """Where a value comes from, the most trusted first."""

    GIVEN = "given"
    REAL = "real"
    EXAMPLE = "example"
    COMPOSE = "compose"
    CI = "ci"
    TESTS = "tests"
    INFERRED = "inferred"
    LEARNT = "learnt"


@dataclass(frozen=True, slots=True)
class Value:
    """One variable: its value, and its source in words (``.env.example``, ``by name``)."""

    name: str
    value: str
    source: str
    origin: Origin

    @property
    def random(self) -> bool:
        """The value was made up, so it stands for nothing of the person's."""
        return self.origin in (Origin.INFERRED, Origin.LEARNT)


@dataclass(frozen=True, slots=True)
class Environment:
    """What an app is started with.

    Attributes:
        values: One for each variable, sorted by name.
        replaced: Env files of the tree that hold real values, each with its names in order.
        defaults: Settings that keep the default of the code, as ``{name: value}`` where that is a
            literal: servers are served at these addresses too.
        seen: Values of the imported app that may name a server, as it computed them.
        stack: What the app reaches its servers with.
        folders: Empty folders that the app asked for, and that the repository does not hold: git
            keeps none that is empty.
    """

    values: tuple[Value, ...] = ()
    replaced: Mapping[PurePosixPath, tuple[str, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict, repr=False)
    stack: Stack = field(default_factory=Stack)
    folders: tuple[PurePosixPath, ...] = ()

    @property
    def env(self) -> dict[str, str]:
        """The variables as a process takes them."""
        return {one.name: one.value for one in self.values}

    @property
    def files(self) -> dict[PurePosixPath, bytes]:
        """The env files of the copy: the same names in the same order, with these values."""
        return {path: self._rewritten(names) for path, names in self.replaced.items()}

    def _rewritten(self, names: Iterable[str]) -> bytes:
        values = ((name, self.value(name)) for name in names)
        return "".join(f"{n}={_quoted(v.value)}\n" for n, v in values if v).encode()

    def value(self, name: str) -> Value | None:
        """The value of a variable; names are compared without regard to case."""
        return next((one for one in self.values if one.name.upper() == name.upper()), None)

    def servers(self) -> tuple[Service, ...]:
        """The servers that the values, the defaults and the imported app together name.

        A template's defaults may name servers that the app has no driver for: those are left out.
        """
        given = services.read(self.env)
        named = (*services.read(self.seen), *services.read(self.defaults))
        reached = (one for one in named if self.stack.reaches(one.kind))
        return tuple({_address(one): one for one in (*given, *reached)}.values())

    def give(self, *values: Value) -> Environment:
        """With these values instead of those of the same names."""
        names = {one.name.upper() for one in values}
        kept = (one for one in self.values if one.name.upper() not in names)
        return replace(self, values=_sorted((*kept, *values)))


def infer(
    app: AppMap,
    environ: Mapping[str, str],
    read: Read,
    *,
    given: Mapping[str, str] | None = None,
    allow_env: bool = False,
    chance: random.Random | None = None,
) -> Environment:
    """A value for every setting that the app needs or that its repository suggests.

    Args:
        app: The map; its files, settings, sessions and versions are used.
        environ: The person's environment; only names that the app reads and that are not secret
            or addresses could be wanted from it, so nothing is taken unless `allow_env`.
        read: Bytes of a file of the repository that git may ignore (``.env``), None where absent.
        given: ``--env`` and ``--env-file``: beats everything.
        allow_env: Keep the values of a real ``.env`` and of `environ`.
        chance: Source of random secrets.
    """
    chance = chance or random.SystemRandom()
    stack = stack_of(app)
    real = _real_files(app, read)
    found = _Collected(chance, stack)
    found.add(Value(n, v, "--env", Origin.GIVEN) for n, v in (given or {}).items())
    if allow_env:
        found.add(_real_values(app, environ, real))
    found.add_suggestions(settings_files.suggestions(app.files))
    for names in real.values():
        found.stand_in(names)
    found.add(
        Value(setting.name, *_made(setting.name, setting.annotation, found), Origin.INFERRED)
        for setting in app.settings
        if setting.name not in found.values and _wanted(setting)
    )
    replaced = {} if allow_env else {path: tuple(names) for path, names in real.items()}
    return Environment(_sorted(found.values.values()), replaced, _defaults(app), stack=stack)


def _wanted(setting: Setting) -> bool:
    """Required by its declaration; what is merely read from the environment is learnt instead."""
    declared = setting.reader != "environ"
    return setting.required and (declared or settings_values.is_essential(setting.name))


def stack_of(app: AppMap) -> Stack:
    """The packages that the app has, as installed or declared, and how its sessions work."""
    declared = (name for manifest in app.manifests for name in manifest.names)
    packages = frozenset(name.lower().replace("_", "-") for name in (*app.versions, *declared))
    modes = {session.is_async for session in app.sessions}
    return Stack(packages, modes.pop() if len(modes) == 1 else None)


class _Collected:
    """Values by name, the first one found standing."""

    def __init__(self, chance: random.Random, stack: Stack) -> None:
        self.chance = chance
        self.stack = stack
        self.values: dict[str, Value] = {}

    def add(self, values: Iterable[Value]) -> None:
        for one in values:
            self.values.setdefault(one.name, one)

    def add_suggestions(self, suggestions: Iterable[Suggestion]) -> None:
        """An empty suggestion counts only where an app can hardly do without: a server, a secret.

        Any other is left out, as a person leaves it; if the app asks for it, it is learnt.
        """
        suggestions = tuple(suggestions)
        known = {s.name: s.value for s in reversed(suggestions) if "$" not in s.value}
        empty: dict[str, Suggestion] = {}
        for one in suggestions:
            value = settings_files.expand(one.value, known)
            if settings_values.means_production(one.name, value):
                continue
            if value:
                self.add([Value(one.name, value, one.source, Origin(one.kind))])
            else:
                empty.setdefault(one.name, one)
        for name, one in empty.items():
            if settings_values.is_essential(name):
                made, how = settings_values.make_value(name, None, self.stack, self.chance)
                self.add([Value(name, made, f"{one.source} (empty), {how}", Origin.INFERRED)])

    def stand_in(self, real: Mapping[str, str]) -> None:
        for name, value in real.items():
            made = settings_values.like(value, name, self.stack, self.chance)
            self.add([Value(name, made, "in place of the real value", Origin.INFERRED)])


def _made(name: str, annotation: str | None, found: _Collected) -> tuple[str, str]:
    return settings_values.make_value(name, annotation, found.stack, found.chance)


def _sorted(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values, key=lambda one: one.name))


def _real_files(app: AppMap, read: Read) -> dict[PurePosixPath, dict[str, str]]:
    """Env files with somebody's own values, in the root, the working and the import directory."""
    places = {PurePosixPath(), app.roots.working, app.roots.imports}
    paths = {place / name for place in places for name in _REAL}
    paths |= {path for path in app.files if settings_files.is_real_env(path)}
    found = {}
    for path in sorted(paths):
        content = app.files.get(path) or read(path)
        if content is not None:
            found[path] = settings_files.dotenv_pairs(content.decode("utf-8", "replace"))
    return found


def _real_values(
    app: AppMap, environ: Mapping[str, str], real: Mapping[PurePosixPath, Mapping[str, str]]
) -> Iterable[Value]:
    for setting in app.settings:
        if setting.name in environ:
            yield Value(setting.name, environ[setting.name], "your environment", Origin.REAL)
    for path, names in real.items():
        for name, value in names.items():
            yield Value(name, value, str(path), Origin.REAL)


def _quoted(value: str) -> str:
    if re.fullmatch(r"[\w.:/@+,=-]*", value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _defaults(app: AppMap) -> dict[str, str]:
    """Literal defaults of settings, and server URLs that stand in the code itself."""
    found = {}
    for setting in app.settings:
        literal = _LITERAL.match(setting.default or "")
        if literal:
            found[setting.name] = literal[2]
        elif _NUMBER.match(setting.default or ""):
            found[setting.name] = (setting.default or "").strip()
    for path, content in app.files.items():
        if path.suffix in (".py", ".ini"):
            for number, url in enumerate(_URL.findall(content)):
                found[f"{path}#{number}"] = url.decode("utf-8", "replace")
    return found
