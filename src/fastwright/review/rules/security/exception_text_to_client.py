"""FW542 exception-text-to-client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from fastwright.model.app import AppMap
from fastwright.model.change import Fix, Safety
from fastwright.model.code import Block, Call, Flow, Function
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.at_home import is_at_home
from fastwright.review.course import around
from fastwright.review.guarding import is_for_administrators
from fastwright.review.reach import holds, reach
from fastwright.review.rule import rule
from fastwright.review.stable_message import stable_message

_WHOLE = re.compile(r"(?:args|orig|__cause__|with_traceback)?(?:[.\[].*)?")
_BROAD = frozenset(
    {"Exception", "BaseException", "OSError", "IOError", "KeyError", "EnvironmentError"}
)
_TAKEN = re.compile(r"\b(?:str|repr)\(\w+\)|\{\w+(?:![rs])?\}|\.format_exc")
_CHOSEN = re.compile(
    r"(?:\b(?:str|repr)\(\w+\)|\bf\"[^\"\n]*\"|\bf'[^'\n]*')\s+if\s+(?P<words>[^\n]+?)\s+else\b"
)
_NOTHING = re.compile(r"\s*(?:(?:try\s*:|pass\b|\.\.\.|#[^\n]*(?:\n|$))\s*)+")
_HABIT = 6
"""From this many answers on, it is a habit of the app."""
_TOLD = re.compile(r"(?i)^(last_?)?(error|failure|reason)(_?(s|message|detail|text|reason))?$")
_TELLING = re.compile(r"\b(?:e|ex|exc|err|error|exception)\b|format_exc")
_PLAIN_BASES = ("pydantic.BaseModel", "typing.")
_READS = frozenset({"int", "float", "str", "len", "bytes", "encode", "decode", "strip", "lower",
                    "split", "fromisoformat", "strptime", "pop"})  # fmt: skip
_READERS = ("base64.", "binascii.", "json.", "uuid.", "decimal.", "ipaddress.",
            "ast.literal_eval", "urllib.parse.")  # fmt: skip
_SENT = ("fastapi.Request.", "starlette.requests.Request.", "fastapi.UploadFile.",
         "pandas.read_", "csv.", "io.StringIO", "io.BytesIO")  # fmt: skip
"""What reads a request or a file: of a file that was sent, where the answer blames the client."""
_BLAMES = re.compile(r"\bHTTP_4\d\d|(?<![\w.])4\d\d\b")
_PURE = _READS | {"list", "set", "dict", "tuple", "items", "keys", "values", "upper", "capitalize",
                  "isinstance", "any", "all", "sorted", "enumerate", "zip", "range", "append",
                  "bool", "startswith", "endswith", "hasattr", "cls", "model_validate"}  # fmt: skip
_DEEPEST = 3
_OF_HTTP = frozenset({"status_code", "detail", "headers", "args"})
"""The attributes of an ``HTTPException``."""
_PLAIN = frozenset({"DoesNotExist", "NoResultFound", "MultipleResultsFound",
                    "MultipleObjectsReturned"})  # fmt: skip
"""What drivers raise with a sentence that holds no value."""
_DRIVERS = ("sqlalchemy.", "asyncpg.", "psycopg", "sqlite3.", "pymysql.", "aiosqlite.", "redis.",
            "pymongo.", "botocore.", "tortoise.exceptions.", "mysql.")  # fmt: skip


@rule(code="FW542", severity=Severity.MEDIUM)
def exception_text_to_client(app: AppMap) -> Iterator[Finding]:
    """The text of an unforeseen exception in the answer.

    ## Why is this bad?
    Such a text holds whatever went wrong: SQL with its values, paths, host names, keys of
    configuration. It tells an attacker what to try next (CWE-209, OWASP A05:2021), and it is no
    contract that a client could rely on.

    ## Example
    ```python
    @app.post("/orders")
    def create_order(session: SessionDep) -> None:
        try:
            session.commit()
        except Exception as error:
            raise HTTPException(status_code=500, detail=str(error))
    ```

    Use instead:
    ```python
    @app.post("/orders")
    def create_order(session: SessionDep) -> None:
        try:
            session.commit()
        except Exception:
            logger.exception("the order was not stored")
            raise HTTPException(status_code=500, detail="The order was not stored")
    ```

    ## Fix safety
    Changes behaviour: the answer says what the app's own sentence says in front of the exception,
    else a fixed one, and the text goes to the log with its traceback.

    ## Known limits
    Reported are `Exception` and the exceptions of database drivers and the operating system; what
    the app itself defines, and `ValueError`, are taken for messages that are meant to be read, and
    `KeyError` says no more than the key. An attribute of the exception (`error.detail`) is not
    reported, nor is what is answered in development alone, what a schema is given by a name that it
    has no field for, what is caught of a `try` that does nothing yet, what is raised as an answer
    of HTTP on a WebSocket, or what a driver says where no row was found. Only possible is what a
    route for administrators answers, where all that is tried makes an object of a schema or reads
    JSON, numbers and the like (or, answered with 4xx, what was uploaded), where a schema is
    answered that has a field for the error, and behind a test whether a result is an exception.
    """
    found: dict[Span, Flow] = {}
    for flow in app.flows:
        if flow.kind == "answer" and flow.place == "exception" and _is_unforeseen(flow):
            found.setdefault(flow.path[-1], flow)
    found = {at: flow for at, flow in found.items()
             if not (_is_told_at_home(app, flow) or _is_a_key(app, flow))
             and not (_is_refused(app, flow) or _is_unheard(app, flow))
             and not (_is_dropped(app, flow) or _tries_nothing(app, flow))}  # fmt: skip
    findings = [_finding(app, flow) for flow in found.values()]
    for grade in (True, False):
        alike = [finding for finding in findings if finding.structural is grade]
        yield from alike if len(alike) < _HABIT else [_habit(alike)]


def _habit(findings: list[Finding]) -> Finding:
    """What a whole app does is said once."""
    first, *rest = sorted(findings, key=lambda finding: finding.at)
    message = f"{len(findings)} answers give the text of any exception to the client"
    changes = tuple(change for f in findings for fix in f.fixes for change in fix.changes)
    fix = Fix("Say a fixed sentence, and log the exception", Safety.CHANGES_BEHAVIOUR, changes)
    return replace(
        first, message=message, related=tuple(finding.at for finding in rest),
        fixes=(fix,) if changes else (),
    )  # fmt: skip


def _finding(app: AppMap, flow: Flow) -> Finding:
    kinds = ", ".join(f"`{kind}`" for kind in flow.into.split(", "))
    message = f"`{flow.sink.rpartition('.')[2]}` gives the text of any {kinds} to the client"
    fix = stable_message(app, flow.path[-1])
    return Finding(
        "exception-text-to-client", flow.path[-1], message,
        (Evidence(EvidenceKind.SOURCE, f"`{flow.handler}` answers with what it caught"),), (),
        (fix,) if fix else (), flow.handler, structural=not (flow.doubts or _is_meant(app, flow)),
    )  # fmt: skip


def _is_meant(app: AppMap, flow: Flow) -> bool:
    """True for what only administrators or of the client's own data is told, or may be none."""
    routes = reach(app).serving(flow.handler)
    if routes and all(is_for_administrators(route, app) for route in routes):
        return True
    function = next((f for f in app.functions if f.name == flow.handler), None)
    if function is None:
        return False
    at = flow.path[-1]
    if holds(function.span, at) and _is_asked_before(app, function, at):
        return True
    return _tries_a_schema(app, function, at) or _fills_a_field(app, flow)


def _fills_a_field(app: AppMap, flow: Flow) -> bool:
    """True where a schema is answered that has a field for what went wrong: it is meant."""
    built = re.match(r"(?:return\s+)?(\w+)\(", app.text(flow.path[-1]).strip())
    named = (s for s in app.schemas if built and s.name.rpartition(".")[2] == built[1])
    return any(_TOLD.search(field.name) for schema in named for field in schema.fields)


def _is_dropped(app: AppMap, flow: Flow) -> bool:
    """True where a schema is answered that has no field by the name that the text is given."""
    at = flow.path[-1]
    for call in reach(app).calls_of(at.path):
        schema = next((s for s in app.schemas if s.name == call.callee), None)
        if schema is None or not holds(at, call.span):
            continue
        if call.arguments or "**" in dict(call.keywords):
            return False
        known = {field.name for field in schema.fields}
        telling = [name for name, value in call.keywords if _TELLING.search(value)]
        plain = all(base.startswith(_PLAIN_BASES) for base in schema.bases) and not schema.config
        return plain and bool(telling) and known.isdisjoint(telling)
    return False


def _tries_a_schema(app: AppMap, function: Function, at: Span) -> bool:
    """True where all that is tried reads the client's own data: the text says what is wrong of it.

    Pydantic makes an object of a schema, and the standard library reads numbers, dates and JSON.
    Where the answer blames the client, what was uploaded is read by functions of the app as well.
    """
    tried = _tried(function, at)
    inside = [c for c in reach(app).calls_in(function)
              if any(b.start <= c.span.start < b.end for b in tried)]  # fmt: skip
    schemas = frozenset(schema.name for schema in app.schemas)
    is_theirs = _BLAMES.search(app.text(at)) is not None
    return bool(inside) and all(
        c.callee in schemas or _is_filled(c) or _reads(c)
        or (is_theirs and _reads_sent(app, c, schemas, 0)) for c in inside
    )  # fmt: skip


def _reads_sent(app: AppMap, call: Call, schemas: frozenset[str], depth: int) -> bool:
    """Whether a call reads what a client sent, and so does all that a function of ours calls."""
    dotted = call.callee or call.text
    if dotted in schemas or dotted.rpartition(".")[0] in schemas or _is_filled(call):
        return True
    first = call.arguments[0] if call.arguments else ""
    if dotted.startswith(_SENT):
        return not re.match(r"[rbf]*['\"]", first)
    name = dotted.rpartition(".")[2]
    if dotted.startswith("builtins.") or call.callee is None:
        return name in _PURE
    if _reads(call) or name == "HTTPException":
        return True
    inner = reach(app).callee(call)
    return inner is not None and depth < _DEEPEST and all(
        _reads_sent(app, c, schemas, depth + 1) for c in reach(app).calls_in(inner)
    )  # fmt: skip


def _tries_nothing(app: AppMap, flow: Flow) -> bool:
    """True where what is tried is still to be written, so that nothing can be caught."""
    at = flow.path[-1]
    functions = (f for f in reach(app).functions_of(at.path) if holds(f.span, at))
    function = max(functions, key=lambda f: f.span.start, default=None)
    tried = _tried(function, at) if function is not None else []
    return bool(tried) and all(
        _NOTHING.fullmatch(app.text(Span(at.path, block.start, block.end))) for block in tried
    )


def _tried(function: Function, at: Span) -> list[Block]:
    """What is tried in front of the ``except`` that a place stands in."""
    caught = [b for b in function.blocks if b.kind == "except" and b.start <= at.start < b.end]
    groups = {max(caught, key=lambda b: b.start).group} if caught else set()
    return [b for b in function.blocks if b.kind == "try" and b.group in groups]


def _reads(call: Call) -> bool:
    """Whether a call reads a value that was sent, and says of it alone what is wrong."""
    dotted = call.callee or call.text
    return dotted.startswith(_READERS) or dotted.rpartition(".")[2] in _READS


def _is_filled(call: Call) -> bool:
    """``Event(**given)``: an object of a class whose fields are named by what is given."""
    kind = (call.callee or "").rpartition(".")[2]
    return kind[:1].isupper() and not call.arguments and dict(call.keywords).keys() == {"**"}


def _is_a_key(app: AppMap, flow: Flow) -> bool:
    """The text of a `KeyError` is the key that was asked for; its traceback is more."""
    return flow.into == "KeyError" and "format_exc" not in app.text(flow.path[-1])


def _is_refused(app: AppMap, flow: Flow) -> bool:
    """True where the exception itself is returned for a schema: no schema is made of one."""
    if _is_returned_for_a_schema(app, flow):
        return True
    name = re.fullmatch(r"(?:return\s+)?(\w+)", app.text(flow.path[-1]).strip())
    route = next((r for r in app.routes if r.handler == flow.handler), None)
    function = next((f for f in app.functions if f.name == flow.handler), None)
    if flow.sink != "return" or name is None or function is None or route is None:
        return False
    is_it = re.search(rf"\bexcept\b[^\n]*\bas\s+{name[1]}\s*:", app.text(function.span))
    model = route.response_model or ""
    return is_it is not None and any(schema.name in model for schema in app.schemas)


def _is_returned_for_a_schema(app: AppMap, flow: Flow) -> bool:
    """True of ``return HTTPException(…)`` where the schema asks for what that does not have."""
    at = flow.path[-1]
    before = app.files[at.path][: at.start].rstrip()
    routes = [route for route in app.routes if route.handler == flow.handler]
    if flow.sink.rpartition(".")[2] != "HTTPException" or not before.endswith(b"return"):
        return False
    asked = {s.name for s in app.schemas for f in s.fields if f.required and f.name not in _OF_HTTP}
    function = reach(app).functions.get(flow.handler)
    is_own = function is not None and holds(function.span, at)
    return is_own and bool(routes) and all(route.response_model in asked for route in routes)


def _is_asked_before(app: AppMap, function: Function, at: Span) -> bool:
    """True where the caught was kept in a name, and a test whether that is an exception ended it.

    ``result = error`` … ``if isinstance(result, Exception): raise …`` … ``return result``.
    """
    if any(block.kind in ("arm", "except") for block in around(function, at.start)):
        return False
    ended = [s for s in function.stops if s.end <= at.start and s.kind in ("raise", "return")]
    if not any(b.kind == "arm" for s in ended for b in around(function, s.start)):
        return False
    text = app.text(function.span)
    caught = re.findall(r"\bexcept\b[^\n]*\bas\s+(\w+)\s*:", text)
    kept = {name for alias in caught for name in re.findall(rf"(?m)^\s*(\w+) = {alias}$", text)}
    return bool(kept) and all(
        re.search(rf"\bisinstance\({name},\s*\(?(?:Base)?Exception\b", text) for name in kept
    )


def _is_unheard(app: AppMap, flow: Flow) -> bool:
    """True of an answer of HTTP on a WebSocket: once that is accepted, nothing carries its text."""
    methods = {route.method for route in app.routes if route.handler == flow.handler}
    is_message = flow.sink.rpartition(".")[2].startswith(("send", "close"))
    return methods == {"WEBSOCKET"} and not is_message


def _is_told_at_home(app: AppMap, flow: Flow) -> bool:
    """True where the text is taken under a test for development alone."""
    function = next((f for f in app.functions if f.name == flow.handler), None)
    if function is None or function.span.path != flow.path[-1].path:
        return False
    path, at = function.span.path, flow.path[-1].start
    arms = [b for b in function.blocks if b.kind == "arm" and is_at_home(b.words)]
    inside = [app.text(Span(path, block.start, block.end)) for block in arms]
    outside = app.text(function.span)
    for text in inside:
        outside = outside.replace(text, "")
    holds = any(block.start <= at < block.end for block in arms)
    taken = any(_TAKEN.search(text) for text in inside)
    return (
        holds or (taken and not _TAKEN.search(outside)) or _is_chosen_at_home(app, function, flow)
    )


def _is_chosen_at_home(app: AppMap, function: Function, flow: Flow) -> bool:
    """True where ``str(error) if debug else "It failed"`` chooses the text."""
    answer, path = app.text(flow.path[-1]), function.span.path
    named = (b for b in function.bindings if re.search(rf"\b{b.name}\b", answer))
    text = "\n".join((answer, *(app.text(Span(path, b.start, b.end)) for b in named)))
    chosen = [m[0] for m in _CHOSEN.finditer(text) if is_at_home(m["words"])]
    for one in chosen:
        text = text.replace(one, "")
    return bool(chosen) and not _TAKEN.search(text)


def _is_unforeseen(flow: Flow) -> bool:
    if flow.sanitizers:
        return False
    kinds = flow.into.split(", ")
    whole = _WHOLE.fullmatch(flow.name) is not None
    return whole and any(k in _BROAD or _is_of_driver(k) for k in kinds)


def _is_of_driver(kind: str) -> bool:
    return kind.startswith(_DRIVERS) and kind.rpartition(".")[2] not in _PLAIN
