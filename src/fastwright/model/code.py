"""Generic relations over the project's code: modules, functions, calls and flows of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fastwright.model.places import Span


@dataclass(frozen=True, slots=True)
class Unread:
    """The first place of a file that the parser could not read: its line, from 1, and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A Python file of the project that was not read at all, and why."""

    path: PurePosixPath
    why: str


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file of the project.

    `imports` maps each local name to what it stands for, dotted; `names` are those that it
    defines at its top level; `errors` counts places that the parser could not read, and `unread`
    is the first of them; `third_party` are the top-level packages outside the project that it
    imports; `constants` are the top-level names that are bound to a string as it stands.
    """

    name: str
    path: PurePosixPath
    imports: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    third_party: tuple[str, ...] = ()
    errors: int = 0
    constants: Mapping[str, str] = field(default_factory=dict)
    unread: Unread | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One block of statements in a function, by its bytes: what stands in it runs under it.

    Attributes:
        kind: ``for`` (a comprehension's too), ``while``, ``arm`` (of an ``if`` or ``match``),
            ``try``, ``except``, ``else``, ``finally`` or ``with``.
        group: Offset of the statement; of the arms of one group, one runs at most.
        words: What governs it, as written: the iterable, the test, the context's expression.
        names: Targets of a loop or context; dotted types that an ``except`` catches.
    """

    kind: str
    start: int
    end: int
    group: int
    words: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """One ``return``, ``raise`` or ``yield`` of a function, and what it gives, as written."""

    kind: str
    start: int
    end: int
    value: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """One assignment of a function to a plain name, by the bytes of the value."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method; `name` is dotted, `span` includes its decorators.

    `blocks`, `stops` and `bindings` are its course, in the order of the text; `awaits` says that
    something in it is awaited, by ``async for`` and ``async with`` too. Nested functions have
    their own.
    """

    name: str
    span: Span
    is_async: bool = False
    yields: bool = False
    parameters: tuple[str, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    returns: str | None = None
    decorators: tuple[str, ...] = ()
    class_name: str | None = None
    blocks: tuple[Block, ...] = ()
    stops: tuple[Stop, ...] = ()
    awaits: bool = False
    bindings: tuple[Binding, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """One call expression.

    Attributes:
        caller: Dotted name of the enclosing function, or of the module.
        callee: Dotted name through imports; ``None`` where the receiver's type is not known.
        text: The called expression as written (``session.execute``).
        arguments: Positional arguments, constants folded, as written otherwise.
        keywords: Keyword arguments, likewise.
        target: The name that the result is bound to by an assignment, awaited or not.
        dropped: True where the call is a whole statement, so that its result is lost.
    """

    caller: str
    callee: str | None
    text: str
    span: Span
    arguments: tuple[str, ...] = ()
    keywords: tuple[tuple[str, str], ...] = ()
    awaited: bool = False
    in_loop: bool = False
    in_except: bool = False
    target: str = ""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Mistake:
    """An expression that raises whenever it runs: what it names is not there, or does not fit.

    Attributes:
        function: The function or module in whose text it stands, dotted.
        at: The expression.
        error: The exception, by its plain name.
        why: What is wrong, in words.
        instead: What was meant, where that is known.
        owner: The dotted model of pydantic whose attribute is read of a parameter, by what its
            annotation says.
    """

    function: str
    at: Span
    error: str
    why: str
    instead: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """A value that travels: from `source` to `sink`, by the calls in `path`.

    Attributes:
        source: Where it begins, in words (``GET /items query `q` ``).
        sink: Dotted name of the call where it arrives.
        path: The calls on the way, the sink's last.
        sanitizers: What was found on the way that ends the harm (a constraint, a parser, a test).
        doubts: What was found and not understood, or may not be enough.
        kind: The harm: ``sql``, ``shell``, ``code``, ``template``, ``unpickle``, ``path``, ``url``,
            ``redirect``, ``html``, ``pattern``, ``log``, ``column``, ``attribute``, ``fields``,
            ``read``, ``answer``.
        route: The route as ``GET /items``; `handler` its function, dotted.
        place: Where the route takes the value from; ``exception``, ``settings`` or ``environment``
            for what belongs to no route.
        name: The value in words of the handler (``item.name``), or the attribute of a setting.
        lead: The text in front of it in the string that arrives, ``NUL`` for what is not known.
        into: Dotted class that is written to or read from, where known; the types caught, or the
            class of the settings, where it belongs to no route.
        types: Plain names of the declared types of the value.
        model: Dotted class of ours that it is, where it is a whole object.
    """

    source: str
    sink: str
    path: tuple[Span, ...]
    sanitizers: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    kind: str = ""
    route: str = ""
    handler: str = ""
    place: str = ""
    name: str = ""
    lead: str = ""
    into: str = ""
    types: tuple[str, ...] = ()
    model: str | None = None
