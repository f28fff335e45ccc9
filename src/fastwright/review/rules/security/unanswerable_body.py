"""FW573 unanswerable-body."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from fastwright.model.app import Application, AppMap, Route
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.callers import is_dead
from fastwright.review.course import around
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.stopped import stopped
from fastwright.review.versions import is_on_pydantic_1, runs_on
from fastwright.source import layout
from fastwright.source.imports import ensure_import

_INNER = frozenset({"call_next", "app"})
_NETS = frozenset({"ValueError", "Exception", "BaseException"})
_BROKEN = re.compile(r"\b500\b|INTERNAL_SERVER_ERROR")
_HANDLED = re.compile(r"\bRequestValidationError\b")
_MAPPED = re.compile(rb"\bRequestValidationError\b(?:\s*:|\]\s*=)")
_MAKER = re.compile(r"([\w.]+)\(")
_FORMS = tuple(f"fastapi.security.{at}OAuth2PasswordRequestForm" for at in ("", "oauth2."))
_REPAIR = '''

@{app}.exception_handler({error})
async def refuse_invalid(_: {request}, problem: {error}) -> {response}:
    """Answer 422 without the input, of which not everything can be written as JSON."""
    told = [{{key: part[key] for key in ("type", "loc", "msg")}} for part in problem.errors()]
    return {response}({{"detail": told}}, status_code=422)
'''


@rule(code="FW573", severity=Severity.LOW)
def unanswerable_body(app: AppMap) -> Iterator[Finding]:
    """An app that answers 500 to a JSON body with `NaN`, `1e999` or half a surrogate pair.

    ## Why is this bad?
    Such a body fails validation, and the 422 that FastAPI then makes repeats the input, which
    cannot be written as JSON: the client's mistake becomes a server error, with a traceback in the
    log and a page for whoever is on call, as often as a client likes (CWE-755).

    ## Example
    ```python
    @app.post("/items", status_code=201)
    def add_item(item: ItemIn) -> None:
        logger.info("added")
    ```

    Use instead:
    ```python
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse


    @app.exception_handler(RequestValidationError)
    async def refuse_invalid(_: Request, problem: RequestValidationError) -> JSONResponse:
        told = [{key: part[key] for key in ("type", "loc", "msg")} for part in problem.errors()]
        return JSONResponse({"detail": told}, status_code=422)


    @app.post("/items", status_code=201)
    def add_item(item: ItemIn) -> None:
        logger.info("added")
    ```

    ## Fix safety
    Changes behaviour: errors keep their type, place and message and lose `input`, `ctx` and `url`.
    Not offered for an app that a function builds.

    ## Known limits
    An own handler of `RequestValidationError` is believed, wherever something calls or is handed
    the function that adds it, and so is a middleware that answers any `ValueError` with something
    else than 500. Pydantic 1 repeats no input; where no version is locked, names that it alone has
    show it. What an app that is mounted serves is told of that app. A route with a part of a form
    takes no JSON.
    """
    old = is_on_pydantic_1(app) or runs_on(app, "fastapi", "0.100") is False
    if app.app is None or old or _handles(app):
        return
    if any(_is_answered(app, function) for function in app.functions):
        return
    taking: dict[str, list[Route]] = defaultdict(list)
    for route in app.routes:
        is_begun = route.reachable and route.handler not in stopped(app)
        if is_begun and _takes_json(app, route):
            taking[_mounted(app, route) or app.app.target].append(route)
    for made in (app.app, *(other for other in app.applications if other != app.app)):
        if made.target in taking:  # services of one repository may all be called `app.main:app`
            yield _finding(app, made, taking.pop(made.target))


def _mounted(app: AppMap, route: Route) -> str | None:
    """The app that serves a route under a mount, which answers failed validation itself."""
    above, waiting = set[str](), [route.router or ""]
    while waiting:
        name = waiting.pop()
        above.add(name)
        rows = (i for i in app.inclusions if i.router == name and not i.mount)
        waiting += [i.into for i in rows if i.into not in above]
    mounts = (i for i in app.inclusions if i.mount and i.router in above)
    inner = next((i for i in mounts if route.path.startswith(i.prefix or "/")), None)
    if inner is None:
        return None
    module, _, name = inner.router.rpartition(".")
    return f"{module}:{name}"


def _handles(app: AppMap) -> bool:
    """True where the app answers failed validation itself."""
    for call in app.calls:
        adds = call.text.endswith(("exception_handler", "FastAPI")) or any(
            key == "exception_handlers" for key, _ in call.keywords
        )
        given = (*call.arguments[:1], *(v for k, v in call.keywords if "exc" in k)) if adds else ()
        told = any(_HANDLED.search(text) or _is_of_mapping(app, text) for text in given)
        if told and not is_dead(app, call.caller):
            return True
    caught = (name for function in app.functions for block in function.blocks
              if block.kind == "except" for name in block.names)  # fmt: skip
    return any(_HANDLED.search(name) for name in caught)


def _is_of_mapping(app: AppMap, given: str) -> bool:
    """True for a plain name where a mapping of the app has a handler for failed validation.

    Handlers are added in a loop over such a mapping, or it is handed to the app whole, as a
    function may give it.
    """
    name = re.fullmatch(r"(?:\w+\.)*(\w+)(?:\(.*\))?", given, re.DOTALL)
    is_plain = name is not None and (name[1].islower() or name[1].isupper())
    return is_plain and any(_MAPPED.search(content) for content in app.files.values())


def _is_answered(app: AppMap, function: Function) -> bool:
    """True for a middleware that catches what an answer raises, and answers something else."""
    nets = [b for b in function.blocks if b.kind == "except"]
    if not nets:
        return False
    inner = [c for c in reach(app).calls_in(function) if last(c.text) in _INNER and c.awaited]
    groups = {b.group for c in inner for b in around(function, c.span.start) if b.kind == "try"}
    around_it = (b for b in nets if b.group in groups)
    net = next((b for b in around_it if not b.names or {*map(last, b.names)} & _NETS), None)
    if net is None or any(
        net.start <= s.start < net.end for s in function.stops if s.kind == "raise"
    ):
        return False
    return not _BROKEN.search(app.text(Span(function.span.path, net.start, net.end)))


def _takes_json(app: AppMap, route: Route) -> bool:
    """True where a body is read as JSON: one part of a form makes a form of all of it."""
    called = {node.call for node in route.every_dependency()}
    if any(name.startswith(_FORMS) for name in called):
        return False
    parts = [*route.parameters, *(p for name in called for p in app.signatures.get(name, ()))]
    if {"form", "file"} & {p.source for p in parts}:
        return False
    return route.body_model is not None or any(p.source == "body" for p in route.parameters)


def _finding(app: AppMap, made: Application, taking: list[Route]) -> Finding:
    others = f" and {len(taking) - 1} more" if len(taking) > 1 else ""
    others = " and others" if _has_foreign_routes(app) else others
    return Finding(
        "unanswerable-body",
        made.created,
        f"`{made.target}` answers 500 to a `NaN` in the body of `{taking[0]}`{others}",
        evidence=(
            Evidence(EvidenceKind.SOURCE, "the 422 repeats the input, which JSON cannot hold"),
        ),
        fixes=_fixes(app, made),
        symbol=made.target,
        structural=True,
    )


def _has_foreign_routes(app: AppMap) -> bool:
    """Whether a router is included that another package makes: its bodies are not counted."""
    ours = {last(function.name) for function in app.functions}
    included = (
        c.arguments[0] for c in app.calls if last(c.text) == "include_router" and c.arguments
    )
    makers = (match[1] for given in included if (match := _MAKER.match(given)))
    return any(last(maker) not in ours for maker in makers)


def _fixes(app: AppMap, made: Application) -> tuple[Fix, ...]:
    content = app.files[made.path]
    if made.factory or layout.line_start(content, made.created.start) != made.created.start:
        return ()  # made in a function, where the decorator's place is not certain
    names = {
        "error": ("fastapi.exceptions", "RequestValidationError"),
        "request": ("fastapi", "Request"),
        "response": ("fastapi.responses", "JSONResponse"),
    }
    bound = {key: ensure_import(app, made.path, *where) for key, where in names.items()}
    local = {key: found.local for key, found in bound.items()}
    end = content.find(b"\n", made.created.end)
    at = Span(made.path, end + 1, end + 1) if end >= 0 else made.created
    why = "what a client sends must not make an error of the server's"
    rest = content[end + 1 :]
    blank = len(rest[: len(rest) - len(rest.lstrip())].splitlines())
    text = _REPAIR.format(app=made.variable, **local) + "\n" * (2 - blank if rest.strip() else 0)
    edits = (*(e for found in bound.values() for e in found.edits), Edit(at, text, why))
    title = "Answer 422 without repeating the input"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, edits),) if end >= 0 else ()
