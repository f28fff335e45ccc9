"""Flows of one kind, gathered by the call that they arrive in, and how sure each of them is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.change import Fix
from fastwright.model.code import Flow
from fastwright.model.finding import Evidence, EvidenceKind, Finding
from fastwright.model.places import Span, position

_PLACES = MappingProxyType({
    "query": "query parameter", "path": "path parameter", "form": "form field", "file": "upload",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Harm:
    """Every flow that arrives unlimited in one call, the surest first."""

    at: Span
    flows: tuple[Flow, ...]

    @property
    def first(self) -> Flow:
        """The surest flow."""
        return self.flows[0]

    @property
    def is_certain(self) -> bool:
        """Whether nothing was seen on the way of the first flow that could limit it."""
        return not self.first.doubts

    @property
    def source(self) -> str:
        """Where the first flow begins, as a finding says it, and how many others there are."""
        flow = self.first
        others = len({f.route for f in self.flows}) - 1
        more = f" and {others} more" if others else ""
        return f"{_PLACES.get(flow.place, flow.place)} `{flow.name}` of `{flow.route}`{more}"


def harms(app: AppMap, *kinds: str) -> Iterator[Harm]:
    """The calls that values of requests reach unlimited, in the order of the text."""
    places: dict[Span, list[Flow]] = {}
    for flow in app.flows:
        if flow.kind in kinds and flow.route and not flow.sanitizers:
            places.setdefault(flow.path[-1], []).append(flow)
    for at in sorted(places):
        yield Harm(at, tuple(sorted(places[at], key=lambda flow: len(flow.doubts) > 0)))


def finding(
    app: AppMap, rule: str, harm: Harm, message: str, fixes: Sequence[Fix] = ()
) -> Finding:  # fmt: skip
    """One finding at the call, with the way of the value as its evidence."""
    flow = harm.first
    return Finding(
        rule, harm.at, message, (Evidence(EvidenceKind.SOURCE, _way(app, flow)),),
        tuple(flow.path[:-1]), tuple(fixes), flow.handler, structural=harm.is_certain,
    )  # fmt: skip


def _way(app: AppMap, flow: Flow) -> str:
    calls = " → ".join(_place(app, span) for span in flow.path)
    doubts = ", ".join(f"`{name}`" for name in flow.doubts)
    unsure = f"; {doubts} on the way may limit it" if doubts else ""
    return f"`{flow.route}` hands on `{flow.name}`: {calls}{unsure}"


def _place(app: AppMap, span: Span) -> str:
    return f"{span.path}:{position(app.files[span.path], span.start).line}"


_SECRET = re.compile(
    r"passw(or)?d|passwd|passphrase|secret|private_?key|api_?key|access_?key|credential|"
    r"(access|refresh|reset|auth|bearer|session|verification)_?token$|^token$|"
    r"^(otp|pin|cvv|cvc|ssn)$|card_number",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"(_id|_at|_url|_uri|_type|_name|_length|_minutes|_seconds|_days|_expires?|_expire_\w+|_ttl|"
    r"_policy|_count|_algorithm|_enabled|_hint|_path)$|^(has|is|enable|disable|allow|use)_",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SETTING = re.compile(r"dsn$|database_ur[li]$|(^|_)key$|token$", re.IGNORECASE)

_TELLING = 8
"""Characters of the shortest value that is looked for in answers; twice as many of a plain word."""


def is_secret_value(name: str) -> bool:
    """Whether a field or parameter of that name holds what nobody else may know."""
    words = _HUMP.sub("_", name)
    return bool(_SECRET.search(name)) and not _NOT_SECRET.search(words)


def is_secret_setting(name: str) -> bool:
    """Whether a setting or variable of that name holds what nobody outside may know."""
    named = bool(_SETTING.search(name)) or is_secret_value(name)
    return named and "PUBLIC" not in name.upper()


def is_telling(value: str) -> bool:
    """Whether a text that holds the value of a setting shows that value, and not a word of its own.

    ``password`` or ``my_database`` stands in many an answer that tells nothing of a setting.
    """
    plain = re.sub(r"[\W_]", "", value)
    is_word = plain.isalpha() or plain.isdigit()
    return len(value) >= _TELLING and not (is_word and len(plain) < 2 * _TELLING)
