"""The texts that stand under a name: in Python by its syntax, in configuration by lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from fastwright.model.places import Span
from fastwright.source import syntax
from fastwright.source.layout import text_of
from fastwright.source.syntax import Node

_THROUGH = frozenset({
    "concatenated_string", "parenthesized_expression", "boolean_operator", "conditional_expression",
    "call", "type",
})  # fmt: skip
_PLACES = MappingProxyType({"assignment": "left", "pair": "key", "keyword_argument": "name"})
"""Where the name stands in what gives one to a value."""
_READS = frozenset({"getenv", "get", "setdefault", "config", "env", "pop"})
_WRAPS = frozenset({"str", "quote", "quote_plus", "cast"})
_LINE = re.compile(
    rb"(?m)^[ \t]*(?:-[ \t]+)?(?:export[ \t]+|ENV[ \t]+|ARG[ \t]+)?[\"']?(?P<name>[A-Za-z_][\w.-]*)"
    rb"[\"']?[ \t]*[:=][ \t]*(?P<value>[^\s#][^\n]*)$"
)
_SECRETS = (b"password", b"passwd", b"pwd", b"pass", b"secret", b"key", b"token")
_HOSTS = (b"host", b"hostname", b"server", b"domain", b"endpoint", b"address", b"cluster", b"url")
_ENDS = b"|".join((*_SECRETS, *_HOSTS, *(word.upper() for word in (*_SECRETS, *_HOSTS))))
"""How the names of secrets end, and those of hosts."""
_URL = re.compile(rb"://[^\s:/@'\"{}<>]*:[^\s/@'\"{}<>]+@[A-Za-z0-9]")
_SHAPES = (
    (b"k_live_", rb"[sr]k_live_[A-Za-z0-9]{16}"), (b"gh", rb"\bgh[pousr]_[A-Za-z0-9]{36}"),
    (b"github_pat_", rb"github_pat_\w{60}"), (b"glpat-", rb"glpat-[\w-]{20}"),
    (b"SG.", rb"SG\.[\w-]{16}"), (b"xox", rb"xox[bp]-\d{8}"), (b"sk-", rb"\bsk-[\w-]{32}"),
    (b"AIza", rb"AIza[\w-]{35}"), (b"GOCSPX-", rb"GOCSPX-[\w-]{28}"),
    (b":AA", rb"\d{8}:AA[\w-]{33}"), (b"hf_", rb"\bhf_[A-Za-z]{34}"),
    (b"xkeysib-", rb"xkeysib-[0-9a-f]{64}"), (b"PRIVATE KEY", rb"BEGIN [A-Z ]*PRIVATE KEY"),
)  # fmt: skip
"""What tells by itself that it may be a secret: a mark that is quickly looked for, and all."""
_NAMED = re.compile(
    rb"(?:" + _ENDS + rb")[\"']?\]?[ \t]*(?::[^=\n\"']{1,60})?[=:,(]\s*(?:[\w.]+\(\s*)*"
    rb"(?:default\s*=\s*)?(?:[\"']\w+[\"']\s*,\s*)?(?:[\w.]+\(\s*)*"
    rb"[\"'](?P<text>(?=[^\s\"']*[\d.])[^\s\"'{}]{6,})[\"']"
)
"""A text without spaces under such a name, with a digit, or the dots of a host."""
_NAME = re.compile(rb"[\w.-]*(?:" + _ENDS + rb")")
_SHOWING = frozenset(
    {"example", "examples", "openapi_examples", "json_schema_extra", "schema_extra"}
)
"""Names under which a schema shows people what a value looks like."""


@dataclass(frozen=True, slots=True)
class Written:
    """One text under a name; `at` is where the name or, without one, the text begins.

    `is_shown` says that it stands in the example of a schema, for people who read the API's pages.
    """

    name: str
    text: str
    at: Span
    is_shown: bool = False


def in_python(path: PurePosixPath, content: bytes) -> Iterator[Written]:
    """The string literals of a Python file that may be secrets, each with what it is bound to.

    Found by the bytes first: few files hold any, and only those are parsed.
    """
    places = {found.start("text") for found in _NAMED.finditer(content)}
    places |= set(_telling(content))
    for place in sorted(places):
        *_, node = syntax.around(syntax.parse(content), place, place + 1)
        while node.parent is not None and node.type not in ("string", "comment"):
            node = node.parent
        if node.type == "comment":
            yield Written("", text_of(node), Span(path, node.start_byte, node.start_byte + 1))
            continue
        node = _whole(node, content)
        text = syntax.literal(node, content)
        if text and node.parent is not None and node.parent.type != "expression_statement":
            name, at = _bound(node, content)
            span = Span(path, at.start_byte, _end_of_name(at, node))
            yield Written(name, text, span, is_shown=_is_shown(node, content))


def _whole(node: Node, content: bytes) -> Node:
    """All of a text that is written in several literals, where no part of it is computed."""
    above = node.parent
    if above is None or above.type != "concatenated_string":
        return node
    return node if syntax.literal(above, content) is None else above


def _is_shown(node: Node, content: bytes) -> bool:
    """True for a text anywhere within the example of a schema."""
    above = node.parent
    while above is not None:
        field = _PLACES.get(above.type)
        place = above.child_by_field_name(field) if field else None
        if place is not None and _last_name(place, content) in _SHOWING:
            return True
        above = above.parent
    return False


def _telling(content: bytes) -> Iterator[int]:
    """Where something stands that may be a secret, whatever its name."""
    for found in _URL.finditer(content):
        yield found.end() - 1
    for mark, whole in _SHAPES:
        if mark in content:
            yield from (found.end() - 1 for found in re.finditer(whole, content))


def _end_of_name(place: Node, node: Node) -> int:
    """Where the span of a name ends: never behind the beginning of the text."""
    return place.end_byte if place.end_byte <= node.start_byte else node.start_byte + 1


def _bound(node: Node, content: bytes) -> tuple[str, Node]:
    """What a string is bound to, and where that stands; the string itself where it has no name."""
    child, above = node, node.parent
    while above is not None:
        found = _named(above, child, content)
        if found is not None:
            return found if found[0] else ("", node)
        child, above = above, above.parent
    return "", node


def _named(above: Node, child: Node, content: bytes) -> tuple[str, Node] | None:
    """The name that a node gives to `child`; an empty one ends the search, ``None`` goes on."""
    kind = above.type
    if kind in _THROUGH:
        return None
    if kind == "argument_list":
        return _asked_for(above, child, content)
    place = above.child_by_field_name(_PLACES.get(kind, "name"))
    if kind in ("default_parameter", "typed_default_parameter"):
        return text_of(place), place or above
    if kind == "keyword_argument" and text_of(place) == "default":
        return None
    if kind not in ("assignment", "pair", "keyword_argument") or place is None or place == child:
        return "", above
    return _last_name(place, content), place


def _asked_for(arguments: Node, child: Node, content: bytes) -> tuple[str, Node] | None:
    """The variable that a call asks the environment for, with the text as its default."""
    given = arguments.named_children
    asks = arguments.prev_sibling
    called = text_of(asks).rpartition(".")[2]
    if child.type == "keyword_argument":
        return None
    if given and given[0] == child:
        is_wrapped = called[:1].isupper() or called in _WRAPS
        return None if is_wrapped else (called, asks or arguments)
    first = syntax.literal(given[0], content) if given else None
    if called in _READS and first and re.fullmatch(r"\w+", first):
        return first, given[0]
    return called, asks or arguments


def _last_name(place: Node, content: bytes) -> str:
    """The last name of what is assigned to: an attribute, or the key of a subscript."""
    value = syntax.literal(place, content)
    if value is not None:
        return value
    if place.type == "subscript":
        keys = place.children_by_field_name("subscript")
        return (syntax.literal(keys[0], content) if keys else None) or ""
    return text_of(place).rpartition(".")[2]


def in_lines(path: PurePosixPath, content: bytes) -> Iterator[Written]:
    """What may be secrets and hosts in lines ``NAME=value`` or ``name: value``, comments aside."""
    for found in _LINE.finditer(content):
        if not (_NAME.fullmatch(found["name"]) or any(_telling(found["value"]))):
            continue
        value = found["value"].decode("utf-8", "replace").strip().rstrip(",")
        value = re.sub(r"\s+#.*$", "", value)
        quoted = re.fullmatch(r"(['\"])(.*)\1", value)
        at = Span(path, found.start("name"), found.end("name"))
        yield Written(found["name"].decode(), quoted[2] if quoted else value, at)
