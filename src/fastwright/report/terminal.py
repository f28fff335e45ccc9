"""A report in the terminal: plan, gates as they are judged, and what is left to know."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fastwright.model.change import Decision
from fastwright.model.errors import DoesNotLoad, FastwrightError
from fastwright.model.plan import Candidate, Plan
from fastwright.model.proof import Check, FileDiff, Outcome, Report, Verdict
from fastwright.report import tuning, words

_COLOURS = (
    (Verdict.PASSED.value, "green"),
    (Verdict.FAILED.value, "red"),
    (Verdict.SKIPPED.value, "yellow"),
)
_LONGEST = 160


class Terminal:
    """Says on `console` what a run has to say; progress goes there too, as it happens."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def plan(self, plan: Plan) -> None:
        """The plan, before anything is done: steps, options with reasons, what is not certain."""
        self._heading("Plan")
        for number, step in enumerate(plan.steps, 1):
            self._item(f"{number}.", f"{words.step_line(step)}: {step.because}")
        if plan.choices:
            self.console.print(Padding(_choices(plan), (1, 0, 0, 2)))
        if plan.files or plan.tables:
            self._heading(f"Touches {words.touched(plan)}")
            self._items(plan.files + tuple(f"table {name}" for name in plan.tables))
        self._section("Unsure", plan.unsure)

    def phase(self, name: str) -> None:
        """One phase of the work begins."""
        self.console.print(Text(f"  · {name}", style="dim"))

    def gate(self, name: str) -> None:
        """One gate begins; the line gives way to its verdict, where the terminal can do that."""
        if self.console.is_terminal:
            self.console.print(Text(f"  …       {name}", style="dim"), end="\r")

    def check(self, check: Check) -> None:
        """One gate has been judged; what was seen where it failed is told with the report."""
        row = words.row(check)
        figures = "" if check.verdict is Verdict.FAILED else row.figures
        grid = Table.grid(padding=(0, 1))
        for width in (8, 13):
            grid.add_column(width=width)
        grid.add_column(overflow="fold")
        grid.add_row(
            Text(row.verdict, style=_colour(row.verdict)),
            Text(row.gate),
            Text.assemble(figures, (f"  {row.seconds:.1f} s", "dim")),
        )
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    def report(self, report: Report) -> None:
        """The end of a run: everything that there is to know of it."""
        self.changes(report)
        if report.proof:
            self._heading("Gates")
            self.console.print(Padding(_gates(report), (0, 0, 0, 2)))
        self._tuning(report)
        self._decisions(report.why)
        self._presence(report)
        self._by_hand(report)
        self._section("To know", words.notices(report.changes))
        self._section("To deploy", report.deploy, numbered=True)
        self._section("Next for this app", report.next)
        self._section("Done", report.did)
        self._section("Not done", report.not_done if report.refusal is None else ())
        self._section("Read in part", report.unread)
        self._end(report)

    def candidates(self, asked: str, candidates: Iterable[Candidate]) -> None:
        """Up to three readings of a request that was not clear enough."""
        self.console.print(f"`{asked}` may mean one of these:", markup=False)
        for number, candidate in enumerate(candidates, 1):
            self._item(f"{number}.", f"{candidate.title} ({candidate.recipe}): {candidate.because}")

    def error(self, error: FastwrightError) -> None:
        """A failure: what cannot be done, why, and what to do."""
        cannot, because, do = words.refused(error)
        self._refusal(cannot, because, do)
        if isinstance(error, DoesNotLoad) and error.traceback:
            self.console.print(Padding(Text(error.traceback.rstrip(), style="dim"), (1, 0, 0, 2)))

    def _refusal(self, cannot: str, because: str, do: str) -> None:
        self.console.print(Text(cannot, style="bold red"))
        self.console.print(Text(f"  because {because}"))
        if do:
            self.console.print(Text(f"  do: {do}"))

    def _end(self, report: Report) -> None:
        self.console.print()
        if report.refusal:
            self._refusal(*report.refusal)
        good = report.outcome not in (Outcome.REFUSED, Outcome.NOT_PROVEN)
        line = Text(words.title(report), style="bold green" if good else "bold red")
        facts = [words.verdict_line(report), f"{report.seconds:.1f} s" if report.seconds else ""]
        kept = " · ".join(fact for fact in facts if fact)
        self.console.print(line.append(f"  {kept}", style="not bold dim"))
        if report.run:
            self.console.print(Text(f"  .fastwright/runs/{report.run}/report.html", style="dim"))

    def changes(self, report: Report) -> None:
        """The diff, grouped by reason."""
        if not report.diffs:
            return
        self._heading(f"Changes: {words.tally(report.diffs)}")
        for group in words.groups(report.diffs):
            self.console.print(Text("; ".join(group.reasons), style="italic"))
            for file in group.files:
                shown = _one_diff(file, words.why_no_text(report, file))
                self.console.print(shown, soft_wrap=True)

    def _tuning(self, report: Report) -> None:
        """Every route that was called, and what was tried; diffs that were dropped are kept out."""
        if report.tuning is None:
            return
        self._heading(tuning.title(report.tuning))
        for line in tuning.lines(report.tuning):
            route, before, after, cpu, _, note = line.cells
            facts = f"{before} → {after}" if line.is_changed else before
            facts += f"  CPU {cpu} ms" if cpu else ""
            style = "" if line.is_changed else "dim"
            self.console.print(Padding(Text(route, style=style), (0, 0, 0, 2)))
            figures = Text(" · ".join(filter(None, (facts, note))), style=style)
            self.console.print(Padding(figures, (0, 0, 0, 6)))
        told = tuning.paragraphs(report.tuning)
        if told:
            self._heading("What was tried")
        for one in told:
            self._item("-", one.head)
            for text in one.lines:
                self.console.print(Padding(Text(text, style="dim"), (0, 0, 0, 6)))

    def _decisions(self, decisions: tuple[Decision, ...]) -> None:
        if decisions:
            self._heading("Decisions")
        for decision in decisions:
            told = Text.assemble((decision.chose, "bold"), f" instead of {decision.instead_of}, ")
            told.append(f"because {decision.because}; costs {decision.costs}")
            self.console.print(Padding(told, (0, 0, 1, 2)))

    def _presence(self, report: Report) -> None:
        if report.presence is None:
            return
        self._section("What is there", (report.presence.because, *report.presence.symbols))
        self._section("Gaps", words.untold_gaps(report))

    def _by_hand(self, report: Report) -> None:
        from rich.syntax import Syntax  # noqa: PLC0415 - it knows every language, and few ask

        for manual in words.by_hand(report.changes):
            self._heading(f"By hand: {manual.place}")
            self.console.print(Text(f"  {manual.why}"))
            self.console.print(Padding(Syntax(manual.snippet, "python"), (0, 0, 0, 2)))

    def _heading(self, text: str) -> None:
        self.console.print()
        self.console.print(Text(text, style="bold"))

    def _section(self, heading: str, items: Iterable[str], *, numbered: bool = False) -> None:
        kept = tuple(items)
        if kept:
            self._heading(heading)
            self._items(kept, numbered=numbered)

    def _items(self, items: Iterable[str], *, numbered: bool = False) -> None:
        for number, item in enumerate(items, 1):
            self._item(f"{number}." if numbered else "-", item)

    def _item(self, mark: str, text: str) -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=2 + len(mark), justify="right")
        grid.add_column(overflow="fold")
        grid.add_row(Text(mark), Text(text))
        self.console.print(grid)


def _colour(verdict: str) -> str:
    return dict(_COLOURS)[verdict]


def _choices(plan: Plan) -> Table:
    """One line an option: what it is, why, and what the other values would cost."""
    table = _table("option", "value", "because")
    for choice in plan.choices:
        told = Text(choice.because.rstrip("."))
        instead = words.instead(choice)
        if instead:
            told.append(f"; {instead}", style="dim")
        table.add_row(Text(choice.name), Text(choice.value), told)
    return table


def _gates(report: Report) -> RenderableType:
    """A row for each gate; its evidence has the whole width below it, since names are long."""
    rows = words.rows(report.proof.checks if report.proof else ())
    widest = max((len(row.gate) for row in rows), default=0)
    told: list[RenderableType] = []
    for row in rows:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=widest)
        grid.add_column(width=8)
        grid.add_column(overflow="fold")
        grid.add_row(
            Text(row.gate),
            Text(row.verdict, style=_colour(row.verdict)),
            Text.assemble(row.figures, (f"  {row.seconds:.1f} s", "dim")),
        )
        told += [grid, Padding(_evidence(row), (0, 0, 0, 4))] if row.evidence else [grid]
    return Group(*told)


def _evidence(row: words.Row) -> RenderableType:
    shown = row.evidence if row.verdict == Verdict.FAILED.value else row.evidence[:2]
    more = len(row.evidence) - len(shown)
    cut = (line if len(line) <= _LONGEST else line[:_LONGEST] + "…" for line in shown)
    lines = [Text(line, style="dim", overflow="fold") for line in cut]
    return Group(*lines, *([Text(f"and {more} more", style="dim")] if more else []))


def _one_diff(file: FileDiff, note: str) -> Text:
    """A diff line by line, never wrapped: a cut line of code is worse than a long one."""
    if not file.diff:
        return Text(f"  {file.path} ({note})")
    told = Text()
    for line in file.diff.rstrip().splitlines():
        told.append(f"  {line}\n", style=_diff_style(line))
    return told


def _diff_style(line: str) -> str:
    if line.startswith(("--- ", "+++ ")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
