"""What an app takes from its environment: settings classes, and variables read one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from fastwright.model.app import Setting, SettingsClass
from fastwright.model.places import Span
from fastwright.survey.classes import Class, Classes, annotated
from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Assignment, CallFact, Term
from fastwright.survey.names import Symbol
from fastwright.survey.schemas import field_call
from fastwright.survey.terms_text import render
from fastwright.survey.values import Const, Frame, Made, Seq, Values, text_of
from fastwright.survey.wiring import Wiring, is_test

_GIVING = re.compile(
    r"(^|/)(\.env[\w.-]*|[\w.-]*\.env|[\w.-]*\.env\.\w+|(docker-)?compose[\w.-]*\.ya?ml|"
    r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|[Dd]ockerfile[\w.-]*|tox\.ini|"
    r"pytest\.ini|app\.json|conftest\.py)$"
)
_WORD = re.compile(rb"[A-Za-z_][A-Za-z0-9_]*(?=[\"']?\s*[:=,\]])")
_READS = ("os.getenv", "os.environ.get", "os.environ.__getitem__", "os.environ.setdefault")


@dataclass(frozen=True, slots=True)
class Config:
    """A settings class's own configuration."""

    prefix: str = ""
    delimiter: str | None = None
    env_files: tuple[str, ...] = ()
    sensitive: bool = False
    named: tuple[tuple[str, str], ...] = ()


class Settings:
    """Reads settings of every kind."""

    def __init__(self, classes: Classes, wiring: Wiring) -> None:
        self.classes = classes
        self.evaluator = classes.evaluator
        self.wiring = wiring
        self._held = tuple(self._instances())

    def classes_of(self) -> list[Class]:
        """Every pydantic settings class outside the tests."""
        found = [c for c in self.classes.all if c.inherits("BaseSettings") and not is_test(c.unit)]
        above = {s for c in found for s in c.lineage[1:]}
        made = {v.of for v, _ in self._held}
        return [c for c in found if c.symbol not in above or c.symbol in made]

    def read(self, files: Mapping[PurePosixPath, bytes]) -> tuple[Setting, ...]:
        """Every setting, with the files that give or suggest a value."""
        rows = [row for cls in self.classes_of() for row in self._fields(cls)]
        rows += self._environ()
        rows += self._starlette()
        rows += self._decoupled()
        merged: dict[tuple[str, str | None], Setting] = {}
        for row in rows:
            merged.setdefault((row.name, row.attribute), row)
        given = _given(files, {row.name for row in merged.values()})
        return tuple(
            replace(row, given_by=tuple(given.get(row.name.upper(), ()))) for row in merged.values()
        )

    def described(self) -> tuple[SettingsClass, ...]:
        """The settings classes, and how the app gets hold of an instance of each.

        A class that several others inherit from stands first: a field added there reaches all.
        """
        leaves = self.classes_of()
        ours = [c for c in self.classes.all if c.inherits("BaseSettings") and not is_test(c.unit)]
        shared = {c.symbol: sum(c.symbol in leaf.lineage for leaf in leaves) for c in ours}
        kept = [c for c in ours if c in leaves or shared[c.symbol] > 1]
        kept.sort(key=lambda c: (-shared[c.symbol], -len(c.lineage)))
        rows = [self._described(cls) for cls in kept]
        return tuple(sorted(rows, key=lambda r: r.instance is None and r.getter is None))

    # -- classes ----------------------------------------------------------------------------

    def _instances(self) -> Iterator[tuple[Made, str]]:
        for unit in self.evaluator.codebase.units:
            if (
                is_test(unit)
                or unit.path.name == "env.py"
                or not (b"ettings" in unit.content or b"onfig" in unit.content)
            ):
                continue
            for row in unit.scopes[0].assignments:
                if isinstance(row.target, str) and row.target.isidentifier() and row.value:
                    for value in self.evaluator.values(row.value, Frame(unit, 0, (), row.start)):
                        if isinstance(value, Made):
                            yield value, f"{unit.name}.{row.target}"

    def _described(self, cls: Class) -> SettingsClass:
        names = [
            n
            for v, n in self._held
            if v.of.kind == "scope" and cls.symbol in self.evaluator.lineage(v.of)
        ]
        here = [n for n in names if n.rpartition(".")[0] == cls.unit.name]
        config = self._config(cls)
        return SettingsClass(
            cls.name, cls.span, cls.facts.body_end, next(iter(here or names), None),
            self._getter(cls), config.prefix, config.env_files,
        )  # fmt: skip

    def _getter(self, cls: Class) -> str | None:
        return next((name for name, given in self._giving if cls.symbol in given), None)

    @cached_property
    def _giving(self) -> tuple[tuple[str, frozenset[Symbol]], ...]:
        """The functions that may hand out settings, with the classes that each gives."""
        return tuple(
            (unit.dotted(index), given)
            for unit in self.evaluator.codebase.units
            for index in unit.inner.get(0, {}).values()
            if not unit.tests and (given := frozenset(self._given_by(unit, index)))
        )

    def _given_by(self, unit: Unit, index: int) -> Iterator[Symbol]:
        scope = unit.scopes[index]
        if scope.kind != "f":
            return
        yield from self.evaluator.classes_in(scope.returns, Frame(unit, 0))
        if scope.values and ("etting" in scope.name or "onfig" in scope.name):
            for value in self.evaluator.result(Symbol("scope", unit, index), Frame(unit), None):
                if isinstance(value, Made):
                    yield from self.evaluator.lineage(value.of)

    def _config(self, cls: Class) -> Config:
        config = Config()
        for unit, facts, symbol in self.classes.owners(cls):
            frame = Frame(unit, symbol.scope)
            for name, row in annotated(facts.assignments):
                if name == "model_config":
                    config = self._from_terms(config, _pairs(row.value, unit), frame)
            inner = unit.inner.get(symbol.scope, {}).get("Config")
            if inner is not None:
                rows = annotated(unit.scopes[inner].assignments)
                config = self._from_terms(
                    config, [(n, r.value) for n, r in rows], Frame(unit, inner)
                )
            config = self._from_terms(config, facts.keywords, frame)
        return config

    def _from_terms(
        self, config: Config, pairs: Iterable[tuple[str, Term]], frame: Frame
    ) -> Config:
        for key, term in pairs:
            values = self.evaluator.values(term, frame)
            if key == "env_prefix":
                config = replace(config, prefix=text_of(values) or config.prefix)
            elif key == "env_nested_delimiter":
                config = replace(config, delimiter=text_of(values))
            elif key == "case_sensitive":
                config = replace(config, sensitive=Const.of(True) in values)
            elif key == "env_file":
                config = replace(config, env_files=_words(values))
            elif key == "fields":
                config = replace(config, named=tuple(_named(term)))
        return config

    def _fields(self, cls: Class) -> Iterator[Setting]:
        config = self._config(cls)
        rows: dict[str, tuple[Assignment, Unit]] = {}
        for unit, facts, _ in self.classes.owners(cls):
            for name, row in annotated(facts.assignments):
                typed = row.annotation is not None and "ClassVar" not in str(row.annotation)
                if typed and name != "model_config":
                    rows[name] = (row, unit)
        for name, (row, unit) in rows.items():
            yield from self._setting(cls, config, name, row, unit)

    def _setting(
        self, cls: Class, config: Config, name: str, row: Assignment, unit: Unit
    ) -> Iterator[Setting]:
        call = field_call(row, unit)
        variable = self._variable(config, name, call, Frame(unit, 0, (), row.start))
        default = _default(row, call, unit)
        annotation = unit.text(row.annotation_span) if row.annotation_span else None
        span = Span(unit.path, row.start, row.end)
        nested = list(self._nested(config, variable, row, unit)) if config.delimiter else []
        yield from nested
        if not nested:
            yield Setting(
                variable, default is None, "pydantic-settings", f"{cls.name}.{name}", annotation,
                default, (), span,
            )  # fmt: skip

    def _variable(self, config: Config, name: str, call: CallFact | None, frame: Frame) -> str:
        named = dict(config.named)
        if name in named:
            return named[name]
        for key in ("validation_alias", "alias", "env"):
            for word, term in call.keywords if call is not None else ():
                found = self._alias(term, frame) if word == key else None
                if found:
                    return found
        whole = config.prefix + name
        return whole if config.sensitive else whole.upper()

    def _alias(self, term: Term, frame: Frame) -> str | None:
        values = self.evaluator.values(term, frame)
        if text_of(values):
            return text_of(values)
        made = next((v for v in values if isinstance(v, Made) and v.unit is not None), None)
        if made is None or made.unit is None or made.call < 0:
            return next(iter(_words(values)), None)
        terms = made.unit.facts.calls[made.call].arguments
        return next((w for t in terms if (w := text_of(self.evaluator.values(t, frame)))), None)

    def _nested(
        self, config: Config, variable: str, row: Assignment, unit: Unit
    ) -> Iterator[Setting]:
        for symbol in self.evaluator.classes_in(row.annotation, Frame(unit, 0, (), row.start)):
            inner = self.classes.by_symbol.get(symbol)
            if inner is not None and inner.inherits("BaseModel", "BaseSettings"):
                nested = replace(config, prefix=f"{variable}{config.delimiter}")
                for name, below in annotated(inner.facts.assignments):
                    if below.annotation is not None:
                        yield from self._setting(inner, nested, name, below, inner.unit)

    # -- one by one -------------------------------------------------------------------------

    def _environ(self) -> Iterator[Setting]:
        for name in ("getenv", "get", "__getitem__", "setdefault"):
            for unit, index in self.wiring.sites(name):
                row = unit.facts.calls[index]
                if is_test(unit) or not row.arguments or "env" not in str(row.callee):
                    continue
                if self.evaluator.names.dotted(unit, row.scope, str(row.callee)) in _READS:
                    yield from self._read_of(unit, row, "environ")

    def _starlette(self) -> Iterator[Setting]:
        for unit in self.evaluator.codebase.units:
            if b"Config" not in unit.content or is_test(unit):
                continue
            for row in unit.facts.calls:
                if isinstance(row.callee, str) and row.arguments and self._is_config(unit, row):
                    yield from self._read_of(unit, row, "starlette")

    def _decoupled(self) -> Iterator[Setting]:
        """What python-decouple's ``config`` reads, by whatever name it is imported."""
        for unit in self.evaluator.codebase.units:
            if b"decouple" not in unit.content or is_test(unit):
                continue
            for row in unit.facts.calls:
                if isinstance(row.callee, str) and row.arguments:
                    called = self.evaluator.names.dotted(unit, row.scope, row.callee)
                    if called == "decouple.config":
                        yield from self._read_of(unit, row, "decouple")

    def _is_config(self, unit: Unit, row: CallFact) -> bool:
        if "onfig" not in str(row.callee):
            return False
        found = self.evaluator.values(row.callee, Frame(unit, row.scope, (), row.start))
        return any(
            isinstance(v, Made) and v.of.dotted() == "starlette.config.Config" for v in found
        )

    def _read_of(self, unit: Unit, row: CallFact, reader: str) -> Iterator[Setting]:
        name = text_of(
            self.evaluator.values(row.arguments[0], Frame(unit, row.scope, (), row.start))
        )
        if name is None:
            return
        default = next((t for k, t in row.keywords if k == "default"), None)
        if reader == "environ" and len(row.arguments) > 1:
            default = row.arguments[1]
        written = render(default, unit) if default is not None else None
        cast = next((render(t, unit) for k, t in row.keywords if k == "cast"), None)
        required = default is None and (
            reader != "environ" or str(row.callee).endswith("__getitem__")
        )
        yield Setting(
            name, required, reader, None, cast, written, (), Span(unit.path, row.start, row.end)
        )


def _default(row: Assignment, call: CallFact | None, unit: Unit) -> str | None:
    if call is None:
        return render(row.value, unit) if row.value is not None else None
    terms = call.arguments[:1] or [t for k, t in call.keywords if k.startswith("default")]
    written = render(terms[0], unit) if terms else None
    return None if written in ("...", "Ellipsis") else written


def _pairs(term: Term, unit: Unit) -> list[tuple[str, Term]]:
    match term:
        case ["c", int(index)]:
            return unit.facts.calls[index].keywords
        case ["d", *pairs]:
            return [(str(k[1]), v) for k, v in pairs if k and k[0] == "s"]
    return []


def _named(term: Term) -> Iterator[tuple[str, str]]:
    """Version 1's ``fields = {"name": {"env": "NAME"}}``."""
    for key, value in term[1:] if isinstance(term, list) and term[0] == "d" else ():
        for inner, name in value[1:] if isinstance(value, list) and value[0] == "d" else ():
            if inner == ["s", "env"] and name[0] == "s":
                yield str(key[1]), str(name[1])


def _words(values: Values) -> tuple[str, ...]:
    found = [v.value for v in values if isinstance(v, Const) and isinstance(v.value, str)]
    items = [i for v in values if isinstance(v, Seq) for i in v.items]
    return tuple(found + [w for item in items if (w := text_of(item))])


def _given(files: Mapping[PurePosixPath, bytes], names: set[str]) -> dict[str, list[str]]:
    """The files that name each variable, by the variable's upper-case name; never a value."""
    wanted = {name.upper() for name in names}
    found: dict[str, list[str]] = {}
    for path, content in files.items():
        if _GIVING.search(path.as_posix()):
            words = {word.decode().upper() for word in _WORD.findall(content)}
            for word in sorted(words & wanted):
                found.setdefault(word, []).append(path.as_posix())
    return found
