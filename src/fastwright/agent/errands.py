"""Jobs that no recipe does: a review of the app, and the tuning of its slow routes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import MappingProxyType

from fastwright.agent.phrases import Phrase

TUNE = "tune"
REVIEW = "review"
TITLES = MappingProxyType(
    {
        TUNE: "slow routes made fast, with the proof that nothing else changed",
        REVIEW: "a review of the app: what a senior engineer would object to",
    }
)

_FLAWS = (
    r"(?:bugs?|problems?|issues?|mistakes?|flaws?|holes?|smells?|risks?|weakness\w*|warnings?"
    r"|findings?|vulnerabilit\w+|anti-?patterns?|gaps?)\b"
)
_WIDE = (
    r"(?:the|all|any|every|each|my|our|your|this|that|these|those|some|most|of|in|with|known|open"
    r"|obvious|critical|serious|severe|worst|biggest|main|major|minor|high|medium|low|severity"
    r"|security|code|quality|performance|design|logic|database|access|control|sql|injection|race"
    r"|potential|possible|remaining|other|common|safe|and|owasp|lint|scaling|found|existing)"
)
"""Words before a flaw that leave open which one is meant: others name a place to look at."""
_BEGIN = (
    r"^\W*(?:(?:please|hi|hello|hey|so|ok|now|just|(?:can|could|would|will) you|let'?s|help me"
    r"|(?:i|we)(?:'d| would)? (?:want|need|like)(?: you)? to)\W+)*"
)
"""What an order may begin with: further on in a clause the same words may name a thing to build."""
_ALL_OF_IT = (
    r"(?: (?:in|of|with|from|across) (?:my|our|the|this|all)(?: \w+){0,2}"
    r" ?(?:apps?|application|apis?|code(?:base)?|project|backend|service|repo\w*|routes|endpoints))"
)

ERRANDS: tuple[Phrase, ...] = (
    Phrase(
        TUNE,
        0.97,
        r"\b(?:faster|speed(?: |-)?up|slow\w*|performance|optimi[sz]e\w*|latency|n\+1)"
        r"\b|\bspeed\b",
    ),
    Phrase(
        REVIEW,
        1.0,
        rf"{_BEGIN}(?:fix|repair|mend|solve|resolve|close) (?:{_WIDE} ){{0,4}}{_FLAWS}"
        rf"{_ALL_OF_IT}?\W*$",
    ),
    Phrase(
        REVIEW,
        1.0,
        rf"{_BEGIN}(?:fix|repair|mend|solve|resolve|close) (?:\w+ ){{0,4}}"
        rf"(?:security {_FLAWS}|vulnerabilit\w+){_ALL_OF_IT}?\W*$",
    ),
    Phrase(
        REVIEW,
        0.98,
        rf"{_BEGIN}(?:(?:do|run|make|perform|start|give me|get) (?:an? |the |me )*(?:\w+ ){{0,2}})?"
        r"(?:review|audit|analy[sz]e|lint|analysis)\b(?! (?:endpoint|route|model|table|form)s?\b)",
    ),
    Phrase(REVIEW, 0.98, r"\b(?:vulnerab\w+|owasp|pen(?:etration)?[- ]?test\w*)\b"),
    Phrase(REVIEW, 0.98, r"\b(?:code|security) (?:review|audit|analysis)\b"),
    Phrase(REVIEW, 0.98, rf"\bsecurity (?:check|scan|test\w*|{_FLAWS})"),
    Phrase(
        REVIEW,
        0.98,
        rf"{_BEGIN}(?:find|check|look|scan|search|test|inspect|show|list|tell me)\b.*\b{_FLAWS}",
    ),
    Phrase(
        REVIEW,
        0.98,
        r"\b(?:is|are) (?:my|our|the|this|it)\b.*\b(?:secure|safe|vulnerable|production[- ]ready)\b"
        rf"|\b(?:is|are) there\b.*\b{_FLAWS}|\bwhat(?:'s| is) wrong with\b",
    ),
    Phrase(TUNE, 0.99, r"\bperformance\b.*\b(?:problems?|issues?|bugs?)\b"),
    Phrase(REVIEW, 0.6, r"\bproduction[- ]ready\b|\b(?:code )?quality\b|\bbest practices?\b"),
    Phrase(REVIEW, 0.5, r"\b(?:secur\w+|harden\w*)\b"),
)
"""What people say for them. A review may be asked for by a question: it changes nothing."""

_REPAIRS = re.compile(r"\b(?:fix|repair|mend|solve|resolve|close|correct)\b")
_RUNS = re.compile(
    r"\b(?:pen(?:etration)?[- ]?test\w*|attack\w*|hack\w*|live|running|exploit\w*)\b"
)
_AREAS = (
    ("security", r"\b(?:secur\w+|vulnerab\w+|owasp|pen(?:etration)?[- ]?test\w*|attack\w*)\b"),
)


def review_options(clauses: Iterable[str]) -> dict[str, str | bool]:
    """The options of a review that `clauses`, in lower case, ask for: area, live, fix."""
    said = " ".join(clauses)
    areas = [area for area, pattern in _AREAS if re.search(pattern, said)]
    found: dict[str, str | bool] = {"area": areas[0]} if areas else {}
    if _RUNS.search(said):
        found["live"] = True
    if _REPAIRS.search(said):
        found["fix"] = True
    return found
