"""``[tool.fastwright]`` of a project's ``pyproject.toml``, read from the map."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from fastwright.model.errors import UnknownName, UsageError
from fastwright.model.finding import Rule, Severity

_MANIFEST = "pyproject.toml"
_KNOWN = ("select", "ignore", "fail-on", "baseline", "access")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a project wants to be reviewed.

    Attributes:
        select: Names, codes or beginnings of codes of the rules to run; all, when empty.
        ignore: Likewise of rules to leave out; the more exact word wins over `select`.
        fail_on: The least severity that fails a run; ``None`` where nothing does.
        baseline: File of the objections that are known already, relative to the repository.
        access: The access that is meant, as declared: ``METHOD /path`` to an outcome.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: Severity | None = Severity.LOW
    baseline: PurePosixPath | None = None
    access: Mapping[str, Any] = field(default_factory=dict)

    def wants(self, rule: Rule) -> bool:
        """True where the rule is to run."""
        chosen = max((_exactness(word, rule) for word in self.select), default=0)
        refused = max((_exactness(word, rule) for word in self.ignore), default=0)
        return (chosen > refused) if self.select else not refused

    def names(self, rule: Rule) -> bool:
        """True where the rule is asked for by itself, not as one of many."""
        return rule.name in self.select or rule.code in self.select


def _exactness(word: str, rule: Rule) -> int:
    """How exactly a word names a rule; 0 where it does not."""
    if word in (rule.name, rule.code):
        return 10
    if word == rule.area:
        return 3
    return len(word) if word.startswith("FW") and rule.code.startswith(word) else 0


def read_settings(files: Mapping[PurePosixPath, bytes], folder: PurePosixPath) -> Settings:
    """The settings of the manifest nearest to `folder`; without any, the usual ones.

    Raises:
        UsageError: The table has an unknown key or a value that cannot be used.
    """
    for path in (place / _MANIFEST for place in (folder, *folder.parents)):
        table = _table(path, files[path]) if path in files else None
        if table is not None:
            return _settings(path, table)
    return Settings()


def _table(path: PurePosixPath, content: bytes) -> Mapping[str, Any] | None:
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        if b"[tool.fastwright" in content:
            raise UsageError(f"cannot read `{path}`", str(error)) from error
        return None
    table = document.get("tool", {}).get("fastwright")
    return table if isinstance(table, dict) else None


def _settings(path: PurePosixPath, table: Mapping[str, Any]) -> Settings:
    for key in table:
        if key not in _KNOWN:
            raise UnknownName("setting", key, difflib.get_close_matches(key, _KNOWN, n=1))
    baseline = table.get("baseline")
    access = table.get("access", {})
    if not isinstance(access, dict):
        raise UsageError("cannot use `access` of `[tool.fastwright]`", "it is not a table")
    return Settings(
        _words(table, "select"),
        _words(table, "ignore"),
        severity(str(table.get("fail-on", "low"))),
        path.parent / str(baseline) if baseline else None,
        access,
    )


def _words(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    given = table.get(key, [])
    if not isinstance(given, list) or not all(isinstance(word, str) for word in given):
        raise UsageError(f"cannot use `{key}` of `[tool.fastwright]`", "it is not a list of texts")
    return tuple(given)


def severity(word: str) -> Severity | None:
    """The severity of that name; ``None`` for ``never``.

    Raises:
        UsageError: There is no such severity.
    """
    if word == "never":
        return None
    if word not in list(Severity):
        known = ", ".join(f"`{s}`" for s in Severity)
        raise UsageError(f"cannot fail on `{word}`", "no severity has this name", f"give {known}")
    return Severity(word)
