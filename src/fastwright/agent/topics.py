"""What is asked for and not built, or must not be done: recognised, and refused by its name."""

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
_OF_LOGIN = r"(?:log[- ]?ins?|sign[- ]?ins?|auth\w*|jwts?|tokens?)"
OTHER_WORK: tuple[Phrase, ...] = (
    Phrase(
        MENDING_LOGIN,
        1.0,
        rf"^(?!.*(?:secur|vulnerab)).*\b(?:fix|repair|mend|solve|resolve|debug)\b.*\b{_OF_LOGIN}\b"
        rf"|^(?!.*(?:secur|vulnerab)).*\b{_OF_LOGIN}\b.*\b(?:broken|bugs?|crash\w*|fail(?:s|ing))\b",
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

DANGEROUS: tuple[Phrase, ...] = (
    Phrase(
        "anybody could be anybody",
        1.0,
        r"\b(?:without (?:a |any |the )?passwords?|any passwords?|(?:skip|ignore|bypass|no)"
        r"(?: the| a| any)? passwords?(?: check\w*)?)\b"
        r"|\b(?:without|not|don'?t|doesn'?t|never|skip) (?:check|verify|validat|compar)\w*"
        r" (?:\w+ ){0,3}(?:passwords?|credentials)\b"
        r"|\baccept(?:s|ing)? (?:any|every|all)(?:one|body| users?| user ?names?| credentials"
        r"| logins?| tokens?| e-?mails?)\b",
    ),
    Phrase(
        "the secret would be known to whoever reads the code",
        1.0,
        r"\bsecret\w*\b[^.;]*\bin (?:the )?(?:code|source|repo\w*|git)\b"
        r"|\bsecret(?: key)? (?:to |be |=\s*)?['\"]|\badmin[/:]admin\b",
    ),
    Phrase(
        "passwords or tokens would be written to the log",
        1.0,
        r"\b(?:log|print|record|dump|trace)\b(?! in\b)[^.;]*\b(?:passwords?|credentials|"
        r"secrets?|tokens?)\b",
    ),
    Phrase(
        "a limit that stops guessing would be gone",
        1.0,
        r"\b(?:disable|remove|turn off|switch off|drop|bypass|without)\b[^.;]*"
        r"\b(?:rate[- ]?limit\w*|throttl\w*|limiter)\b",
    ),
    Phrase(
        "passwords would be readable to whoever sees the table",
        1.0,
        r"\b(?:plain[- ]?text|clear[- ]?text|unhashed|reversib\w+)\b|\bplain text\b|"
        r"\b(?:md5|sha-?1|base64)\b",
    ),
    Phrase(
        "one password would open every account",
        1.0,
        r"\b(?:master|universal|backdoor|back door|default) (?:password|login|account|"
        r"token)\b|\bback ?door\b",
    ),
    Phrase(
        "anyone could write a token",
        1.0,
        r"\balg\w*\W+(?:to )?['\"]?none\b|\bunsigned (?:jwts?|tokens?)\b"
        r"|\b(?:skip|disable|ignore|without|no|turn off)\b[^.;]*\bsignatures?\b"
        r"|\b(?:skip|disable|ignore|without|no|turn off)\s+(?:(?:the|any|all|jwt|token|password"
        r"|credentials?|user|login|its|their)\s+)*(?:verif\w+|validation|validating)\b",
    ),
    Phrase(
        "a stolen token would work for ever",
        1.0,
        r"\b(?:never|don'?t|doesn'?t|does not|do not|not|won'?t) (?:ever )?expir(?:es?|ing)\b"
        r"|\b(?:valid|good|lives?|lasts?|lasting) for ?ever\b|\beternal\b"
        r"|\bno expir\w+\b|\bwithout (?:an )?expir\w+\b|\bnon-?expiring\b",
    ),
    Phrase(
        "routes would stand open",
        1.0,
        r"\b(?:disable|turn off|switch off|bypass|skip|remove|deactivate)\b[^.;]*"
        r"\b(?:auth\w*|security|permission\w*|guards?|csrf|https|tls|ssl)\b",
    ),
    Phrase(
        "the secret would be in the repository",
        1.0,
        r"\b(?:hard[- ]?cod\w+|commit|embed)\b[^.;]*\b(?:secret\w*|keys?|passwords?|"
        r"credentials)\b",
    ),
    Phrase(
        "secrets would be shown to whoever asks",
        1.0,
        r"\b(?:show|return|expose|list|dump|print)\w*\b[^.;]*"
        r"\b(?:environment variables?|env vars?|secrets?|password hash\w*|all passwords|"
        r"secret keys?)\b",
    ),
    Phrase(
        "what is kept would be lost",
        1.0,
        r"\b(?:drop|truncate|wipe|delete)\b[^.;]*\b(?:database|all (?:tables?|users?)|"
        r"prod\w*)\b",
    ),
)
"""Wishes that make an app worse on purpose; the topic is what would come of it."""

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
