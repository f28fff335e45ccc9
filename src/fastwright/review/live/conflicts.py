"""A duplicate that ends in a 500: the statement that raises, caught, and answered with 409."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.change import Change, Edit
from fastwright.model.code import Call, Function
from fastwright.model.places import Span
from fastwright.review.reach import last
from fastwright.source import layout
from fastwright.source.imports import ensure_import
from fastwright.source.syntax import Node, parse, walk

_TWICE = re.compile(
    r"UniqueViolation|UNIQUE constraint failed|duplicate key value|Duplicate entry", re.IGNORECASE
)
_RAISED = re.compile(r"(?m)^((?:\w+\.)+)(IntegrityError|UniqueViolation(?:Error)?)\b")
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
_COLUMNS = re.compile(r"Key \((\w+)\)=|UNIQUE constraint failed: \w+\.(\w+)$", re.MULTILINE)
_SIMPLE = frozenset({"expression_statement", "return_statement"})
_COMPOUND = frozenset({"with_statement"})
_WRITES = re.compile(r"(?P<wait>await )?(?P<session>[\w.]+)\.(commit|flush)\(\)")
_OWN = re.compile(r"(Duplicate|Conflict|AlreadyExist|Taken)\w*$")
_409 = re.compile(r"\b409\b|HTTP_409")
_WHY = "the client sent what is there already, which 409 tells"


def is_duplicate(error: str) -> bool:
    """Whether a traceback is of a second row where one alone may be."""
    return _TWICE.search(error) is not None and _RAISED.search(error) is not None


def statement_of(app: AppMap, handler: str, error: str) -> str:
    """The statement of `handler` that a traceback leads through, in one line; empty for none."""
    function = _function(app, handler)
    if function is None:
        return ""
    content, at = app.files[function.span.path], function.span
    found = ""
    for path, line in _FRAME.findall(error):
        offset = _offset(content, int(line))
        if path.endswith(f"/{at.path}") and at.start <= offset < at.end:
            found = _flat(layout.statement_at(parse(content), offset))
    return found


def _offset(content: bytes, line: int) -> int:
    """Where the text of a line begins, counted from 1."""
    lines = content.split(b"\n")
    if not 0 < line <= len(lines):
        return -1
    text = lines[line - 1]
    return sum(len(one) + 1 for one in lines[: line - 1]) + len(text) - len(text.lstrip())


def _flat(node: Node | None) -> str:
    return " ".join(layout.text_of(node).split())


def _function(app: AppMap, name: str) -> Function | None:
    return next((f for f in app.functions if f.name == name), None)


def caught(app: AppMap, handler: str, statement: str, error: str) -> tuple[Change, ...] | None:
    """The edits that catch it; none where it is caught, None where the place is not certain."""
    function, raised = _function(app, handler), _RAISED.search(error)
    if function is None or raised is None or not statement:
        return None
    content, at = app.files[function.span.path], function.span
    nodes = [n for n in walk(parse(content)) if n.type in _SIMPLE | _COMPOUND
             and at.start <= n.start_byte < at.end and _flat(n) == statement]  # fmt: skip
    if len(nodes) != 1:
        return None
    node = nodes[0]
    if any(raised[2] in words for words in _nets(node)):
        return ()
    lead = content[layout.line_start(content, node.start_byte) : node.start_byte]
    if lead.strip() or b'"""' in (node.text or b"") or b"'''" in (node.text or b""):
        return None
    return _wrapped(app, function, node, raised, _detail(error))


def _nets(node: Node) -> Iterator[str]:
    """What the ``try`` statements around a statement catch."""
    above = node.parent
    while above is not None and above.type != "function_definition":
        if above.type == "try_statement":
            clauses = (child for child in above.named_children if child.type == "except_clause")
            yield from (layout.text_of(one).partition(":")[0] for one in clauses)
        above = above.parent


def _wrapped(
    app: AppMap, function: Function, node: Node, raised: re.Match[str], detail: str
) -> tuple[Change, ...]:
    path = function.span.path
    content = app.files[path]
    indent = layout.indentation(content, node.start_byte)
    kind = ensure_import(app, path, raised[1].rstrip("."), raised[2])
    answer, imports = _answer(app, function, detail)
    written = layout.indented(f"{indent}{layout.text_of(node)}", "    ")
    undone = _WRITES.fullmatch(_flat(node))
    rollback = (
        f"{indent}    {undone['wait'] or ''}{undone['session']}.rollback()\n" if undone else ""
    )
    text = (
        f"try:\n{written}\n{indent}except {kind.local} as error:\n"
        f"{rollback}{_raising(answer, f'{indent}    ')}"
    )
    edit = Edit(Span(path, node.start_byte, node.end_byte), text, _WHY)
    return (*kind.edits, *imports, edit)


def _raising(answer: str, indent: str) -> str:
    """The statement that raises `answer`, over three lines where one is too short."""
    line = f"{indent}raise {answer} from error"
    if len(line) <= layout.WIDTH:
        return line
    made, _, given = answer.removesuffix(")").partition("(")
    return f"{indent}raise {made}(\n{indent}    {given}\n{indent}) from error"


def _detail(error: str) -> str:
    found = _COLUMNS.search(error)
    name = (found[1] or found[2]) if found else ""
    return f"There is one with this {name} already" if name else "There is one already"


def _answer(app: AppMap, function: Function, detail: str) -> tuple[str, tuple[Edit, ...]]:
    """A conflict as the app tells others, else as it writes its refusals; with what it imports."""
    path = function.span.path
    quote = layout.quote_of(app.files[path])
    told = f"{quote}{detail}{quote}"
    refusals = [c for c in app.calls if last(c.text) == "HTTPException"]
    conflicts = [c for c in refusals if _409.search(app.text(c.span))]
    own = next((c for c in app.calls if _is_own(app, c)), None)
    if own is not None and not conflicts:
        module, _, name = (own.callee or "").rpartition(".")
        bound = ensure_import(app, path, module, name, own=True)
        return f"{bound.local}({told if own.arguments or own.keywords else ''})", bound.edits
    here = [c for c in refusals if c.span.path == path]
    model = next(iter([*conflicts, *here, *refusals]), None)
    style = app.text(model.span) if model is not None else "HTTPException(status_code=, detail=)"
    return _refusal(app, function, style, told)


def _is_own(app: AppMap, call: Call) -> bool:
    """Whether it makes an exception of the app's own for a conflict, of a text at most."""
    module = (call.callee or "").rpartition(".")[0]
    texts = (*call.arguments, *(value for _, value in call.keywords))
    is_plain = len(texts) <= 1 and all(text[:1] in "\"'f" for text in texts) and not call.keywords
    return _OWN.search(call.text) is not None and module in app.modules and is_plain


def _refusal(
    app: AppMap, function: Function, style: str, told: str
) -> tuple[str, tuple[Edit, ...]]:
    """``HTTPException`` with status and detail given as `style`, a call of the app, gives them."""
    path = function.span.path
    kind = ensure_import(app, path, "fastapi", "HTTPException")
    edits, status = list(kind.edits), "409"
    if "status.HTTP_" in style:
        bound = ensure_import(app, path, "fastapi", "status")
        edits, status = [*edits, *bound.edits], f"{bound.local}.HTTP_409_CONFLICT"
    first = "status_code=" if re.search(r"status_code\s*=", style) else ""
    second = "detail=" if first or re.search(r"detail\s*=", style) else ""
    return f"{kind.local}({first}{status}, {second}{told})", tuple(edits)
