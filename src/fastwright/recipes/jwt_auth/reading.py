"""How the written code reads its two settings, by what the app has for settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap, Setting
from fastwright.model.change import Change, NewFile
from fastwright.recipes.ensure import Reader, WantedSetting, ensure_setting
from fastwright.recipes.ensure.env_example import ensure_example_line
from fastwright.recipes.ensure.settings_class import settings_class
from fastwright.recipes.ensure.suite_settings import ensure_test_setting

_SETTINGS_MODULES = ("settings", "config", "conf", "configuration", "constants", "env")
_REDIS_URL = WantedSetting(
    name="redis_url",
    default='"redis://localhost:6379/0"',
    doc="Where failed logins are counted for all workers",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """Readers of the secret and of the tokens' lifetime, and the unit that defines them, if ours.

    `unit` is ``own_settings`` where the app makes its settings in a factory, out of reach, and
    ``environment`` where it has no place for settings. `redis` reads where failed logins are
    counted, if not in memory.
    """

    secret: Reader
    minutes: Reader
    unit: str = ""
    redis: Reader | None = None

    @property
    def readers(self) -> tuple[Reader, ...]:
        """All of them."""
        return tuple(r for r in (self.secret, self.minutes, self.redis) if r is not None)

    @property
    def changes(self) -> tuple[Change, ...]:
        """What has to be written for them."""
        return tuple(change for reader in self.readers for change in reader.changes)


def reading(app: AppMap, wanted: tuple[WantedSetting, WantedSetting], home: str) -> Reading:
    """How the settings `wanted`, the secret first, are read; `home` is the module for our own."""
    settings = settings_class(app)
    if settings is not None and (settings.instance or settings.getter):
        return Reading(ensure_setting(app, wanted[0]), ensure_setting(app, wanted[1]))
    if settings is None and _has_settings_module(app):
        secret, minutes = (_constant(app, one) or ensure_setting(app, one) for one in wanted)
        return Reading(secret, minutes)
    unit = "own_settings" if settings is not None else "environment"
    prefix = settings.prefix if settings is not None else ""
    secret, minutes = (_own(app, one, home, prefix, unit) for one in wanted)
    return Reading(secret, minutes, unit)


def with_redis(app: AppMap, read: Reading, home: str, *, asked: bool) -> Reading:
    """`read` with the URL of a Redis: the one that the app has, or where `asked`, a new setting."""
    found = _redis_setting(app)
    if found is not None:
        name = (found.attribute or found.name).rpartition(".")[2].lower()
        wanted = WantedSetting(name=name)
        reader = ensure_setting(app, wanted) if found.attribute else _constant(app, wanted)
        if reader is not None and not reader.changes:
            return replace(read, redis=reader)
    if not asked:
        return read
    unit = read.unit
    reader = _own(app, _REDIS_URL, home, _prefix(read), unit) if unit else None
    return replace(read, redis=reader or ensure_setting(app, _REDIS_URL))


def redis_text(reader: Reader) -> str:
    """Source of the URL as text."""
    expression = reader.expression + (".get_secret_value()" if reader.secret else "")
    return expression if reader.annotation == "str" or reader.secret else f"str({expression})"


def _redis_setting(app: AppMap) -> Setting | None:
    """The setting that always holds the URL of a Redis."""
    for setting in app.settings:
        name = (setting.attribute or setting.name).rpartition(".")[2].lower()
        optional = "None" in (setting.annotation or "") or (
            not setting.required and setting.default in (None, "None")
        )
        if re.fullmatch(r"(\w+_)?redis_?(url|uri|dsn)", name) and not optional:
            return setting
    return None


def _prefix(read: Reading) -> str:
    return read.secret.variable.removesuffix("JWT_SECRET")


def _has_settings_module(app: AppMap) -> bool:
    spans = [s.span for s in app.settings if s.attribute is None and s.span is not None]
    return any(span.path.stem in _SETTINGS_MODULES for span in spans)


def _constant(app: AppMap, wanted: WantedSetting) -> Reader | None:
    """The constant that the app has for `wanted` already."""
    found = next((s for s in app.settings if _is(s, wanted)), None)
    module = app.module_at(found.span.path) if found and found.span else None
    if module is None:
        return None
    name = wanted.name.upper()
    kind = "str" if wanted.annotation == "SecretStr" else wanted.annotation
    return Reader(name, module.name, name, kind, name)


def _is(setting: Setting, wanted: WantedSetting) -> bool:
    return setting.attribute is None and setting.name == wanted.name.upper()


def _own(app: AppMap, wanted: WantedSetting, home: str, prefix: str, unit: str) -> Reader:
    """A reader of what our own unit defines in the module `home`."""
    variable = f"{prefix}{wanted.name}".upper()
    if unit == "own_settings":
        made = Reader(
            f"get_auth_settings().{wanted.name}", home, "get_auth_settings", wanted.annotation,
            variable, wanted.annotation == "SecretStr",
        )  # fmt: skip
    else:
        name = wanted.name.upper()
        made = Reader(name, home, name, wanted.annotation.replace("SecretStr", "str"), name)
    changes = list(_example(app, made.variable, wanted))
    if wanted.default is None:
        changes += _for_tests(app, made.variable, wanted.testing)
    return replace(made, changes=tuple(changes))


def _for_tests(app: AppMap, variable: str, value: str) -> tuple[Change, ...]:
    """`variable` in the environment of the tests; a suite without ``conftest.py`` gets one."""
    if any(path.name == "conftest.py" for path in app.files):
        return ensure_test_setting(app, variable, value)
    tests = [path for path in app.files if path.name.startswith("test_") and path.suffix == ".py"]
    folder = min(tests, key=lambda p: len(p.parts)).parent if tests else app.roots.working / "tests"
    text = f'import os\n\nos.environ.setdefault("{variable}", "{value}")\n'
    return (NewFile(folder / "conftest.py", text, f"the app asks for `{variable}` in tests too"),)


def _example(app: AppMap, variable: str, wanted: WantedSetting) -> tuple[Change, ...]:
    """A line in ``.env.example`` that tells of a required variable."""
    if wanted.default is not None:
        return ()
    return ensure_example_line(app, variable, f"# {wanted.doc}\n{variable}=\n")
