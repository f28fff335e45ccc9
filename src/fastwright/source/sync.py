"""Asynchronous Python rendered as the synchronous code that does the same.

It is made for payloads, which are written once in their asynchronous form. Every change is a span
of the syntax tree, so that strings, comments and layout stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastwright.source import import_header
from fastwright.source.import_header import Imported
from fastwright.source.layout import line_end, line_start, text_of
from fastwright.source.syntax import Node, parse, walk

_SYNC = MappingProxyType(
    {
        ("sqlalchemy.ext.asyncio", "AsyncSession"): ("sqlalchemy.orm", "Session"),
        ("sqlalchemy.ext.asyncio", "async_sessionmaker"): ("sqlalchemy.orm", "sessionmaker"),
        ("sqlalchemy.ext.asyncio", "async_scoped_session"): ("sqlalchemy.orm", "scoped_session"),
        ("sqlalchemy.ext.asyncio", "create_async_engine"): ("sqlalchemy", "create_engine"),
        ("sqlalchemy.ext.asyncio", "async_engine_from_config"): (
            "sqlalchemy",
            "engine_from_config",
        ),
        ("sqlalchemy.ext.asyncio", "AsyncEngine"): ("sqlalchemy", "Engine"),
        ("sqlalchemy.ext.asyncio", "AsyncConnection"): ("sqlalchemy", "Connection"),
        ("sqlmodel.ext.asyncio.session", "AsyncSession"): ("sqlmodel", "Session"),
        ("collections.abc", "AsyncIterator"): ("collections.abc", "Iterator"),
        ("collections.abc", "AsyncIterable"): ("collections.abc", "Iterable"),
        ("collections.abc", "AsyncGenerator"): ("collections.abc", "Generator"),
        ("typing", "AsyncIterator"): ("collections.abc", "Iterator"),
        ("typing", "AsyncGenerator"): ("collections.abc", "Generator"),
        ("contextlib", "asynccontextmanager"): ("contextlib", "contextmanager"),
        ("contextlib", "AsyncExitStack"): ("contextlib", "ExitStack"),
        ("httpx", "AsyncClient"): ("fastapi.testclient", "TestClient"),
        ("redis.asyncio", "Redis"): ("redis", "Redis"),
        ("redis.asyncio", "from_url"): ("redis", "from_url"),
    }
)
_ATTRIBUTES = MappingProxyType({
    "aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__",
    "__aiter__": "__iter__", "__anext__": "__next__", "stream_scalars": "scalars",
})  # fmt: skip
_BUILTINS = MappingProxyType(
    {"anext": "next", "aiter": "iter", "StopAsyncIteration": "StopIteration"}
)
_DOTTED = MappingProxyType({
    "asyncio.sleep": "time.sleep", "anyio.sleep": "time.sleep", "asyncio.Lock": "threading.Lock",
    "httpx.AsyncClient": "TestClient", "pytest_asyncio.fixture": "pytest.fixture",
})  # fmt: skip
_IN_THREAD = (
    "asyncio.to_thread",
    "anyio.to_thread.run_sync",
    "run_in_threadpool",
    "to_thread.run_sync",
)
_MARKS = ("pytest.mark.anyio", "pytest.mark.asyncio")
_WITHOUT_TWIN = ("asyncio.gather", "asyncio.create_task", "asyncio.TaskGroup", "asyncio.timeout")


@dataclass(frozen=True, slots=True)
class _Swap:
    start: int
    end: int
    text: str


def render_sync(text: str) -> str:
    """The synchronous form of `text`, a module; its imports are pruned and sorted.

    Raises:
        ValueError: It uses something that has no synchronous twin, such as ``asyncio.gather``.
    """
    header = import_header.split(text)
    twins = {i.local: _twin(i) for i in header.imported}
    names = {old: new.local for old, new in twins.items() if old != new.local}
    body = _rendered(header.after, names)
    imported = [*twins.values(), *_needed(body)]
    return import_header.joined(header.before, imported, body)


def _twin(entry: Imported) -> Imported:
    found = _SYNC.get((entry.module, entry.name))
    if found is not None:
        return replace(entry, module=found[0], name=found[1])
    if (entry.module, entry.name) == ("redis", "asyncio"):
        return Imported("redis", "", entry.alias)
    return (
        Imported("redis", "", entry.alias or "redis") if entry.module == "redis.asyncio" else entry
    )


def _needed(body: str) -> Iterator[Imported]:
    used = import_header.names_used(body)
    for module in ("time", "threading", "pytest"):
        if module in used and f"{module}." in body:
            yield Imported(module, "")
    if "TestClient" in used:
        yield Imported("fastapi.testclient", "TestClient")


def _rendered(text: str, names: dict[str, str]) -> str:
    content = text.encode()
    swaps = sorted(_swaps(parse(content), content, names), key=lambda s: (s.start, -s.end))
    pieces, done = [], 0
    for swap in swaps:
        if swap.start >= done:
            pieces += [content[done : swap.start], swap.text.encode()]
            done = swap.end
    rendered = b"".join((*pieces, content[done:])).decode()
    return rendered if rendered == text else _rendered(rendered, names)


def _swaps(root: Node, content: bytes, names: dict[str, str]) -> Iterator[_Swap]:
    for node in walk(root):
        if node.type in ("async", "await") and not node.is_named:
            yield _Swap(node.start_byte, _next_token(content, node.end_byte), "")
        elif node.type in ("decorator", "expression_statement"):
            yield from _mark(node, content)
        elif node.type in ("attribute", "identifier"):
            yield from _name(node, text_of(node), names)
        elif node.type in _SWAPS:
            yield from _SWAPS[node.type](node)


def _next_token(content: bytes, offset: int) -> int:
    while content[offset : offset + 1] in (b" ", b"\t"):
        offset += 1
    return offset


def _without_parentheses(node: Node) -> Iterator[_Swap]:
    """``(await x.y())`` → ``x.y()`` where the parentheses stood for the ``await`` alone."""
    inner = node.named_children[0] if node.named_children else None
    if inner is None or inner.type != "await":
        return
    awaited = inner.named_children[0]
    if awaited.type in ("call", "attribute", "identifier", "subscript"):
        yield _Swap(node.start_byte, node.end_byte, text_of(awaited))


def _call(node: Node) -> Iterator[_Swap]:
    function = node.child_by_field_name("function")
    arguments = node.child_by_field_name("arguments")
    if function is None or arguments is None or arguments.type != "argument_list":
        return
    called = text_of(function)
    given = [n for n in arguments.named_children if n.type != "comment"]
    if called in _IN_THREAD and given:
        rest = [text_of(argument) for argument in given[1:]]
        yield _Swap(node.start_byte, node.end_byte, f"{text_of(given[0])}({', '.join(rest)})")
    elif called == "asyncio.wait_for" and given:
        yield _Swap(node.start_byte, node.end_byte, text_of(given[0]))
    elif called.endswith(".run_sync") and given:
        receiver = called.removesuffix(".run_sync")
        rest = [receiver, *(text_of(argument) for argument in given[1:])]
        yield _Swap(node.start_byte, node.end_byte, f"{text_of(given[0])}({', '.join(rest)})")
    elif called.endswith("AsyncClient"):
        app = next((_app_of(a) for a in given if "ASGITransport" in text_of(a)), "app")
        yield _Swap(node.start_byte, node.end_byte, f"TestClient({app})")


def _app_of(argument: Node) -> str:
    for node in walk(argument):
        if node.type == "keyword_argument" and text_of(node.child_by_field_name("name")) == "app":
            return text_of(node.child_by_field_name("value"))
    return "app"


def _mark(node: Node, content: bytes) -> Iterator[_Swap]:
    written = text_of(node).removeprefix("@").removeprefix("pytestmark = ")
    if written.partition("(")[0] in _MARKS:
        end = line_end(content, node.end_byte - 1)
        if node.type == "expression_statement" and content[end : end + 1] == b"\n":
            end += 1
        yield _Swap(line_start(content, node.start_byte), end, "")


def _generator(node: Node) -> Iterator[_Swap]:
    """``AsyncGenerator[X, None]`` → ``Generator[X, None, None]``, which also names its result."""
    head, parameters = node.named_children[0], node.named_children[-1]
    if text_of(head) == "AsyncGenerator":
        inner = text_of(parameters).removeprefix("[").removesuffix("]")
        given = inner if len(parameters.named_children) > 1 else f"{inner}, None"
        yield _Swap(node.start_byte, node.end_byte, f"Generator[{given}, None]")


def _name(node: Node, written: str, names: dict[str, str]) -> Iterator[_Swap]:
    if written in _WITHOUT_TWIN:
        raise ValueError(f"`{written}` has no synchronous twin")
    if node.type == "attribute":
        known: Mapping[str, str] = _DOTTED
    else:
        known = _ATTRIBUTES if _is_attribute(node) else {**_ATTRIBUTES, **_BUILTINS, **names}
    if known.get(written, written) != written:
        yield _Swap(node.start_byte, node.end_byte, known[written])


def _is_attribute(node: Node) -> bool:
    parent = node.parent
    return (
        parent is not None
        and parent.type == "attribute"
        and parent.child_by_field_name("attribute") == node
    )


_SWAPS: Mapping[str, Callable[[Node], Iterator[_Swap]]] = MappingProxyType(
    {
        "parenthesized_expression": _without_parentheses,
        "call": _call,
        "generic_type": _generator,
    }
)
