"""Words into a plan, without a model.

Acted on is only a strong phrase whose particulars resolve; less becomes up to three candidates,
and what is out of scope is refused with what would be needed. Words are not the defence: a plan
that slips through still meets the gates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.agent import slots
from fastwright.agent.phrases import BUILT, STRONG, Phrase
from fastwright.agent.topics import DANGEROUS, FOREIGN, OTHER_WORK
from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.plan import Candidate, Plan, Step

TITLES = MappingProxyType(
    {
        "jwt-auth": "a login endpoint that checks credentials and returns a JWT",
        "health-checks": "liveness and readiness endpoints",
        "settings": "a settings class that reads the environment",
        "database": "a database: SQLAlchemy engine and session",
    }
)
TUNE = "tune"
"""The step of a plan that no recipe takes: a job of its own."""
_TUNING = "tuning"
_NOISE = (
    (r"^\W*\[[^\]]*\]\s*", ""),
    (r"^(?:feat|feature|chore|fix|task|story|backend|todo)(?:\([^)]*\))?\s*:\s*", ""),
    (r"#\d+\b", ""),
    (r"\bas an? [\w ]+?, i (?:want|would like|need) to\b", ""),
    (r"\bso that\b.*", ""),
    (r"[!?]+", " "),
)
_SPLIT = re.compile(
    r"(?:^|\s)\d+[.)]\s+|[;\n]|\.\s+|,\s+"
    r"|,?\s+(?:and then|and also|as well as|and|also|then|plus|but)\s+"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Understood, and not done: `cannot` + `because` + `do`."""

    cannot: str
    because: str
    do: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one clause was taken for; `said` are the words that decided it."""

    clause: str
    topic: str
    strength: float
    said: str
    built: bool


def read_request(text: str, app: AppMap | None = None) -> Plan | tuple[Candidate, ...] | Refusal:
    """The plan for `text`, or up to three candidates, or the reason why not.

    Args:
        text: The request as the person wrote it.
        app: The app it is for, against which paths are checked; ``None`` reads the words alone.
    """
    plain = _plain(text)
    danger = _danger(plain)
    if danger:
        return danger
    readings = tuple(r for r in map(_read, _clauses(plain)) if r)
    steps = tuple(r for r in readings if r.built and r.strength >= STRONG)
    if not steps:
        return _no_step(text, readings)
    return _plan(text, plain, steps, _left_out(readings), app)


def _plain(text: str) -> str:
    plain = " ".join(text.split(" ")).strip().lower().replace("’", "'")
    for pattern, instead in _NOISE:
        plain = re.sub(pattern, instead, plain).strip()
    return plain


def _clauses(plain: str) -> tuple[str, ...]:
    return tuple(part.strip(" ,") for part in _SPLIT.split(plain) if part.strip(" ,"))


def _danger(plain: str) -> Refusal | None:
    for clause in re.split(r"[.;\n]", plain):
        for wish in DANGEROUS:
            said = wish.found(clause)
            if said and not _declined(clause, said):
                return Refusal(
                    f"cannot do `{said}`",
                    wish.topic,
                    "ask for the job without it; say what it is for, and there may be a safe way",
                )
    return None


def _declined(clause: str, said: str) -> bool:
    """True where the wish is to *not* do it: "never log passwords"."""
    before = clause[: clause.find(said)]
    return bool(
        re.search(r"\b(?:never|not|don'?t|without|no|avoid|must not)\s*(?:\w+\s*)?$", before)
    )


def _read(clause: str) -> Reading | None:
    """What `clause` is about by its strongest phrase; other work and foreign topics win a tie."""
    best: Reading | None = None
    for phrases, built in ((OTHER_WORK, False), (FOREIGN, False), (BUILT, True)):
        for phrase, said in _found(phrases, clause):
            if best is None or phrase.strength > best.strength:
                best = Reading(clause, phrase.topic, phrase.strength, said, built)
    return best


def _found(phrases: Iterable[Phrase], clause: str) -> Iterable[tuple[Phrase, str]]:
    return ((phrase, said) for phrase in phrases if (said := phrase.found(clause)))


def _left_out(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    return tuple(r for r in readings if not r.built)


def _plan(
    text: str,
    plain: str,
    readings: Sequence[Reading],
    left_out: Sequence[Reading],
    app: AppMap | None,
) -> Plan:
    steps: dict[str, Step] = {}
    for reading in readings:
        if reading.topic not in steps:
            steps[reading.topic] = _step(reading, plain)
    refused = (*_beside(left_out), *_tuned_apart(left_out))
    for topic in steps:
        refused += tuple(f"{n} is left out: not built yet" for n in slots.unbuilt(topic, plain))
    return Plan(text, tuple(steps.values()), unsure=refused + _clashes(steps.values(), app))


def _step(reading: Reading, plain: str) -> Step:
    said = Evidence(EvidenceKind.SOURCE, f"the request says `{reading.said}`")
    because = f"asked for with `{reading.said}`"
    return Step(reading.topic, because, slots.options(reading.topic, plain), (said,))


def _tuned_apart(readings: Sequence[Reading]) -> tuple[str, ...]:
    wished = (r for r in readings if r.topic == _TUNING)
    return tuple(f"`{r.clause}` is a job of its own: ask for it alone" for r in wished)


def _clashes(steps: Iterable[Step], app: AppMap | None) -> tuple[str, ...]:
    """Particulars that do not resolve: a path that the app answers already."""
    if app is None:
        return ()
    taken = {route.path: route for route in app.routes if route.method == "POST"}
    asked = [str(step.options["path"]) for step in steps if step.options.get("path")]
    return tuple(f"`{taken[path]}` exists already" for path in asked if path in taken)


def _no_step(text: str, readings: Sequence[Reading]) -> Plan | tuple[Candidate, ...] | Refusal:
    foreign = [r for r in readings if not r.built]
    if foreign and foreign[0].topic == _TUNING:
        said = Evidence(EvidenceKind.SOURCE, f"the request says `{foreign[0].said}`")
        because = f"asked for with `{foreign[0].said}`"
        return Plan(text, (Step(TUNE, because, {}, (said,)),), _beside(foreign))
    if foreign:
        return _not_built(foreign[0])
    weak = sorted((r for r in readings if r.built), key=lambda r: -r.strength)
    if weak:
        return _candidates(weak)
    return Refusal(
        f"cannot plan `{text.strip()}`" if text.strip() else "cannot plan an empty request",
        "it names nothing that fastwright builds",
        f"name one of: {'; '.join(f'{title} ({name})' for name, title in TITLES.items())}",
    )


def _beside(readings: Sequence[Reading]) -> tuple[str, ...]:
    others = (r for r in readings if r.topic != _TUNING)
    return tuple(f"`{r.clause}` is left out: {r.topic} is not built yet" for r in others)


def _not_built(reading: Reading) -> Refusal:
    return Refusal(
        f"cannot do `{reading.clause}`",
        f"{reading.topic} is not built yet",
        "a recipe for it would have to be written first; `fastwright recipes` lists what is there",
    )


def _candidates(readings: Sequence[Reading]) -> tuple[Candidate, ...]:
    found: dict[str, Candidate] = {}
    for reading in readings:
        if reading.topic not in found:
            because = f"`{reading.said}` may mean it"
            title = TITLES[reading.topic]
            found[reading.topic] = Candidate(reading.topic, title, reading.strength, because)
    return tuple(found.values())[:3]
