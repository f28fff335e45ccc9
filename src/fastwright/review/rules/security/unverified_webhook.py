"""FW519 unverified-webhook."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.model.routing import Route
from fastwright.review.guarding import guarding_of
from fastwright.review.intent import Intent
from fastwright.review.reach import Reach, reach
from fastwright.review.rule import rule
from fastwright.review.switched_off import switch_before
from fastwright.review.uncommented import uncommented

NAME = "unverified-webhook"
_HOOK = re.compile(
    r"web_?-?hooks?\b|(stripe|github|paypal|slack|twilio|sendgrid|shopify|mailgun)[\w/-]*"
    r"(callback|events?|notif|ipn|hook)|\bipn\b|"
    r"\b(ali|wechat_?)?pay(ments?)?[\w/-]*\b(notify|notifications?|postback)\b",
    re.IGNORECASE,
)
_MANAGES = re.compile(r"^(create|add|update|edit|register|list|delete|test|resend|send|mark)_")
_PROOF = re.compile(
    r"hmac|signature|verif|construct_?event|compare_digest|secret|token|webhook_?(event|auth)|"
    r"validat|authentic|authoriz|svix|sign|check|allow",
    re.IGNORECASE,
)
_STRICT_PROOF = re.compile(
    r"(?i)hmac|signature|verif|construct_?event|compare_digest|webhook_?auth|svix|authentic|secret"
)
_VERIFIES = re.compile(r"(?i)verif|signature|check|valid|strict|require")
"""A switch for the check itself: any other may choose a sandbox, where nothing is paid."""
_LOGS = re.compile(r"(?i)(^|[._])log(ger|ging)?\.\w+$|^print$")
_READS = re.compile(r"^(request\.(json|body|form)|json\.loads|str|len|dict|[\w.]+\.get)$")
_KEEPS = re.compile(r"\]\s*[-+|]?=(?!=)|\w\.\w+\s*[-+|]?=(?!=)")
"""``ORDERS[number] = state`` and ``order.state = state``."""

_WHERE_SENT = re.compile(
    r"\bif (?P<name>\w*(?:sign|hmac|secret|token|digest)\w*)(?: is not None)?"
    r"(?: and |:\s+(?:\w+ = [^\n]*\n\s+)?if )"
    r"(?:not [^\n]*(?:compare_digest|verif|valid|check)|[^\n]*!=)",
    re.IGNORECASE,
)
"""``if signature and not compare_digest(…)``, and the same as two tests."""


@rule(code="FW519", severity=Severity.HIGH)
def unverified_webhook(app: AppMap) -> Iterator[Finding]:
    """A webhook that believes whoever calls it.

    ## Why is this bad?
    The address of a webhook is no secret. Without a check of the sender's signature anybody can
    report that an order has been paid (OWASP API10:2023, unsafe consumption of APIs; CWE-345).

    ## Example
    ```python
    class Event(BaseModel):
        kind: str
        item_id: int


    @app.post("/webhooks/payments")
    def payment(event: Event, session: SessionDep) -> None:
        session.execute(update(Item).where(Item.id == event.item_id).values(title="paid"))
    ```

    Use instead:
    ```python
    import hashlib
    import hmac
    import os


    class Event(BaseModel):
        kind: str
        item_id: int


    @app.post("/webhooks/payments")
    def payment(body: Annotated[bytes, Body()], x_signature: Annotated[str, Header()]) -> None:
        key = os.environ["WEBHOOK_KEY"].encode()
        if not hmac.compare_digest(hmac.new(key, body, hashlib.sha256).hexdigest(), x_signature):
            raise HTTPException(401)
        Event.model_validate_json(body)
    ```

    ## Fix safety
    There is none to apply: how the sender signs, and with which secret, is theirs to say.

    ## Known limits
    Webhooks are known by their paths and names, a check by the names of what they take and reach.
    One whose handler does no more than write to the log is only possible. A check is
    skipped by whoever sends none where it stands behind `if signature and …` in the handler, and
    nothing there asks whether there is one. A check under a setting whose default leaves it out is
    only possible, unless the setting is named for the check: it may choose a sandbox.
    """
    guarding, reached, intent = guarding_of(app), reach(app), Intent.read(app)
    for route in guarding.served:
        if route.span is None or intent.is_public(route) or not _is_hook(route):
            continue
        optional = _only_where_sent(app, route, reached)
        if optional:
            yield _of_optional(route, optional)
            continue
        switched = () if route.guards else tuple(_where_switched_on(app, route, reached))
        if switched and not guarding.by_middleware:
            yield from switched
            continue
        if guarding.is_guarded(route) or guarding.by_middleware or _is_proved(app, route, reached):
            continue
        seen = "nothing that it takes or reaches speaks of a signature, a secret or a check"
        yield Finding(
            NAME,
            route.span,
            f"`{route}` does not check who sent the event",
            evidence=(Evidence(EvidenceKind.SOURCE, seen),),
            symbol=route.handler,
            structural=not _only_logs(app, route, reached),
        )


def _only_logs(app: AppMap, route: Route, reached: Reach) -> bool:
    """True where the handler believes nothing: it reads what is sent, and logs it."""
    handler = reached.answering(route)
    calls = [call.text for call in reached.calls_in(handler)] if handler is not None else []
    text = uncommented(app, handler) if handler is not None else ""
    logged = [name for name in calls if _LOGS.search(name)]
    read = all(_LOGS.search(name) or _READS.search(name) for name in calls)
    return bool(logged) and read and not _KEEPS.search(text.partition(":\n")[2])


def _only_where_sent(app: AppMap, route: Route, reached: Reach) -> str:
    """The name of a signature that is compared where it is sent, and not missed where it is not."""
    handler = reached.answering(route)
    text = uncommented(app, handler) if handler is not None else ""
    for found in _WHERE_SENT.finditer(text):
        name = found["name"]
        missed = rf"\bnot {name}\b|\b{name} is None\b|\b{name} (?:==|in) |\belse:"
        is_sent = any(p.name == name and p.source == "header" and not p.required
                      for p in route.parameters)  # fmt: skip
        is_read = re.search(rf"\b{name}\s*=\s*\w+\.headers\.get\([^,()]*\)", text)
        if (is_sent or is_read) and not re.search(missed, text):
            return name
    return ""


def _of_optional(route: Route, name: str) -> Finding:
    assert route.span is not None
    seen = f"`{name}` is compared only where it is there, and nothing asks whether it is"
    return Finding(
        NAME,
        route.span,
        f"`{route}` believes an event without a signature: it checks one where it is sent",
        evidence=(Evidence(EvidenceKind.SOURCE, seen),),
        symbol=route.handler,
        structural=True,
    )


def _where_switched_on(app: AppMap, route: Route, reached: Reach) -> Iterator[Finding]:
    """A check that each way to leads through a setting which is off by default."""
    steps = [step for root in reached.roots(route) for step in reached.below(root)]
    proofs = [step for step in steps if _STRICT_PROOF.search(step.call.text)]
    switches = [switch_before(app, step) for step in proofs]
    named = [p.name for p in route.parameters] + [n.call for n in route.every_dependency()]
    if (
        route.span is None
        or not switches
        or None in switches
        or any(map(_STRICT_PROOF.search, named))
    ):
        return
    name = next(s.name for s in switches if s is not None)
    yield Finding(
        NAME,
        route.span,
        f"`{route}` checks who sent the event only where `{name}` is set to do so",
        evidence=(Evidence(EvidenceKind.SOURCE, f"by its default `{name}` leaves the check out"),),
        related=(proofs[0].call.span,),
        symbol=route.handler,
        structural=_VERIFIES.search(name) is not None,
    )


def _is_hook(route: Route) -> bool:
    name = route.handler.rpartition(".")[2]
    manages = bool(_MANAGES.search(name)) or "{" in route.path.rpartition("hook")[2]
    return route.method == "POST" and bool(_HOOK.search(route.path)) and not manages


def _is_proved(app: AppMap, route: Route, reached: Reach) -> bool:
    """Whether anything on the way could be a check of the sender."""
    named = [p.name for p in route.parameters] + [n.call for n in route.every_dependency()]
    for root in reached.roots(route):
        named += [s.call.text for s in reached.below(root)]
    text = app.text(route.span) if route.span is not None else ""
    named += re.findall(r"headers|cookies|client\.host|secrets?\b|token", text)
    return any(_PROOF.search(name) or name in ("headers", "client.host") for name in named)
