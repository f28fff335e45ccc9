"""A review as Markdown: what goes into a pull request or an issue."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.review import Review
from fastwright.report import access
from fastwright.report import review_words as words
from fastwright.report.review_words import Group


def render(review: Review) -> str:
    """The whole review as Markdown, ending in a newline."""
    parts = [f"# Review of `{review.app or 'no app'}`", f"**{words.headline(review)}**"]
    parts.append(words.figures(review))
    for area, found in words.by_area(review):
        parts.append(f"## {area.capitalize()}")
        parts += ["\n".join(_paragraph(group)) for group in found]
    parts += list(_access(review))
    parts += list(_rest(review))
    return "\n\n".join(part for part in parts if part) + "\n"


def _paragraph(group: Group) -> Iterator[str]:
    one = group.first
    yield f"### {one.code} {one.rule}: {one.severity.value}, {one.grade.value}"
    yield f"\n`{words.place(one)}` {one.finding.message}\n"
    if one.lines:
        fence = "````" if any("```" in line for line in one.lines) else "```"
        yield "\n".join((f"{fence}python", *one.lines, fence)) + "\n"
    if group.is_habit:
        yield f"- habit: {len(group.objections)} places, also {words.elsewhere(group)}"
    yield from (f"- seen: {evidence.text}" for evidence in one.finding.evidence)
    if one.related:
        yield f"- beside: {', '.join(f'`{at}`' for at in one.related)}"
    yield from (f"- fix: {words.fix_line(fix, one.finding)}" for fix in one.finding.fixes)


def _access(review: Review) -> Iterator[str]:
    if review.matrix is None or not review.matrix.outcomes:
        return
    table = access.table(review)
    rows = [("route", *table.callers), tuple("---" for _ in range(len(table.callers) + 1))]
    rows += [(f"`{route}`", *cells) for route, cells in table.rows]
    yield "## Who may call what"
    yield "\n".join("| " + " | ".join(_cell(c) for c in row) + " |" for row in rows)
    yield ". ".join(note[:1].upper() + note[1:] for note in table.notes)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _rest(review: Review) -> Iterator[str]:
    if review.repair is not None:
        yield "## Repaired"
        yield "\n".join(f"- {line}" for line in review.repair.titles or ("nothing",))
        yield "\n".join(f"- replayed: {line}" for line in review.repair.replayed)
        yield "\n".join(f"- differs: {x}" for x in (*review.repair.contract, *review.repair.access))
        yield "\n".join(f"- left: {line}" for line in review.repair.kept_out)
        yield from (f"```diff\n{diff.diff.rstrip()}\n```" for diff in review.repair.diffs)
    faults = [f"`{f.rule}` did not run to its end: {f.because} ({f.where})" for f in review.faults]
    left = (*review.not_tried, *words.set_aside(review), *faults)
    if left:
        yield "## Not done, or not told"
        yield "\n".join(f"- {line}" for line in left)
