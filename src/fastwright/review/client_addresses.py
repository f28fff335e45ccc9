"""Functions that take the address of a client from a header, which the client itself may write."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastwright.model.app import AppMap
from fastwright.model.code import Function
from fastwright.model.places import Span
from fastwright.review.once import once
from fastwright.review.uncommented import uncommented
from fastwright.survey.codebase import of_tests

_HEADER = r"(?:\.headers\.get\(\s*|\.headers\[)[\"'](?i:x-forwarded-for)[\"']"
_FORWARDED = re.compile(_HEADER)
_TRUSTED = re.compile(r"(?i)trust|prox(?:y|ies)|known_|allowed_|ip_network|private|hops")
_FIRST = (
    r"\s*(?:\.split\(\s*[\"'],[\"']\s*(?:,\s*1\s*)?\)|\.partition\(\s*[\"'],[\"']\s*\))\s*\[0\]"
)
_DOCSTRING = re.compile(r"\"\"\"[\s\S]*?\"\"\"")
_STRIPPED = r"\s*(?:\.strip\(\))?\s*"
_OVERWRITES = re.compile(
    rb"(?i)X-Forwarded-For\s+[\"']?\$(?:remote_addr|realip_remote_addr|http_cf_connecting_ip)"
    rb"|\btraefik|\bcaddy\b|vercel|\bfly\.toml|railway"
)
"""What stands in front, and puts the address that it has seen in place of what a client wrote."""
_DEPLOYS = (".conf", ".template", ".yml", ".yaml", ".toml", "Dockerfile", "Caddyfile", "Procfile")


@once
def named_by_clients(app: AppMap) -> Mapping[str, Function]:
    """Functions that return the first address of `X-Forwarded-For`, by their dotted names.

    The first is what the client sent; proxies add theirs behind it. Empty where something in the
    repository stands in front that writes the header anew.
    """
    if not any(b"orwarded-" in text for text in app.files.values()):
        return {}
    deployed = (text for path, text in app.files.items() if str(path).endswith(_DEPLOYS))
    if any(_OVERWRITES.search(text) for text in deployed):
        return {}
    return {f.name: f for f in app.functions if not of_tests(f.span.path) and _is_named(app, f)}


def _is_named(app: AppMap, function: Function) -> bool:
    """Whether a function returns what the client wrote, and asks nobody whom to believe."""
    text = _DOCSTRING.sub("", uncommented(app, function))
    if not _FORWARDED.search(text) or _TRUSTED.search(text):
        return False
    held = {b.name: app.text(Span(function.span.path, b.start, b.end)) for b in function.bindings}
    headers = {name for name, value in held.items() if _FORWARDED.search(value)}
    whole = rf"(?:\b(?:{'|'.join(map(re.escape, headers)) or '(?!)'})|[\w.]+{_HEADER}[^()]*[)\]])"
    first = re.compile(rf"\(?{whole}{_FIRST}{_STRIPPED}(?:\)|if\b.*|or\b.*)?", re.DOTALL)
    firsts = {name for name, value in held.items() if first.fullmatch(value.strip())}
    given = [stop.value.strip() for stop in function.stops if stop.kind == "return"]
    return any(value in firsts or first.fullmatch(value) for value in given)
