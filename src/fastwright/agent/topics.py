"""What is asked for and not built: recognised, and refused by its name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fastwright.agent.phrases import Phrase

FOREIGN: tuple[Phrase, ...] = (
    Phrase("HTTP basic authentication", 0.98, r"\bbasic[- ]auth\w*"),
    Phrase("rate limiting", 0.97, r"\b(?:rate[- ]?limit\w*|throttl\w+)\b"),
    Phrase(
        "sign-in through another provider",
        0.98,
        r"\b(?:google|github|facebook|microsoft|apple|okta|auth0|keycloak|oidc|openid|"
        r"saml|sso|ldap|social)\b",
    ),
    Phrase("API keys", 0.98, r"\bapi[- ]keys?\b"),
    Phrase(
        "cookie sessions",
        0.98,
        r"\b(?:session|cookie)[- ](?:cookies?|based|auth\w*|login|id|store)\b|\bcookies?\b"
        r"|\b(?:use|using|with|want|prefer|via) (?:(?:server[- ]side|http|plain|login) )*sessions\b"
        r"|\bserver[- ]side sessions?\b",
    ),
    Phrase(
        "a second factor",
        0.98,
        r"\b(?:two|2|multi)[- ]?factor\b|\b(?:2fa|mfa|totp|otp|passkeys?|webauthn)\b",
    ),
    Phrase("magic links", 0.98, r"\b(?:magic[- ]links?|passwordless)\b"),
    Phrase(
        "password reset",
        0.98,
        r"\b(?:reset|forgot\w*|recover\w*|change)\b.*\bpasswords?\b|"
        r"\bpasswords?[- ](?:reset|recovery|change)\b",
    ),
    Phrase(
        "e-mail",
        0.96,
        r"\b(?:send|verify|confirm)\w*\b.*\be-?mails?\b|\be-?mail (?:verification|"
        r"confirmation)\b",
    ),
    Phrase("caching", 0.96, r"\bcach(?:e|es|ed|ing)\b"),
    Phrase("pagination", 0.96, r"\bpaginat\w+\b|\bpages? of results\b"),
    Phrase(
        "a resource with its endpoints",
        0.96,
        r"\bcrud\b|\bresources?\b|\b(?:model|table) for\b",
    ),
    Phrase(
        "containers and deployment",
        0.96,
        r"\b(?:docker(?:i[sz]e|file)|deploy\w*|helm|ci/cd|github actions?|terraform)\b",
    ),
    Phrase(
        "background work",
        0.96,
        r"\b(?:celery|background (?:tasks?|jobs?)|queue|cron|schedul\w+|every (?:night|"
        r"day|hour))\b",
    ),
    Phrase(
        "metrics and tracing",
        0.96,
        r"\b(?:prometheus|metrics|tracing|opentelemetry|sentry|grafana)\b",
    ),
    Phrase("websockets", 0.97, r"\bweb ?sockets?\b|\bserver[- ]sent\b"),
    Phrase("file uploads", 0.96, r"\b(?:uploads?|s3)\b"),
    Phrase("CORS", 0.97, r"\bcors\b"),
    Phrase(
        "a change of what is there",
        0.97,
        r"\b(?:migrat\w+|switch|convert|replace|port) (?:from|away|to)\b|\bupgrade\b",
    ),
    Phrase(
        "pages for people to look at",
        0.97,
        r"\b(?:page|avatar|frontend|front-end|ui|html|css|react)\b",
    ),
    Phrase("backups", 0.97, r"\bback(?:s|ing)?[- ]?ups?\b"),
    Phrase("language models", 0.97, r"\b(?:llms?|prompts?|openai|embeddings?)\b"),
    Phrase("reading logs", 0.9, r"\blogging\b|\blogs\b"),
)

MENDING = "mending a fault"
MENDING_LOGIN = "mending a fault of the login"
_PLAIN = r"^(?!.*(?:secur|vulnerab)).*"
_OF_LOGIN = r"(?:log[- ]?ins?|sign[- ]?ins?|auth\w*|jwts?|tokens?)"
OTHER_WORK: tuple[Phrase, ...] = (
    Phrase(
        MENDING_LOGIN,
        1.0,
        rf"{_PLAIN}\b(?:fix|repair|mend|solve|resolve|debug)\b.*\b{_OF_LOGIN}\b"
        rf"|{_PLAIN}\b{_OF_LOGIN}\b.*\b(?:broken|bugs?|crash\w*|fail(?:s|ing))\b",
    ),
    Phrase(
        MENDING,
        0.99,
        r"\b(?:fix|repair|debug|solve|broken|bug|crash\w*|fail(?:s|ed|ing)|error)\b|"
        r"\breturns? (?:a )?(?:4\d\d|5\d\d)\b|\b500\b",
    ),
    Phrase(
        "taking something away",
        0.99,
        r"^\W*(?:please )?(?:remove|delete|drop|get rid of|strip)\b",
    ),
    Phrase(
        "renaming or moving",
        0.99,
        r"^\W*(?:please )?(?:rename|move|refactor|restructure|reorgani[sz]e|clean)\b.*"
        r"\b(?:endpoints?|routes?|files?|modules?|code|login|auth)\b",
    ),
    Phrase("writing tests", 0.99, r"\b(?:write|add|more)\b.*\btests?\b.*\b(?:for|of)\b"),
    Phrase("writing documentation", 0.99, r"\b(?:document|describe|write docs)\b"),
)

COOKIES = "cookie sessions"
QUESTION = "a question"
TOKENLESS = "a login without tokens"
UNWANTED = "what is not wanted"
_TOKENS_INSTEAD = (
    "a login here answers with a signed token (JWT), and keeps no session",
    "ask for `add a login endpoint` to have it; another scheme would need a recipe of its own",
)
INSTEAD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        COOKIES: _TOKENS_INSTEAD,
        TOKENLESS: _TOKENS_INSTEAD,
        QUESTION: (
            "it asks, and orders nothing to be built",
            "`fastwright survey` shows what the app has, `fastwright review` what is wrong; "
            "to have a thing built, say `add …`",
        ),
        MENDING: (
            "it names a fault that only you have seen, and mended here is only what a rule or an "
            "attack has shown",
            "`fastwright review --live` runs the app and shows faults with their proof; "
            "`fastwright review --fix` mends those that have a safe fix",
        ),
        MENDING_LOGIN: (
            "it names a fault that only you have seen, and mended here is only what a rule or an "
            "attack has shown",
            "`fastwright add jwt-auth` attacks the login that is there and says how to close each "
            "gap; `fastwright review --live --select security` tries its routes",
        ),
        UNWANTED: (
            "it says what is not wanted, and nothing that is",
            "say what shall be built",
        ),
    }
)
"""Topics that need more than *not built yet*: why not, and what there is instead."""
