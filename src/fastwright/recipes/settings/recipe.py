"""A pydantic-settings class, where the app has none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import ClassVar

from fastwright.model.app import AppMap
from fastwright.model.change import Change, ChangeSet, Decision, Mutation, NewFile, Promise
from fastwright.model.plan import Presence, State
from fastwright.recipes import payload
from fastwright.recipes.ensure.dependency import ensure_dependency_package
from fastwright.recipes.ensure.drafting import (
    Words,
    app_package,
    change_set,
    module_for,
    nothing_to_do,
)
from fastwright.recipes.ensure.env_example import NAMES
from fastwright.recipes.ensure.suite import learn_suite
from fastwright.recipes.ensure.suite_settings import ensure_test_setting
from fastwright.recipes.ensure.versions import require_modern
from fastwright.recipes.payload import Piece, Rendering
from fastwright.recipes.recipe import Recipe
from fastwright.recipes.settings.reads import Read, adoptable, left_alone, replaced

_PACKAGE = "fastwright.recipes.settings"
_REQUIRED = "# type: ignore[call-arg,unused-ignore]"
_WHY = "what the app takes from its environment has types, and one place"


@dataclass(frozen=True, kw_only=True)
class TypedSettings(Recipe):
    """Give the app one typed class for what it takes from its environment.

    Variables that the app reads at the top level of its modules become fields, and are read from
    there. An app that has a settings class keeps it, and nothing is added.

    Attributes:
        prefix: What the variables' names begin with; leave it empty to keep those there are.
        adopt: Whether the reads that the app has become fields.
    """

    name: ClassVar[str] = "settings"
    summary: ClassVar[str] = "one typed class for what the app takes from its environment"
    provides: ClassVar[tuple[str, ...]] = ("settings",)

    prefix: str = ""
    adopt: bool = True

    def detect(self, app: AppMap) -> Presence:
        """Present where there is a settings class; foreign where the app reads in another way."""
        if app.settings_classes:
            names = tuple(found.name for found in app.settings_classes)
            return Presence(State.PRESENT, f"the app has `{names[0]}`", names)
        readers = Counter(setting.reader for setting in app.settings)
        if readers:
            reader, count = readers.most_common(1)[0]
            names = tuple(dict.fromkeys(setting.name for setting in app.settings))
            return Presence(State.FOREIGN, f"the app reads {count} variables by {reader}", names)
        return Presence(State.ABSENT, "the app reads nothing from its environment")

    def build(self, app: AppMap) -> ChangeSet:
        """The class, its package, its tests, and the app's reads turned to it."""
        require_modern(app, self.name)
        package = ensure_dependency_package(app, "pydantic-settings>=2.0", "settings with types")
        if app.settings_classes:
            if not package:
                return nothing_to_do(app, self.summary)
            return change_set(app, package, Words(title=self.summary))
        reads = adoptable(app) if self.adopt and not self.prefix else ()
        path = _place(app)
        module = module_for(app, path)
        changes = (
            NewFile(path, self._text(app, path, reads), _WHY),
            *replaced(app, reads, module),
            *package,
            *_example(app, reads),
            *_tests(app, module, reads),
            *_values_for_tests(app, reads),
        )
        return change_set(app, changes, self._words(app, path, reads, changes))

    def _text(self, app: AppMap, path: PurePosixPath, reads: tuple[Read, ...]) -> str:
        how = Rendering(strings={"ENV_PREFIX": self.prefix})
        piece = payload.render(app, _PACKAGE, "settings", how)
        body = piece.body
        if not self.prefix:
            body = body.replace('env_prefix="", ', "").replace("env_prefix='', ", "")
        lines = dict.fromkeys(f"    {read.line}\n" for read in reads)
        head, mark, tail = body.partition("\n\n\n@lru_cache")
        fields = "\n\n" + "".join(lines).rstrip("\n") if lines else ""
        fields = payload.in_quotes(app, fields)
        if any(read.default is None for read in reads):
            tail = tail.replace(
                "Settings()\n", "Settings()  # type: ignore[call-arg,unused-ignore]\n"
            )
        return payload.new_module(app, path, [replace(piece, body=head + fields + mark + tail)])

    def _words(
        self,
        app: AppMap,
        path: PurePosixPath,
        reads: tuple[Read, ...],
        changes: tuple[Change, ...],
    ) -> Words:
        extra = 'extra="ignore"'
        text = next(c.text for c in changes if isinstance(c, NewFile) and c.path == path)
        quoted = extra if extra in text else "extra='ignore'"
        mutation = Mutation(
            "a foreign variable is no error", path, quoted, quoted.replace("ignore", "forbid")
        )
        written = tuple(
            c.path for c in changes if isinstance(c, NewFile) and c.path.name.startswith("test_")
        )
        left = left_alone(app, reads)
        # Its test reads the settings of an empty folder, which lack what is required.
        guarded = not any(read.default is None for read in reads)
        return Words(
            title=self.summary,
            explains=tuple(_decisions(reads)),
            promise=Promise(mutations=(mutation,) if guarded else (), tests=written),
            not_done=tuple(f"`{name}` is read where it was" for name in left),
            next=("give secrets the type `SecretStr`, so that no log shows them",) if reads else (),
        )


def _place(app: AppMap) -> PurePosixPath:
    """Beside the app, or in its ``core`` package; under a name that is free."""
    folder = app_package(app)
    if any(p.parent == folder / "core" and p.suffix == ".py" for p in app.files):
        folder = folder / "core"
    names = ("settings.py", "config.py", "app_settings.py", "environment.py")
    return next(folder / name for name in names if _is_free(app, folder / name))


def _is_free(app: AppMap, path: PurePosixPath) -> bool:
    return path not in app.files and not any(
        p.is_relative_to(path.with_suffix("")) for p in app.files
    )


def _example(app: AppMap, reads: tuple[Read, ...]) -> tuple[Change, ...]:
    """An ``.env.example`` of the variables, where the project has no such file."""
    if not reads or any(path.name in NAMES for path in app.files):
        return ()
    lines = dict.fromkeys(
        f"{read.setting.name}={(read.default or '').strip(chr(34) + chr(39))}\n"
        if read.default != "None"
        else f"# {read.setting.name}=\n"
        for read in reads
    )
    why = "whoever sets the app up sees what it reads"
    return (NewFile(app.roots.working / ".env.example", "".join(lines), why),)


def _tests(app: AppMap, module: str, reads: tuple[Read, ...]) -> Iterator[Change]:
    suite = learn_suite(app)
    quoted = re.compile(rf"import_module\([\"']{re.escape(module)}[\"']\)".encode())
    if any(quoted.search(content) for content in app.files.values()):
        return
    strings = {"placeholder.settings": module}
    pieces = [payload.render(app, _PACKAGE, "test_settings", Rendering(strings=strings))]
    plain = [read for read in reads if read.annotation == "str"]
    required = [read for read in reads if read.default is None]
    if required:
        pieces = [pieces[0].taking("declared", "test_settings_are_read_once")]
    if plain and (not required or required == plain[:1]):
        pieces.append(_value_test(app, (required or plain)[0]))
    path = suite.file(app, "settings")
    text = payload.new_module(app, path, pieces)
    yield NewFile(path, text, f"tests of the settings, {suite.because}")


def _values_for_tests(app: AppMap, reads: tuple[Read, ...]) -> Iterator[Change]:
    """Something for each required variable, where the environment of the tests has nothing."""
    for name in dict.fromkeys(read.setting.name for read in reads if read.default is None):
        yield from ensure_test_setting(app, name, "of the tests")


def _value_test(app: AppMap, read: Read) -> Piece:
    """A test that one of the values comes from where it should."""
    how = Rendering(
        names={"the_field": read.field},
        strings={"THE_VARIABLE": read.setting.name},
    )
    piece = payload.render(app, _PACKAGE, "test_value", how)
    body = piece.body.replace("THE_VARIABLE=from", f"{read.setting.name}=from")
    kept = tuple(entry for entry in piece.imported if not entry.module.startswith("."))
    return replace(piece, imported=kept, body=body)


def _decisions(reads: tuple[Read, ...]) -> Iterator[Decision]:
    yield Decision(
        chose="`get_settings()` with a cache",
        instead_of="an instance made when the module is imported",
        because="tests and tools can import the module without the variables",
        costs="a call where the settings are used",
    )
    if reads:
        yield Decision(
            chose="reads at the top level of modules become fields",
            instead_of="a class beside reads that go on",
            because="a value is declared, typed and documented once",
            costs="a `.env` file in the working directory is read from now on, too",
        )
