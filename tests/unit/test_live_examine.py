"""An examination proves each fault of a faulty app, and nothing of a good one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Caller, EvidenceKind, Grade
from fastwright.review.engine import find_all
from fastwright.review.live.examine import Examined, examine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, python_of

pytestmark = pytest.mark.slow
GOOD = REPOSITORY / "tests/apps/examined"
MAIN = PurePosixPath("main.py")
FAULTS = {
    "    if note is None or note.owner_id != me.id:\n": "    if note is None:\n",
    "Shelf.id.in_(body.ids), Shelf.owner_id == me.id": "Shelf.id.in_(body.ids)",
    "Shelf.id == shelf_id, Shelf.owner_id == me.id": "Shelf.id == shelf_id",
    "    own_shelf(body.shelf_id, me, db)\n": "",
    "    if book is None or book.shelf_id != shelf.id:\n": "    if book is None:\n",
    '        claims = jwt.decode(token, KEY, algorithms=["HS256"])\n': (
        '        claims = jwt.decode(token, options={"verify_signature": False})\n'
    ),
    "    if user is None or not user.is_active:\n": "    if user is None:\n",
    '@app.post("/login", dependencies=[Depends(limit_login)])\n': '@app.post("/login")\n',
    "    if user is None or user.password_hash != hash_password(body.password):\n": (
        '    if user is None:\n        raise HTTPException(404, "No such user")\n'
        "    if user.password_hash != hash_password(body.password):\n"
    ),
    "class Profile(BaseModel):\n    email: str\n": (
        "class Profile(BaseModel):\n    email: str\n    is_admin: bool | None = None\n"
    ),
    "class UserOut(BaseModel):\n": 'class UserOut(BaseModel):\n    password_hash: str = ""\n',
    '@app.delete("/users/{user_id}", dependencies=[Depends(require_admin)], status_code=204)\n': (
        '@app.delete("/users/{user_id}", dependencies=[Depends(current_user)], status_code=204)\n'
    ),
    '@app.post("/notes", status_code=201)\ndef add(body: NoteIn, me: Me, db: Db) -> NoteOut:\n'
    "    note = Note(title=body.title, owner_id=me.id)\n": (
        '@app.post("/notes", status_code=201)\ndef add(body: NoteIn, db: Db) -> NoteOut:\n'
        "    note = Note(title=body.title, owner_id=1)\n"
    ),
    'owner_id = :owner AND title LIKE :q LIMIT 20")\n': 'title LIKE \'" + q + "\'")\n',
    '{"owner": me.id, "q": q}': "",
    '    if not path.is_relative_to(folder) or path.suffix != ".html":\n': (
        "    path = Path(folder, *Path(name).parts)\n    if not path.is_file():\n"
    ),
    '@app.get("/pages/{name}")\n': '@app.get("/pages/{name:path}")\n',
    "    return len(url)\n": (
        "    import urllib.request\n\n    with urllib.request.urlopen(url) as answer:\n"
        "        return len(answer.read())\n"
    ),
    "limit: Annotated[int, Query(ge=1, le=50)] = 20": "limit: Annotated[int, Query(ge=1)] = 20",
    "Base.metadata.create_all(engine)\n": (
        "from starlette.middleware.cors import CORSMiddleware\n\n"
        'app.add_middleware(CORSMiddleware, allow_origin_regex=".*", allow_credentials=True)\n'
        "Base.metadata.create_all(engine)\n"
    ),
}


def faulty(text: str) -> str:
    """The good app with every fault in it."""
    for old, new in FAULTS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A scratch world that holds a copy of the app."""
    spec = WorldSpec(GOOD, python_of("newest"), target="main:app")
    with World.open(spec) as opened:
        yield opened


def examined(world: World, text: str) -> Examined:
    """What comes of examining an app of that text, on a new database."""
    world.overlay({MAIN: text.encode(), PurePosixPath("examined.db"): None})
    app = static.read({MAIN: text.encode()})
    target = SturdyTarget(world.boot)
    try:
        return examine(target, app, find_all(app, every_rule().values()).findings, budget=120)
    finally:
        target.close()


@pytest.fixture(scope="module")
def bad(world: World) -> Examined:
    """The examination of the app with every fault."""
    return examined(world, faulty((GOOD / MAIN).read_text()))


def test_nothing_is_proven_of_a_good_app(world: World) -> None:
    """The good app gives no finding at all, and all was tried but a page that is not there."""
    seen = examined(world, (GOOD / MAIN).read_text())
    assert seen.findings == ()
    assert seen.not_tried == (
        "whether `GET /me` refuses a token that names nobody is not known: it fails, which is no "
        "refusal",
        "only who is turned away is known of `GET /pages/{name}`: the owner is answered 404: "
        "Not Found",
    )
    assert seen.matrix.outcomes["GET /notes/{note_id}"] == {
        "anonymous": "401",
        "owner": "200",
        "other user": "404",
        "lower role": "404",
    }
    assert seen.matrix.outcomes["GET /users"] == {
        "anonymous": "401",
        "owner": "200",
        "other user": "200",
        "lower role": "403",
    }
    assert set(seen.users) == set(Caller) - {Caller.ANONYMOUS}


@pytest.mark.parametrize(
    ("rule", "operation"),
    [
        ("missing-owner-filter", "GET /notes/{note_id}"),
        ("missing-owner-filter", "PUT /notes/{note_id}"),
        ("missing-owner-filter", "DELETE /notes/{note_id}"),
        ("missing-owner-filter", "POST /shelves/clear"),
        ("missing-owner-filter", "GET /books"),
        ("missing-owner-filter", "POST /books"),
        ("unscoped-child", "GET /shelves/{shelf_id}/books/{book_id}"),
        ("unscoped-child", "DELETE /shelves/{shelf_id}/books/{book_id}"),
        ("unverified-token", "GET /me"),
        ("deactivated-caller", "GET /me"),
        ("unlimited-login", "POST /login"),
        ("user-enumeration", "POST /login"),
        ("writable-privilege", "PATCH /me"),
        ("leaked-secret-field", "GET /me"),
        ("missing-role-guard", "DELETE /users/{user_id}"),
        ("unguarded-route", "POST /notes"),
        ("sql-built-string", "GET /search"),
        ("path-from-client", "GET /pages/{name}"),
        ("outbound-url-from-client", "POST /previews"),
        ("unlimited-page-size", "GET /notes"),
    ],
)
def test_each_fault_is_proven(bad: Examined, rule: str, operation: str) -> None:
    """A proof of the rule stands for the operation, with the exchange that shows it."""
    proofs = [p for p in bad.proofs if (p.rule, p.operation) == (rule, operation)]
    assert proofs != []
    assert all(exchange.status for exchange, _ in proofs[0].shown)


def test_findings_carry_request_and_response(bad: Examined) -> None:
    """What is proven is graded so, and its evidence holds what was sent and what came back."""
    proven = [f for f in bad.findings if f.grade is Grade.PROVEN]
    assert len(proven) >= 12
    for finding in proven:
        shown = [e for e in finding.evidence if e.kind is EvidenceKind.HTTP]
        assert {"request", "status", "response"} <= set(dict(shown[0].values))


def test_no_secret_is_in_the_evidence(bad: Examined) -> None:
    """Tokens, passwords and hashes of the users do not stand in what is told."""
    told = repr(bad.findings)
    assert "Fw-Review-password" not in told
    assert all(user.token not in told for user in bad.users.values())


CRASHING = """
import os
import time
from fastapi import FastAPI
app = FastAPI()
@app.get("/fine")
def fine() -> str:
    return "fine"
@app.get("/crash")
def crash() -> None:
    os._exit(3)
@app.get("/endless")
async def endless() -> None:
    while True:
        time.sleep(1)
@app.get("/zero")
def zero() -> float:
    return 1 / 0
"""


def test_a_route_that_ends_or_hangs_the_app_does_not_end_the_examination(world: World) -> None:
    """The other routes are called all the same, and what happened is said."""
    world.overlay({MAIN: CRASHING.encode()})
    target = SturdyTarget(world.boot)
    try:
        seen = examine(target, static.read({MAIN: CRASHING.encode()}), budget=60)
    finally:
        target.close()
    told = {route: cells["anonymous"] for route, cells in seen.matrix.outcomes.items()}
    assert told["GET /fine"] == "200"
    assert told["GET /zero"] == "500"
    assert told["GET /crash"] == "no answer"
    assert any("GET /crash" in note for note in target.crashed)
    assert any("GET /endless" in note for note in target.crashed)


def outcomes(world: World, text: str, written: Mapping[str, str]) -> dict[str, str]:
    """How each written test goes on an app of that text, by pytest in the app's own world."""
    files = {PurePosixPath("review") / name: body.encode() for name, body in written.items()}
    world.overlay({MAIN: text.encode(), PurePosixPath("examined.db"): None, **files})
    command = (
        "python",
        "-m",
        "pytest",
        "-q",
        "-rA",
        "--tb=line",
        "-p",
        "no:cacheprovider",
        "review",
    )
    result = world.run(command, env={"PYTHONPATH": "."}, timeout=120)
    world.overlay(dict.fromkeys(files))
    rows = (re.match(r"(PASSED|FAILED|ERROR) review/(\w+)\.py", x) for x in result.out.splitlines())
    return {found[2]: found[1] for found in rows if found}


def test_written_tests_fail_now_and_pass_after_the_repair(world: World, bad: Examined) -> None:
    """Each runs without us, fails by assertion on the faulty app, and passes on the good one."""
    text = (GOOD / MAIN).read_text()
    wanted = {name.removesuffix(".py") for name in bad.tests.files} - {"review_stage"}
    assert len(wanted) >= 9
    assert outcomes(world, faulty(text), bad.tests.files) == dict.fromkeys(wanted, "FAILED")
    assert outcomes(world, text, bad.tests.files) == dict.fromkeys(wanted, "PASSED")


def test_the_written_test_of_an_expired_token_has_one(world: World) -> None:
    """The app itself signs it at a login, and a good app then refuses it."""
    text = (GOOD / MAIN).read_text()
    bad = text.replace(
        'algorithms=["HS256"])', 'algorithms=["HS256"], options={"verify_exp": False})'
    )
    files = examined(world, bad).tests.files
    kept = {name: body for name, body in files.items() if "token" in name or "stage" in name}
    name = "test_unverified_token_get_me"
    assert outcomes(world, bad, kept) == {name: "FAILED"}
    assert outcomes(world, text, kept) == {name: "PASSED"}


STRICT = """
@event.listens_for(engine, "connect")
def enforce(connection: object, _: object) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


app = FastAPI()
"""


def test_written_tests_make_the_rows_that_others_are_below(world: World) -> None:
    """A row is put below one that is there, where the database sees to that."""
    text = (GOOD / MAIN).read_text().replace("create_engine, ", "create_engine, event, ")
    text = text.replace("\napp = FastAPI()\n", STRICT)
    bad = text.replace("book is None or book.shelf_id != shelf.id", "book is None")
    files = examined(world, bad).tests.files
    wanted = {name.removesuffix(".py") for name in files} - {"review_stage"}
    assert wanted == {f"test_unscoped_child_{m}_shelves_shelf_id_books_book_id"
                      for m in ("get", "delete")}  # fmt: skip
    assert outcomes(world, bad, files) == dict.fromkeys(wanted, "FAILED")
    assert outcomes(world, text, files) == dict.fromkeys(wanted, "PASSED")


WALLET = """class Wallet(Base):
    __tablename__ = "wallets"
    id: Mapped[int] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(default=0)


@app.post("/wallets/{wallet_id}/payments")
def pay(wallet_id: Key, me: Me, db: Db) -> int:
    wallet = db.get(Wallet, wallet_id)
    if wallet is None or wallet.balance < 1:
        raise HTTPException(409)
    wallet.balance -= 1
    db.commit()
    return wallet.balance


Base.metadata.create_all(engine)
"""


def test_requests_at_once_show_what_is_lost(world: World) -> None:
    """The row moves less than what was served, and as much where the database counts."""
    text = (GOOD / MAIN).read_text().replace("Base.metadata.create_all(engine)\n", WALLET)
    (proof,) = [p for p in examined(world, text).proofs if p.rule == "lost-update"]
    assert proof.shown[0][1] == "`wallets.balance` moves by -1"
    assert re.match(
        r"\d+ of 12 at the same moment are served, and it moves by -\d", proof.shown[1][1]
    )
    good = text.replace("wallet.balance -= 1", "wallet.balance = Wallet.balance - 1")
    assert [p for p in examined(world, good).proofs if p.rule == "lost-update"] == []
