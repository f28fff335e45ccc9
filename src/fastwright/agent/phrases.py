"""What people say, and which recipe or topic they mean by it.

The strongest phrase of a clause decides, not the sum: a sum lets three mentions of *login* outvote
the one *rate limit* that was asked for. A strength of `STRONG` or more may be acted on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

STRONG = 0.8
"""Below this a phrase only suggests: it becomes a candidate, never a step."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A way of saying `topic`; `pattern` is a regular expression over lower-case text."""

    topic: str
    strength: float
    pattern: str

    def found(self, clause: str) -> str:
        """The words of `clause` that say it, or nothing."""
        match = _compiled(self.pattern).search(clause)
        return match.group(0).strip() if match else ""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_LOGIN = r"(?:log[- ]?ins?|log(?:s|ged|ging)?[- ]in|sign[- ]?ins?|signing[- ]in)\b"
_AUTH = r"(?:auth|authentication|authenticate[sd]?|authenticating|authentification|authn)\b"
_JWT = r"(?:jwts?|json web tokens?)\b"
_USERS = r"(?:users?|customers?|clients?|members?|people|accounts?)\b"

BUILT: tuple[Phrase, ...] = (
    Phrase("jwt-auth", 0.95, rf"{_JWT}.*(?:{_AUTH}|{_LOGIN}|token)"),
    Phrase("jwt-auth", 0.95, rf"(?:{_AUTH}|{_LOGIN}).*{_JWT}"),
    Phrase("jwt-auth", 0.9, rf"\b{_LOGIN}"),
    Phrase("jwt-auth", 0.9, r"/(?:login|signin|sign-in|token)\b"),
    Phrase("jwt-auth", 0.88, rf"\b{_AUTH}"),
    Phrase("jwt-auth", 0.88, r"\boauth2?[- ]?(?:password|bearer)"),
    Phrase("jwt-auth", 0.88, r"\bbearer[- ](?:token|auth)"),
    Phrase("jwt-auth", 0.86, r"\b(?:access|refresh)[- ]tokens?\b"),
    Phrase("jwt-auth", 0.86, r"\btoken[- ]based\b"),
    Phrase("jwt-auth", 0.86, rf"\b(?:protect|secure|guard|require|lock down)\b.*{_JWT}"),
    Phrase("jwt-auth", 0.85, r"\b(?:sign[- ]?up|log[- ]?out|sign[- ]?out)\b"),
    Phrase("jwt-auth", 0.85, rf"\b(?:{_USERS}[- ]registration|register(?:ing)? (?:new )?users?)\b"),
    Phrase("jwt-auth", 0.85, r"\b(?:credentials?|passwords?)\b.*\btokens?\b"),
    Phrase("jwt-auth", 0.85, r"\b(?:validate|check|verify)\w*\b.*\b(?:credentials|user ?name)"),
    Phrase("jwt-auth", 0.85, rf"\b{_JWT}"),
    Phrase("jwt-auth", 0.6, rf"{_USERS}.*\b(?:identify|password|credentials)"),
    Phrase("jwt-auth", 0.6, r"\b(?:prove|know) who (?:they|he|she|users?) (?:are|is)\b"),
    Phrase("jwt-auth", 0.6, rf"\bonly (?:known|registered|authorized|some)\b.*{_USERS}"),
    Phrase(
        "jwt-auth",
        0.5,
        r"\b(?:protect|secure|guard|lock down)\b.*\b(?:endpoints?|routes?|api|app)",
    ),
    Phrase("jwt-auth", 0.4, r"\b(?:tokens?|users?|registration|passwords?|security|roles?)\b"),
    Phrase("health-checks", 0.95, r"\bhealth[- ]?(?:checks?|endpoints?|routes?|probes?)"),
    Phrase("health-checks", 0.95, r"/(?:health|healthz|healthcheck|readyz|livez|ready)\b"),
    Phrase("health-checks", 0.95, r"\b(?:liveness|readiness)\b"),
    Phrase("health-checks", 0.85, r"\b(?:ready|live|alive) (?:endpoint|route|probe|check)s?\b"),
    Phrase(
        "health-checks",
        0.85,
        r"\b(?:ping|status) (?:route|endpoint)\b.*\b(?:tell|whether|answer|up)",
    ),
    Phrase(
        "health-checks",
        0.6,
        r"\b(?:pod|container|instance|service|app)\b.*\b(?:is|are) (?:ready|alive|up)\b",
    ),
    Phrase("health-checks", 0.6, r"\bload[- ]balancer\b"),
    Phrase("health-checks", 0.5, r"\b(?:health|uptime|heartbeat|probe|ping)\b"),
    Phrase("settings", 0.95, r"\bpydantic[- _]?settings\b|\bbase ?settings\b"),
    Phrase("settings", 0.9, r"\bsettings (?:class|module|object)\b"),
    Phrase("settings", 0.9, r"\b(?:config\w*|settings)\b.*\b(?:environment|env)\b"),
    Phrase(
        "settings",
        0.88,
        r"\b(?:environment variables?|env vars?)\b.*\b(?:config\w*|settings)\b",
    ),
    Phrase("settings", 0.88, r"\b(?:settings|config\w*)\b.*\.env\b"),
    Phrase("settings", 0.6, r"\bhard[- ]?cod\w+\b.*\b(?:environment|env|values?)\b"),
    Phrase("settings", 0.5, r"\benvironment variables?\b|\benv vars?\b|\bdotenv\b"),
    Phrase("settings", 0.4, r"\b(?:config|configuration|settings)\b"),
    Phrase(
        "database",
        0.9,
        r"\b(?:add|set[- ]?up|setup|create|connect\w*|use|wire|integrate)\b.*"
        r"\b(?:database|db|sqlalchemy|postgres\w*|sqlite)\b",
    ),
    Phrase(
        "database",
        0.9,
        r"\b(?:database|db|postgres\w*) (?:connection|session|engine|layer|setup)\b",
    ),
    Phrase("database", 0.88, r"\bsqlalchemy (?:engine|session|setup)\b"),
    Phrase(
        "database",
        0.6,
        r"\b(?:keep|store|persist|remember)\w*\b.*\b(?:restart|database|things|"
        r"permanently)",
    ),
    Phrase("database", 0.5, r"\b(?:database|sqlalchemy|postgres\w*|persistence|sqlmodel)\b"),
)
