"""A review as SARIF 2.1.0, as GitHub's code scanning takes it."""

from __future__ import annotations

import json
import re
from typing import Any

from fastwright.model.finding import Severity
from fastwright.model.review import LEAST_RIGHT, Card, Fault, Objection, Review

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = ((Severity.HIGH, "error"), (Severity.MEDIUM, "warning"), (Severity.LOW, "note"))
_SCORES = ((Severity.HIGH, "8.0"), (Severity.MEDIUM, "5.5"), (Severity.LOW, "3.0"))
_PRECISIONS = (("very-high", 0.95), ("high", LEAST_RIGHT), ("medium", 0.6))
_MOST = 5000
"""Results that GitHub takes of one run; the gravest stand first."""


def render(review: Review) -> str:
    """`review` as one SARIF document, ending in a newline."""
    told = review.objections[:_MOST]
    ids = {card.name: number for number, card in enumerate(review.cards)}
    run = {
        "tool": {"driver": _driver(review)},
        "automationDetails": {"id": "fastwright/"},
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the root of the repository"}}},
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(fault) for fault in review.faults],
            }
        ],
        "results": [_result(one, ids.get(one.rule)) for one in told],
    }
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _driver(review: Review) -> dict[str, Any]:
    version = {"semanticVersion": review.version} if review.version else {}
    return {"name": "fastwright", **version, "rules": [_rule(card) for card in review.cards]}


def _rule(card: Card) -> dict[str, Any]:
    summary = card.doc.partition("\n")[0]
    security = {"security-severity": dict(_SCORES)[card.severity]}
    weaknesses = sorted(set(re.findall(r"CWE-(\d+)", card.doc)), key=int)
    return {
        "id": card.code,
        "name": card.name,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": summary},
        "help": {"text": card.doc, "markdown": card.doc},
        "defaultConfiguration": {"level": dict(_LEVELS)[card.severity]},
        "properties": {
            "tags": [card.area, *(f"external/cwe/cwe-{number}" for number in weaknesses)],
            "precision": _precision(card),
            **(security if card.area == "security" else {}),
        },
    }


def _precision(card: Card) -> str:
    """What part of a rule's findings was right, in GitHub's words."""
    part = card.record.part
    return next((word for word, least in _PRECISIONS if part >= least), "low")


def _result(one: Objection, index: int | None) -> dict[str, Any]:
    seen = "".join(f"\n{evidence.text}" for evidence in one.finding.evidence)
    return {
        "ruleId": one.code,
        **({"ruleIndex": index} if index is not None else {}),
        "level": dict(_LEVELS)[one.severity],
        "message": {"text": f"{one.finding.message}{seen}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(one.path), "uriBaseId": "SRCROOT"},
                    "region": {
                        "startLine": one.at.line,
                        "startColumn": one.at.column,
                        "endLine": one.end.line,
                        "endColumn": one.end.column,
                    },
                },
                **_logical(one),
            }
        ],
        "relatedLocations": [_related(number, at) for number, at in enumerate(one.related, 1)],
        "partialFingerprints": {"fastwright/v1": one.fingerprint},
        "properties": {"grade": one.grade.value, "rule": one.rule},
    }


def _logical(one: Objection) -> dict[str, Any]:
    symbol = one.finding.symbol
    return {"logicalLocations": [{"fullyQualifiedName": symbol}]} if symbol else {}


def _related(number: int, at: str) -> dict[str, Any]:
    path, _, line = at.rpartition(":")
    return {
        "id": number,
        "message": {"text": "beside it"},
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(path), "uriBaseId": "SRCROOT"},
            "region": {"startLine": int(line)},
        },
    }


def _uri(path: str) -> str:
    from urllib.parse import quote  # noqa: PLC0415 - one function of a large module

    return quote(path)


def _notification(fault: Fault) -> dict[str, Any]:
    text = f"rule {fault.rule} did not run to its end: {fault.because} ({fault.where})"
    return {"level": "error", "message": {"text": text}}
