"""What a project's own files say that it needs: requirements, locked versions, and a Python."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from fastwright.lab.interpreter_probe import normal
from fastwright.source import toml_text

Files = Mapping[PurePosixPath, bytes]

_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock")
_REQUIREMENTS = re.compile(r"^requirements.*\.(txt|in)$|^(dev|test|tests|base|prod)\.txt$")
_TESTS = re.compile(r"^(conftest|test_.*|.*_test)\.py$")
_PYTEST = re.compile(rb"^(import|from) pytest\b", re.MULTILINE)
_GROUPS_LEFT_OUT = ("docs", "doc", "documentation")


@dataclass(frozen=True, slots=True)
class Needs:
    """What to install.

    Attributes:
        requirements: Lines as pip takes them.
        files: Requirement files to pass on as they are, relative to the repository.
        constraints: ``name==version`` for each locked package.
        python: What the project demands of its Python, None where it says nothing.
        exact: The version that ``.python-version`` names.
        name, version: The project's own, where it is a distribution.
        sources: The files that this was read from.
        tested: There are tests for pytest, which may be named nowhere.
    """

    requirements: tuple[str, ...] = ()
    files: tuple[PurePosixPath, ...] = ()
    constraints: tuple[str, ...] = ()
    python: SpecifierSet | None = None
    exact: str = ""
    name: str = ""
    version: str = ""
    sources: tuple[PurePosixPath, ...] = ()
    tested: bool = False


def read(files: Files, folder: PurePosixPath | None = None) -> Needs:
    """What the project in `folder` needs; by default the one nearest to the root that says so."""
    place = folder if folder is not None else _nearest(files)
    project = _toml(files, place / "pyproject.toml")
    about = _table(project, "project")
    poetry = _table(project, "tool", "poetry")
    pipfile = _toml(files, place / "Pipfile")
    requirements = (*_project(project), *_poetry(poetry), *_pipfile(pipfile))
    listed = () if requirements else _requirement_files(files, place)
    locks = [path for name in (*_LOCKS, "Pipfile.lock") if (path := _up(files, place, name))]
    return Needs(
        tuple(dict.fromkeys(requirements)),
        listed,
        _locked(files, locks[0]) if locks else (),
        _demanded(about, poetry, pipfile),
        _exact(files, place),
        str(about.get("name") or poetry.get("name") or ""),
        str(about.get("version") or poetry.get("version") or "0"),
        (
            *(p for n in ("pyproject.toml", "Pipfile") if (p := place / n) in files),
            *listed,
            *locks[:1],
        ),
        any(_TESTS.match(p.name) and _PYTEST.search(c) for p, c in files.items()),
    )


def _nearest(files: Files) -> PurePosixPath:
    names = ("pyproject.toml", "Pipfile")
    places = [
        path.parent
        for path in files
        if path.name in names or (_REQUIREMENTS.match(path.name) and path.suffix == ".txt")
    ]
    fitting = [place for place in places if _says_fastapi(files, place)] or places
    return min(fitting, key=lambda place: (len(place.parts), str(place)), default=PurePosixPath())


def _says_fastapi(files: Files, place: PurePosixPath) -> bool:
    return any(
        b"fastapi" in content.lower()
        for path, content in files.items()
        if path.parent == place and path.suffix in (".toml", ".txt", ".in", "")
    )


def _up(files: Files, place: PurePosixPath, name: str) -> PurePosixPath | None:
    """The file in `place` or, for a workspace, in a folder above it."""
    return next((p / name for p in (place, *place.parents) if p / name in files), None)


def _toml(files: Files, path: PurePosixPath) -> dict[str, Any]:
    try:
        return toml_text.loads(files[path].decode()) if path in files else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return {}


def _table(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _project(project: Mapping[str, Any]) -> Iterator[str]:
    """Dependencies, extras and groups of a standard project, documentation left out."""
    about = _table(project, "project")
    extras, groups = _table(about, "optional-dependencies"), _table(project, "dependency-groups")
    yield from about.get("dependencies") or ()
    for name, lines in (*extras.items(), *groups.items()):
        if name.lower() not in _GROUPS_LEFT_OUT:
            yield from (line for line in lines if isinstance(line, str))
    yield from _table(project, "tool", "uv").get("dev-dependencies") or ()


def _poetry(poetry: Mapping[str, Any]) -> Iterator[str]:
    groups = [poetry.get("dependencies"), poetry.get("dev-dependencies")]
    for name, group in _table(poetry, "group").items():
        if name.lower() not in _GROUPS_LEFT_OUT:
            groups.append(group.get("dependencies"))
    for group in groups:
        for name, wanted in (group or {}).items():
            if name.lower() != "python":
                yield from _poetry_line(name, wanted)


def _poetry_line(name: str, wanted: Any) -> Iterator[str]:
    for one in wanted if isinstance(wanted, list) else [wanted]:
        table = one if isinstance(one, dict) else {"version": one}
        if "version" not in table:
            continue
        extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
        markers = [table["markers"]] if table.get("markers") else []
        if table.get("python"):
            markers += _python_markers(str(table["python"]))
        marker = f" ; {' and '.join(markers)}" if markers else ""
        yield f"{name}{extras}{poetry_specifier(str(table['version']))}{marker}"


def _python_markers(wanted: str) -> list[str]:
    return [
        f"python_version {m[1]} '{m[2]}'"
        for part in poetry_specifier(wanted).split(",")
        if (m := re.match(r"([<>=!~]+)(.+)", part))
    ]


def poetry_specifier(wanted: str) -> str:
    """Poetry's ``^1.2`` and ``~1.2`` in the standard's words; ``*`` is no limit."""
    return ",".join(filter(None, (_poetry_part(part.strip()) for part in wanted.split(","))))


def _poetry_part(part: str) -> str:
    if part in ("*", ""):
        return ""
    if part[0] not in "^~" or part.startswith("~="):
        return part if part[0] in "<>=!~" else f"=={part}"
    numbers = [int(n) for n in re.findall(r"\d+", part)[:3]]
    kept = 2 if part[0] == "~" and len(numbers) > 1 else 1
    if part[0] == "^":
        kept = next((at + 1 for at, n in enumerate(numbers) if n), len(numbers))
    above = [*numbers[: kept - 1], numbers[kept - 1] + 1]
    return f">={part[1:].strip()},<{'.'.join(map(str, above))}"


def _pipfile(pipfile: Mapping[str, Any]) -> Iterator[str]:
    for section in ("packages", "dev-packages"):
        for name, wanted in _table(pipfile, section).items():
            table = wanted if isinstance(wanted, dict) else {"version": wanted}
            version = str(table.get("version") or "")
            extras = f"[{','.join(table['extras'])}]" if table.get("extras") else ""
            yield f"{name}{extras}{'' if version == '*' else version}"


def _requirement_files(files: Files, place: PurePosixPath) -> tuple[PurePosixPath, ...]:
    """All requirement files of a place and its folder ``requirements``, the plain one first."""
    places = (place, place / "requirements")
    found = [p for p in files if p.parent in places and _REQUIREMENTS.match(p.name)]
    compiled = {p.with_suffix(".txt") for p in found}
    kept = [p for p in found if p.suffix == ".txt" or p.with_suffix(".txt") not in compiled]
    kept = [p for p in kept if "doc" not in p.stem]
    return tuple(sorted(kept, key=lambda p: (p.stem != "requirements", str(p))))


def _locked(files: Files, lock: PurePosixPath) -> tuple[str, ...]:
    """One version for each package that the lock has exactly one of, from a registry."""
    if lock.name == "Pipfile.lock":
        return _pipfile_locked(files[lock])
    versions: dict[str, set[str]] = {}
    for package in _toml(files, lock).get("package") or ():
        source = package.get("source") or {}
        local = {"git", "path", "editable", "virtual", "directory", "url"} & set(source)
        if "version" in package and not local and source.get("type") not in ("git", "directory"):
            versions.setdefault(normal(package["name"]), set()).add(str(package["version"]))
    return tuple(f"{n}=={v.pop()}" for n, v in sorted(versions.items()) if len(v) == 1)


def _pipfile_locked(content: bytes) -> tuple[str, ...]:
    try:
        document = json.loads(content)
    except ValueError:
        return ()
    sections = (document.get("default") or {}, document.get("develop") or {})
    return tuple(
        f"{name}{wanted['version']}"
        for section in sections
        for name, wanted in section.items()
        if "version" in wanted
    )


def _demanded(
    about: Mapping[str, Any], poetry: Mapping[str, Any], pipfile: Mapping[str, Any]
) -> SpecifierSet | None:
    wanted = about.get("requires-python") or ""
    if not wanted and poetry:
        wanted = poetry_specifier(str(_table(poetry, "dependencies").get("python") or ""))
    version = _table(pipfile, "requires").get("python_version")
    if not wanted and version:
        wanted = f"=={version}.*"
    try:
        return SpecifierSet(wanted) if wanted else None
    except InvalidSpecifier:
        return None


def _exact(files: Files, place: PurePosixPath) -> str:
    path = _up(files, place, ".python-version")
    text = files[path].decode("utf-8", "replace").strip() if path else ""
    found = re.match(r"(?:cpython-|python-?)?(\d+\.\d+(\.\d+)?)", text)
    return found[1] if found else ""
