"""Terms as source text, constants folded to how Python writes them."""

from __future__ import annotations

from fastwright.survey.codebase import Unit
from fastwright.survey.facts import Term


def render(term: Term, unit: Unit) -> str:
    """How a term of `unit` is written; strings and numbers as Python would print them."""
    if term is None:
        return ""
    if isinstance(term, str):
        return term
    match term:
        case ["s" | "k", value]:
            return repr(value)
        case ["c", int(index)]:
            row = unit.facts.calls[index]
            return unit.text((row.start, row.end))
        case ["x", int(start), int(end)]:
            return unit.text((start, end))
    return _compound(term, unit)


def _compound(term: list[Term], unit: Unit) -> str:
    match term:
        case ["a", inner, name]:
            return f"{render(inner, unit)}.{name}"
        case ["w" | "!" as word, inner]:
            return f"{'await' if word == 'w' else 'not'} {render(inner, unit)}"
        case ["*" | "**" as stars, inner]:
            return f"{stars}{render(inner, unit)}"
        case ["l", *items]:
            return f"[{', '.join(render(item, unit) for item in items)}]"
        case ["i", inner, *items]:
            return f"{render(inner, unit)}[{', '.join(render(item, unit) for item in items)}]"
        case ["b", operator, left, right]:
            return f"{render(left, unit)} {operator} {render(right, unit)}"
        case ["?", test, yes, no]:
            return f"{render(yes, unit)} if {render(test, unit)} else {render(no, unit)}"
    return _collection(term, unit)


def _collection(term: list[Term], unit: Unit) -> str:
    match term:
        case ["f", *parts]:
            return 'f"' + "".join(_piece(part, unit) for part in parts) + '"'
        case ["d", *pairs]:
            return "{" + ", ".join(f"{render(k, unit)}: {render(v, unit)}" for k, v in pairs) + "}"
        case ["g", element, *_]:
            return f"[{render(element, unit)} …]"
    return "…"


def _piece(part: Term, unit: Unit) -> str:
    match part:
        case ["s", text]:
            return str(text)
    return "{" + render(part, unit) + "}"
