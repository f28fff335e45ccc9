"""A step at the start or the end of the app's life, where the app has its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Manual
from fastwright.recipes.ensure.application import application, creation_call
from fastwright.recipes.ensure.drafting import insert_lines, split_symbol
from fastwright.source import layout, signatures
from fastwright.source.imports import ensure_import
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node, parse, walk


def ensure_lifespan_step(
    app: AppMap,
    *,
    startup: str = "",
    shutdown: str = "",
    symbols: Iterable[str] = (),
    why: str,
) -> tuple[Change, ...]:
    """Have the statement `startup` run before the first request, `shutdown` after the last.

    An existing lifespan function gets the statement before or after its ``yield``; an app with
    ``on_event`` functions gets another of them; an app with neither gets a lifespan function.

    Args:
        app: The map.
        startup: One statement, without indentation; ``await`` is allowed.
        shutdown: The same.
        symbols: Dotted names that the statements begin with, by the last part of the name; of a
            module that is not there yet, ``module:name``.
        why: The reason of every edit.
    """
    target = application(app)
    content = app.files[target.path]
    path, function = _lifespan(app)
    if function is not None and _calls(function, (startup, shutdown)):
        return ()
    if target.lifespan and function is None:
        return (Manual(f"in `{target.lifespan}`", f"{startup}\nyield\n{shutdown}\n", why),)
    renamed = [startup, shutdown]
    changes: list[Change] = []
    for symbol in symbols:
        module, name = split_symbol(app, symbol)
        bound = ensure_import(app, path, module, name, own=":" in symbol)
        changes += bound.edits
        renamed = [_renamed(step, name, bound.local) for step in renamed]
    if function is not None:
        return (*changes, *_around_yield(app, path, function, renamed, why))
    if b".on_event(" in content:
        return (*changes, *_events(app, renamed, why))
    return (*changes, *_new_lifespan(app, renamed, why))


def _renamed(step: str, name: str, local: str) -> str:
    return (
        step
        if name == local
        else step.replace(f"{name}.", f"{local}.").replace(f"{name}(", f"{local}(")
    )


def _lifespan(app: AppMap) -> tuple[PurePosixPath, Node | None]:
    """The lifespan function and the file that it stands in."""
    target = application(app)
    if target.lifespan is None:
        return target.path, None
    known = next((f for f in app.functions if f.name == target.lifespan), None)
    path = known.span.path if known is not None else target.path
    name = target.lifespan.rpartition(".")[2]
    for node in walk(parse(app.files[path])):
        if node.type == "function_definition" and text_of(node.child_by_field_name("name")) == name:
            return path, node
    return path, None


def _calls(function: Node, steps: tuple[str, str]) -> bool:
    """True where the function runs both steps already, whatever stands around them."""
    body = [text_of(n) for n in walk(function) if n.type in ("expression_statement", "assignment")]
    return all(any(step in line for line in body) for step in steps if step)


def _around_yield(
    app: AppMap, path: PurePosixPath, function: Node, steps: list[str], why: str
) -> tuple[Change, ...]:
    content = app.files[path]
    yields = [n for n in walk(function) if n.type == "yield" and n.is_named]
    if len(yields) != 1:
        snippet = "\n".join(step for step in (steps[0], "yield", steps[1]) if step) + "\n"
        return (Manual(f"the lifespan function in `{path}`", snippet, why),)
    place = yields[0]
    indent = layout.indentation(content, place.start_byte)
    before = layout.line_start(content, place.start_byte)
    after = layout.after_statement(content, place.start_byte)
    changes: list[Change] = []
    if steps[0]:
        changes.append(insert_lines(app, path, before, f"{indent}{steps[0]}\n", why))
    if steps[1]:
        changes.append(insert_lines(app, path, after, f"{indent}{steps[1]}\n", why))
    return tuple(changes)


def _events(app: AppMap, steps: list[str], why: str) -> tuple[Change, ...]:
    target = application(app)
    content = app.files[target.path]
    indent = layout.indentation(content, target.created.start)
    place = layout.after_statement(content, target.created.start)
    text = ""
    for event, step in zip(("startup", "shutdown"), steps, strict=True):
        if step:
            text += (
                f'\n\n{indent}@{target.variable}.on_event("{event}")\n'
                f"{indent}async def on_{event}() -> None:\n{indent}    {step}\n"
            )
    return (insert_lines(app, target.path, place, text, f"{why}; the app uses `on_event`"),)


def _new_lifespan(app: AppMap, steps: list[str], why: str) -> tuple[Change, ...]:
    target = application(app)
    content = app.files[target.path]
    call = creation_call(app)
    if call is None:
        return (Manual("the `FastAPI(…)` call", "lifespan=lifespan", why),)
    iterator = ensure_import(app, target.path, "collections.abc", "AsyncIterator")
    manager = ensure_import(app, target.path, "contextlib", "asynccontextmanager")
    fastapi = ensure_import(app, target.path, "fastapi", "FastAPI")
    body = [f"    {step}" for step in (steps[0], "yield", steps[1]) if step]
    function = "\n".join(
        (
            f"@{manager.local}",
            f"async def lifespan(app: {fastapi.local}) -> {iterator.local}[None]:",
            *body,
        )
    )
    around = layout.top_level(parse(content), target.created.start)
    place = layout.line_start(content, around.start_byte if around else target.created.start)
    return (
        *iterator.edits,
        *manager.edits,
        *fastapi.edits,
        insert_lines(app, target.path, place, f"{_gap(content, place)}{function}\n\n\n", why),
        signatures.with_keyword(target.path, content, call, "lifespan=lifespan", why),
    )


def _gap(content: bytes, place: int) -> str:
    """What is missing to two blank lines before `place`."""
    above = content[:place]
    blank = len(above) - len(above.rstrip(b"\n")) - 1
    return "\n" * max(0, 2 - blank) if above.strip() else ""
