"""What tuning measured, as words: one line a route, one paragraph an attempt. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fastwright.model.tuning import Attempt, Fate, RouteCost, Spread, Tuning

_BARS = "▁▂▃▄▅▆▇█"
HEADINGS = ("route", "before", "after", "CPU ms", "wall ms", "note")


@dataclass(frozen=True, slots=True)
class Line:
    """One route as cells of the table of `HEADINGS`."""

    cells: tuple[str, ...]
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One attempt: what became of it, what was seen, the reasons, and the diff."""

    head: str
    lines: tuple[str, ...]
    diff: str
    fate: str


def title(tuning: Tuning) -> str:
    """``Statements with 6, 18 and 500 rows in each table``."""
    *first, last = map(str, tuning.sizes)
    return f"Statements with {', '.join(first)} and {last} rows in each table"


def lines(tuning: Tuning) -> tuple[Line, ...]:
    """Every route, those that changed first, then by what they cost."""
    ordered = sorted(tuning.routes, key=lambda r: (not r.is_changed, -max(r.before, default=0)))
    return tuple(Line(_cells(route, _highest(route)), route.is_changed) for route in ordered)


def _highest(route: RouteCost) -> int:
    return max((*route.before, *route.after), default=0)


def _cells(route: RouteCost, highest: int) -> tuple[str, ...]:
    cpu = " → ".join(_milliseconds(one) for one in route.cpu)
    wall = " → ".join(f"{one.median * 1000:.1f}" for one in route.wall)
    after = plot(route.after, highest) if route.is_changed else "the same"
    return (route.route, plot(route.before, highest), after, cpu, wall, route.note)


def plot(counts: Sequence[int], highest: int) -> str:
    """``6 15 377 ▁▃█``: the counts, and a bar for each on a scale of powers."""
    top = math.log1p(max(1, highest))
    bars = (_BARS[min(7, round(7 * math.log1p(count) / top))] for count in counts)
    return f"{' '.join(map(str, counts))} {''.join(bars)}"


def _milliseconds(spread: Spread) -> str:
    """Median, with the quartiles behind it."""
    low, high = spread.low * 1000, spread.high * 1000
    return f"{spread.median * 1000:.1f} ({low:.1f}–{high:.1f})"


def paragraphs(tuning: Tuning) -> tuple[Paragraph, ...]:
    """Everything that was tried: what was kept first, then the rest in order."""
    ordered = sorted(tuning.attempts, key=lambda a: a.fate is not Fate.KEPT)
    told: set[tuple[str, ...]] = set()
    found = []
    for attempt in ordered:
        found.append(_paragraph(attempt, repeated=attempt.seen in told))
        told.add(attempt.seen)
    return tuple(found)


def _paragraph(attempt: Attempt, *, repeated: bool) -> Paragraph:
    routes = ", ".join(attempt.routes)
    head = f"{attempt.fate.value}: {attempt.cause}, {routes}"
    head += f" ({attempt.title})" if attempt.title else ""
    seen = tuple(f"seen: {text}" for text in attempt.seen if not repeated)
    because = tuple(f"because: {text}" for text in attempt.because)
    plans = tuple(f"plan: {text}" for text in attempt.plans)
    diff = attempt.diff if attempt.fate is not Fate.KEPT else ""
    return Paragraph(head, (*seen, *because, *plans), diff, attempt.fate.value)


def gain(tuning: Tuning) -> str:
    """The greatest gain, as ``x176 in statements, x9.2 in CPU time``; empty where there is none."""
    changed = [r for r in tuning.routes if r.is_changed and r.after and r.after[-1]]
    best = max(changed, key=lambda r: r.before[-1] / r.after[-1], default=None)
    if best is None or best.before[-1] <= best.after[-1]:
        return ""
    text = f"{best.route}: {best.before[-1] / best.after[-1]:.0f} times fewer statements"
    if len(best.cpu) == 2 and best.cpu[1].median:
        ratio = best.cpu[0].median / best.cpu[1].median
        text += f", {ratio:.1f} times less CPU time"
    return text
