"""What must not be built, however it is asked for: recognised, and refused by its name."""

from __future__ import annotations

from fastwright.agent.phrases import Phrase

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
