"""The specification of a rule: its published examples, and a Markdown file of small apps.

In ``tests/rules/<rule>.md`` each ``##`` heading is a case. A ```` ```py ```` block is its
``main.py``; ```` ```py shop/models.py ```` (or any other language and path) is a further file.
``# want: <rule>`` ends each line that the rule must report, ``# possible: <rule>`` each line of
which it is unsure; a case without either is a twin that looks alike and must be passed over in
silence. ```` ```py fixed ```` (``py fixed <path>``) is text that the file must hold once all fixes
are applied. A line ``not booted: <reason>`` excuses an app that the sample environment cannot load.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files as resources
from pathlib import Path, PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Fix
from fastwright.model.finding import Finding, Grade, Rule
from fastwright.model.places import position
from fastwright.source import edits, imports
from fastwright.survey import static

MAIN = PurePosixPath("main.py")
HEADINGS = (
    "## Why is this bad?",
    "## Example",
    "Use instead:",
    "## Fix safety",
    "## Known limits",
)
_BLOCK = re.compile(r"(?ms)^```(?P<language>\w+)(?P<words>[^\n]*)\n(?P<text>.*?)^```\s*?$")
_MARK = re.compile(r"#.*?\b(?P<kind>want|possible): (?P<rules>[\w-]+(?:, ?[\w-]+)*)")

Place = tuple[str, int]
"""A file and a line, counted from 1."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: a whole app, where it is wrong, and what its repair must hold."""

    rule: str
    title: str
    files: Mapping[PurePosixPath, bytes]
    fixed: Mapping[PurePosixPath, str] = field(default_factory=dict)
    not_booted: str = ""

    def marked(self, kind: str) -> list[Place]:
        """The places that the app marks with ``# want:`` or ``# possible:`` for this rule."""
        found = []
        for path, content in self.files.items():
            for number, line in enumerate(content.decode().splitlines(), 1):
                marks = (m for m in _MARK.finditer(line) if m["kind"] == kind)
                found += [(str(path), number) for m in marks for r in _names(m) if r == self.rule]
        return sorted(found)

    @property
    def is_twin(self) -> bool:
        """True where nothing at all may be said of the app."""
        return not self.marked("want") and not self.marked("possible")


def _names(mark: re.Match[str]) -> list[str]:
    return [name.strip() for name in mark["rules"].split(",")]


def cases(page: Path) -> Iterator[Case]:
    """The cases of one specification; the rule is named by the file.

    Raises:
        ValueError: A case has no application file.
    """
    for section in re.split(r"(?m)^## ", page.read_text())[1:]:
        title = section.partition("\n")[0]
        files: dict[PurePosixPath, bytes] = {}
        fixed: dict[PurePosixPath, str] = {}
        for block in _BLOCK.finditer(section):
            words = block["words"].split()
            wanted = words[:1] == ["fixed"]
            path = PurePosixPath(words[-1]) if words[wanted:] else MAIN
            if wanted:
                fixed[path] = block["text"]
            else:
                files[path] = block["text"].encode()
        if not files:
            raise ValueError(f"{page.name}: the case `{title}` has no app")
        excuse = re.search(r"(?m)^not booted: (.+)$", section)
        yield Case(page.stem, title, files, fixed, excuse[1] if excuse else "")


def places(findings: Iterable[Finding], app: AppMap, grade: Grade) -> list[Place]:
    """Where the findings of that grade stand."""
    return sorted(
        (str(f.at.path), position(app.files[f.at.path], f.at.start).line)
        for f in findings
        if f.grade is grade
    )


def fixes(findings: Iterable[Finding]) -> tuple[Fix, ...]:
    """The first fix of each finding that has one."""
    return tuple(finding.fixes[0] for finding in findings if finding.fixes)


def repaired(app: AppMap, chosen: Iterable[Fix]) -> AppMap:
    """The map of the app with all these fixes applied at once."""
    changes: tuple[Change, ...] = tuple(change for fix in chosen for change in fix.changes)
    return static.read(edits.apply(app.files, imports.combine(app, changes)))


def examples(rule: Rule) -> tuple[AppMap, AppMap]:
    """The two apps of a rule's page, the one to be reported first; each after the prelude.

    A block ```` ```python migrations/env.py ```` is a further file of the app that it stands with.

    Raises:
        ValueError: A part of the page holds no Python block, or two of one file.
    """
    bad, _, good = rule.doc.partition("\nUse instead:\n")
    return _example(bad), _example(good)


def _example(part: str) -> AppMap:
    prelude = resources("fastwright.testing.payload").joinpath("prelude.py").read_text()
    found = re.findall(r"(?ms)^```python([^\n]*)\n(.*?)^```", part)
    blocks = {PurePosixPath(path.strip() or MAIN): text for path, text in found}
    if not blocks or len(blocks) != len(found):
        raise ValueError("each part of a page must hold Python blocks, one a file")
    app = f"{prelude}\n\n{blocks.pop(MAIN, '')}"
    return static.read({MAIN: app.encode()} | {p: text.encode() for p, text in blocks.items()})
