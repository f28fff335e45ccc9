"""Each proof as a test that runs in the user's own environment: it fails now, and then no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files as resources
from types import MappingProxyType
from typing import Any

from fastwright.model.finding import Caller
from fastwright.review.guarding import permissions
from fastwright.review.live.credentials import PASSWORD, User
from fastwright.review.live.exchange import (
    POSED,
    SWITCHED,
    TWICE,
    UNCOMMITTED,
    Exchange,
)
from fastwright.review.live.probes.lost_update import AT_ONCE, START
from fastwright.review.live.probes.whole_table import ROWS
from fastwright.review.live.proof import Proof
from fastwright.review.live.scenery import WHO, Scenery, table_of_row
from fastwright.review.live.stage import Stage
from fastwright.review.live.values import GONE

STAGE = "review_stage.py"
_REFUSED = "assert answer.status_code in (401, 403, 404)"
_HEAD = '''"""{message}."""

from review_stage import Scene{imports}


def test_{name}() -> None:
    """{claim}."""
    with Scene() as scene:
{body}
'''
BROKEN = ("unforeseen-input", "longer-than-column", "null-into-not-null", "text-for-enum",
          "unchecked-none", "unanswerable-body")  # fmt: skip
"""Rules of values that end in a 500."""

_SHARED = ("FACTS", "forged", "longest")
"""What a test may need of the stage beside the scene."""

_CLAIMS = MappingProxyType({
    "missing-owner-filter": "Another user is answered as if the row did not exist",
    "deactivated-caller": "A token ends with its account",
    "unscoped-child": "A row is served below its own parent alone",
    "unguarded-route": "Nobody gets in without credentials",
    "missing-role-guard": "A user without the role is turned away",
    "leaked-secret-field": "No answer holds what stands for a password",
    "unverified-token": "A token that the app did not sign is refused",
    "weak-signing-secret": "A token signed with a published secret is refused",
    "unlimited-login": "Whoever tries too often is turned away",
    "user-enumeration": "An unknown user is answered as a wrong password is",
    "writable-privilege": "A caller's privilege stays what it was",
    "sql-built-string": "A quotation mark is a letter like any other",
    "unbounded-list": "A list ends, however many rows there are",
    "unlimited-page-size": "A page ends, however many rows are asked for",
    "credentials-for-any-origin": "No page of a foreign origin may call with its visitor's cookies",
    "failing-route": "A valid request of its owner does not end in an exception",
    "lost-update": "Each of many requests at the same moment counts",
    "late-commit": "Nobody is told of a success whose commit fails",
    "exception-text-to-client": "An error tells nothing of what the app is made of",
    "settings-in-answer": "No answer holds a secret setting",
    **dict.fromkeys(BROKEN, "A value that cannot be served is refused"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """Tests by file name, the proofs that no test can be written of, and those of the others."""

    files: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    proofs: Mapping[str, Proof] = field(default_factory=dict)


def tests_of(stage: Stage, proofs: Iterable[Proof]) -> Written:
    """A test for each proof whose intent is shown, and the stage that they share."""
    facts = _facts(stage)
    files: dict[str, str] = {}
    told: dict[str, Proof] = {}
    left_out: list[str] = []
    for proof in proofs:
        if not proof.is_meant:
            continue
        body = _body(stage, proof) if facts is not None and _is_told(stage, proof) else None
        name = re.sub(r"\W+", "_", f"{proof.rule}_{proof.operation}").strip("_").lower()
        if body is None:
            left_out.append(f"no test is written of: {proof.message}")
            continue
        name = _free(name, files)
        told[f"test_{name}.py"] = proof
        imports = "".join(f", {name}" for name in _SHARED if re.search(rf"\b{name}[(\[]", body))
        files[f"test_{name}.py"] = _HEAD.format(
            message=proof.message[:1].upper() + proof.message[1:], imports=imports, name=name,
            claim=_CLAIMS[proof.rule], body="\n".join(f"        {x}" for x in body.splitlines()),
        )  # fmt: skip
    if files and facts is not None:
        payload = resources("fastwright.review.live.payload").joinpath(STAGE).read_text()
        files[STAGE] = payload.replace(" = {}\n", f" = {json.loads(facts)!r}\n", 1)
    return Written(files, tuple(left_out), told)


def _is_told(stage: Stage, proof: Proof) -> bool:
    """Whether a test can be told: of rows, only where it is known whose they are."""
    of_rows = stage.people.table is None and any(one.row for one, _ in proof.shown)
    known = not of_rows or stage.user(Caller.OWNER) is None
    return proof.rule in _CLAIMS and known and not _lacks_row(stage, proof.shown[0][0])


def _lacks_row(stage: Stage, exchange: Exchange) -> bool:
    """Whether the path names a row of the lab's, which no test has, and something else is odd."""
    path, _, query = exchange.request.path.partition("?")
    if "{" not in exchange.route or not (exchange.request.body or query):
        return False
    return Scenery(stage, exchange).path.partition("?")[0] == path


def _free(name: str, files: Mapping[str, str]) -> str:
    """The name, with a number where another test has it."""
    taken = sum(re.fullmatch(rf"test_{name}(_\d+)?\.py", file) is not None for file in files)
    return f"{name}_{taken + 1}" if taken else name


def _facts(stage: Stage) -> str | None:
    """What the stage has to know of the app, as JSON; None where it cannot be told."""
    user, people = stage.user(Caller.OWNER), stage.people
    application = stage.app.app
    if application is None:
        return None
    app = {"target": application.target, "factory": application.factory}
    if user is None and not stage.company.everybody():
        return json.dumps(app)
    if user is None or not people.login or not (people.table or user.signed_up):
        return None
    name, value = user.headers[0]
    cookie = value.partition("=")[0] if name == "cookie" else ""
    owners = {
        t: [c for c in o.marks if o.table.column(c)] for t, o in stage.ownership.owned.items()
    }
    return json.dumps({
        **app,
        "sign_up": _door(stage, people.sign_up_door) if user.signed_up else None,
        "login": _door(stage, people.login), "password": PASSWORD, "cookie": cookie,
        "carry": [name, value.replace(user.token, "")] if not cookie else [name, f"{cookie}="],
        "token": people.token_key, "table": people.table.name if people.table else "",
        "key": people.key,
        "privilege": people.privilege, "login_columns": people.login_columns,
        "row": _plain_row(user, stage), "owner_columns": owners,
        "unique": {t.name: [c.name for c in t.columns if c.unique] for t in stage.app.tables},
    })  # fmt: skip


def _plain_row(user: User, stage: Stage) -> Mapping[str, Any]:
    """What a row of an account needs beside its names, where there is no sign-up."""
    if user.signed_up:
        return {}
    skip = {stage.people.key, *stage.people.login_columns}
    return {k: v for k, v in user.row.items() if k not in skip and v is not None}


def _door(stage: Stage, operation: str) -> Mapping[str, str]:
    """A login or sign-up: its path, and its body with places for the credentials."""
    person = User("x", "{email}", "{login}")
    request = stage.people.request(operation, person, "{password}")
    body = request.body.decode().replace("%7B", "{").replace("%7D", "}")
    return {"path": request.path, "body": body,
            "type": dict(request.headers).get("content-type", "application/json")}  # fmt: skip


def _body(stage: Stage, proof: Proof) -> str | None:
    """The steps of one test; None where they cannot be told without this examination.

    Where nobody is known to the app, whoever called called as nobody.
    """
    if stage.user(Caller.OWNER) is None:
        shown = [(replace(one, caller=Caller.ANONYMOUS), what) for one, what in proof.shown]
        proof = replace(proof, shown=tuple(shown))
    exchange = proof.shown[0][0]
    return _of_its_own(stage, proof, exchange) or _of_one_call(stage, proof, exchange)


def _of_its_own(stage: Stage, proof: Proof, exchange: Exchange) -> str | None:
    """The steps of what a single call would not show; None for all else."""
    if proof.rule in ("unlimited-login", "user-enumeration"):
        return _tries(proof.rule)
    if exchange.staging.startswith((POSED, SWITCHED)):
        return _posing(exchange, _verdict(proof))
    if proof.rule in ("unbounded-list", "unlimited-page-size") and exchange.worked:
        return _listing(stage, exchange)
    if proof.rule == "credentials-for-any-origin":
        return _from_outside(exchange)
    return _at_once(stage, proof, exchange) if proof.rule == "lost-update" else None


def _of_one_call(stage: Stage, proof: Proof, exchange: Exchange) -> str | None:
    scenery = Scenery(stage, exchange)
    lines, path = _set_up(stage, exchange, scenery)
    who = WHO.get(exchange.caller)
    call = f'answer = scene.send("{exchange.method}", {path}{f", {who}" if who else ""}'
    verdict = _privilege(stage, who) if proof.rule == "writable-privilege" else _verdict(proof)
    verdict = scenery.kept(exchange, proof.forbidden) if exchange.place else verdict
    sent: tuple[str, ...] = (f"{call}{scenery.content(exchange) or _content(exchange)})",)
    if exchange.staging == UNCOMMITTED:
        sent = ("with scene.failing_commits():", *(f"    {line}" for line in sent))
    elif exchange.staging == TWICE:
        sent *= 2
    return "\n".join((*lines, *sent, *verdict)) if verdict else None


def _verdict(proof: Proof) -> tuple[str, ...]:
    if proof.rule == "leaked-secret-field":
        worked = "assert answer.status_code < 300"
        return worked, f"assert {proof.forbidden!r} not in answer.text"
    if proof.rule in ("exception-text-to-client", "settings-in-answer"):
        return (f"assert {proof.forbidden!r} not in answer.text",)
    if proof.rule == "failing-route":  # 501 says that it is not there, as the rule's repair does
        return ("assert answer.status_code != 500",)
    if proof.rule in ("sql-built-string", "unlimited-page-size", *BROKEN):
        return ("assert answer.status_code < 500",)
    if proof.rule == "late-commit":
        return ("assert answer.status_code >= 500",)
    return (_REFUSED,)


def _privilege(stage: Stage, who: str | None) -> tuple[str, ...]:
    """The row of who called is what it was; empty for somebody who has none."""
    column, table, key = stage.people.privilege, stage.people.table, stage.people.key
    if who is None or table is None:
        return ()
    return (
        f'after = scene.found("{table.name}", {{"{key}": {who}["row"]["{key}"]}})',
        f'assert after["{column}"] == {who}["row"]["{column}"]',
    )


def _listing(stage: Stage, exchange: Exchange) -> str | None:
    """A list called on more rows than a page holds; None where rows are below others' rows."""
    name, people = table_of_row(stage, exchange.row), stage.people.table
    table = stage.app.table(name) if name else None
    if table is None or people is None:
        return None
    above = {(c.foreign_key or "").partition(".")[0] for c in table.columns if c.foreign_key}
    if above - {people.name}:
        return None
    keys = {c.name for c in table.columns if c.primary_key}
    values = {k: v for k, v in exchange.row.items() if k not in keys and v is not None}
    return (
        f'owner = scene.user("owner"{_role(stage, exchange)})\n'
        f'scene.rows("{name}", {values!r}, owner, {ROWS})\n'
        f'answer = scene.send("GET", "{exchange.request.path}", owner)\n'
        f"assert answer.status_code == 422 or longest(answer) < {ROWS}"
    )


def _from_outside(exchange: Exchange) -> str:
    """A call from the foreign origin that was allowed."""
    origin = dict(exchange.request.headers)["origin"]
    return (
        f'headers = {{"origin": "{origin}"}}\n'
        f'answer = scene.send("{exchange.method}", "{exchange.request.path}", headers=headers)\n'
        'allowed = answer.headers.get("access-control-allow-origin") == headers["origin"]\n'
        'told = answer.headers.get("access-control-allow-credentials")\n'
        'assert not (allowed and told == "true")'
    )


def _at_once(stage: Stage, proof: Proof, exchange: Exchange) -> str | None:
    """One call, which says how far the number moves, and many of them at the same moment."""
    table, _, column = proof.subject.rpartition(":")[2].partition(".")
    people, scenery = stage.people, Scenery(stage, exchange)
    lines, path = _set_up(stage, exchange, scenery)
    is_own = people.table is not None and table == people.table.name
    row = "owner['row']" if is_own else "row" if exchange.row else ""
    who = WHO.get(exchange.caller)
    if not row or (is_own and not who):
        return None
    call = f'"{exchange.method}", {path}{f", {who}" if who else ""}{_content(exchange)}'
    return "\n".join((
        *lines,
        f'number = scene.number("{table}", {row}, "{column}")',
        f"number.change({START})",
        f"answer = scene.send({call})",
        "assert answer.status_code < 300",
        f"before, step = number.now, number.now - {START}",
        f'answers = scene.together({AT_ONCE}, "{table}", {call})',
        "served = sum(answer.status_code < 300 for answer in answers)",
        "assert number.now - before == step * served",
    ))  # fmt: skip


def _set_up(stage: Stage, exchange: Exchange, scenery: Scenery) -> tuple[list[str], str]:
    """Lines that make users and rows, and the path as an expression."""
    names = scenery.users | ({WHO[exchange.caller]} if exchange.caller in WHO else set())
    names |= {"owner"} if exchange.row and stage.user(Caller.OWNER) else set()
    role = _role(stage, exchange)
    lines = [f'{name} = scene.user("{name}"{role})' for name in sorted(names, reverse=True)]
    path = scenery.path
    return [*lines, *scenery.rows], _shortened(f'f"{path}"' if "{" in path else json.dumps(path))


def _role(stage: Stage, exchange: Exchange) -> str:
    """The role that the route demands of those who are no lower role, as an argument."""
    route, column = stage.routes.get(exchange.route), stage.people.privilege
    if route is None or column is None or not stage.staff or not permissions(route):
        return ""
    return f", role={stage.people.granted!r}"


def _content(exchange: Exchange) -> str:
    """Body and headers of a request as keyword arguments."""
    headers = exchange.own_headers
    told = ", ".join(f"{json.dumps(name)}: {_header(value)}" for name, value in headers)
    body = exchange.request.body
    try:
        content = repr(body.decode())
    except UnicodeDecodeError:
        content = repr(body)
    given = f", content={_shortened(content)}" if body else ""
    return given + (f", headers={{{told}}}" if told else "")


def _header(value: str) -> str:
    """A value as a client sends it: ASCII as text, all else as bytes."""
    return _shortened(json.dumps(value) if value.isascii() else repr(value.encode("latin-1")))


def _shortened(literal: str) -> str:
    """A literal whose runs of one letter stand as a product."""
    mark, end = literal[: 1 + literal.startswith(("f", "b"))], literal[-1]
    kind = "b" if mark.startswith("b") else ""
    return re.sub(
        r"([\w\[\]])\1{80,}",
        lambda run: f'{end} + {kind}"{run[1]}" * {len(run[0])} + {mark}',
        literal,
    )


def _tries(rule: str) -> str:
    if rule == "unlimited-login":
        return (
            'other = scene.user("other")\n'
            "answers = [scene.post(FACTS['login'], other, f'wrong-{n}') for n in range(30)]\n"
            "assert {a.status_code for a in answers} & {403, 423, 429}"
        )
    return (
        'other = scene.user("other")\n'
        "nobody = {'email': 'nobody@example.com', 'login': 'nobody'}\n"
        "known = scene.post(FACTS['login'], other, 'wrong-password')\n"
        "unknown = scene.post(FACTS['login'], nobody, 'wrong-password')\n"
        "assert (known.status_code, known.text) == (unknown.status_code, unknown.text)"
    )


def _switched(exchange: Exchange) -> str | None:
    """A call with a token whose account has been switched off; None where the column is a time."""
    column, _, value = exchange.staging.removeprefix(SWITCHED).partition("=")
    if value not in ("True", "False"):
        return None
    return "\n".join((
        'owner = scene.user("owner")',
        f'assert scene.send("{exchange.method}", "{exchange.request.path}", owner).is_success',
        f'scene.change(FACTS["table"], owner["row"], {{"{column}": {value}}})',
        f'answer = scene.send("{exchange.method}", "{exchange.request.path}", owner)',
        "assert answer.status_code in (400, 401, 403, 404)",
    ))  # fmt: skip


def _posing(exchange: Exchange, verdict: Iterable[str]) -> str | None:
    """A call with a false token in place of the owner's, or with one that should hold no more."""
    if exchange.staging.startswith(SWITCHED):
        return _switched(exchange)
    gone = exchange.staging == GONE
    return "\n".join((
        'owner = scene.user("owner")',
        *(['scene.remove(FACTS["table"], owner["row"])'] if gone else []),
        f"false = {_false(exchange.staging)}",
        'headers = {k: v.replace(owner["token"], false) for k, v in owner["headers"].items()}',
        f'answer = scene.send("{exchange.method}", "{exchange.request.path}", headers=headers)',
        *verdict,
    ))  # fmt: skip


def _false(staging: str) -> str:
    """The expression of a token that does not hold, by what is wrong with it."""
    if staging == GONE:
        return 'owner["token"]'
    if "is none" in staging:
        return '"x.y.z"'
    if "expired" in staging:
        return "scene.expired(owner)"
    found = re.search(r"signed with `([^`]*)`", staging)
    foreign = b"nobody has agreed on it" if "foreign key" in staging else None
    return f'forged(owner["token"], {found[1].encode() if found else foreign!r})'
