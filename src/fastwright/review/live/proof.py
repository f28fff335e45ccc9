"""What an examination has seen go wrong, with the exchanges that show it."""

from __future__ import annotations

from dataclasses import dataclass

from fastwright.review.live.exchange import Exchange

OF_THE_APP = frozenset({
    "unverified-token", "weak-signing-secret", "credentials-for-any-origin", "unanswerable-body",
})  # fmt: skip
"""Rules whose faults are of the app: what one route shows is the fault of the one place."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What broke one operation, for whoever mends it.

    Attributes:
        operation: ``METHOD /path`` of the contract.
        handler: The dotted name of what answers it.
        what: The value, in the words of a finding.
        places: The parameters or fields that held it; empty for the body as a whole.
        error: The traceback.
        statement: The statement of the handler that raised; empty where none did.
    """

    operation: str
    handler: str
    what: str
    places: tuple[str, ...] = ()
    error: str = ""
    statement: str = ""


@dataclass(frozen=True, slots=True)
class Proof:
    """One fault of one operation, as a rule calls it.

    Attributes:
        rule: The rule that finds it in source.
        operation: ``METHOD /path`` of the contract.
        message: What is wrong, subject first, without a full stop.
        shown: The exchanges that show it, each with what is to be seen in it.
        is_meant: The intent is shown or declared. Where it is not, this is a question.
        forbidden: Text that the last exchange's answer may not hold; empty where its status tells.
        beside: Further operations that it is of.
        subject: What it is of where that is not the handler: a field as its rule names it, or one
            of several faults of one rule and handler.
        causes: Of values that end in a 500, what each of them broke.
        decides: False where it goes with what the rule says, and could have another reason: a
            finding of the source keeps its grade.
    """

    rule: str
    operation: str
    message: str
    shown: tuple[tuple[Exchange, str], ...]
    is_meant: bool = True
    forbidden: str = ""
    beside: tuple[str, ...] = ()
    subject: str = ""
    causes: tuple[Cause, ...] = ()
    decides: bool = True
