"""Where a repository suggests values for its settings: examples, compose files, CI, test config."""

from __future__ import annotations

import configparser
import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import dotenv
import yaml

Files = Mapping[PurePosixPath, bytes]

_EXAMPLE = re.compile(
    r"^(\.env[._-](example|sample|template|dist|defaults?)"
    r"|(env|dotenv)[._-](example|sample|template)"
    r"|(example|sample)\.env|\.env\..+\.(example|sample)|.+\.env\.(example|sample|template))$"
)
_TEST_ENV = re.compile(r"^(\.env[._-](tests?|testing|ci)|(tests?|testing|ci)\.env)$")
_COMPOSE = re.compile(r"^(docker-)?compose([.-][\w.-]+)?\.ya?ml$")
_SET_IN_TESTS = re.compile(
    r"""(?:environ(?:\.setdefault\(|\.__setitem__\(|\[)|setenv\()\s*['"]([A-Za-z_]\w*)['"]\s*"""
    r"""(?:\]\s*=|,)\s*(?:f|r|b)?(['"])(.*?)\2"""
)
_TEST_COMMAND = re.compile(r"^.*?((?:\b[A-Z_][A-Z0-9_]*=\S+\s+)+)[^\n#]*\bpytest\b", re.MULTILINE)
_ASSIGNMENT = re.compile(r"\b([A-Z_][A-Z0-9_]*)=['\"]?([^\s'\"]*)")
_SCRIPTS = ("makefile", "justfile", "tox.ini", "noxfile.py", "taskfile.yml")
_REFERENCE = re.compile(r"\$\{(\w+)(?::?([-?+])([^}]*))?\}|\$(\w+)")
_NOT_FOR_APPS = frozenset(
    {"PATH", "HOME", "PYTHONPATH", "PYTHONHOME", "SHELL", "USER", "PWD", "TZ"}
)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A value that a file suggests; `source` is the file and, where known, its line."""

    name: str
    value: str
    source: str
    kind: str


def suggestions(files: Files) -> tuple[Suggestion, ...]:
    """All suggestions, the most trusted first: examples, compose, CI, tests."""
    readers = (
        _examples,
        _compose_files,
        _workflows,
        _test_env_files,
        _test_config,
        _conftests,
        _test_commands,
    )
    found = (one for reader in readers for one in reader(files))
    return tuple(s for s in found if s.name not in _NOT_FOR_APPS and "\n" not in s.name)


def is_real_env(path: PurePosixPath) -> bool:
    """A file that holds somebody's own values: ``.env``, ``.env.local``, ``.env.production``."""
    name = path.name
    if _EXAMPLE.match(name) or _TEST_ENV.match(name):
        return False
    return name == ".env" or bool(
        re.match(r"^\.env\.(local|prod|production|dev|development|stag)", name)
    )


def dotenv_pairs(text: str) -> dict[str, str]:
    """The variables of an env file, unexpanded; a bare name has an empty value."""
    values = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name: value or "" for name, value in values.items()}


def expand(value: str, known: Mapping[str, str]) -> str:
    """``${NAME:-default}`` and its kin replaced from `known`, else by the default, else empty."""

    def replace(found: re.Match[str]) -> str:
        name = found[1] or found[4]
        if known.get(name):
            return known[name]
        return found[3] or "" if found[2] == "-" else ""

    return _REFERENCE.sub(replace, value)


def _text(files: Files, path: PurePosixPath) -> str:
    return files[path].decode("utf-8", "replace")


def _nearest_first(files: Files) -> list[PurePosixPath]:
    return sorted(files, key=lambda path: (len(path.parts), str(path)))


def _env_files(files: Files, pattern: re.Pattern[str], kind: str) -> Iterator[Suggestion]:
    for path in _nearest_first(files):
        if pattern.match(path.name):
            for name, value in dotenv_pairs(_text(files, path)).items():
                yield Suggestion(name, value, str(path), kind)


def _examples(files: Files) -> Iterator[Suggestion]:
    return _env_files(files, _EXAMPLE, "example")


def _test_env_files(files: Files) -> Iterator[Suggestion]:
    return _env_files(files, _TEST_ENV, "tests")


def _yaml(files: Files, path: PurePosixPath) -> Any:
    try:
        return yaml.safe_load(_text(files, path))
    except yaml.YAMLError:
        return None


def _compose_files(files: Files) -> Iterator[Suggestion]:
    for path in _nearest_first(files):
        if _COMPOSE.match(path.name):
            document = _yaml(files, path)
            services = document.get("services") if isinstance(document, dict) else None
            for service in (services or {}).values() if isinstance(services, dict) else ():
                yield from _service(service, str(path))


def _service(service: Any, source: str) -> Iterator[Suggestion]:
    """The variables of one service; those of a ready-made image (a database) are not the app's."""
    if not isinstance(service, dict) or not ("build" in service or "command" in service):
        return
    for name, value in _environment(service.get("environment")):
        yield Suggestion(name, value, source, "compose")


def _environment(section: Any) -> Iterator[tuple[str, str]]:
    if isinstance(section, dict):
        for name, value in section.items():
            yield str(name), _scalar(value)
    elif isinstance(section, list):
        for line in section:
            name, _, value = str(line).partition("=")
            yield name.strip(), value.strip()


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _workflows(files: Files) -> Iterator[Suggestion]:
    for path in _nearest_first(files):
        if path.parts[:2] == (".github", "workflows") and path.suffix in (".yml", ".yaml"):
            for section in _env_sections(_yaml(files, path)):
                for name, value in _environment(section):
                    if "${{" not in value:
                        yield Suggestion(name, value, str(path), "ci")


def _env_sections(node: Any) -> Iterator[Any]:
    """Every ``env:`` of a workflow, but not those of its service containers."""
    if isinstance(node, dict):
        if isinstance(node.get("env"), dict):
            yield node["env"]
        for key, child in node.items():
            if key not in ("env", "services"):
                yield from _env_sections(child)
    elif isinstance(node, list):
        for child in node:
            yield from _env_sections(child)


def _test_commands(files: Files) -> Iterator[Suggestion]:
    """What stands before ``pytest`` on a command line of a make file or script."""
    for path in _nearest_first(files):
        if path.name.lower() not in _SCRIPTS and path.suffix != ".sh":
            continue
        for command in _TEST_COMMAND.finditer(_text(files, path)):
            for name, value in _ASSIGNMENT.findall(command[1]):
                if "$" not in value:
                    yield Suggestion(name, value, str(path), "tests")


def _test_config(files: Files) -> Iterator[Suggestion]:
    """What the plugin pytest-env is told, in any of pytest's own files."""
    for path in _nearest_first(files):
        lines: Any = ()
        if path.name == "pyproject.toml":
            lines = _pyproject_env(_text(files, path))
        elif path.name in ("pytest.ini", "tox.ini", "setup.cfg"):
            lines = _ini_env(_text(files, path))
        for line in lines:
            name, _, value = str(line).partition("=")
            yield Suggestion(name.strip().rpartition(":")[2], value.strip(), str(path), "tests")


def _pyproject_env(text: str) -> Any:
    try:
        options = tomllib.loads(text)["tool"]["pytest"]["ini_options"]["env"]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        return ()
    return options.splitlines() if isinstance(options, str) else options


def _ini_env(text: str) -> Any:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return ()
    for section in ("pytest", "tool:pytest"):
        if parser.has_option(section, "env"):
            return [line for line in parser.get(section, "env").splitlines() if "=" in line]
    return ()


def _conftests(files: Files) -> Iterator[Suggestion]:
    for path in _nearest_first(files):
        if path.name == "conftest.py":
            text = _text(files, path)
            for found in _SET_IN_TESTS.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                yield Suggestion(found[1], found[3], f"{path}:{line}", "tests")
