"""The only judge: a change is run, gate by gate, and what was seen is kept as evidence."""

from __future__ import annotations

from fastwright.prove.gate import Gate, every_gate, in_order
from fastwright.prove.judge import Tell, prove
from fastwright.prove.side import Side

__all__ = ["Gate", "Side", "Tell", "every_gate", "in_order", "prove"]
