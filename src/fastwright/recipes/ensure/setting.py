"""A value taken from the environment, in the way the app takes its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import AppMap, Setting, SettingsClass
from fastwright.model.change import Change, Edit
from fastwright.model.errors import Refused
from fastwright.model.places import Span
from fastwright.recipes.ensure.drafting import counted, insert_lines, split_symbol
from fastwright.recipes.ensure.env_example import ensure_example_line, example_file
from fastwright.recipes.ensure.settings_class import settings_class
from fastwright.recipes.ensure.suite_settings import ensure_test_setting
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedSetting:
    """One value that a recipe needs from the environment.

    Attributes:
        name: In snake_case, without the app's prefix: ``jwt_secret``.
        annotation: Its type: ``str``, ``int``, ``float``, ``bool`` or ``SecretStr``.
        default: Python source of the default; ``None`` makes it required.
        doc: What it is, in a few words; becomes the comment in ``.env.example``.
        example: What ``.env.example`` suggests; empty leaves the value to be filled in.
        testing: What the tests use where it is required.
    """

    name: str
    annotation: str = "str"
    default: str | None = None
    doc: str = ""
    example: str = ""
    testing: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """How the app's code reads one setting.

    Attributes:
        expression: Source that yields it: ``settings.jwt_secret``, ``get_settings().jwt_secret``
            or ``JWT_SECRET``; a ``SecretStr`` is not unwrapped.
        module: The module that `name` is imported from, for the expression.
        name: The first name of the expression.
        annotation: The type that the expression has.
        variable: The environment variable, prefix and letter case as the app reads it.
        secret: True where the value is wrapped: ``.get_secret_value()`` gives the text.
        changes: What has to be written first.
    """

    expression: str
    module: str
    name: str
    annotation: str
    variable: str
    secret: bool = False
    changes: tuple[Change, ...] = ()

    @property
    def symbol(self) -> str:
        """The dotted name that the expression begins with."""
        return f"{self.module}.{self.name}"


def ensure_setting(app: AppMap, wanted: WantedSetting) -> Reader:
    """Have the setting `wanted`, and say how to read it.

    A settings class gets a field, in the style of its own; an app that reads ``os.environ`` or
    starlette's ``Config`` gets a constant beside its others. ``.env.example`` gets a line where
    there is such a file; a required value also gets one for the tests.

    Raises:
        Refused: The app takes nothing from its environment yet: the recipe `settings` comes first.
    """
    reader = _existing(app, wanted)
    if reader is not None:
        return reader
    settings = settings_class(app)
    if settings is not None:
        return _in_class(app, settings, wanted)
    habit = _constants_module(app)
    if habit is not None:
        return _as_constant(app, habit, wanted)
    raise Refused(
        f"cannot add the setting `{wanted.name}`",
        "the app reads nothing from its environment yet",
        "run `fastwright add settings` first",
    )


def _existing(app: AppMap, wanted: WantedSetting) -> Reader | None:
    for setting in app.settings:
        if setting.attribute and setting.attribute.rpartition(".")[2].lower() == wanted.name:
            owner = setting.attribute.rpartition(".")[0]
            holder = next((c for c in app.settings_classes if c.name == owner), None)
            if holder is not None and (holder.instance or holder.getter):
                name = setting.attribute.rpartition(".")[2]
                return _reader(app, holder, name, setting.annotation or wanted.annotation)
    return None


def _reader(
    app: AppMap, settings: SettingsClass, attribute: str, annotation: str, *changes: Change
) -> Reader:
    instance = settings.instance if _is_shared(app, settings) else None
    symbol = instance or settings.getter or settings.name
    module, name = split_symbol(app, symbol)
    called = name if instance else f"{name}()"
    return Reader(
        expression=f"{called}.{attribute}",
        module=module,
        name=name.partition(".")[0],
        annotation=annotation,
        variable=f"{settings.prefix}{attribute}".upper(),
        secret="Secret" in annotation,
        changes=changes,
    )


def _is_shared(app: AppMap, settings: SettingsClass) -> bool:
    """False for an instance that some other module got from the getter, for itself."""
    if settings.instance is None or settings.getter is None:
        return True
    homes = {split_symbol(app, symbol)[0] for symbol in (settings.name, settings.getter)}
    return split_symbol(app, settings.instance)[0] in homes


def _in_class(app: AppMap, settings: SettingsClass, wanted: WantedSetting) -> Reader:
    path = settings.span.path
    name = _in_case(
        wanted.name, [s.attribute.rpartition(".")[2] for s in app.settings if s.attribute]
    )
    default = f" = {wanted.default}" if wanted.default is not None else ""
    if _reads_by_config(app, path):
        called = _config_name(app, path)
        default = f" = {_config_call(called, name, wanted.annotation, wanted.default)}"
    changes: list[Change] = list(_without_pass(app, settings))
    if wanted.annotation not in ("str", "int", "float", "bool"):
        changes += ensure_import(app, path, "pydantic", wanted.annotation).edits
    offset, indent, apart = _field_place(app, settings)
    line = f"{apart}{indent}{name}: {wanted.annotation}{default}\n"
    why = wanted.doc or f"`{name}` comes from the environment"
    changes.append(insert_lines(app, path, offset, line, why))
    reader = _reader(app, settings, name, wanted.annotation, *changes)
    return _with_files(app, reader, wanted)


def _reads_by_config(app: AppMap, path: PurePosixPath) -> bool:
    """True where most fields in the file are read by starlette's ``Config``, not by pydantic."""
    reading = f"{_config_name(app, path)}("
    fields = [n for n in walk(parse(app.files[path])) if _is_field(n)]
    read = [n for n in fields if re.search(rf"=\s*{re.escape(reading)}", text_of(n))]
    return len(read) * 2 > len(fields)


def _config_call(called: str, name: str, kind: str, default: str | None) -> str:
    """How starlette's `Config` and decouple's read a value, `called` as it is here."""
    cast = "" if kind == "str" else f", cast={kind}"
    otherwise = f", default={default}" if default is not None else ""
    return f'{called}("{name}"{cast}{otherwise})'


def _without_pass(app: AppMap, settings: SettingsClass) -> Iterator[Edit]:
    """A class that gets a field needs its ``pass`` no longer."""
    path, content = settings.span.path, app.files[settings.span.path]
    node = layout.smallest(content, settings.span.start, settings.span.end, "class_definition")
    body = node.child_by_field_name("body") if node is not None else None
    for one in body.named_children if body is not None else ():
        if one.type == "pass_statement":
            start = layout.line_start(content, one.start_byte)
            end = layout.line_end(content, one.end_byte - 1)
            yield Edit(Span(path, start, end), "", "a field stands in place of `pass`")


def _in_case(name: str, siblings: Sequence[str]) -> str:
    upper = sum(s.isupper() for s in siblings)
    return name.upper() if upper * 2 > len(siblings) else name


def _field_place(app: AppMap, settings: SettingsClass) -> tuple[int, str, str]:
    """Behind the last plain field of the class: where, its indentation, and a line between."""
    content = app.files[settings.span.path]
    node = layout.smallest(content, settings.span.start, settings.span.end, "class_definition")
    body = node.child_by_field_name("body") if node is not None else None
    if body is None or not body.named_children:
        return settings.body_end, "    ", ""
    statements = [n for n in body.named_children if n.type != "comment"]
    annotated = [n for n in statements if _is_field(n)]
    last = annotated[-1] if annotated else None
    indent = layout.indentation(content, statements[0].start_byte)
    if last is not None:
        return layout.line_end(content, last.end_byte - 1), indent, ""
    plain = [n for n in statements if n.type == "expression_statement"]
    if plain:
        return layout.line_end(content, plain[-1].end_byte - 1), indent, "\n"
    return layout.line_start(content, statements[0].start_byte), indent, ""


def _is_field(statement: Node) -> bool:
    first = statement.named_children[0] if statement.named_children else None
    return (
        first is not None
        and first.type == "assignment"
        and first.child_by_field_name("type") is not None
    )


def _constants_module(app: AppMap) -> tuple[PurePosixPath, Sequence[Setting]] | None:
    """The file where constants are read from the environment, most of them, with their spans."""
    found: dict[PurePosixPath, list[Setting]] = {}
    for setting in app.settings:
        if setting.attribute is None and setting.span is not None:
            found.setdefault(setting.span.path, []).append(setting)
    files = {p: s for p, s in found.items() if not _is_test(p)}
    if not files:
        return None
    path = max(files, key=lambda p: len(files[p]))
    return path, files[path]


def _is_test(path: PurePosixPath) -> bool:
    return path.name.startswith(("test_", "conftest")) or "tests" in path.parts


def _as_constant(
    app: AppMap, habit: tuple[PurePosixPath, Sequence[Setting]], wanted: WantedSetting
) -> Reader:
    path, siblings = habit
    content = app.files[path]
    name = wanted.name.upper()
    reader = Counter(s.reader for s in siblings).most_common(1)[0][0]
    value, changes = _read_expression(app, path, reader, wanted)
    last = max((s.span for s in siblings if s.span is not None), default=None)
    at_top = [n for n in parse(content).named_children if last and n.start_byte <= last.start]
    offset = layout.line_end(content, at_top[-1].end_byte - 1) if at_top else len(content)
    total = sum(1 for s in app.settings if s.attribute is None)
    why = f"`{name}` comes from the environment, {counted(len(siblings), total, 'settings')}"
    line = insert_lines(app, path, offset, f"{name} = {value}\n", why)
    module = app.module_at(path)
    assert module is not None
    made = Reader(
        expression=name, module=module.name, name=name, annotation=_plain(wanted.annotation),
        variable=name, changes=(*changes, line),
    )  # fmt: skip
    return _with_files(app, made, wanted)


def _plain(annotation: str) -> str:
    return "str" if annotation == "SecretStr" else annotation


def _read_expression(
    app: AppMap, path: PurePosixPath, reader: str, wanted: WantedSetting
) -> tuple[str, tuple[Change, ...]]:
    kind, name = _plain(wanted.annotation), wanted.name.upper()
    if reader == "starlette":
        return _config_call(_config_name(app, path), name, kind, wanted.default), ()
    if reader == "decouple":
        config = ensure_import(app, path, "decouple", "config")
        return _config_call(config.local, name, kind, wanted.default), config.edits
    bound = ensure_import(app, path, "os", "")
    environ = f"{bound.local}.environ"
    if wanted.default is None:
        value = f'{environ}["{name}"]'
    else:
        value = f'{environ}.get("{name}", {_as_text(wanted.default)})'
    if kind == "bool":
        value = f'{value}.lower() in ("1", "true", "yes")'
    elif kind != "str":
        value = f"{kind}({value})"
    return value, bound.edits


def _as_text(default: str) -> str:
    return default if default[:1] in "\"'" else f'"{default}"'


def _config_name(app: AppMap, path: PurePosixPath) -> str:
    for node in walk(parse(app.files[path])):
        if node.type == "assignment":
            right = text_of(node.child_by_field_name("right"))
            if right.startswith("Config("):
                return text_of(node.child_by_field_name("left"))
    return "config"


def _with_files(app: AppMap, reader: Reader, wanted: WantedSetting) -> Reader:
    """`reader` with the lines that tell people and tests of the variable."""
    changes = [*reader.changes, *_example_line(app, reader, wanted)]
    if wanted.default is None:
        changes += ensure_test_setting(app, reader.variable, wanted.testing)
    return Reader(
        reader.expression, reader.module, reader.name, reader.annotation, reader.variable,
        reader.secret, tuple(changes),
    )  # fmt: skip


def _example_line(app: AppMap, reader: Reader, wanted: WantedSetting) -> tuple[Change, ...]:
    if wanted.default is not None and example_file(app) not in app.files:
        return ()
    value = wanted.example or (wanted.default or "").strip("\"'")
    assignment = "" if wanted.default is None else "# "
    comment = f"# {wanted.doc}\n" if wanted.doc else ""
    lines = f"{comment}{assignment}{reader.variable}={value}\n"
    return ensure_example_line(app, reader.variable, lines)
