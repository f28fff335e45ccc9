"""A report as Markdown: what goes into a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fastwright.model.proof import FileDiff, Report
from fastwright.report import tuning, words


def render(report: Report) -> str:
    """The whole report as Markdown, ending in a newline."""
    sections = (
        _head(report),
        _refusal(report),
        _presence(report),
        _listed("Done", report.did),
        _plan(report),
        _gates(report),
        *_tuning(report),
        _decisions(report),
        _listed("Not done", report.not_done or ("nothing was left out",)),
        _listed("Read in part", report.unread),
        _listed("To deploy", report.deploy, numbered=True),
        _by_hand(report),
        _listed("To know", words.notices(report.changes)),
        _listed("Next for this app", report.next),
        _diff(report),
        _times(report),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _head(report: Report) -> str:
    lines = [f"# {words.title(report)}", f"> {report.asked.strip() or '(nothing asked)'}"]
    facts = [words.verdict_line(report), words.tally(report.diffs) if report.diffs else ""]
    facts.append(f"{report.seconds:.1f} s" if report.seconds else "")
    facts.append(f"run `{report.run}`" if report.run else "")
    kept = " · ".join(fact for fact in facts if fact)
    return "\n\n".join([*lines, kept] if kept else lines)


def _refusal(report: Report) -> str:
    if report.refusal is None:
        return ""
    cannot, because, do = report.refusal
    return f"**{cannot}**\n\nbecause {because}" + (f"\n\ndo: {do}" if do else "")


def _presence(report: Report) -> str:
    if report.presence is None:
        return ""
    symbols = "".join(f"\n- `{symbol}`" for symbol in report.presence.symbols)
    gaps = "".join(f"\n- gap: {gap}" for gap in words.untold_gaps(report))
    return f"## What is there\n\n{report.presence.because}\n{symbols}{gaps}".rstrip()


def _listed(heading: str, items: Iterable[str], *, numbered: bool = False) -> str:
    lines = [f"{n}. {item}" if numbered else f"- {item}" for n, item in enumerate(items, 1)]
    return f"## {heading}\n\n" + "\n".join(lines) if lines else ""


def _plan(report: Report) -> str:
    if report.plan is None or not report.plan.steps:
        return ""
    plan = report.plan
    parts = [
        "## Plan",
        "\n".join(f"{n}. {words.step_line(s)}: {s.because}" for n, s in enumerate(plan.steps, 1)),
    ]
    if plan.choices:
        parts.append(
            _table(
                ("option", "value", "because", "instead", "costs"),
                (
                    (c.name, c.value, c.because, ", ".join(c.alternatives), c.costs)
                    for c in plan.choices
                ),
            )
        )
    parts += ["\n".join(f"- unsure: {line}" for line in plan.unsure)] if plan.unsure else []
    return "\n\n".join(parts)


def _gates(report: Report) -> str:
    if report.proof is None:
        return ""
    rows = words.rows(report.proof.checks)
    table = _table(
        ("gate", "verdict", "before → after", "evidence", "s"),
        ((r.gate, r.verdict, r.figures, "<br>".join(r.evidence), f"{r.seconds:.1f}") for r in rows),
    )
    held = ", ".join(report.proof.sandbox) or "nothing was enforced"
    return f"## Gates\n\n{table}\n\nSandbox: {held}. Tree judged: `{report.proof.tree[:16]}`."


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _tuning(report: Report) -> Iterator[str]:
    if report.tuning is None:
        return
    rows = (line.cells for line in tuning.lines(report.tuning))
    yield f"## {tuning.title(report.tuning)}\n\n{_table(tuning.HEADINGS, rows)}"
    told = [_attempt(one) for one in tuning.paragraphs(report.tuning)]
    yield "\n\n".join(["## What was tried", *told]) if told else ""


def _attempt(one: tuning.Paragraph) -> str:
    parts = [f"### {one.head}", "\n".join(f"- {line}" for line in one.lines)]
    return "\n\n".join([*parts, _fenced(one.diff, "diff")] if one.diff else parts)


def _decisions(report: Report) -> str:
    told = [
        f"### {d.chose}\n\nInstead of {d.instead_of}, because {d.because}. It costs {d.costs}."
        for d in report.why
    ]
    return "\n\n".join(["## Decisions", *told]) if told else ""


def _by_hand(report: Report) -> str:
    told = [
        f"{m.place}: {m.why}\n\n{_fenced(m.snippet, 'python')}"
        for m in words.by_hand(report.changes)
    ]
    return "\n\n".join(["## By hand", *told]) if told else ""


def _diff(report: Report) -> str:
    told = []
    for group in words.groups(report.diffs):
        told.append(f"### {'; '.join(group.reasons) or 'no reason given'}")
        told += [_file(report, file) for file in group.files]
    return "\n\n".join([f"## Changes: {words.tally(report.diffs)}", *told]) if told else ""


def _file(report: Report, file: FileDiff) -> str:
    if file.diff:
        return _fenced(file.diff, "diff")
    return f"`{file.path}`: {words.why_no_text(report, file)}"


def _fenced(text: str, language: str) -> str:
    fence = "````" if "```" in text else "```"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _times(report: Report) -> str:
    rows = ((phase, f"{seconds:.2f}") for phase, seconds in report.timings)
    return "## Where the time went\n\n" + _table(("phase", "s"), rows) if report.timings else ""
