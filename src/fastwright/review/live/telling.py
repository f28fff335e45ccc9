"""What an examination has proven as findings, now and in a tree that has been mended since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Grade
from fastwright.model.routing import Route
from fastwright.review.attacks.notes import Notes
from fastwright.review.live.mending import Remedy, remedy
from fastwright.review.live.proof import OF_THE_APP, Cause, Proof
from fastwright.review.rule import every_rule


def findings_of(
    proofs: Iterable[Proof],
    known: Iterable[Finding],
    app: AppMap,
    routes: Mapping[str, Route],
    notes: Notes,
) -> tuple[Finding, ...]:
    """A finding for each proof; one that joins a `known` finding of the same rule and handler.

    Where what broke can be mended in one way alone, the finding has the fix; else it tells what has
    to be decided.
    """
    before = tuple(known)
    rules = every_rule()
    found: dict[tuple[str, str], Finding] = {}
    for proof in proofs:
        route = routes.get(proof.operation)
        if route is None or route.span is None or proof.rule not in rules:
            continue
        beside = tuple(r.span for r in map(routes.get, proof.beside) if r and r.span)
        symbol, way = _symbol(proof, route), remedy(app, proof.causes)
        fresh = Finding(
            proof.rule, route.span, proof.message, symbol=symbol, related=beside, fixes=way.fixes
        )
        joined = (_known(before, proof, route) if proof.is_meant else None) or fresh
        if proof.subject and joined.grade is Grade.POSSIBLE:
            joined = replace(joined, message=proof.message)  # what may be is now known
        key = (proof.rule, joined.symbol)
        evidence = tuple(exchange.evidence(notes, what) for exchange, what in proof.shown)
        if not (proof.is_meant and proof.decides):
            evidence = tuple(Evidence(EvidenceKind.SOURCE, e.text, e.values) for e in evidence)
        if way.decision and (way.fixes == joined.fixes):
            told = f"to decide: {way.decision}"
            evidence = (*evidence, Evidence(EvidenceKind.SOURCE, told))
        one = found.get(key, joined)
        found[key] = replace(one, evidence=(*one.evidence, *evidence))
    return tuple(found.values())


def _symbol(proof: Proof, route: Route) -> str:
    return f"{route.handler}:{proof.subject}" if proof.subject else route.handler


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


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding that no rule makes from source: a tree that changes is asked whether it stands.

    Attributes:
        finding: As it was first told.
        handler: Of the operation that showed it.
        causes: What broke, where it is of values that end in a 500.
    """

    finding: Finding
    handler: str
    causes: tuple[Cause, ...] = ()


def shown_of(
    proofs: Iterable[Proof], findings: Iterable[Finding], routes: Mapping[str, Route]
) -> Iterator[Shown]:
    """Those of `findings` that stand at the routes of `proofs`."""
    told = {(f.rule, f.symbol, f.at): f for f in findings}
    for proof in proofs:
        route = routes.get(proof.operation)
        if route is None or route.span is None:
            continue
        finding = told.pop((proof.rule, _symbol(proof, route), route.span), None)
        if finding is not None:
            yield Shown(finding, route.handler, proof.causes)


def standing(app: AppMap, shown: Iterable[Shown]) -> tuple[Finding, ...]:
    """What of `shown` is not mended in `app`, at its place there, with what would mend it.

    Of one that is mended in part, what is left is told.
    """
    spans = {route.handler: route.span for route in app.routes if route.span is not None}
    found = []
    for one in shown:
        span, way = spans.get(one.handler), remedy(app, one.causes)
        if span is None or (one.finding.fixes and way == Remedy()):
            continue
        rest = _rest(app, one.causes) if one.finding.fixes and not way.fixes else ""
        finding = replace(one.finding, at=span, related=(), fixes=way.fixes)
        found.append(replace(finding, message=rest) if rest else finding)
    return tuple(found)


def _rest(app: AppMap, causes: tuple[Cause, ...]) -> str:
    """What those of `causes` break that have no remedy."""
    left = [cause for cause in causes if remedy(app, [cause]).decision]
    operations, places = ([f"`{x}`" for x in dict.fromkeys(xs)] for xs in (
        [cause.operation for cause in left],
        [place for cause in left for place in cause.places],
    ))  # fmt: skip
    verb = "answer" if len(operations) > 1 else "answers"
    values = " or ".join(dict.fromkeys(cause.what for cause in left))
    where = f" in {', '.join(places)}" if places else ""
    return f"{', '.join(operations)} {verb} 500 to {values}{where}" if left else ""
