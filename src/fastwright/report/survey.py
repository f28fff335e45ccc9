"""The map of an app in the terminal: what is there, who saw it, and what could not be followed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fastwright.model.app import AppMap, Principal, Route, Setting
from fastwright.model.places import Span, position
from fastwright.model.storage import Column, Index
from fastwright.model.storage import Table as DatabaseTable
from fastwright.report.words import count

_NONE = "–"


def show_map(app: AppMap, console: Console) -> None:
    """Print everything known of `app`, section by section; empty sections are left out.

    On a terminal the rows fill its width; elsewhere each is one line with tabs between its cells,
    for other programs to search and cut.
    """
    console.print(Text(headline(app), style="bold"), soft_wrap=True)
    for title, headings, rows in sections(app):
        if rows:
            console.print()
            console.print(Text(f"{title} ({len(rows)})", style="bold"))
            if console.is_terminal:
                console.print(Padding(_table(headings, rows), (0, 0, 0, 2)))
            else:
                # Not by way of the console, which has no tabs.
                console.file.write("".join(map(_line, (headings, *rows))))


def headline(app: AppMap) -> str:
    """``shop.main:app: 23 routes in 41 files, Python 3.11.7, fastapi 0.115.0``."""
    target = app.app.target if app.app else "no application"
    known = [f"Python {app.python}"] if app.python else []
    known += [
        f"{n} {app.versions[n]}" for n in ("fastapi", "pydantic", "sqlalchemy") if n in app.versions
    ]
    counts = f"{count(len(app.routes), 'route')} in {count(len(app.modules), 'module')}"
    return ", ".join([f"{target}: {counts}", *known])


Section = tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]]


def sections(app: AppMap) -> Iterable[Section]:
    """Every section as title, headings and rows of text."""
    yield "Other apps", ("app", "where"), _others(app)
    yield "Routes", ("route", "handler", "guards", "seen by"), [_route(r) for r in app.routes]
    yield (
        "Schemas",
        ("schema", "fields", "where"),
        [(s.name, ", ".join(f.name for f in s.fields), _at(app, s.span)) for s in app.schemas],
    )
    yield "Tables", ("table", "model", "columns", "indexes"), [_table_row(t) for t in app.tables]
    yield "Principals", ("dependency", "yields", "scheme", "used by"), _principals(app.principals)
    yield "Sessions", ("session", "how", "used by"), _sessions(app)
    yield (
        "Settings",
        ("variable", "type", "default", "read by", "value from"),
        [_setting(s) for s in app.settings],
    )
    yield (
        "Middleware",
        ("middleware, outermost first", "options"),
        [(m.name, ", ".join(f"{n}={v}" for n, v in m.options)) for m in app.middleware],
    )
    yield (
        "Migrations",
        ("folder", "revisions", "heads"),
        [(str(m.directory), str(m.count), ", ".join(m.heads)) for m in app.migrations],
    )
    yield from _of_the_map(app)


def _of_the_map(app: AppMap) -> Iterable[Section]:
    """What the map says of how it was made: from what evidence, and what it does not know."""
    yield (
        "Conventions",
        ("topic", "what the app does", "evidence"),
        [(c.topic, c.value, f"{c.count} of {c.total}") for c in app.conventions],
    )
    yield (
        "Source and running app disagree",
        ("about", "source", "running app"),
        [(d.subject, d.source, d.running) for d in app.disagreements],
    )
    yield (
        "Read in part",
        ("file", "line", "why"),
        _read_in_part(app),
    )
    yield (
        "Not followed",
        ("what", "where", "why"),
        [(u.what, _at(app, u.span), u.why) for u in app.unresolved],
    )


def _others(app: AppMap) -> list[tuple[str, ...]]:
    chosen = app.app.target if app.app else ""
    apart = [a for a in app.applications if a.target != chosen and not a.mounted_at]
    return [(one.target, _at(app, one.created)) for one in apart]


def _read_in_part(app: AppMap) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [(str(one.path), _NONE, one.why) for one in app.left_out]
    parsed = (m for m in app.modules.values() if m.unread)
    return rows + [(str(m.path), str(m.unread.line), m.unread.why) for m in parsed if m.unread]


def _route(route: Route) -> tuple[str, ...]:
    notes = [] if route.reachable else ["not reachable"]
    notes += [f"if {route.condition}"] if route.condition else []
    shown = f"{route} ({', '.join(notes)})" if notes else str(route)
    guards = ", ".join(f"{g.name}{' (optional)' if g.optional else ''}" for g in route.guards)
    return shown, route.handler, guards or _NONE, ", ".join(route.seen_by)


def _table_row(table: DatabaseTable) -> tuple[str, ...]:
    columns = ", ".join(map(_column, table.columns))
    return table.name, table.model or _NONE, columns, ", ".join(map(_index, table.indexes)) or _NONE


def _column(column: Column) -> str:
    marks = [
        mark
        for mark, holds in (
            ("key", column.primary_key),
            ("unique", column.unique),
            ("indexed", column.index),
            (f"→ {column.foreign_key}", column.foreign_key),
        )
        if holds
    ]
    return f"{column.name} ({', '.join(marks)})" if marks else column.name


def _index(index: Index) -> str:
    return f"{'unique ' if index.unique else ''}({', '.join(index.columns)})"


def _principals(principals: Iterable[Principal]) -> list[tuple[str, ...]]:
    return [
        (p.dependency, p.model or _NONE, p.scheme or _NONE, count(p.used_by, "route"))
        for p in principals
    ]


def _sessions(app: AppMap) -> list[tuple[str, ...]]:
    return [
        (
            s.symbol,
            f"{'async' if s.is_async else 'sync'} {s.api}, {s.kind}",
            count(s.used_by, "route"),
        )
        for s in app.sessions
    ]


def _setting(setting: Setting) -> tuple[str, ...]:
    required = "required" if setting.required else _NONE
    return (
        setting.name,
        setting.annotation or _NONE,
        setting.default if setting.default is not None else required,
        setting.attribute or setting.reader,
        ", ".join(setting.given_by) or _NONE,
    )


def _at(app: AppMap, span: Span | None) -> str:
    if span is None or span.path not in app.files:
        return str(span.path) if span else _NONE
    return f"{span.path}:{position(app.files[span.path], span.start).line}"


def _line(cells: Iterable[str]) -> str:
    return "\t".join(" ".join(cell.split()) for cell in cells) + "\n"


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
