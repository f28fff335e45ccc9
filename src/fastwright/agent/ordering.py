"""What is to be tuned, as it was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be tuned.

    Attributes:
        asked: In the person's words.
        routes: By name; empty for the worst ones, or those that `asked` speaks of.
        every: All routes.
        budget: Seconds after which nothing more is begun.
        applies: Write what was kept without asking.
        seed: ``path.py:function`` that makes values of rows, or a SQL dump, for what no table says
            of itself.
        in_words: `asked` may speak of a route, and the person is asked whether to write.
    """

    asked: str
    routes: tuple[str, ...] = ()
    every: bool = False
    budget: float = 600.0
    applies: bool = False
    in_words: bool = False
    seed: str = ""
