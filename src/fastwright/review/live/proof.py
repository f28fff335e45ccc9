"""What an examination has seen go wrong, with the exchanges that show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fastwright.model.finding import Evidence, EvidenceKind, Finding
from fastwright.model.routing import Route
from fastwright.review.attacks.notes import Notes
from fastwright.review.live.exchange import Exchange
from fastwright.review.rule import every_rule


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
    """

    rule: str
    operation: str
    message: str
    shown: tuple[tuple[Exchange, str], ...]
    is_meant: bool = True
    forbidden: str = ""


def findings_of(
    proofs: Iterable[Proof],
    known: Iterable[Finding],
    routes: Mapping[str, Route],
    notes: Notes,
) -> tuple[Finding, ...]:
    """A finding for each proof; one that joins a `known` finding of the same rule and handler."""
    by_place = {(f.rule, f.symbol): f for f in known}
    rules = every_rule()
    found: dict[tuple[str, str], Finding] = {}
    for proof in proofs:
        route = routes.get(proof.operation)
        if route is None or route.span is None or proof.rule not in rules:
            continue
        key = (proof.rule, route.handler)
        evidence = tuple(exchange.evidence(notes, what) for exchange, what in proof.shown)
        if not proof.is_meant:
            evidence = tuple(Evidence(EvidenceKind.SOURCE, e.text, e.values) for e in evidence)
        fresh = Finding(proof.rule, route.span, proof.message, symbol=route.handler)
        before = found.get(key) or by_place.get(key, fresh)
        found[key] = replace(before, evidence=(*before.evidence, *evidence))
    return tuple(found.values())
