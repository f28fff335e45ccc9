"""Alembic environments: where they stand, and which revisions are heads."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from fastwright.model.places import Span
from fastwright.model.storage import Migrations, Revision
from fastwright.survey.codebase import Codebase, Unit
from fastwright.survey.facts import Term

Files = Mapping[PurePosixPath, bytes]


def migrations(codebase: Codebase, files: Files) -> tuple[Migrations, ...]:
    """Every Alembic environment, found by its ``env.py`` or named by an ``alembic.ini``."""
    configs = {
        p: _options(c)
        for p, c in files.items()
        if p.name.startswith("alembic") and p.suffix == ".ini"
    }
    found: dict[PurePosixPath, Migrations] = {}
    for unit in codebase.units:
        if unit.path.name == "env.py" and b"alembic" in unit.content:
            found[unit.path.parent] = _environment(codebase, unit.path.parent, configs)
    return tuple(sorted(found.values(), key=lambda m: (len(m.directory.parts), m.directory)))


def _options(content: bytes) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(content.decode("utf-8", "replace"))
    except configparser.Error:
        return {}
    return dict(parser["alembic"]) if parser.has_section("alembic") else {}


def _environment(
    codebase: Codebase, directory: PurePosixPath, configs: dict[PurePosixPath, dict[str, str]]
) -> Migrations:
    config = next((p for p, o in configs.items() if _location(p, o) == directory), None)
    config = config or _nearest(directory, configs)
    options = configs[config] if config else {}
    versions = _versions(directory, config, options)
    rows = [
        _revision(u)
        for u in codebase.units
        if u.path.parent == versions and u.path.stem != "__init__"
    ]
    revisions = [row for row in rows if row is not None]
    below = {down for row in revisions for down in row.below}
    heads = tuple(sorted(row.name for row in revisions if row.name not in below))
    return Migrations(
        config, directory, versions, heads, len(revisions), options.get("file_template"),
        tuple(sorted(revisions, key=lambda row: row.span)),
    )  # fmt: skip


def _nearest(
    directory: PurePosixPath, configs: Mapping[PurePosixPath, object]
) -> PurePosixPath | None:
    """An ``alembic.ini`` in or above the environment, where its location could not be read."""
    return next(
        (p for above in (directory, *directory.parents) for p in configs if p.parent == above), None
    )


def _location(config: PurePosixPath, options: Mapping[str, str]) -> PurePosixPath:
    written = options.get("script_location", "alembic")
    return _joined(config.parent, written)


def _joined(folder: PurePosixPath, written: str) -> PurePosixPath:
    inner = re.sub(r"%%?\(here\)s/?", "", written).replace(":", "/").strip()
    parts: list[str] = list(folder.parts)
    for part in PurePosixPath(inner).parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


def _versions(
    directory: PurePosixPath, config: PurePosixPath | None, options: Mapping[str, str]
) -> PurePosixPath:
    written = options.get("version_locations", "")
    if config is not None and written and not re.search(r"[\s:;]", written.strip()):
        return _joined(config.parent, written)
    return directory / "versions"


def _revision(unit: Unit) -> Revision | None:
    rows = {row.target: row for row in unit.scopes[0].assignments if isinstance(row.target, str)}
    named = rows.get("revision")
    if named is None or not isinstance(named.value, list) or named.value[0] != "s":
        return None
    below = rows["down_revision"].value if "down_revision" in rows else None
    label = rows.get("branch_labels")
    written = unit.text(label.value_span) if label and label.value_span else "None"
    return Revision(
        str(named.value[1]), tuple(_strings(below)), Span(unit.path, named.start, named.end),
        "" if written in ("None", "()", "[]") else written,
    )  # fmt: skip


def _strings(term: Term) -> Iterator[str]:
    match term:
        case ["s", text]:
            yield str(text)
        case ["l", *items]:
            for item in items:
                yield from _strings(item)
