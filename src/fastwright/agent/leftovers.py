"""What a request says and no plan holds: told, because nothing that is asked for may vanish."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from fastwright.agent import mood, readings, slots
from fastwright.agent.dangers import DANGEROUS
from fastwright.agent.errands import ERRANDS
from fastwright.agent.lifetimes import lifetimes
from fastwright.agent.phrases import BUILT, STRONG
from fastwright.agent.readings import Reading
from fastwright.agent.topics import FOREIGN

_PARTS = re.compile(r"\s+(?=(?:with|using|via|including|plus)\s)")
_WORDS = """
a about add all an and any api apis app application are as asap async at auth back backend be both
bug by call calls can check checks class client clients code create do docs e-mail each email
endpoint endpoints engine env existing fastapi file first for from get give gives go hello hi http
https i if implement in into is it its json just later like login make me method my name need new
now of on one or our password path platform please post project proper python request requests
return returns route router routes s scheme send server service session should simple so something
sqlalchemy standard support system thank thanks that the their them they this to today too up us
use user username users using validate validates via want we when which will with would yes you
your
"""
_PLAIN = frozenset(_WORDS.split())
"""Words that ask for nothing by themselves, beside an order."""
_GROUND = "database"
"""What a login stands on and a health check asks: named beside them, it is no other wish."""
_REFUSES = re.compile(r"\b(?:no|not|never|without|don'?t|skip)\b")


def untaken(
    clauses: Sequence[str], read: Sequence[Reading | None], topics: Collection[str]
) -> tuple[str, ...]:
    """Sentences on every part of `clauses` that a plan for `topics` does not hold.

    Args:
        clauses: The clauses of the request, in order.
        read: What each was taken for; ``None`` for nothing.
        topics: The recipes of the plan.
    """
    said: list[str] = []
    for clause, reading in zip(clauses, read, strict=True):
        said += _of(clause, reading, topics)
    if "jwt-auth" in topics:
        said += lifetimes(clauses).unsure
    return tuple(dict.fromkeys(said))


def _of(clause: str, reading: Reading | None, topics: Collection[str]) -> Iterator[str]:
    if reading and reading.declined:
        wanted = reading.topic in topics and reading.strength >= STRONG
        if wanted and not slots.names_any(clause):
            yield f"`{clause}` is not acted on: `{reading.said}` is asked for as well"
        return
    if reading and reading.is_other:
        return
    if reading and reading.topic not in {*topics, _GROUND} and not slots.names_any(clause):
        yield f"`{clause}` is not acted on: it may mean {reading.topic}; if so, ask for that"
        return
    if slots.guards(clause):
        yield f"`{clause}`: no route that is there is guarded; give it `CurrentUser` yourself"
    yield from (_unread(part) for part in _PARTS.split(clause) if not _is_read(part))


def _unread(part: str) -> str:
    if _REFUSES.search(part):
        return f"`{part}` is not followed: there is no option to leave that out"
    return f"`{part}` is not in the plan: nothing built knows it"


def _is_read(part: str) -> bool:
    if any(True for _ in readings.found(DANGEROUS, part)) or slots.names_any(part):
        return True
    other = readings.found((*FOREIGN, *ERRANDS), part)
    if any(p.strength >= STRONG and not mood.negated(part, said) for p, said in other):
        return False
    if any(True for _ in readings.found(BUILT, part)):
        return True
    return lifetimes(["token", part]) != lifetimes([]) or set(_words(part)) <= _PLAIN


def _words(part: str) -> list[str]:
    return re.findall(r"[a-z0-9'-]+", re.sub(r"\S*/\S*", "", part))
