"""Values for the settings that a change newly demands, kept where git does not look."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.lab import settings, settings_values
from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet
from fastwright.workspace.ignore import is_ignored
from fastwright.workspace.reading import is_real_env


@dataclass(frozen=True, slots=True)
class Supply:
    """What the new tree needs to start, beside the person's environment.

    Attributes:
        values: A made-up value for each variable that is demanded and that nothing gives.
        file: The env file that the app reads and git ignores; ``None`` where there is none or
            which of several it reads depends, and only the environment can give the values.
    """

    values: Mapping[str, str]
    file: PurePosixPath | None

    def appended(self, content: bytes) -> bytes:
        """The bytes of the env file with the values at its end."""
        gap = b"" if not content or content.endswith(b"\n") else b"\n"
        lines = "".join(f"{name}={value}\n" for name, value in self.values.items())
        return content + gap + lines.encode()


def supply(app: AppMap, changes: ChangeSet, known: Mapping[str, str]) -> Supply:
    """What `changes` demand beyond what is `known`.

    Args:
        app: The map of the new tree.
        changes: Their promise names the settings.
        known: Variables of the environment that the old tree was started with.
    """
    demanded = {s.name for s in app.settings if s.required} & set(changes.promise.settings)
    missing = sorted(demanded - set(known))
    if not missing:
        return Supply({}, None)
    inferred = settings.infer(app, {}, lambda _path: None, given=known).env
    values = {name: inferred[name] for name in missing if name in inferred}
    # What the tree suggests for a secret, its tests among it, everybody can read there.
    chance = random.SystemRandom()
    values |= {name: settings_values.secret(chance) for name in missing if _is_secret(app, name)}
    return Supply(values, _env_file(app))


def _is_secret(app: AppMap, name: str) -> bool:
    wrapped = any(s.name == name and "Secret" in (s.annotation or "") for s in app.settings)
    return wrapped or settings_values.is_secret(name)


def _env_file(app: AppMap) -> PurePosixPath | None:
    names = {name for declared in app.settings_classes for name in declared.env_files}
    if len(names) != 1:
        return None
    path = app.roots.working / names.pop()
    written = is_real_env(path.name) and ".." not in path.parts and is_ignored(app.files, path)
    return path if written else None
