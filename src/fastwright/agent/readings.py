"""A request cut into clauses, and what each clause is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastwright.agent import mood
from fastwright.agent.errands import ERRANDS, REVIEW
from fastwright.agent.phrases import BUILT, STRONG, Phrase
from fastwright.agent.topics import FOREIGN, OTHER_WORK, QUESTION

_NOISE = (
    (r"^\W*\[[^\]]*\]\s*", ""),
    (r"^(?:feat|feature|chore|fix|task|story|backend|todo)(?:\([^)]*\))?\s*:\s*", ""),
    (r"#\d+\b", ""),
    (r"\bas an? [\w ]+?, i (?:want|would like|need)(?: to)?\b", ""),
    (r"\bso that\b.*", ""),
    (r"[!?]+", " "),
)
_SPLIT = re.compile(
    r"(?:^|\s)\d+[.)]\s+|[;\n]|\.\s+|,\s+"
    r"|,?\s+(?:and then|and also|as well as|and|also|then|plus|but)\s+"
)

_SHELVES = ((OTHER_WORK, False), (FOREIGN, False), (ERRANDS, False), (BUILT, True))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one clause was taken for; `said` are the words that decided it.

    `declined` where the clause says that it is not wanted.
    """

    clause: str
    topic: str
    strength: float
    said: str
    built: bool
    declined: bool = False

    @property
    def is_other(self) -> bool:
        """True where it is surely about what no recipe builds."""
        return not self.built and self.strength >= STRONG

    @property
    def orders(self) -> bool:
        """True where a recipe may be acted on for it."""
        return self.built and not self.declined and self.strength >= STRONG


def lowered(text: str) -> str:
    """`text` in lower case, on one line, with straight apostrophes."""
    return " ".join(text.split(" ")).strip().lower().replace("’", "'")


def plain(lower: str) -> str:
    """`lower` without what issue trackers and politeness put around an order."""
    for pattern, instead in _NOISE:
        lower = re.sub(pattern, instead, lower).strip()
    return lower


def clauses(text: str) -> tuple[str, ...]:
    """The clauses of `text`, each one thought."""
    return tuple(part.strip(" ,.") for part in _SPLIT.split(text) if part.strip(" ,."))


def read(clause: str) -> Reading | None:
    """What `clause` is about by its strongest phrase; other work and foreign topics win a tie.

    A phrase that the clause says no to counts for nothing, unless nothing is as strong or was asked
    for before it: then the clause declines it.
    """
    if mood.asks(clause):
        return asked_review(clause) or Reading(clause, QUESTION, 1.0, clause, built=False)
    every = tuple(_readings(clause))
    best = _strongest(r for r in every if not r.declined)
    declined = _strongest(r for r in every if r.declined)
    if best is None or declined is None:
        return best or declined
    weak = best.strength < STRONG and best.topic == declined.topic
    first = best.said in mood.unnegated(clause, declined.said)
    stronger = declined.built and declined.strength > best.strength and not first
    return declined if weak or stronger else best


def asked_review(question: str) -> Reading | None:
    """`question` as the wish for a review, which answers it and changes nothing."""
    wished = _readings(question)
    return _strongest(r for r in wished if r.topic == REVIEW and r.is_other and not r.declined)


def declined(clauses: Iterable[str]) -> tuple[str, ...]:
    """Every topic that one of `clauses` says no to, and none asks for."""
    refused: dict[str, None] = {}
    wanted: set[str] = set()
    for clause in clauses:
        for reading in _readings(clause):
            last = reading.said.split()[-1]
            if reading.declined or mood.negated(clause, last):
                refused[reading.topic] = None
            else:
                wanted.add(reading.topic)
    return tuple(topic for topic in refused if topic not in wanted)


def suggested(clause: str) -> Iterator[Reading]:
    """Everything that `clause` may mean, where no phrase in it is strong enough to act on."""
    return (r for r in _readings(clause) if not r.declined)


def _readings(clause: str) -> Iterator[Reading]:
    for phrases, built in _SHELVES:
        for phrase, said in found(phrases, clause):
            declined = phrases is not OTHER_WORK and mood.negated(clause, said)
            yield Reading(clause, phrase.topic, phrase.strength, said, built, declined)


def _strongest(readings: Iterable[Reading]) -> Reading | None:
    return max(readings, key=lambda r: r.strength, default=None)


def found(phrases: Iterable[Phrase], clause: str) -> Iterator[tuple[Phrase, str]]:
    """Every one of `phrases` that `clause` has, with its words."""
    return ((phrase, said) for phrase in phrases if (said := phrase.found(clause)))
