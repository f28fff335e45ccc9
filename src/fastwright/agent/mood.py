"""Whether words order something, ask about it, or say that it is not wanted."""

from __future__ import annotations

import re

_NOT = (
    r"(?:(?<!has )(?<!have )(?<!is )(?<!'s )(?<!are )(?<!got )\bno|\bnot(?! (?:only|just|yet)\b)"
    r"|\b(?:never|without|neither|nor|skip(?:ping)?|avoid|except|excluding|instead of|rather than)"
    r"|\b(?:do|does|did|wo|should|must|would)(?:n'?t| not)(?! (?:have|forget|hesitate)\b))"
)
"""A negation. That something *is not there* is no wish to be without it: it may be the reason."""
_WANTING = r"(?:\s+(?:want|need|like|wish|plan|intend|going|have|try)(?:\s+\w+)?\s+to\b)?"
_BETWEEN = (
    r"\s+(?:(?!(?:for|to|of|with|but|until|that|so|because|only|if|unless|should|must|can|may|gets?"
    r"|is|are|when|before|after|where|who|which)\b)[\w'/-]+,?\s+){0,6}"
)
"""What may stand between a negation and what it declines: a list, and not another thought."""
_NEGATED = re.compile(_NOT + _WANTING + _BETWEEN + "$")
_TOKENS = r"(?:jwts?|json web tokens?|tokens|bearer(?: tokens?)?)\b(?! (?:librar|packag|in|to)\w*)"
_NO_TOKENS = re.compile(
    r"(?:\b(?:no|not|avoid|skip|instead of|rather than|(?<!requests )(?<!calls )without"
    r"|(?:do|does|should|must)(?:n'?t| not) (?:use|want|need|like|issue|return|add))"
    rf" (?:(?:any|use|using|want|the|a|access) )*{_TOKENS})"
)
_POLITE = (
    r"^\W*(?:(?:please|hi|hello|hey|so|ok|and|also)\b\W*)*"
    r"(?:is it possible to|would it be possible to|would you mind|how about|what about|why not"
    r"|why don'?t (?:we|you)(?! have\b)|(?:can|could|would|will) (?:you|someone|somebody)"
    r"(?! (?:tell|explain|see|say|show|check)\b)"
    r"|(?:can|could|may) (?:we|i) (?:please |also )?(?:have|get|add|set up|build|create|use))\b"
)
_THOUGHT = re.compile(r"[,:;]| - |\b(?:and|but|so)\b")
_WONDERING = re.compile(
    r"^\W*(?:how (?:does|do|can|is|are|many|much|long)|what|why|when|where|should|shall|is|are"
    r"|was|does|did|has|which|who|whose|whether|do (?:we|i|you|they|users|people|my|our|the|all)"
    r"|have (?:we|you|i|they)|explain|(?:can|could) (?:we|i|users?|people|they)"
    r"|would it|will (?:it|users?|people|they|the))\b|\btell me (?:if|whether|how|what|why|which)\b"
    r"|\b(?:i|we) (?:wonder|want to know|would like to know)\b|\bi'?m wondering\b"
)
_ORDER = re.compile(
    r"\bplease\b|^\W*(?:add|create|build|implement|make|set ?up|write|give|let'?s|use)\b"
    r"|\b(?:i|we) (?:need|want)\b|\bshould be able\b"
)


def negated(clause: str, said: str) -> bool:
    """True where `clause` says that `said`, words of its own, is not wanted."""
    return _NEGATED.search(clause[: clause.find(said)]) is not None


def unnegated(clause: str, said: str) -> str:
    """What stands in `clause` before the negation of `said`: nothing, where it begins so."""
    found = _NEGATED.search(clause[: clause.find(said)])
    return clause[: found.start()] if found else clause


def asks(clause: str) -> bool:
    """True where `clause`, in lower case, wants an answer and nothing built."""
    return not re.search(_POLITE, clause) and _WONDERING.search(clause) is not None


def questions(text: str) -> tuple[str, ...]:
    """The sentences of `text`, in lower case, that end in a question mark and order nothing."""
    sentences = (s.strip() for s in re.findall(r"[^.!?;\n]+[.!?;\n]*(?=\s|$)", text))
    return tuple(s for s in sentences if s.endswith("?") and not _is_order(s))


def _is_order(sentence: str) -> bool:
    if any(re.search(_POLITE, thought) for thought in _THOUGHT.split(sentence)):
        return True
    return not _WONDERING.search(sentence) and _ORDER.search(sentence) is not None


def refused_tokens(text: str) -> str:
    """The words of `text` that rule out what every login here answers with, or nothing."""
    found = _NO_TOKENS.search(text)
    return found[0] if found else ""
