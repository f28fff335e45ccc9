"""A package declared where the project declares its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fastwright.model.app import AppMap
from fastwright.model.change import AddDependency, Change, Edit, Manual
from fastwright.model.places import Span
from fastwright.recipes.ensure.drafting import counted
from fastwright.source import layout

_LINE = re.compile(rb"(?m)^[ \t]*([A-Za-z0-9][\w.-]*)(\[[\w, .-]*\])?[ \t]*([=<>~!^][^#;\r\n]*)?")
_ITEM = re.compile(
    rb"\"([A-Za-z0-9][\w.-]*)(\[[\w, .-]*\])?[ \t]*([=<>~!][^\";]*)?[^\"]*\"|'[^']*'"
)
_PINS = ("==", "~=", ">=", "^")


def ensure_dependency_package(
    app: AppMap, requirement: str, why: str, *, group: str = ""
) -> tuple[Change, ...]:
    """Have the package of `requirement`, in PEP 508 form, declared.

    It stands in sorted place, with such a pin as the project's other packages have. Lock files
    are left to the project's own tool.

    Args:
        app: The map.
        requirement: With the lowest version that will do: ``pyjwt>=2.8``.
        why: What needs it.
        group: Empty for the app itself; ``dev`` for tests and tools.
    """
    wanted = Requirement(requirement)
    if is_declared(app, wanted.name):
        return ()
    added = AddDependency(requirement, why, group)
    edit = _declaration(app, wanted, why, group)
    if edit is None:
        place = "the file that declares the project's packages"
        return (added, Manual(place, f"{requirement}\n", why))
    return (added, edit)


def is_declared(app: AppMap, package: str) -> bool:
    """True where a manifest that a person writes names `package`."""
    name = canonicalize_name(package)
    return any(
        name == canonicalize_name(known)
        for manifest in app.manifests
        if not manifest.locks
        for known in manifest.names
    )


def _declaration(app: AppMap, wanted: Requirement, why: str, group: str) -> Edit | None:
    for path in _candidates(app, group):
        content = app.files[path]
        if path.suffix in (".txt", ".in"):
            return _in_lines(app, path, (0, len(content)), wanted, why)
        section = _section(content, group)
        if section is not None:
            writer = _in_list if section[2] == "list" else _in_table
            return writer(app, path, section[:2], wanted, why)
    return None


def _candidates(app: AppMap, group: str) -> Iterator[PurePosixPath]:
    """The manifests in which a package of `group` may stand, the likeliest first."""
    written = [m.path for m in app.manifests if not m.locks and m.path in app.files]
    projects = [p for p in written if p.name == "pyproject.toml"]
    lists = [p for p in written if p.suffix in (".txt", ".in")]
    dev = [p for p in lists if re.search(r"dev|test", p.stem)]
    sources = [p for p in lists if p.suffix == ".in"]
    plain = [p for p in (sources or lists) if p not in dev]
    yield from (p for p in projects if _section(app.files[p], group) is not None)
    yield from sorted(dev if group else plain, key=lambda p: (len(p.parts), len(p.name)))
    if group:
        yield from plain


def _section(content: bytes, group: str) -> tuple[int, int, str] | None:
    """Where `pyproject.toml` lists the packages of `group`: start, end, and the shape."""
    heads: tuple[tuple[bytes, str], ...]
    if group:
        heads = (
            (rb"(?m)^\[dependency-groups\][^\[]*?^dev\s*=\s*\[", "list"),
            (
                rb"(?m)^\[project\.optional-dependencies\][^\[]*?^(?:dev|test|tests)\s*=\s*\[",
                "list",
            ),
            (rb"(?m)^\[tool\.poetry\.group\.dev\.dependencies\]\r?\n", "table"),
            (rb"(?m)^\[tool\.poetry\.dev-dependencies\]\r?\n", "table"),
        )
    else:
        heads = (
            (rb"(?ms)^\[project\]\s*$.*?^dependencies\s*=\s*\[", "list"),
            (rb"(?m)^\[tool\.poetry\.dependencies\]\r?\n", "table"),
        )
    for pattern, shape in heads:
        match = re.search(pattern, content)
        if match is not None:
            return match.end(), _end(content, match.end(), shape), shape
    return None


def _end(content: bytes, start: int, shape: str) -> int:
    if shape == "table":
        following = re.compile(rb"(?m)^\[").search(content, start)
        return following.start() if following else len(content)
    depth = 1
    for match in re.compile(rb"\"[^\"]*\"|'[^']*'|#[^\n]*|[\[\]]").finditer(content, start):
        depth += {b"[": 1, b"]": -1}.get(match.group(), 0)
        if not depth:
            return match.start()
    return len(content)


def _in_lines(
    app: AppMap, path: PurePosixPath, within: tuple[int, int], wanted: Requirement, why: str
) -> Edit:
    content = app.files[path]
    rows = [
        (m.start(), m[1].decode(), (m[3] or b"").decode()) for m in _LINE.finditer(content, *within)
    ]
    pin, reason = _pin(app, wanted, [row[2] for row in rows])
    at = _sorted_place(content, [(row[0], row[1]) for row in rows], wanted.name, within[1])
    text = layout.insertion(content, at, f"{wanted.name}{_extras(wanted)}{pin}\n")
    return Edit(Span(path, at, at), text, why + reason)


def _in_table(
    app: AppMap, path: PurePosixPath, within: tuple[int, int], wanted: Requirement, why: str
) -> Edit:
    content = app.files[path]
    rows = [
        (m.start(), m[1].decode(), m[2].decode())
        for m in re.compile(rb"(?m)^([\w.-]+)\s*=\s*\"?([^\"\r\n]*)").finditer(content, *within)
    ]
    others = [row for row in rows if row[1] != "python"]
    pin, reason = _pin(app, wanted, [row[2] for row in others])
    at = _sorted_place(
        content, [(r[0], r[1]) for r in others], wanted.name, _filled(content, within)
    )
    value = f'"{pin or "*"}"'
    if wanted.extras:
        listed = ", ".join(f'"{extra}"' for extra in sorted(wanted.extras))
        value = f"{{extras = [{listed}], version = {value}}}"
    text = layout.insertion(content, at, f"{wanted.name} = {value}\n")
    return Edit(Span(path, at, at), text, why + reason)


def _filled(content: bytes, within: tuple[int, int]) -> int:
    """The end of a section without the blank lines behind it."""
    return within[0] + len(content[within[0] : within[1]].rstrip()) + 1


def _in_list(
    app: AppMap, path: PurePosixPath, within: tuple[int, int], wanted: Requirement, why: str
) -> Edit:
    content = app.files[path]
    rows = [m for m in _ITEM.finditer(content, *within) if m[1]]
    pin, reason = _pin(app, wanted, [(m[3] or b"").decode() for m in rows])
    item = f'"{wanted.name}{_extras(wanted)}{pin}"'
    if not rows:
        return Edit(Span(path, within[0], within[0]), item, why)
    one_line = b"\n" not in content[within[0] : rows[-1].start()]
    names = [m[1].decode() for m in rows]
    later = next((m for m in rows if _key(m[1].decode()) > _key(wanted.name)), None)
    if later is not None and names == sorted(names, key=_key):
        gap = " " if one_line else "\n" + layout.indentation(content, later.start())
        return Edit(Span(path, later.start(), later.start()), f"{item},{gap}", why + reason)
    last = rows[-1].end()
    gap = " " if one_line else "\n" + layout.indentation(content, rows[-1].start())
    if content[last : last + 1] == b",":
        return Edit(Span(path, last + 1, last + 1), f"{gap}{item},", why + reason)
    return Edit(Span(path, last, last), f",{gap}{item}", why + reason)


def _extras(wanted: Requirement) -> str:
    return f"[{','.join(sorted(wanted.extras))}]" if wanted.extras else ""


def _sorted_place(content: bytes, rows: list[tuple[int, str]], name: str, otherwise: int) -> int:
    """The line that `name` goes before; behind the last row where they are not sorted."""
    names = [row[1] for row in rows]
    if names == sorted(names, key=_key):
        later = next((at for at, row in rows if _key(row) > _key(name)), None)
        if later is not None:
            return later
    return layout.line_end(content, rows[-1][0]) if rows else otherwise


def _key(name: str) -> str:
    return str(canonicalize_name(name))


def _pin(app: AppMap, wanted: Requirement, siblings: list[str]) -> tuple[str, str]:
    """The specifier in the siblings' style, and what to say of it."""
    styles = Counter(next((p for p in _PINS if s.strip().startswith(p)), "") for s in siblings)
    style, count = styles.most_common(1)[0] if styles else (">=", 0)
    floor = str(wanted.specifier)
    known = app.versions.get(wanted.name) or app.versions.get(canonicalize_name(wanted.name))
    lowest = re.sub(r"^[^\d]*", "", floor.partition(",")[0])
    value = {
        "==": f"=={known}" if known else floor,
        "^": f"^{lowest}" if lowest else floor,
        "~=": f"~={known or lowest}" if known or lowest else floor,
        "": "",
    }.get(style, floor)
    said = f"{style}…" if style else "no version"
    return value, f"; `{said}` {counted(count, len(siblings), 'packages')}" if count else ""
