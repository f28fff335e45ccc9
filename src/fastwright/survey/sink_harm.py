"""What harm a value of a request does in a sink, and what takes it away."""

from __future__ import annotations

import re

from fastwright.survey.body import CAUGHT, Body
from fastwright.survey.facts import CallFact
from fastwright.survey.held import Held
from fastwright.survey.sinks import PATH_MADE, Sink
from fastwright.survey.wiring import receiver_of

_SQL = re.compile(
    r"\b(select|insert into|update|delete from|where|order by|values|drop|alter|create|set)\b",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(r"\A(?:[a-z]*:)?(?://)?\Z", re.IGNORECASE)
_SESSIONS = ("sqlalchemy.orm", "sqlmodel", "sqlalchemy.ext")
"""Sessions run statements, which are no text unless it was built."""


def harm(sink: Sink, held: Held) -> str:
    """The kind of harm that a value does in a sink; empty for none."""
    if sink.kind == "statement":
        return "sql" if "text" in held.passed and _SQL.search(held.lead) else ""
    if sink.kind == "sql" and sink.name.startswith(_SESSIONS):
        built = "text" in held.passed or sink.name.endswith(".text")
        return "sql" if built else ""
    if sink.kind == "path method":
        return "path" if PATH_MADE in held.passed else ""
    if sink.kind == "html" and held.root.startswith("<"):
        return "answer"
    return sink.kind if is_free(sink.kind, held) else ""


def is_free(kind: str, held: Held) -> bool:
    """Whether an address may lead to any host: no host stands in front of the value."""
    if kind not in ("url", "redirect") or _ANYWHERE.match(held.lead):
        return True
    return kind == "redirect" and held.lead == "/"


def matters(kind: str, root: str) -> bool:
    """What a client sent may be answered; what was caught may be logged."""
    if kind == "log":
        return root != CAUGHT
    return root.startswith("<") == (kind == "answer")


def is_column_list(kind: str, held: Held) -> bool:
    """Whether it is the client who names the columns; anything, where no columns are written."""
    return kind != "fields" or not held.at or held.at[0] == "*"


def guards_itself(body: Body, row: CallFact) -> bool:
    """Whether the client that asks was made with a transport of its own, which may refuse."""
    receiver = receiver_of(row.callee)
    named = [term for term, target in body.facts.contexts if target == receiver]
    named += [a.value for a in body.facts.assignments if a.target == receiver]
    for term in (receiver, *named):
        if isinstance(term, list) and term[0] == "c":
            keywords = dict(body.unit.facts.calls[term[1]].keywords)
            if not _TRANSPORTS.isdisjoint(keywords):
                return True
    return False


_TRANSPORTS = frozenset({"transport", "mounts", "connector", "proxy", "proxies"})
