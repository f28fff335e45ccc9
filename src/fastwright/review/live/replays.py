"""Which written test sends again what a finding was proven by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastwright.model.routing import Route
from fastwright.review.live.proof import OF_THE_APP
from fastwright.review.live.writing import Written


@dataclass(frozen=True, slots=True)
class Replay:
    """The test `file`, of a finding of `rule` at one of `symbols`, on `operation`."""

    file: str
    rule: str
    operation: str
    symbols: frozenset[str]

    def is_of(self, rule: str, symbol: str) -> bool:
        """Whether a finding is the one that the test shows."""
        return self.rule == rule and (symbol in self.symbols or rule in OF_THE_APP)


@dataclass(frozen=True, slots=True)
class Replays:
    """The replays of an examination, and the files that they need, by name."""

    rows: tuple[Replay, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


def replays_of(written: Written, routes: Mapping[str, Route]) -> Replays:
    """A replay for each test that was written of a proof on one of `routes`."""
    rows = []
    for file, proof in written.proofs.items():
        route = routes.get(proof.operation)
        if route is not None:
            handler = route.handler
            calls = (node.call for node in route.every_dependency())
            symbols = {handler, proof.subject, f"{handler}:{proof.subject}", *calls} - {""}
            rows.append(Replay(file, proof.rule, proof.operation, frozenset(symbols)))
    return Replays(tuple(rows), written.files)
