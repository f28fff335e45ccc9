"""Sessions that are held while their answer is sent, ended before it instead. Pure.

Since FastAPI 0.118 a dependency with `yield` ends behind the answer, unless its scope says
otherwise: whoever takes a large answer slowly keeps a connection of the pool for as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.places import Span
from fastwright.review.versions import runs_on
from fastwright.source import syntax
from fastwright.tune import spots
from fastwright.tune.idea import Gain, Idea, Variant
from fastwright.tune.seen import Observation

CAUSE = "session held while the answer is sent"
LARGE = 64 * 1024
"""Bytes that a server takes from the app before it waits for the client: uvicorn's high mark."""
_SINCE = "0.121"


def ideas(app: AppMap, observed: Sequence[Observation]) -> Iterator[Idea]:
    """One idea for each session dependency that large answers hold.

    Args:
        app: The map of the tree as it is now.
        observed: Every route at each size.
    """
    held: dict[str, list[str]] = {}
    sessions = {session.symbol for session in app.sessions}
    for route, visit in observed[-1].visits.items():
        found = app.route(*route.split(" ", 1))
        if visit.status == 200 and visit.sending and len(visit.body) >= LARGE and found is not None:
            for provider in {d.call for d in found.every_dependency()} & sessions:
                held.setdefault(provider, []).append(route)
    for provider, routes in held.items():
        yield _idea(app, provider, tuple(routes), observed[-1])


def _idea(app: AppMap, provider: str, routes: tuple[str, ...], last: Observation) -> Idea:
    sizes = ", ".join(f"{route} ({len(last.visits[route].body)} bytes)" for route in routes)
    seen = (f"{sizes}: the connection of `{provider}` goes back when the client has taken it all",)
    bare = Idea(f"{CAUSE} {provider}", CAUSE, routes, seen, gain=Gain.HELD)
    edits = tuple(_edits(app, provider))
    if runs_on(app, "fastapi", _SINCE) is False or not edits:
        because = f'`Depends(…, scope="function")` ends it before, from FastAPI {_SINCE} on'
        return Idea(bare.key, CAUSE, routes, seen, (), because)
    title = f"End `{provider}` before the answer is sent"
    return Idea(bare.key, CAUSE, routes, seen, (Variant(title, edits),), gain=Gain.HELD)


def _edits(app: AppMap, provider: str) -> Iterator[Edit]:
    """``scope="function"`` wherever the app's modules ask for the dependency."""
    why = "the connection goes back before the answer is sent, however slowly that is taken"
    for module in app.modules.values():
        content = app.files.get(module.path, b"")
        if b"Depends(" not in content:
            continue
        for call in syntax.find(syntax.parse(content), "call"):
            arguments = call.child_by_field_name("arguments")
            given = arguments.named_children if arguments is not None else []
            if spots.called(call, content) != "Depends" or len(given) != 1:
                continue
            head, dot, tail = syntax.text(given[0], content).partition(".")
            dotted = module.imports.get(head, f"{module.name}.{head}") + dot + tail
            if dotted == provider:
                at = given[0].end_byte
                yield Edit(Span(module.path, at, at), ', scope="function"', why)
