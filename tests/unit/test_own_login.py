"""An app that has a login of its own: the attacks are run on it, and its gaps are told."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from rich.console import Console

from fastwright.agent import closing
from fastwright.agent.closing import Gap
from fastwright.agent.engineer import Engineer
from fastwright.agent.person import Wishes
from fastwright.cli.screen import Screen
from fastwright.model.app import Setting
from fastwright.model.plan import Presence, State
from fastwright.model.proof import Check, Outcome, Proof, Report, Verdict
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.report import markdown
from fastwright.report.terminal import Terminal
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, python_of

GOOD = (REPOSITORY / "tests/apps/attacked/main.py").read_text()
NESTED = {
    "def login(\n    request: Request, db: DB, username: Annotated[str, Form()], "
    "password: Annotated[str, Form()]\n) -> dict[str, str]:\n"
    "    return log_in(request, db, username, password)\n": "",
    '@app.post("/login")\n': "",
    '@app.post("/sessions")\ndef open_session(request: Request, db: DB, wanted: Credentials) -> '
    "dict[str, str]:\n    return log_in(request, db, wanted.email, wanted.password)\n": (
        '@app.post("/users/login")\n'
        "def open_session(request: Request, db: DB, user: Annotated[Credentials, "
        "Body(embed=True)]) -> dict[str, dict[str, str]]:\n"
        "    found = log_in(request, db, user.email, user.password)\n"
        '    return {"user": {"email": user.email, "token": found["access_token"]}}\n'
    ),
    'bearer = OAuth2PasswordBearer(tokenUrl="login")\n': (
        "from fastapi.security import APIKeyHeader\n"
        'scheme = APIKeyHeader(name="Authorization")\n\n\n'
        "def bearer(header: Annotated[str, Depends(scheme)]) -> str:\n"
        '    return header.removeprefix("Token ")\n'
    ),
}
"""The same login by nested JSON, with the token in a nested answer and behind `Token`."""

UNLIMITED = {" or by_account.wait(digest(email.lower()))": ""}
TELLING = {
    "    return user if user and matches else None\n": (
        "    if user is None:\n        raise HTTPException(404, 'No such user')\n"
        "    return user if matches else None\n"
    )
}


def report_of(folder: Path, *faults: dict[str, str]) -> Report:
    """What asking for a login comes to, in the good app with `faults` planted."""
    text = GOOD
    for old, new in (pair for fault in faults for pair in fault.items()):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "main.py").write_text(text)
    screen = Screen(Console(quiet=True), yes=True, quiet=True)
    wishes = Wishes(python=python_of("newest"))
    return Engineer(folder, screen, wishes).add("jwt-auth")


def verdicts(report: Report) -> dict[str, Verdict]:
    """The verdict of each attack."""
    assert report.proof is not None
    return {check.gate: check.verdict for check in report.proof.checks}


@pytest.mark.parametrize("shape", [{}, NESTED], ids=["form", "nested-json"])
def test_a_good_login_withstands_what_fits_it(tmp_path: Path, shape: dict[str, str]) -> None:
    """Its shape is found, and every attack that fits it is run; the others say why not."""
    report = report_of(tmp_path, shape)
    found = verdicts(report)
    assert report.outcome is Outcome.ALREADY_THERE
    assert Verdict.FAILED not in found.values(), report.proof
    skipped = {name for name, verdict in found.items() if verdict is Verdict.SKIPPED}
    assert skipped == ({"refresh-reuse"} if shape else set())
    assert report.presence is not None
    assert report.presence.gaps == ("`APP_SECRET` has a default in the source",)
    assert bool(skipped) == any("no operation renews a login" in line for line in report.not_done)
    assert report.changes is None


def test_of_two_tokens_that_a_login_signs_the_carried_one_is_forged(tmp_path: Path) -> None:
    """A refresh token that is signed after the access token does not stand in its place."""
    text = (
        '    return {"access_token": access_token(user), "refresh_token": fresh, '
        '"token_type": "bearer"}\n\n\n@app.post("/login")'
    )
    signed = text.replace("fresh,", 'jwt.encode({"sub": fresh}, SECRET + "2", "HS256"),')
    found = verdicts(report_of(tmp_path, {text: signed}))
    assert found["token-forgery"] is Verdict.PASSED


def test_the_gaps_of_a_login_are_told_with_their_remedies(tmp_path: Path) -> None:
    """What gets through is a gap, told as it was seen, with what closes it."""
    report = report_of(tmp_path, UNLIMITED, TELLING)
    found = verdicts(report)
    assert [name for name, verdict in found.items() if verdict is Verdict.FAILED] == [
        "brute-force",
        "login-enumeration",
    ]
    assert report.presence is not None
    told = report.presence.gaps
    assert "meet no limit: the last was answered 401" in told[0]
    assert "differ in status (401, 404)" in told[1]
    assert told[2:] == ("`APP_SECRET` has a default in the source",)
    assert any("`fastwright review --select user-enumeration" in line for line in report.next)
    assert any("429" in line and "`brute-force`" in line for line in report.next)
    page, shown = markdown.render(report), io.StringIO()
    Terminal(Console(file=shown, width=4000)).report(report)
    for gap in told:
        assert (page.count(gap), shown.getvalue().count(gap)) == (1, 1), gap
    assert any("fastwright add jwt-auth --path /login" in line for line in report.next)


def test_what_an_attack_has_tried_is_told_once() -> None:
    """A gap that the source shows is left out where an attack has tried it, and kept elsewhere."""
    read = Presence(State.PRESENT, "", gaps=("failed logins meet no limit", "tokens name none"))
    held = Check("brute-force", Verdict.PASSED, after="429")
    skipped = Check("brute-force", Verdict.SKIPPED, skipped_because="nobody gets in")
    assert closing.gaps(read, Proof("", (held,))) == (Gap("tokens name none"),)
    assert len(closing.gaps(read, Proof("", (skipped,)))) == 2


OWN_STORE = b"""
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

router = APIRouter(prefix="/api/v1/auth")


class Credentials(BaseModel):
    username: str
    password: str


@router.post("")
async def login(data: Credentials) -> dict[str, str]:
    return {}


app = FastAPI()
app.include_router(router)
"""


def test_an_own_login_is_known_by_its_name_and_needs_no_session() -> None:
    """A handler called `login` that takes a password is one, whatever its path and its database."""
    app = static.read({PurePosixPath("main.py"): OWN_STORE})
    assert JwtAuth().detect(app).state is State.PRESENT
    assert JwtAuth().build(app).is_empty


def test_an_own_login_without_a_session_is_there_and_not_refused(tmp_path: Path) -> None:
    """No `database` is planned for a login that is there; it says why nobody gets in."""
    (tmp_path / "main.py").write_bytes(OWN_STORE)
    screen = Screen(Console(quiet=True), yes=True, quiet=True)
    planned = Engineer(tmp_path, screen).plan("add a login")
    assert planned.plan is not None
    assert [step.recipe for step in planned.plan.steps] == ["jwt-auth"]
    report = Engineer(tmp_path, screen, Wishes(python=python_of("newest"))).add("jwt-auth")
    assert report.outcome is Outcome.ALREADY_THERE
    assert set(verdicts(report).values()) == {Verdict.SKIPPED}
    assert re.search(r"not tried: .*since no user could be made", " ".join(report.not_done))


def test_a_known_secret_is_told_with_where_it_came_from() -> None:
    """What an example gives is no claim on what is deployed: the file is named."""
    app = static.read({PurePosixPath("main.py"): b"from fastapi import FastAPI\napp = FastAPI()\n"})
    given = Setting("SECRET_KEY", required=True, reader="environ", given_by=(".env.example",))
    app = replace(app, settings=(given,))
    known = Check("token-forgery", Verdict.FAILED, after="believed: signed with `secret`")
    (told,) = closing.borrowed(app, Proof("", (known,)))
    assert told.startswith("`SECRET_KEY` came from .env.example")
    assert list(closing.borrowed(app, Proof("", (replace(known, after="no expiry"),)))) == []


WITHOUT_AN_END = {
    '            options={"require": REQUIRED},\n': '            options={"verify_exp": False},\n'
}


def test_a_token_that_is_believed_is_shown(tmp_path: Path) -> None:
    """The exchange that a verdict is of stands with it, not whatever came last."""
    report = report_of(tmp_path, WITHOUT_AN_END)
    assert report.proof is not None
    (check,) = [c for c in report.proof.checks if c.gate == "token-forgery"]
    assert check.verdict is Verdict.FAILED
    assert dict(check.evidence[-1].values)["status"] == "200"
    assert any("(expired) → 200" in e.text for e in check.evidence)
    (told,) = [line for line in report.next if "unverified-token" in line]
    assert "mends the check, with the proof; beside it decode with" in told


def test_what_another_login_leaves_open_is_not_promised() -> None:
    """Gaps beside a login are not closed by another one, and JSON's own have their command."""
    app = static.read({PurePosixPath("main.py"): OWN_STORE})
    through = Gap("hostile JSON makes the app fail (`user` NaN: 500)", "hostile-bodies")
    limit = Gap("meet no limit", "brute-force")
    bodies, _, instead = closing.offers(app, (through, limit))
    assert "--select unanswerable-body --fix-behaviour` mends what JSON cannot hold" in bodies
    assert "beside it bound the length" in bodies
    assert instead.startswith("or close those of the login at once")
    *_, instead = closing.offers(app, (limit,))
    assert instead.startswith("or close all of them at once")
    (by_hand,) = closing.offers(app, (Gap("a login with NUL: 500", "hostile-bodies"),))
    assert "fastwright review" not in by_hand


@pytest.mark.parametrize(
    ("checks", "expires"),
    [('claims["expires"] >= time.time()', True), ("time.time() < claims['expiry']", True),
     ('claims.get("kind")', False)],
)  # fmt: skip
def test_a_claim_that_is_held_against_the_time_is_an_expiry(checks: str, expires: bool) -> None:
    """Whether by the library's `exp`, or by a claim and a comparison of the app's own."""
    text = (
        "import time\nimport jwt\nfrom fastapi import FastAPI\nfrom pydantic import BaseModel\n"
        "app = FastAPI()\nclass Credentials(BaseModel):\n    email: str\n    password: str\n"
        "def sign(email):\n    return jwt.encode({'sub': email, 'expires': 1}, 'k')\n"
        f"def read(token):\n    claims = jwt.decode(token, 'k', ['HS256'])\n    return {checks}\n"
        "@app.post('/login')\ndef login(body: Credentials):\n"
        "    return {'access_token': sign(body.email)}\n"
    )
    presence = JwtAuth().detect(static.read({PurePosixPath("main.py"): text.encode()}))
    assert presence.state is State.PRESENT
    assert ("tokens have no expiry" in presence.gaps) is not expires
