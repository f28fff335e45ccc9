"""Writes ``docs/rules`` from the docstrings of the rules: ``python docs/write_rules.py``."""

from __future__ import annotations

from pathlib import Path

from fastwright.agent.reviewing import card
from fastwright.report.rule_pages import render
from fastwright.review.rule import every_rule

FOLDER = Path(__file__).parent / "rules"


def pages() -> dict[str, str]:
    """The pages of all rules of this version, by file name."""
    return dict(render([card(rule) for rule in every_rule().values()]))


def main() -> None:
    """Write every page, and take away those of rules that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for stale in FOLDER.glob("*.md"):
        if stale.name not in wanted:
            stale.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
