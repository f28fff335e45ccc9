"""Words into a plan, without a model.

Acted on is only a strong phrase whose particulars resolve; less becomes up to three candidates,
and what is out of scope is refused with what would be needed. Words are not the defence: a plan
that slips through still meets the gates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from fastwright.agent import errands, mood, readings, slots
from fastwright.agent.dangers import DANGEROUS
from fastwright.agent.leftovers import untaken
from fastwright.agent.readings import Reading
from fastwright.agent.topics import COOKIES, INSTEAD, QUESTION, TOKENLESS, UNWANTED
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
LOGIN = "jwt-auth"
_WORDS_OF_OPTIONS = ("redis", "memory", "sqlite")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Understood, and not done: `cannot` + `because` + `do`."""

    cannot: str
    because: str
    do: str


def read_request(text: str, app: AppMap | None = None) -> Plan | tuple[Candidate, ...] | Refusal:
    """The plan for `text`, or up to three candidates, or the reason why not.

    Args:
        text: The request as the person wrote it.
        app: The app it is for, against which paths are checked; ``None`` reads the words alone.
    """
    lower = readings.lowered(text)
    plain = readings.plain(_without(mood.questions(lower), lower))
    request = _Request(text, plain, mood.questions(lower))
    refusal = _danger(request) or _astray(plain)
    if refusal:
        return refusal
    if not any(r.orders for r in request.readings):
        return _no_step(request)
    return _plan(request, app)


def _without(questions: Sequence[str], lower: str) -> str:
    for question in questions:
        lower = lower.replace(question, "")
    return lower


@dataclass(frozen=True, slots=True)
class _Request:
    """A request with its clauses, without the sentences that only ask."""

    text: str
    plain: str
    questions: tuple[str, ...]

    @property
    def clauses(self) -> tuple[str, ...]:
        """One thought each."""
        return readings.clauses(self.plain)

    @property
    def read(self) -> tuple[Reading | None, ...]:
        """What each clause is taken for; a login, where tokens are ruled out, for foreign work."""
        found = tuple(map(readings.read, self.clauses))
        cookies = (r.clause for r in found if r and r.topic == COOKIES and not r.declined)
        said = mood.refused_tokens(self.plain) or next(cookies, "")
        return tuple(_tokenless(r, said) if r and said else r for r in found)

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Those of the clauses that are about something."""
        return tuple(r for r in self.read if r)


def _danger(request: _Request) -> Refusal | None:
    if request.readings and all(r.topic == errands.REVIEW for r in request.readings):
        return None  # nothing is built of such words, and what a review mends is known beforehand
    for clause in re.split(r"[.;\n]", request.plain):
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


def _tokenless(reading: Reading, said: str) -> Reading:
    """A login that shall answer without tokens, as `said`; any other reading as it is."""
    if reading.topic != LOGIN or not reading.orders:
        return reading
    clause = reading.clause if said in reading.clause else f"{reading.clause} … {said}"
    return replace(reading, clause=clause, topic=TOKENLESS, built=False)


def _astray(plain: str) -> Refusal | None:
    path = slots.astray(plain)
    if not path:
        return None
    return Refusal(
        f"cannot use `{path}` as a path",
        "it leads out of itself, and no client would ask for it as it stands",
        "name a path of letters, digits, `-` and `_` between single slashes, as `/auth/login`",
    )


def _plan(request: _Request, app: AppMap | None) -> Plan:
    steps: dict[str, Step] = {}
    for reading in request.readings:
        if reading.orders and reading.topic not in steps:
            steps[reading.topic] = _step(reading, request)
    left_out = [r for r in request.readings if r.is_other and not r.declined]
    unsure = (*_beside(left_out), *_apart(left_out))
    for topic in steps:
        names = slots.unbuilt(topic, request.plain)
        unsure += tuple(f"{name} is left out: not built yet" for name in names)
    unsure += untaken(request.clauses, request.read, steps)
    unsure += tuple(
        f"`{question}` is not answered: only orders are" for question in request.questions
    )
    return Plan(
        request.text,
        tuple(steps.values()),
        unsure + _clashes(steps.values(), app),
        declined=tuple(t for t in readings.declined(request.clauses) if t in TITLES),
    )


def _step(reading: Reading, request: _Request) -> Step:
    said = Evidence(EvidenceKind.SOURCE, f"the request says `{reading.said}`")
    because = f"asked for with `{reading.said}`"
    own = [r.clause for r in request.readings if r.orders and r.topic == reading.topic]
    options = slots.options(reading.topic, request.plain, own)
    return Step(reading.topic, because, _as_written(options, request.text), (said,))


def _as_written(options: Mapping[str, slots.Value], text: str) -> dict[str, slots.Value]:
    """Names and paths in the case in which the person wrote them."""
    return {name: _spelled(value, text) for name, value in options.items()}


def _spelled(value: slots.Value, text: str) -> slots.Value:
    if not isinstance(value, str) or value in _WORDS_OF_OPTIONS:
        return value
    at = text.lower().find(value)
    return text[at : at + len(value)] if at >= 0 else value


def _apart(left_out: Sequence[Reading]) -> tuple[str, ...]:
    wished = (r for r in left_out if r.topic in errands.TITLES)
    return tuple(f"`{r.clause}` is a job of its own: ask for it alone" for r in wished)


def _clashes(steps: Iterable[Step], app: AppMap | None) -> tuple[str, ...]:
    """Particulars that do not resolve: a path that the app answers already."""
    if app is None:
        return ()
    taken = {route.path: route for route in app.routes if route.method == "POST"}
    asked = [str(step.options["path"]) for step in steps if step.options.get("path")]
    return tuple(f"`{taken[path]}` exists already" for path in asked if path in taken)


def _no_step(request: _Request) -> Plan | tuple[Candidate, ...] | Refusal:
    text = request.text
    foreign = [r for r in request.readings if r.is_other and not r.declined]
    if any(r.topic in errands.TITLES for r in foreign):
        return _errand(request, foreign)
    if foreign:
        return _not_built(foreign[0].clause, foreign[0].topic)
    weak = [s for r in request.readings if not r.declined for s in readings.suggested(r.clause)]
    if weak:
        return _candidates(sorted(weak, key=lambda r: -r.strength))
    asked = [r for q in request.questions if (r := readings.asked_review(q))]
    if asked:
        return _errand(request, asked)
    if request.questions:
        return _not_built(request.questions[0], QUESTION)
    if request.readings:
        return _not_built(request.readings[0].clause, UNWANTED)
    return Refusal(
        f"cannot plan `{text.strip()}`" if text.strip() else "cannot plan an empty request",
        "it names nothing that fastwright builds",
        f"name one of: {'; '.join(f'{title} ({name})' for name, title in TITLES.items())}",
    )


def _errand(request: _Request, wished: Sequence[Reading]) -> Plan:
    first = next(r for r in wished if r.topic in errands.TITLES)
    said = Evidence(EvidenceKind.SOURCE, f"the request says `{first.said}`")
    because = f"asked for with `{first.said}`"
    own = [r.clause for r in wished if r.topic == first.topic]
    options = errands.review_options(own) if first.topic == errands.REVIEW else {}
    apart = _apart([r for r in wished if r.topic != first.topic])
    step = Step(first.topic, because, options, (said,))
    return Plan(request.text, (step,), (*_beside(wished), *apart))


def _beside(left_out: Sequence[Reading]) -> tuple[str, ...]:
    others = (r for r in left_out if r.topic not in errands.TITLES)
    return tuple(f"`{r.clause}` is left out: {_why_not(r.topic)}" for r in others)


def _why_not(topic: str) -> str:
    return INSTEAD[topic][0] if topic in INSTEAD else f"{topic} is not built yet"


def _not_built(clause: str, topic: str) -> Refusal:
    listed = "`fastwright recipes` lists what is there"
    do = f"a recipe for it would have to be written first; {listed}"
    return Refusal(
        f"cannot do `{clause}`",
        _why_not(topic),
        INSTEAD[topic][1] if topic in INSTEAD else do,
    )


def _candidates(weak: Sequence[Reading]) -> tuple[Candidate, ...]:
    found: dict[str, Candidate] = {}
    for reading in weak:
        if reading.topic not in found:
            because = f"`{reading.said}` may mean it"
            title = {**TITLES, **errands.TITLES}[reading.topic]
            found[reading.topic] = Candidate(reading.topic, title, reading.strength, because)
    return tuple(found.values())[:3]
