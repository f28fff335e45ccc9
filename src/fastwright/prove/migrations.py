"""New migrations go up, down and up again on a scratch database, and the models do not drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from fastwright.model.change import ChangeSet
from fastwright.model.finding import Evidence, EvidenceKind
from fastwright.model.proof import Check
from fastwright.model.storage import Migrations
from fastwright.prove.alembic_steps import Took, take
from fastwright.prove.gate import Gate
from fastwright.prove.parses import touched
from fastwright.prove.side import Side, on_both


def run(before: Side, after: Side, changes: ChangeSet) -> Check:
    """Each Alembic environment that the change touches, in databases that are emptied around it."""
    because = _reason_to_skip(before, after, changes)
    if because:
        return GATE.skipped(because)
    befores = {each.directory: each for each in before.map.migrations}
    environments = [each for each in after.map.migrations if each.config is not None]
    checks = [_judge(before, after, befores.get(each.directory), each) for each in environments]
    failed = next((check for check in checks if not check.ok), None)
    return failed or checks[0]


def _reason_to_skip(before: Side, after: Side, changes: ChangeSet) -> str:
    if not any(each.config for each in after.map.migrations):
        return "the app has no Alembic"
    if not after.world.enforced:
        return "without a sandbox there is no database that may be migrated"
    is_touched = changes.promise.tables or _new_files(before, after)
    if not is_touched and before.map.tables == after.map.tables:
        return "the change has no migration and touches no table"
    databases = ("mysql", "oracle", "server", "cockroach", "postgresql")
    absent = next(
        (s for s in map(str, after.world.not_served) if s.lower().startswith(databases)), ""
    )
    return f"no scratch database: {absent}" if absent else ""


def _new_files(before: Side, after: Side) -> list[PurePosixPath]:
    folders = [each.versions for each in after.map.migrations]
    changed = touched(before, after)
    return [p for p in changed if p.suffix == ".py" and any(p.is_relative_to(f) for f in folders)]


def _judge(before: Side, after: Side, old: Migrations | None, new: Migrations) -> Check:
    config = new.config or PurePosixPath("alembic.ini")
    start = old.heads[0] if old and old.heads else "base"
    is_new = old is None or old.config is None

    def migrate(side: Side) -> Sequence[Took]:
        if side is not after:
            return () if is_new else _take_alone(side, config, [["upgrade", "heads"], ["check"]])
        return _take_alone(side, config, _steps(start, has_old=start != "base"))

    was, took = on_both(before, after, migrate)
    broken = tuple(_broken(took, was[-1] if was else None))
    figures = _figure(was[-1] if was else None), _figure(took[-1])
    return GATE.failed(*figures, *broken) if broken else GATE.passed(*figures, *_went(took, start))


def _take_alone(
    side: Side, config: PurePosixPath, steps: Sequence[Sequence[str]]
) -> Sequence[Took]:
    """Take the steps in an empty database, and leave an empty one behind."""
    side.empty()
    try:
        return take(side, config, steps)
    finally:
        side.empty()


def _steps(start: str, *, has_old: bool) -> list[list[str]]:
    first = [["upgrade", start]] if has_old else []
    return [
        *first,
        ["snapshot"],
        ["upgrade", "heads"],
        ["downgrade", start],
        ["snapshot"],
        ["upgrade", "heads"],
        ["check"],
    ]


def _broken(took: Sequence[Took], was: Took | None) -> Iterator[Evidence]:
    for each in took:
        if each.error and each.step[:1] != ("check",):
            text = f"`alembic {' '.join(each.step)}` failed: {each.error}"
            yield Evidence(EvidenceKind.SQL, text, (("traceback", each.trace),))
    snapshots = [each.value for each in took if each.step == ("snapshot",)]
    if len(snapshots) == 2 and snapshots[0] != snapshots[1]:
        for text in _left_over(snapshots[0], snapshots[1]):
            yield Evidence(EvidenceKind.SQL, f"after the downgrade {text}")
    last = took[-1]
    if last.step == ("check",) and last.error and (was is None or last.error != was.error):
        text = f"models and migrations differ: {last.error}"
        yield Evidence(EvidenceKind.SQL, text)


def _left_over(before: object, after: object) -> Iterator[str]:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    for table in sorted({*before, *after}):
        if table not in after:
            yield f"table `{table}` is gone"
        elif table not in before:
            yield f"table `{table}` is still there"
        elif before[table] != after[table]:
            differing = {*before[table].items()} ^ {*after[table].items()}
            yield f"table `{table}` differs in {', '.join(sorted({n for n, _ in differing}))}"


def _figure(took: Took | None) -> str:
    if took is None:
        return "no Alembic"
    if took.step != ("check",):
        return "does not migrate"
    if took.value == "not offered":
        return "drift not examined"
    return "drifts" if took.error else "no drift"


def _went(took: Sequence[Took], start: str) -> Iterator[Evidence]:
    yield Evidence(EvidenceKind.SQL, f"up to head, down to `{start}` and up to head again")
    if took[-1].value == "not offered":
        yield Evidence(EvidenceKind.SQL, "this Alembic has no `check`: drift was not examined")
    elif took[-1].error:
        yield Evidence(EvidenceKind.SQL, f"drifts as it did before: {took[-1].error}")


GATE = Gate(
    "migrations", "new migrations go up, down and up, without drift", run, after=("parses",)
)
