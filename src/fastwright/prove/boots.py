"""The new tree boots, with exactly the person's environment plus what the change wrote."""

from __future__ import annotations

from fastwright.model.change import ChangeSet
from fastwright.model.errors import DoesNotLoad
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.prove.gate import Gate
from fastwright.prove.side import Side, on_both


def run(before: Side, after: Side, changes: ChangeSet) -> Check:
    """The app starts on the new tree; where it did not start before either, nothing is proven."""
    was, now = on_both(before, after, lambda side: side.refusal)
    if now is None:
        return GATE.passed("boots" if was is None else "does not boot", _routes(after))
    asked = [name for name in changes.promise.settings if name == now.missing]
    if was is not None and not asked and _same(was, now):
        return GATE.skipped(
            f"the app did not boot before the change: {now.because}", "does not boot"
        )
    return GATE.failed(
        "boots" if was is None else "does not boot", "does not boot", *_evidence(now, asked)
    )


def _same(was: DoesNotLoad, now: DoesNotLoad) -> bool:
    return (was.because, was.missing) == (now.because, now.missing)


def _routes(side: Side) -> str:
    routes = side.app.description.get("routes", ())
    return f"boots, {len(routes)} routes"


def _evidence(error: DoesNotLoad, asked: list[str]) -> tuple[Evidence, ...]:
    values = (("traceback", error.traceback),) if error.traceback else ()
    seen = Evidence(EvidenceKind.PROCESS, error.because, values)
    if not asked:
        return (seen,)
    text = f"the change asks for `{asked[0]}` and wrote no value that the app finds"
    return (seen, Evidence(EvidenceKind.PROCESS, text))


GATE = Gate(
    "boots", "the app starts on the new tree", run, after=("parses",), behind=("migrations",)
)
