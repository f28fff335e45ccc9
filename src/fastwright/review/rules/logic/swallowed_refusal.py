"""FW214 swallowed-refusal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.change import Edit, Fix, Safety
from fastwright.model.code import Block, Function, Stop
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.places import Span
from fastwright.review.course import around
from fastwright.review.heard import hearing
from fastwright.review.raising import catching, nets
from fastwright.review.reach import Ran, reach
from fastwright.review.refusing import Refusal, refusals, status_of
from fastwright.review.rule import rule
from fastwright.source import layout
from fastwright.source.imports import ensure_import

_WIDE = frozenset({"Exception", "BaseException"})
_ALIAS = re.compile(r"\bas\s+(\w+)")
_REFUSES = range(400, 500)
_EXCEPT = re.compile(rb"^[ \t]*except\b", re.MULTILINE)
_ANSWERS = re.compile(r"\b(?:JSON|ORJSON|PlainText)?Response\(")


@rule(code="FW214", severity=Severity.MEDIUM)
def swallowed_refusal(app: AppMap) -> Iterator[Finding]:
    """A refusal that an `except Exception` around it turns into another answer.

    ## Why is this bad?
    `HTTPException` is an `Exception`. What was to be a 404 or a 401 reaches the client as a 500: it
    repeats a request that can never work, monitoring counts an outage for each typing mistake, and
    a login form cannot tell a wrong password from a broken server (CWE-755).

    ## Example
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep) -> str:
        try:
            item = session.get(Item, item_id)
            if item is None:
                raise HTTPException(status_code=404, detail="Item not found")
            return item.title
        except Exception:
            raise HTTPException(status_code=500, detail="The item was not read")
    ```

    Use instead:
    ```python
    @app.get("/items/{item_id}")
    def read_item(item_id: int, session: SessionDep) -> str:
        try:
            item = session.get(Item, item_id)
            if item is None:
                raise HTTPException(status_code=404, detail="Item not found")
            return item.title
        except HTTPException:
            raise
        except Exception:
            raise HTTPException(status_code=500, detail="The item was not read")
    ```

    ## Fix safety
    Changes behaviour: clients get the status that the code names.

    ## Known limits
    Reported where the `except` always answers with a status of its own, and asks the exception for
    nothing but its text. Where it returns something else the refusal may be told in it, and where
    it refuses too it may mean to: both are only possible. So is what no client hears, as each route
    that calls the function makes another answer of it, or has refused the missing row before. An
    exception of the app's own is followed where its class is an `HTTPException` of one status.
    """
    for ran in reach(app).ran():
        if ran.route.method != "WEBSOCKET":
            for tried in (b for b in ran.function.blocks if b.kind == "try"):
                yield from _of_try(app, ran, tried)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What an ``except`` answers: its status, where it is known to be one."""

    status: int | None
    is_certain: bool


def _of_try(app: AppMap, ran: Ran, tried: Block) -> Iterator[Finding]:
    function = ran.function
    net = next(nets(function, tried, "HTTPException"), None)
    if net is None or (net.names and not {n.rpartition(".")[2] for n in net.names} & _WIDE):
        return
    answer = _answer(app, ran, net)
    if answer is None:
        return
    lost = [
        refusal
        for refusal in refusals(app, function, whole=True)
        if catching(function, refusal.at.start, "HTTPException") == tried
        and refusal.status != answer.status
        and refusal.raised.rpartition(".")[2] not in _named(function, tried)
    ]
    if lost:
        yield _finding(app, ran, net, answer, lost)


def _named(function: Function, tried: Block) -> set[str]:
    """The plain names of all that the ``except`` blocks of a ``try`` catch."""
    own = (b for b in function.blocks if b.kind == "except" and b.group == tried.group)
    return {name.rpartition(".")[2] for block in own for name in block.names}


def _answer(app: AppMap, ran: Ran, net: Block) -> _Answer | None:
    """What the block always ends in; ``None`` where it may let the exception through."""
    function = ran.function
    text = app.text(Span(function.span.path, net.start, net.end))
    alias = _ALIAS.search(net.words)
    if alias is not None and _is_asked(text, alias[1]):
        return None
    stops = [s for s in function.stops if net.start <= s.start < net.end]
    ends = [s for s in stops if around(function, s.start)[-1] == net and s.kind != "yield"]
    if not ends or len(stops) > len(ends):
        return None
    status = status_of(app, function, ends[0])
    if ends[0].kind == "raise":
        return _Answer(status, is_certain=True) if status is not None else None
    if reach(app).answering(ran.route) != function or not ran.is_root:
        return None
    return _returned(ends[0], status)


def _returned(stop: Stop, status: int | None) -> _Answer | None:
    """What a handler returns: a response with a status, or something that is answered with 200."""
    if _ANSWERS.search(stop.value):
        return _Answer(status, is_certain=True) if status is not None else None
    return _Answer(200, is_certain=False) if stop.value.startswith("{") else None


def _is_asked(text: str, alias: str) -> bool:
    """True where an exception is asked for more than its text: it may be let through, or told."""
    plain = re.sub(
        rf"\b(?:str|repr|type)\(\s*{alias}\s*\)(?:\.__name__)?|\{{{alias}(?:![rs])?\}}|"
        rf"\bfrom\s+{alias}\b|\b\w*log\w*\.\w+\([^\n]*|\bprint\([^\n]*|\bexc_info\s*=\s*{alias}\b",
        "", text,
    )  # fmt: skip
    return re.search(rf"(?<![\w.\"']){alias}\b(?!\s*=)", plain) is not None


def _finding(
    app: AppMap, ran: Ran, net: Block, answer: _Answer, lost: Sequence[Refusal]
) -> Finding:
    at = _header(app, ran.function, net)
    refused = " or ".join(dict.fromkeys(str(refusal.status) for refusal in lost[:3]))
    caught = " ".join(app.text(at).rstrip(":").partition(" as ")[0].split())
    why = f"`HTTPException` is an `Exception`, and no `except` above `{caught}` lets it through"
    route = hearing(app, ran, lost)
    return Finding(
        "swallowed-refusal",
        at,
        f"`{route or ran.route}` answers {answer.status} where it is to refuse with {refused}: "
        f"`{caught}` catches the refusal",
        evidence=(Evidence(EvidenceKind.SOURCE, why),),
        related=tuple(refusal.at for refusal in lost),
        fixes=_fixes(app, at, lost),
        symbol=ran.function.name,
        structural=answer.is_certain and answer.status not in _REFUSES and route is not None,
    )


def _header(app: AppMap, function: Function, net: Block) -> Span:
    """The ``except …:`` in front of a block."""
    content = app.files[function.span.path]
    found = list(_EXCEPT.finditer(content, function.span.start, net.start))
    start = found[-1].end() - len(b"except") if found else net.start
    return Span(function.span.path, start, content.find(b":", start) + 1)


def _fixes(app: AppMap, at: Span, lost: Sequence[Refusal]) -> tuple[Fix, ...]:
    content = app.files[at.path]
    module = "fastapi"
    if any(refusal.raised.startswith("starlette.") for refusal in lost):
        module = "starlette.exceptions"
    bound = ensure_import(app, at.path, module, "HTTPException")
    line = content.rfind(b"\n", 0, at.start) + 1
    indent = layout.indentation(content, at.start)
    lines = f"{indent}except {bound.local}:\n{indent}    raise\n"
    edit = Edit(Span(at.path, line, line), lines, "a refusal is an answer, and no failure")
    title = "Let refusals through"
    return (Fix(title, Safety.CHANGES_BEHAVIOUR, (*bound.edits, edit)),)
