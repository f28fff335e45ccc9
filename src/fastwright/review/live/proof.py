"""What an examination has seen go wrong, with the exchanges that show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fastwright.model.finding import Evidence, EvidenceKind, Finding, Grade
from fastwright.model.routing import Route
from fastwright.review.attacks.notes import Notes
from fastwright.review.live.exchange import Exchange
from fastwright.review.rule import every_rule

OF_THE_APP = frozenset({
    "unverified-token", "weak-signing-secret", "credentials-for-any-origin", "unanswerable-body",
})  # fmt: skip
"""Rules whose faults are of the app: what one route shows is the fault of the one place."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One fault of one operation, as a rule calls it.

    Attributes:
        rule: The rule that finds it in source.
        operation: ``METHOD /path`` of the contract.
        message: What is wrong, subject first, without a full stop.
        shown: The exchanges that show it, each with what is to be seen in it.
        is_meant: The intent is shown or declared. Where it is not, this is a question.
        forbidden: Text that the last exchange's answer may not hold; empty where its status tells.
        beside: Further operations that it is of.
        subject: What it is of where that is not the handler: a field as its rule names it, or one
            of several faults of one rule and handler.
    """

    rule: str
    operation: str
    message: str
    shown: tuple[tuple[Exchange, str], ...]
    is_meant: bool = True
    forbidden: str = ""
    beside: tuple[str, ...] = ()
    subject: str = ""


def findings_of(
    proofs: Iterable[Proof],
    known: Iterable[Finding],
    routes: Mapping[str, Route],
    notes: Notes,
) -> tuple[Finding, ...]:
    """A finding for each proof; one that joins a `known` finding of the same rule and handler."""
    before = tuple(known)
    rules = every_rule()
    found: dict[tuple[str, str], Finding] = {}
    for proof in proofs:
        route = routes.get(proof.operation)
        if route is None or route.span is None or proof.rule not in rules:
            continue
        beside = tuple(r.span for r in map(routes.get, proof.beside) if r and r.span)
        symbol = f"{route.handler}:{proof.subject}" if proof.subject else route.handler
        fresh = Finding(proof.rule, route.span, proof.message, symbol=symbol, related=beside)
        joined = (_known(before, proof, route) if proof.is_meant else None) or fresh
        if proof.subject and joined.grade is Grade.POSSIBLE:
            joined = replace(joined, message=proof.message)  # what may be is now known
        key = (proof.rule, joined.symbol)
        evidence = tuple(exchange.evidence(notes, what) for exchange, what in proof.shown)
        if not proof.is_meant:
            evidence = tuple(Evidence(EvidenceKind.SOURCE, e.text, e.values) for e in evidence)
        one = found.get(key, joined)
        found[key] = replace(one, evidence=(*one.evidence, *evidence))
    return tuple(found.values())


def _known(findings: tuple[Finding, ...], proof: Proof, route: Route) -> Finding | None:
    """The finding of the rule at the subject, else the handler, a dependency, or the whole app."""
    same = [f for f in findings if f.rule == proof.rule]
    if proof.subject:
        return next((f for f in same if f.symbol == proof.subject), None)
    below = {route.handler, *(node.call for node in route.every_dependency())}
    exact = (f for f in same if f.symbol == route.handler)
    guards = (f for f in same if f.symbol in below)
    whole = (f for f in same if proof.rule in OF_THE_APP)
    return next(exact, None) or next(guards, None) or next(whole, None)
