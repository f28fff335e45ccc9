"""Files that declare or lock dependencies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fastwright.model.app import Manifest
from fastwright.source import toml_text

_REQUIREMENTS = re.compile(
    r"(^|[-_.])(requirements|reqs|dev|test|prod|base|constraints)[\w.-]*\.(txt|in)$"
)

_BULK = re.compile(r"^(?:[ \t]+\{.*\},?|sdist = \{.*\})[ \t]*$", re.MULTILINE)
"""Wheels and hashes, one a line: what takes nearly all of the time to parse and says nothing."""


def manifests(files: Mapping[PurePosixPath, bytes]) -> tuple[Manifest, ...]:
    """Every manifest, the ones nearest to the root first; a broken one is left out."""
    found = []
    for path, content in files.items():
        reader = _reader(path)
        if reader is not None:
            try:
                found.append(reader(path, content))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue
    return tuple(sorted((m for m in found if m), key=lambda m: (len(m.path.parts), m.path)))


def _reader(path: PurePosixPath) -> Callable[[PurePosixPath, bytes], Manifest | None] | None:
    readers = {"pyproject.toml": _pyproject, "uv.lock": _lock, "poetry.lock": _lock,
               "pdm.lock": _lock, "Pipfile": _pipfile, "Pipfile.lock": _pipfile_lock}  # fmt: skip
    if path.name in readers:
        return readers[path.name]
    named = path.suffix in (".txt", ".in") and "requirements" in path.as_posix()
    return _requirements if named or _REQUIREMENTS.search(path.name) else None


def locked(found: Iterable[Manifest], near: PurePosixPath) -> dict[str, str]:
    """Versions by package as locked, from the manifests nearest to `near`; else as pinned."""
    versions: dict[str, str] = {}
    rows = sorted(found, key=lambda m: (not m.locks, -_shared(m.path.parent, near), m.path))
    for manifest in rows:
        for name, specifier in manifest.names.items():
            exact = re.fullmatch(r"==\s*([\w.!+-]+)", specifier)
            if exact and name not in versions:
                versions[name] = exact.group(1)
    return versions


def _shared(one: PurePosixPath, other: PurePosixPath) -> int:
    return sum(1 for a, b in zip(one.parts, other.parts, strict=False) if a == b)


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig", "replace")


def _names(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        found.setdefault(canonicalize_name(requirement.name), str(requirement.specifier))
    return found


def _requirements(path: PurePosixPath, content: bytes) -> Manifest | None:
    text = _text(content).replace("\\\n", " ")
    lines = [re.sub(r"(\s+--hash=\S+|\s#.*|^#.*)", "", line).strip() for line in text.splitlines()]
    names = _names(line for line in lines if line and not line.startswith("-"))
    exact = bool(names) and all(s.startswith("==") for s in names.values())
    return (
        Manifest(path, "pip", names, locks=exact) if names or "requirements" in path.name else None
    )


def _pyproject(path: PurePosixPath, content: bytes) -> Manifest:
    document = toml_text.loads(_text(content))
    project, poetry = document.get("project", {}), document.get("tool", {}).get("poetry", {})
    names = _names(_declared(document, project))
    for group in (poetry, *poetry.get("group", {}).values()):
        for key in ("dependencies", "dev-dependencies"):
            for name, value in group.get(key, {}).items():
                if name != "python":
                    names.setdefault(canonicalize_name(name), _poetry(value))
    tool = "poetry" if poetry else _tool(document)
    return Manifest(path, tool, names)


def _declared(document: dict[str, Any], project: dict[str, Any]) -> Iterator[str]:
    yield from project.get("dependencies", [])
    groups = [*project.get("optional-dependencies", {}).values(),
              *document.get("dependency-groups", {}).values(),
              document.get("tool", {}).get("uv", {}).get("dev-dependencies", [])]  # fmt: skip
    for group in groups:
        yield from (line for line in group if isinstance(line, str))


def _tool(document: dict[str, Any]) -> str:
    tools = document.get("tool", {})
    return next((tool for tool in ("uv", "pdm", "hatch") if tool in tools), "pyproject")


def _poetry(value: Any) -> str:
    written = value.get("version", "") if isinstance(value, dict) else value
    if not isinstance(written, str) or written in ("*", ""):
        return ""
    if re.fullmatch(r"\d[\w.]*", written):
        return f"=={written}"
    caret = re.fullmatch(r"[\^~](\d+)(\.\d+)*.*", written)
    return f">={written[1:]},<{int(caret.group(1)) + 1}" if caret else written


def _lock(path: PurePosixPath, content: bytes) -> Manifest:
    packages = toml_text.loads(_BULK.sub("", _text(content))).get("package", [])
    names: dict[str, str] = {
        canonicalize_name(p["name"]): f"=={p['version']}"
        for p in packages
        if "version" in p
        and "virtual" not in p.get("source", {})
        and "editable" not in p.get("source", {})
    }
    return Manifest(path, path.name.removesuffix(".lock"), names, locks=True)


def _pipfile(path: PurePosixPath, content: bytes) -> Manifest:
    document = toml_text.loads(_text(content))
    rows = {**document.get("dev-packages", {}), **document.get("packages", {})}
    names: dict[str, str] = {canonicalize_name(n): _poetry(v) for n, v in rows.items()}
    return Manifest(path, "pipenv", names)


def _pipfile_lock(path: PurePosixPath, content: bytes) -> Manifest:
    document = json.loads(_text(content))
    rows = {**document.get("develop", {}), **document.get("default", {})}
    names: dict[str, str] = {canonicalize_name(n): v.get("version", "") for n, v in rows.items()}
    return Manifest(path, "pipenv", names, locks=True)
