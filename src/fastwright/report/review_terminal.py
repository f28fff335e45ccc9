"""A review in the terminal: one objection a paragraph, the gravest first."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from fastwright.model.finding import Severity
from fastwright.model.review import Repair, Review
from fastwright.report import access
from fastwright.report import review_words as words
from fastwright.report.review_words import Group

_COLOURS = ((Severity.HIGH, "bold red"), (Severity.MEDIUM, "yellow"), (Severity.LOW, "cyan"))
_MOST_EVIDENCE = 3


def show(review: Review, console: Console, *, matrix: bool = False) -> None:
    """Print the whole review on `console`; `matrix` says that who may call what is asked for."""
    _show_objections(review, console)
    for fault in review.faults:
        console.print(_line("fault", f"`{fault.rule}` did not run to its end: {fault.because}"))
        console.print(_line("", f"a fault of fastwright's, at {fault.where}; please report it"))
    if review.repair is not None:
        _show_repair(review.repair, console)
    for note in review.not_tried:
        console.print(_line("not done", note), soft_wrap=True)
    for note in words.set_aside(review):
        console.print(_line("not told", note), soft_wrap=True)
    if matrix:
        _show_matrix(review, console)
    _show_end(review, console)


def _show_objections(review: Review, console: Console) -> None:
    for severity, found in words.by_severity(review):
        for group in found:
            for line in _paragraph(group, dict(_COLOURS)[severity]):
                console.print(line, soft_wrap=True)


def _show_matrix(review: Review, console: Console) -> None:
    """Who may call what: a line for each operation, a column for each caller."""
    table = access.table(review)
    if not table.rows:
        console.print(_line("matrix", "nothing was called, so that nobody knows who may"))
        return
    width = max(len(route) for route, _ in table.rows)
    head = "  ".join(table.callers)
    console.print(Text.assemble(("who may call what".ljust(width + 2), "bold"), (head, "dim")))
    for route, cells in table.rows:
        line = Text(route.ljust(width + 2))
        for caller, cell in zip(table.callers, cells, strict=True):
            line.append(cell.ljust(len(caller) + 2), _style(cell))
        line.rstrip()
        console.print(line, soft_wrap=True)
    for note in table.notes:
        console.print(_line("", note), soft_wrap=True)


def _style(cell: str) -> str:
    if cell.endswith("!"):
        return "bold red"
    return "green" if cell.startswith("2") else "dim" if cell.startswith(("-", "4")) else "yellow"


def _paragraph(group: Group, colour: str) -> Iterator[Text]:
    one = group.first
    yield Text.assemble(
        (words.place(one), "bold"), " ", (one.code, colour), f" {one.rule} ", one.finding.message
    )
    if group.is_habit:
        yield _line("habit", f"{len(group.objections)} places: also {words.elsewhere(group)}")
    for evidence in one.finding.evidence[:_MOST_EVIDENCE]:
        yield _line("seen", evidence.text)
    if one.related:
        yield _line("beside", ", ".join(one.related[:_MOST_EVIDENCE]))
    for fix in one.finding.fixes:
        yield _line("fix", words.fix_line(fix, one.finding))
    yield _line("more", f"{one.grade.value} · fastwright explain {one.code}")


def _line(mark: str, text: str) -> Text:
    return Text.assemble((f"  {mark:<8} ", "dim"), text)


def _show_repair(repair: Repair, console: Console) -> None:
    for diff in repair.diffs:
        console.print(Text(f"\n{diff.diff.rstrip()}"), soft_wrap=True)
    for title in repair.titles:
        console.print(_line("repaired", title), soft_wrap=True)
    for line in repair.replayed:
        console.print(_line("replayed", line), soft_wrap=True)
    for line in (*repair.contract, *repair.access):
        console.print(_line("differs", line), soft_wrap=True)
    for why in repair.kept_out:
        console.print(_line("left", why), soft_wrap=True)
    if repair.entry:
        console.print(_line("applied", f"as `{repair.entry}`; `fastwright undo` takes it back"))


def _show_end(review: Review, console: Console) -> None:
    style = "bold red" if review.failing else "bold green"
    line = Text(words.headline(review), style=style)
    console.print(line.append(f"  {words.figures(review)}", style="not bold dim"))
