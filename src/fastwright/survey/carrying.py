"""What the result of a call holds of what was given to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import NamedTuple, Protocol

from fastwright.survey import held as parts
from fastwright.survey.body import CAUGHT, Body, Locals
from fastwright.survey.facts import CallFact, ParameterFact, Term
from fastwright.survey.held import EACH, KEY, SOMETHING, Held, Helds
from fastwright.survey.names import Symbol, is_class, is_function
from fastwright.survey.sinks import PATH_MADE, is_sink
from fastwright.survey.wiring import last_name, receiver_of

_SAME = frozenset({
    "builtins.str", "builtins.next", "builtins.dict", "builtins.bytes", "builtins.bytearray",
    "builtins.repr",
    "builtins.filter", "builtins.map", "builtins.zip", "builtins.max", "builtins.min",
    "copy.copy", "copy.deepcopy", "typing.cast", "json.loads", "json.dumps", "orjson.loads",
    "orjson.dumps", "urllib.parse.urlparse", "urllib.parse.urlsplit", "urllib.parse.unquote",
    "urllib.parse.unquote_plus", "urllib.parse.parse_qs", "os.fspath", "ujson.loads",
    "fastapi.encoders.jsonable_encoder", "ujson.dumps", "base64.b64decode",
    "base64.urlsafe_b64decode", "html.unescape", "textwrap.dedent",
    "os.path.normpath", "os.path.expanduser", "os.path.expandvars", "os.path.dirname",
    "asyncio.gather", "asyncio.wait_for", "unicodedata.normalize", "urllib.parse.urlunparse",
    "inspect.cleandoc", "shlex.split", "httpx.URL", "yarl.URL", "starlette.datastructures.URL",
    "traceback.format_exception", "traceback.format_exc", "pydantic.SecretStr",
    "ast.literal_eval", "collections.OrderedDict", "types.SimpleNamespace",
})  # fmt: skip
_GATHERING = frozenset({"builtins.list", "builtins.tuple", "builtins.sorted", "builtins.set",
                        "builtins.reversed", "builtins.iter", "builtins.frozenset"})  # fmt: skip
_ADDRESSED = MappingProxyType({"urllib.request.Request": 0, "httpx.Request": 1,
                               "requests.Request": 1})  # fmt: skip
"""Requests that are made and not yet sent, by the place of the address among the arguments."""
_JOINING = frozenset({"os.path.join", "urllib.parse.urljoin", "posixpath.join", "pathlib.Path",
                      "pathlib.PurePath", "pathlib.PurePosixPath", "anyio.Path"})  # fmt: skip
_MARKING = frozenset({"shlex.quote", "re.escape", "html.escape", "markupsafe.escape",
                      "urllib.parse.quote", "urllib.parse.quote_plus", "urllib.parse.urlencode",
                      "os.path.basename", "werkzeug.utils.secure_filename", "bleach.clean",
                      "nh3.clean", "xml.sax.saxutils.escape", "bleach.linkify",
                      "os.path.realpath", "os.path.abspath",
                      "django.utils.text.get_valid_filename", "psycopg.sql.Identifier",
                      "psycopg2.sql.Identifier", "slugify.slugify", "regex.escape",
                      "io.BytesIO", "io.StringIO"})  # fmt: skip
HIDES = re.compile(
    r"(^|_)(mask|redact|scrub|obfuscat|censor|anonymi[sz]e|hide_secret)", re.IGNORECASE
)
"""A function whose name says that what it gives may be shown."""
_TEXT_METHODS = frozenset({
    "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "swapcase",
    "replace", "encode", "decode", "removeprefix", "removesuffix", "expandtabs", "zfill", "ljust",
    "rjust", "center", "translate", "format_map", "model_dump", "dict", "model_copy", "copy",
    "model_dump_json", "to_dict", "get_secret_value", "as_posix", "absolute", "expanduser",
    "with_suffix", "unicode_string", "geturl", "getvalue",
})  # fmt: skip
_SPLITTING = frozenset({"split", "rsplit", "splitlines", "partition", "rpartition", "values"})
_PARTING = frozenset({"split", "rsplit", "partition", "rpartition"})
_REQUEST_METHODS = frozenset({"json", "form", "body", "receive_text", "receive_json",
                              "receive_bytes", "getlist", "multi_items", "stream"})  # fmt: skip
_ELSEWHERE = MappingProxyType({
    "to_thread": 0, "run_in_threadpool": 0, "run_sync": 0, "add_task": 0, "run_in_executor": 1,
    "partial": 0, "iterate_in_threadpool": 0, "call_soon": 0, "submit": 0,
})  # fmt: skip


class Here(NamedTuple):
    """Where an expression of a caller stands: its body, the offset, names of a comprehension."""

    body: Body
    at: int
    env: Locals

    def held(self, term: Term) -> Helds:
        """What `term` holds, read here."""
        return self.body.held(term, self.at, self.env)

    def every(self, row: CallFact) -> Helds:
        """What all arguments of a call hold together."""
        terms = (*row.arguments, *(term for _, term in row.keywords))
        return parts.unique(h for term in terms for h in self.held(term))


class Project(Protocol):
    """What following a call asks of the summaries of the project."""

    def callee(self, body: Body, row: CallFact) -> Symbol | None:
        """What a call calls."""

    def returned(self, function: Symbol) -> Helds:
        """What a function's result holds of its parameters."""

    def made(self, owner: Symbol) -> tuple[Symbol | None, Helds]:
        """The constructor of a class of ours, and what an object holds of its parameters."""

    def validated(self, owner: Symbol, name: str) -> tuple[str, ...]:
        """What the making of an object demands of a field, as tokens of `limits`."""


def result(project: Project, row: CallFact, here: Here) -> Helds:
    """What the result of a call holds of the caller's parameters."""
    row = elsewhere(row)
    callee = project.callee(here.body, row)
    if callee is not None and is_function(callee):
        given = Given(callee, row, here)
        held = project.returned(callee)
        return parts.unique(h for one in held for h in parts.substituted(one, given))
    if callee is not None and is_class(callee):
        return _constructed(project, callee, row, here)
    dotted = callee.dotted() if callee is not None and callee.kind == "external" else ""
    return _foreign(dotted, row, here)


def elsewhere(row: CallFact) -> CallFact:
    """``to_thread(f, x)`` as the call ``f(x)`` that it makes."""
    place = _ELSEWHERE.get(last_name(row.callee))
    if place is None or len(row.arguments) <= place or row.arguments[place] is None:
        return row
    function = row.arguments[place]
    return row._replace(callee=function, arguments=row.arguments[place + 1 :])


class Given:
    """What each parameter of `callee` holds in one call, in words of the caller."""

    __slots__ = ("_callee", "_here", "_known", "_row")

    def __init__(self, callee: Symbol, row: CallFact, here: Here) -> None:
        self._callee, self._row, self._here = callee, row, here
        self._known: dict[str, Helds] = {}

    def __call__(self, parameter: str) -> Helds:
        """What is given to one parameter."""
        if parameter not in self._known:
            self._known[parameter] = self._held(parameter)
        return self._known[parameter]

    def _held(self, parameter: str) -> Helds:
        found: list[Held] = []
        for place, term in _terms(self._callee, self._row, parameter):
            values = self._here.held(term)
            if place == "**":
                found += parts.taken(values, parameter)
            else:
                found += parts.placed(values, place) if place else values
        return parts.unique(found)


def _terms(callee: Symbol, row: CallFact, parameter: str) -> Iterator[tuple[str, Term]]:
    """The terms that reach `parameter`, each with the place that it gets there."""
    facts = callee.unit.scopes[callee.scope] if callee.unit is not None else None
    fact = next((p for p in facts.parameters if p.name == parameter), None) if facts else None
    if facts is None or fact is None or callee.unit is None:
        return
    rows = [p for p in facts.parameters if p.kind in ("", "/")]
    method = facts.up >= 0 and callee.unit.scopes[facts.up].kind == "c"
    if method and rows and not any(term == "staticmethod" for term, _, _ in facts.decorators):
        if rows[0] is fact:
            yield "", receiver_of(row.callee)
            return
        rows = rows[1:]
    yield from _by_place(fact, rows, row)
    yield from _by_keyword(fact, {p.name for p in facts.parameters}, row)


def _by_place(
    fact: ParameterFact, rows: list[ParameterFact], row: CallFact
) -> Iterator[tuple[str, Term]]:
    if fact.kind == "*":
        yield from ((f"[{n}]", term) for n, term in enumerate(row.arguments[len(rows) :]))
    for known, term in zip(rows, row.arguments, strict=False):
        if known is fact:
            yield "", term


def _by_keyword(fact: ParameterFact, known: set[str], row: CallFact) -> Iterator[tuple[str, Term]]:
    for key, term in row.keywords:
        if fact.kind == "**" and key not in known:
            yield ("" if key == "**" else key), term
        elif fact.kind != "**" and key == fact.name:
            yield "", term
        elif key == "**" and fact.kind in ("", "k"):
            yield "**", term


def _constructed(project: Project, owner: Symbol, row: CallFact, here: Here) -> Helds:
    function, held = project.made(owner)
    if function is not None:
        given = Given(function, row, here)
        return parts.unique(h for one in held for h in parts.substituted(one, given))
    found: list[Held] = []
    for key, term in row.keywords:
        values = parts.through(here.held(term), *project.validated(owner, key))
        found += values if key == "**" else parts.placed(values, key)
    return parts.unique(found)


_DIGESTS = ("hashlib.", "hmac.", "zlib.crc32", "uuid.uuid5", "uuid.uuid3")
"""What is computed of a value is none that a client can write."""
_FUNCTIONS = ("os.", "urllib.", "json.", "html.", "re.", "copy.", "shlex.", "orjson.", "base64.",
              "asyncio.", "io.", "pathlib.", "typing.", "textwrap.", "markupsafe.", "bleach.",
              "httpx.URL", "yarl.", "traceback.", "psycopg2.sql.", "psycopg.sql.",
              "nh3.")  # fmt: skip
"""Functions of modules, which are no methods of a value though a dot stands in front of them."""


def _foreign(dotted: str, row: CallFact, here: Here) -> Helds:
    receiver = receiver_of(row.callee)
    made = isinstance(row.callee, list) or dotted.startswith(("pathlib.Path.", "pathlib.Pure"))
    if receiver is not None and (made or not dotted.startswith(_FUNCTIONS)):
        found = _method(receiver, row, here)
        if found is not None:
            return found
    return _of_module(dotted, row, here, is_function=receiver is None)


def _of_module(dotted: str, row: CallFact, here: Here, *, is_function: bool) -> Helds:
    """What a function of another package gives of its arguments."""
    if dotted == "traceback.format_exc":
        return (Held(CAUGHT, ("BaseException",)),)
    if dotted.startswith(_DIGESTS):
        return ()
    if dotted == "builtins.enumerate":
        return parts.numbered(here.every(row))
    return _given_on(dotted, row, here, is_function=is_function)


def _given_on(dotted: str, row: CallFact, here: Here, *, is_function: bool) -> Helds:
    if dotted in _JOINING:
        return _joined(dotted, row, here)
    if dotted == "os.path.splitext":
        return _stem_and_end(here.every(row))
    if dotted in _MARKING:
        return parts.through(here.every(row), dotted.rpartition(".")[2])
    if dotted in _SAME:
        return here.every(row)
    if dotted in _GATHERING:
        return parts.gathered(here.every(row))
    if dotted in _ADDRESSED:
        return _addressed(row, _ADDRESSED[dotted], here)
    if is_sink(dotted):
        replaced = row.arguments[2:3] if dotted in ("re.sub", "re.subn") else []
        return parts.through((h for term in replaced for h in here.held(term)), "?sub")
    known = dotted and not dotted.startswith("builtins.") and is_function
    plain = bool(known or dotted.startswith(_FUNCTIONS))
    return parts.through(parts.whole(here.every(row)), f"?{last_name(row.callee)}") if plain else ()


def _addressed(row: CallFact, place: int, here: Here) -> Helds:
    """What the address of a request holds: to make one is not to send it."""
    terms = [*row.arguments[place : place + 1], *(t for key, t in row.keywords if key == "url")]
    return parts.unique(h for term in terms for h in here.held(term))


def _stem_and_end(values: Helds) -> Helds:
    """What ``splitext`` gives: the end begins with the last dot behind the last slash.

    Each stays a part of its own, for what is known of the end says nothing of the name.
    """
    found: list[Held] = []
    for place, token in (("[0]", "splitext"), ("[1]", "Path.suffix")):
        part = parts.taken(parts.whole(values), place)
        found += parts.placed(parts.through(part, token), place)
    return parts.unique(found)


def _joined(dotted: str, row: CallFact, here: Here) -> Helds:
    lead = "" if dotted.endswith("urljoin") else SOMETHING
    found: list[Held] = []
    for place, term in enumerate(row.arguments):
        found += parts.whole(here.held(term), lead if place else "")
    if dotted.rpartition(".")[2].endswith("Path"):
        return parts.through(found, PATH_MADE)
    return parts.unique(found)


def _method(receiver: Term, row: CallFact, here: Here) -> Helds | None:
    """What a method's result holds of its receiver; ``None`` where it is no method of a value."""
    name = last_name(row.callee)
    if name in ("format", "join"):
        return _formatted(name, receiver, row, here)
    values = here.held(receiver)
    if name == "joinpath":
        behind = parts.whole(here.every(row), SOMETHING)
        return parts.through((*values, *behind), PATH_MADE)
    if not values:
        return None
    if name in ("get", "pop", "setdefault", "__getitem__"):
        return parts.taken(values, parts.key_of(row.arguments[0] if row.arguments else None))
    if name == "items":
        return parts.pairs(values)
    narrowed = _narrowing(name, row)
    values = parts.through(values, narrowed) if narrowed else values
    return values if narrowed and name not in _SPLITTING else _of_receiver(name, values)


def _narrowing(name: str, row: CallFact) -> str:
    """What a method takes from a value, as the flow notes it.

    Between dots no ``..`` is left, and between slashes no way out of a folder.
    """
    if name in _PARTING and row.arguments[:1] in ([["s", "."]], [["s", "/"]], [["s", "\\"]]):
        return "?split"
    if name == "replace" and _takes_out(row):
        return "?replace"
    chosen = any(key in ("exclude", "include") for key, _ in row.keywords)
    return "exclude" if name in ("model_dump", "dict") and chosen else ""


def _of_receiver(name: str, values: Helds) -> Helds:
    if name in _REQUEST_METHODS:
        return parts.taken((h for h in values if not h.at), f"{name}()")
    if name in _TEXT_METHODS:
        return values
    if name == "keys":
        return parts.gathered(values)
    if name in _SPLITTING:
        return parts.placed(parts.whole(values) if name != "values" else values, EACH)
    if name == "read":
        return parts.taken(values, "read()")
    if name == "resolve":
        return parts.through(values, "resolve")
    silent = name.startswith("is") or name in _TELLING
    return () if silent else parts.through(values, f"?{name}")


def _takes_out(row: CallFact) -> bool:
    """Whether ``replace`` takes out what has a meaning to a path, a shell, SQL or HTML."""
    given: Term = row.arguments[0] if row.arguments else None
    if not isinstance(given, list) or given[0] != "s":
        return False
    return any(sign in str(given[1]) for sign in "./\\'\";&|<>:\n")


_TELLING = frozenset({"count", "index", "find", "rfind", "startswith", "endswith", "exists"})


def _formatted(name: str, receiver: Term, row: CallFact, here: Here) -> Helds:
    is_written = isinstance(receiver, list) and receiver[0] == "s"
    if is_written and name == "format" and not any(key == "**" for key, _ in row.keywords):
        return _filled(str(receiver[1]), row, here)
    lead = "" if is_written and name == "join" else SOMETHING
    given = parts.gathered(here.every(row)) if name == "join" else here.every(row)
    if name == "join" and row.arguments and _is_dictionary(here.body, row.arguments[0]):
        given = tuple(h if h.at else h._replace(path=(*h.path, KEY)) for h in given)
    values = (*here.held(receiver), *parts.whole(given, lead))
    return parts.through(values, "text")


def _filled(template: str, row: CallFact, here: Here) -> Helds:
    """What ``"{}/{name}".format(…)`` holds: each value behind the text in front of its place."""
    leads: dict[str, str] = {}
    for place, field in enumerate(_FIELD.finditer(template)):
        lead = _FIELD.sub(SOMETHING, template[: field.start()])
        leads.setdefault(field[1] or str(place), lead)
    given = [*((str(place), term) for place, term in enumerate(row.arguments)), *row.keywords]
    held = (h for key, term in given for h in parts.whole(here.held(term), leads.get(key, "")))
    return parts.through(held, "text")


_FIELD = re.compile(r"\{(\w*)[^{}]*\}")


def _is_dictionary(body: Body, term: Term) -> bool:
    """True for a parameter that is declared as a dictionary: what is read of it are its keys."""
    row = next((p for p in body.facts.parameters if p.name == term), None)
    kind = row.annotation if row is not None else None
    outer = kind[1] if isinstance(kind, list) and kind[:1] == ["i"] else kind
    return str(outer).rpartition(".")[2] in ("dict", "Dict", "Mapping")
