"""FW526 open-mail-relay."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fastwright.model.app import AppMap, Route
from fastwright.model.code import Call
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.guarding import WRITES, guarding_of
from fastwright.review.reach import last, reach
from fastwright.review.rule import rule
from fastwright.review.sent_values import Sent, Way, given_by, sent, ways

NAME = "open-mail-relay"
_SENDS = re.compile(r"(?i)^_?(send|deliver|queue)_?\w*(mail|message|email)\w*$|^send_?mail$")
_BUILDS = re.compile(r"^(MessageSchema|Mail|EmailMultiAlternatives|EmailMessage)$")
_VERBS = re.compile(
    r"(?i)send|mail|post|request|deliver|publish|queue|delay|apply_async|_task$|put|push|dispatch|"
    r"notif|emit|run|call"
)
_CARRIERS = re.compile(
    r"(?i)smtp|mail|httpx|requests|aiohttp|urllib|boto|resend|sendgrid|postmark|brevo|subprocess"
)
"""What a call is named that may send something, or have it sent, and the packages for it."""
_LATER = frozenset({"add_task", "delay", "apply_async", "enqueue", "create_task"})
_TO = re.compile(
    r"(?i)^(e?mail_?)?(to|recipients?|receivers?)(_?(e?mails?|addrs?|address(es)?))?$|"
    r"^e?mail(_?address)?$"
)
_TEXT = re.compile(r"(?i)(^|_)(text|body|content|html|message|msg|plain)($|_)")
_WORDS = re.compile(r"(?i)(text|body|content|html|message|msg|note|comment|subject|title)$")
_FREE = re.compile(r"(Optional\[)?str\]?( *\| *None)?")


@rule(code="FW526", severity=Severity.HIGH)
def open_mail_relay(app: AppMap) -> Iterator[Finding]:
    """A route that mails what strangers write to whom they name.

    ## Why is this bad?
    The mail comes from the app's own domain, and passes every filter: a letter in the name of the
    shop, with a link to somewhere else, to a million addresses. The domain is blocked soon after
    (CWE-441, CWE-451; OWASP API6:2023, unrestricted access to sensitive business flows).

    ## Example
    ```python
    import smtplib


    class Letter(BaseModel):
        to: str
        text: str


    def send_mail(to: str, text: str) -> None:
        smtplib.SMTP("localhost").sendmail("shop@example.com", to, text)


    @app.post("/mails")
    def mail(letter: Letter) -> None:
        send_mail(letter.to, letter.text)
    ```

    Use instead:
    ```python
    import smtplib


    class Letter(BaseModel):
        text: str


    def send_mail(to: str, text: str) -> None:
        smtplib.SMTP("localhost").sendmail("shop@example.com", to, text)


    @app.post("/mails")
    def mail(letter: Letter) -> None:
        send_mail("help@example.com", letter.text)
    ```

    ## Fix safety
    There is no fix to apply: whom the mail is for, or who may write it, is a decision.

    ## Known limits
    A call sends mail by its name, or by the class of the message that it builds; address and text
    are known by the names of its parameters. A route that demands anybody in particular is only a
    possible finding: an invitation may have words of one's own; so is a function of ours that is
    named like a mailer, and below which nothing is called that could send.
    """
    told: set[str] = set()
    for route in guarding_of(app).served:
        for way in ways(app, route) if route.method in WRITES else ():
            for call in reach(app).calls_in(way.function):
                found = _relayed(app, way, call)
                if found is not None and route.handler not in told:
                    told.add(route.handler)
                    yield _finding(app, route, call, found)


def _relayed(app: AppMap, way: Way, call: Call) -> tuple[str, str] | None:
    """The address and the text of the client's that a call mails; None where either is ours."""
    given = _given(app, call)
    whom = _first(app, way, given, _TO)
    what = _first(app, way, given, _TEXT) if whom else ""
    return (whom, what) if what and what != whom else None


def _given(app: AppMap, call: Call) -> Mapping[str, str]:
    """What a call that mails is given, by the names of its parameters; nothing for other calls."""
    name = last(call.text)
    if name in _LATER:
        return _given_later(app, call)
    if not (_SENDS.match(name) or _BUILDS.match(name)):
        return {}
    function = reach(app).callee(call)
    return given_by(function, call) if function is not None else dict(call.keywords)


def _given_later(app: AppMap, call: Call) -> Mapping[str, str]:
    """The same of a function that is handed to a task: ``tasks.add_task(send_mail, to, text)``."""
    name = call.text.rpartition(".")[0] if last(call.text) == "delay" else (*call.arguments, "")[0]
    if not _SENDS.match(last(name)):
        return {}
    functions = [f for f in app.functions if last(f.name) == last(name)]
    rest = call.arguments if last(call.text) == "delay" else call.arguments[1:]
    names = functions[0].parameters if len(functions) == 1 else ()
    return {**dict(zip(names, rest, strict=False)), **dict(call.keywords)}


def _first(app: AppMap, way: Way, given: Mapping[str, str], wanted: re.Pattern[str]) -> str:
    """The first value of the client's that is given as `wanted`, as the route calls it.

    A text is one by its own name too: a name that a greeting holds is none.
    """
    for name, value in given.items():
        if not wanted.search(name):
            continue
        for written in re.findall(r"(?<![\w.\"'])[a-z_]\w*(?:\.\w+)?(?![\w.(\"'])", value):
            one = sent(app, way, written)
            if one is not None and (wanted is _TO or _is_free(one)):
                return one.name
    return ""


def _is_free(one: Sent) -> bool:
    """Whether the client writes what it likes."""
    return bool(_FREE.fullmatch(one.type) and _WORDS.search(one.name))


def _finding(app: AppMap, route: Route, call: Call, found: tuple[str, str]) -> Finding:
    whom, what = found
    is_known = guarding_of(app).is_guarded(route) or guarding_of(app).is_unsure(route)
    return Finding(
        NAME,
        call.span,
        f"`{route}` mails the `{what}` of whoever calls to any `{whom}`",
        evidence=(Evidence(EvidenceKind.SOURCE, " ".join(app.text(call.span).split())),),
        symbol=route.handler,
        structural=not is_known and not _keeps_it(app, call),
    )


def _keeps_it(app: AppMap, call: Call) -> bool:
    """Whether what is called is of ours, and calls nothing that could send anything."""
    function = reach(app).callee(call)
    if function is None or last(call.text) in _LATER:
        return False
    return not any(_carries(app, step.call) for step in reach(app).below(function))


def _carries(app: AppMap, call: Call) -> bool:
    """Whether a call may send something; of what is ours, only what is left to a subclass."""
    inner, name = reach(app).callee(call), last(call.text)
    if inner is not None and "abstractmethod" not in map(last, inner.decorators):
        return False
    is_ours = any((call.callee or "").startswith(f"{module}.") for module in app.modules if module)
    by = call.callee or re.sub(r"\(.*?\)", "", call.text, flags=re.DOTALL)
    is_carrier = not is_ours and _CARRIERS.search(by) is not None
    return is_carrier or bool(_VERBS.search(name) and not name[:1].isupper())
