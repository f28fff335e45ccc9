"""The contract differs by exactly what was promised; what breaks a client is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate, counted
from fastwright.prove.openapi import Difference, Operation, differences, operations
from fastwright.prove.side import Side


def run(before: Side, after: Side, changes: ChangeSet) -> Check:
    """Compare the running apps' OpenAPI documents, those of mounted apps among them."""
    for name, side in (("old", before), ("new", after)):
        if side.refusal is not None:
            return GATE.skipped(f"the {name} tree does not boot: {side.refusal.because}")
        if side.app.description.get("openapi") is None:
            error = side.app.description.get("openapi_error") or "it is switched off"
            return GATE.skipped(f"the {name} tree has no OpenAPI document: {error}")
    was, now = (operations(_contracts(side.app.description)) for side in (before, after))
    broken = tuple(_beyond_promise(was, now, changes))
    figures = counted(len(was), "operation"), counted(len(now), "operation")
    if broken:
        return GATE.failed(*figures, *broken)
    return GATE.passed(*figures, *_promised(was, now))


def _contracts(description: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    mounted = description.get("openapi_mounted") or {}
    return {"": description["openapi"], **{path.rstrip("/"): m for path, m in mounted.items()}}


def _beyond_promise(
    was: Mapping[str, Operation], now: Mapping[str, Operation], changes: ChangeSet
) -> Iterator[Evidence]:
    adds = {str(operation) for operation in changes.promise.adds}
    alters = {str(operation) for operation in changes.promise.alters}
    for name in sorted(was.keys() - now.keys()):
        yield _seen(f"`{name}` was removed, which breaks its clients")
    for name in sorted(now.keys() - was.keys() - adds):
        yield _seen(f"`{name}` was added and not promised")
    for name in sorted(adds - now.keys()):
        yield _seen(f"`{name}` was promised and is not there")
    for name in sorted(was.keys() & now.keys() - alters):
        yield from _altered(name, differences(was[name], now[name]))
    for operation in (o for o in changes.promise.adds if str(o) in now):
        documented = now[str(operation)].content.get("responses", {})
        for status in operation.status_codes:
            if 200 <= status < 300 and str(status) not in documented:
                yield _seen(f"`{operation}` was promised to answer {status} and does not say so")


def _altered(name: str, found: tuple[Difference, ...]) -> Iterator[Evidence]:
    for difference in found:
        kind = "breaks its clients" if difference.breaking else "was not promised"
        yield _seen(f"`{name}` {difference}, which {kind}")


def _promised(was: Mapping[str, Operation], now: Mapping[str, Operation]) -> Iterator[Evidence]:
    for name in sorted(now.keys() - was.keys()):
        yield _seen(f"`{name}` was added, as promised")
    for name in sorted(was.keys() & now.keys()):
        for difference in differences(was[name], now[name]):
            breaks = " (breaks its clients)" if difference.breaking else ""
            yield _seen(f"`{name}` {difference}, as promised{breaks}")


def _seen(text: str) -> Evidence:
    return Evidence(EvidenceKind.HTTP, text)


GATE = Gate("contract", "the contract differs by what was promised", run, after=("boots",))
