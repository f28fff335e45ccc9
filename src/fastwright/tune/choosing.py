"""Which routes are meant: by their own names on the command line, or in a person's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from fastwright.model.app import AppMap, Route
from fastwright.model.errors import UnknownName

_EMPTY_WORDS = re.compile(
    r"""an?|the|my|our|your|this|that|it|is|are|be|can|could|you|please|help|me|us|to|of|for|in|on
    |at|and|or|with|endpoints?|routes?|api|page|slow(ly|er)?|fast(er)?|quick(ly|er)?|speed|up
    |optimi[sz]e|performance|runs?|running|database|db|sql|quer(y|ies)|make|get|tune|improve
    |improving|very|too|so|takes?|long|time|latency|reduce|load(s|ing)?|problem|issue|why""",
    re.VERBOSE,
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def named(words: Iterable[str], app: AppMap) -> tuple[str, ...]:
    """The routes that `words` name: ``GET /users/{id}``, a path, or the name of a handler.

    Raises:
        UnknownName: One of them names none; carries the nearest.
    """
    known = {str(route): route for route in app.routes if route.reachable}
    found: list[str] = []
    for word in words:
        fitting = [text for text, route in known.items() if _is_named(route, word)]
        if not fitting:
            names = [*known, *(text.partition(" ")[2] for text in known)]
            raise UnknownName("route", word, get_close_matches(word, names, n=3, cutoff=0.3))
        found += fitting
    return tuple(dict.fromkeys(found))


def _is_named(route: Route, word: str) -> bool:
    method, _, path = word.strip().partition(" ")
    if path and method.upper() in _METHODS:
        return (route.method, route.path) == (method.upper(), path.strip())
    return word.strip() in (route.path, route.handler, route.handler.rpartition(".")[2])


def spoken_of(text: str, app: AppMap) -> tuple[str, ...]:
    """The GET routes that a request in plain words is about; none where it names none.

    A path that is written out decides. Otherwise the route with the most of the words that say
    something, in its path, its handler or its answer's name.
    """
    paths = re.findall(r"/[\w{}/-]+", text)
    exact = [str(r) for r in app.routes if r.method == "GET" and r.path in paths]
    if exact:
        return tuple(dict.fromkeys(exact))
    said = re.findall(r"[a-z0-9]+", text.lower())
    words = [_stem(word) for word in said if not _EMPTY_WORDS.fullmatch(word)]
    scores = {
        str(route): _score(route, words)
        for route in app.routes
        if route.method == "GET" and route.reachable
    }
    best = max(scores.values(), default=0.0)
    return tuple(route for route, score in scores.items() if score == best) if best >= 1 else ()


def _score(route: Route, words: Sequence[str]) -> float:
    """How many of the words it has; a word of its own that nobody said takes a little away."""
    model = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", route.response_model or "")
    own = {_stem(w) for w in re.findall(r"[a-z]+", re.sub(r"{[^}]*}", "", route.path).lower())}
    handler = re.findall(r"[a-z]+", route.handler.rpartition(".")[2].lower())
    beside = {_stem(w) for w in (*handler, *re.findall(r"[a-z]+", model.lower()))} - own
    said = set(words)
    return len(said & own) + 0.75 * len(said & beside) - 0.1 * len(own - said)


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
