"""The pages of rules as files: one a rule, and an index by area."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastwright.model.review import Card
from fastwright.report.review_words import AREAS


def render(cards: Sequence[Card], read: Mapping[str, str]) -> Mapping[str, str]:
    """The files of ``docs/rules`` by name; every rule has one, ``README.md`` is the index.

    `read` says of a rule how many of its findings were right, of those that people have read.
    """
    ordered = sorted(cards, key=lambda card: card.code)
    return {"README.md": _index(ordered, read), **{f"{c.name}.md": _page(c) for c in ordered}}


def _page(card: Card) -> str:
    facts = f"{card.code} · {card.area} · {card.severity.value} · since {card.since}"
    permit = f"# fastwright: allow {card.name}: the reason why it is right here"
    return (
        f"# `{card.name}`\n\n{facts}\n\n{card.doc.strip()}\n\n"
        f"## To permit it in one place\n\n```python\n{permit}\n```\n"
    )


def _index(cards: Sequence[Card], read: Mapping[str, str]) -> str:
    parts = [
        "# Rules",
        "What `fastwright review` looks for. Each page is the docstring of its rule, and its "
        "examples are run: the first is reported, what to use instead is not. "
        "`fastwright explain CODE` shows a page.",
        "The last column is of findings that a review was certain of, on apps that nobody "
        "had tuned a rule for: how many were right, as those say who read them with the "
        "source open. Most of what was wrong or useless has been mended by its cause since; "
        "the next app has causes of its own, so it tells how far to trust a rule where it has "
        "not been yet.",
    ]
    for area in AREAS:
        rows = [
            f"| {c.code} | [`{c.name}`]({c.name}.md) | {c.severity.value} | {_summary(c)} "
            f"| {read.get(c.name, 'none read')} |"
            for c in cards
            if c.area == area
        ]
        if rows:
            head = "| code | rule | severity | what it finds | right |\n|---|---|---|---|---|"
            parts.append(f"## {area.capitalize()}\n\n{head}\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _summary(card: Card) -> str:
    return card.doc.partition("\n")[0].replace("|", "\\|")
