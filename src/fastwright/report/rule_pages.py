"""The pages of rules as files: one a rule, and an index by area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastwright.model.review import LEAST_RIGHT, Card
from fastwright.report.review_words import AREAS


def render(cards: Sequence[Card]) -> Mapping[str, str]:
    """The files of ``docs/rules`` by name; every rule has one, ``README.md`` is the index."""
    ordered = sorted(cards, key=lambda card: card.code)
    return {"README.md": _index(ordered), **{f"{c.name}.md": _page(c) for c in ordered}}


def _page(card: Card) -> str:
    facts = f"{card.code} · {card.area} · {card.severity.value} · since {card.since}"
    permit = f"# fastwright: allow {card.name}: the reason why it is right here"
    return (
        f"# `{card.name}`\n\n{facts}\n\n{card.doc.strip()}\n\n"
        f"## To permit it in one place\n\n```python\n{permit}\n```\n"
    )


def _index(cards: Sequence[Card]) -> str:
    parts = [
        "# Rules",
        "What `fastwright review` looks for. Each page is the docstring of its rule, and its "
        "examples are run: the first is reported, what to use instead is not. "
        "`fastwright explain CODE` shows a page.",
        "The last column is of findings that the source made a rule sure of, on apps that nobody "
        "had tuned it for: how many of the latest were right, as those say who read them with the "
        f"source open. A rule that was right in less than {LEAST_RIGHT:.0%} of them, "
        "as counted by Laplace's rule (one right and one wrong more than were read), is *on "
        "request*: what it finds is told with `--possible`, where it is asked for by name "
        "(`--select`), or once the running app has shown it (`--live`).",
    ]
    for area in AREAS:
        rows = [
            f"| {c.code} | [`{c.name}`]({c.name}.md) | {c.severity.value} | {_summary(c)} "
            f"| {c.record}{'' if c.record.is_trusted else ', on request'} |"
            for c in cards
            if c.area == area
        ]
        if rows:
            head = "| code | rule | severity | what it finds | right |\n|---|---|---|---|---|"
            parts.append(f"## {area.capitalize()}\n\n{head}\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _summary(card: Card) -> str:
    return card.doc.partition("\n")[0].replace("|", "\\|")
