"""Who gets into an app that is unlike the samples: what refuses below, and doors that stay shut."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.review.harm import is_telling
from fastwright.review.live.entrances import find_entrances
from fastwright.review.live.examine import Examined, examine
from fastwright.review.requests import Contract
from fastwright.survey import static
from fastwright.testing.samples import python_of

APP = """
import hashlib
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class LaterEngine(Engine):
    pass


engine = create_engine("sqlite:///members.db")
engine.__class__ = LaterEngine
app = FastAPI()
lax = HTTPBearer(auto_error=False)


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "members"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]


class Credentials(BaseModel):
    username: str
    password: str


Base.metadata.create_all(engine)


def hash_password(password: str) -> str:
    return "sha$" + hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 1000).hex()


def refuse():
    raise HTTPException(401)


def named(username):
    with Session(engine) as session:
        return session.scalar(select(Member).where(Member.username == username))


def current_member(given=Depends(lax)) -> Member:
    if given is None or not given.credentials.startswith("token-of-"):
        return refuse()
    return named(given.credentials.removeprefix("token-of-")) or refuse()


@app.post("/auth/token")
def token(body: Credentials) -> dict[str, str]:
    member = named(body.username)
    if member is None or member.password != hash_password(body.password):
        raise HTTPException(401)
    return {"access_token": "token-of-" + body.username}


@app.get("/me")
def me(member: Member = Depends(current_member)) -> str:
    return member.username
"""


def examined(folder: Path, text: str) -> Examined:
    """What an examination of one module tells."""
    (folder / "main.py").write_text(text)
    app = static.read({PurePosixPath("main.py"): text.encode()})
    with World.open(WorldSpec(folder, python_of("newest"), target="main:app")) as world:
        return examine(SturdyTarget(lambda: world.boot("main:app")), app, ())


@pytest.mark.slow
def test_a_caller_gets_in_where_helpers_refuse_and_the_engine_is_of_another_class(
    tmp_path: Path,
) -> None:
    """A lax scheme is no open door, and rows are put in through any kind of engine."""
    seen = examined(tmp_path, APP)
    assert seen.matrix.outcomes["GET /me"] == {
        "anonymous": "401", "owner": "200", "other user": "200",
    }  # fmt: skip
    assert not seen.faults


@pytest.mark.slow
def test_a_login_whose_token_opens_nothing_is_called_as_any_route_is(tmp_path: Path) -> None:
    """A token that opens nothing makes nobody a caller: the login is called by nobody, and told."""
    shut = APP.replace("return named(given", "return refuse()  # (given")
    seen = examined(tmp_path, shut)
    assert not seen.faults
    assert seen.matrix.outcomes["POST /auth/token"] == {"anonymous": "401"}
    assert any("no user could be made who gets in" in note for note in seen.not_tried)


@pytest.mark.parametrize("handler", ["user_create", "add_user", "sign_up", "join"])
def test_a_sign_up_is_found_by_its_path_or_by_its_handler(handler: str) -> None:
    """`POST /users/` makes accounts under whatever name; `POST /people` does by its handler's."""
    path = "/users/" if handler == "join" else "/people"
    text = f"{APP}\n\n@app.post({path!r})\ndef {handler}(body: Credentials) -> None: ...\n"
    app = static.read({PurePosixPath("main.py"): text.encode()})
    fields = {"username": {}, "password": {}}
    body = {"content": {"application/json": {"schema": {"properties": fields}}}}
    paths = {p: {"post": {"requestBody": body}} for p in ("/auth/token", path)}
    found = find_entrances(app, Contract({"paths": paths}))
    assert (found.logins[0], found.sign_ups) == ("POST /auth/token", (f"POST {path}",))


@pytest.mark.parametrize(
    ("value", "telling"),
    [
        ("password", False), ("my_database", False), ("00000000", False), ("a1b2c3", False),
        ("hunter2hunter2", True), ("Q7x-Lm9Zr4Tb", True), ("correcthorsebatterystaple", True),
    ],
)  # fmt: skip
def test_a_word_in_an_answer_is_no_setting_that_is_told(value: str, telling: bool) -> None:
    """A field that is called as the placeholder of a setting is, leaks nothing."""
    assert is_telling(value) is telling


CHANGING = """

class Change(BaseModel):
    password: str


changes: dict[str, int] = {}


def stamped(member):
    return f"token-of-{member.username}-{changes.get(member.username, 0)}"


@app.post("/stamped/token")
def stamped_token(body: Credentials) -> dict[str, str]:
    member = named(body.username)
    if member is None or member.password != hash_password(body.password):
        raise HTTPException(401)
    return {"access_token": stamped(member)}


def stamped_member(given=Depends(lax)) -> Member:
    token = given.credentials if given else ""
    member = named(token.removeprefix("token-of-").partition("-")[0])
    return member if member and stamped(member) == token else refuse()


@app.get("/mine")
def mine(member: Member = Depends(stamped_member)) -> str:
    return member.username


@app.put("/mine")
def change(body: Change, member: Member = Depends(stamped_member)) -> str:
    with Session(engine) as session:
        session.get(Member, member.id).password = hash_password(body.password)
        session.commit()
    changes[member.username] = changes.get(member.username, 0) + 1
    return member.username


@app.delete("/mine")
def end(member: Member = Depends(stamped_member)) -> str:
    with Session(engine) as session:
        session.delete(session.get(Member, member.id))
        session.commit()
    return member.username
"""


@pytest.mark.slow
def test_whoever_a_call_has_put_out_is_replaced_before_the_next(tmp_path: Path) -> None:
    """A change of the password ends a login: somebody who is in makes the calls after it."""
    first = APP.index('@app.post("/auth/token")')
    seen = examined(tmp_path, APP[:first] + CHANGING)
    cells = {name: row["owner"] for name, row in seen.matrix.outcomes.items()}
    assert (cells["PUT /mine"], cells["DELETE /mine"]) == ("200", "200")


BASIC = (
    APP[: APP.index("def current_member")].replace("HTTPBearer", "HTTPBasic")
    + """
@app.post("/signup")
def sign_up(body: Credentials) -> None:
    with Session(engine) as session:
        session.add(Member(username=body.username, password="not-what-was-asked-for"))
        session.commit()
    raise RuntimeError("the mail was not sent")


def current_member(given=Depends(lax)) -> Member:
    member = named(given.username) if given else None
    if member is None or member.password != hash_password(given.password):
        return refuse()
    return member


@app.get("/me")
def me(member: Member = Depends(current_member)) -> str:
    return member.username
"""
)


@pytest.mark.slow
def test_whoever_names_themselves_by_basic_authentication_gets_in(tmp_path: Path) -> None:
    """Without any token; and a row is put in where a sign-up has failed half-way."""
    seen = examined(tmp_path, BASIC)
    assert seen.matrix.outcomes["GET /me"] == {
        "anonymous": "401", "owner": "200", "other user": "200",
    }  # fmt: skip
    assert not [note for note in seen.not_tried if "no row could be put" in note]


SIGNED = (
    APP[: APP.index("def current_member")].replace(
        "import hashlib", "import hashlib, os\nimport jwt"
    )
    + """
KEY = os.environ.get("SIGNING_KEY", "secret")


def current_member(given=Depends(lax)) -> Member:
    try:
        claims = jwt.decode(given.credentials, KEY, algorithms=["HS256"])
    except (AttributeError, jwt.InvalidTokenError):
        return refuse()
    return named(claims["sub"]) or refuse()


@app.post("/auth/token")
def token(body: Credentials) -> dict[str, str]:
    member = named(body.username)
    if member is None or member.password != hash_password(body.password):
        raise HTTPException(401)
    return {"access_token": jwt.encode({"sub": body.username}, KEY, algorithm="HS256")}


@app.get("/me")
def me(member: Member = Depends(current_member)) -> str:
    return member.username
"""
)


@pytest.mark.slow
@pytest.mark.parametrize("env", [{}, {"SIGNING_KEY": "secret"}], ids=["of the source", "given"])
def test_a_known_key_that_the_run_was_given_is_a_question(
    tmp_path: Path, env: dict[str, str]
) -> None:
    """What stands in the source is proven; what an example file lent says nothing of it."""
    (tmp_path / "main.py").write_text(SIGNED)
    app = static.read({PurePosixPath("main.py"): SIGNED.encode()})
    with World.open(WorldSpec(tmp_path, python_of("newest"), target="main:app", env=env)) as world:
        seen = examine(SturdyTarget(lambda: world.boot("main:app")), app, ())
    (proof,) = (one for one in seen.proofs if one.rule == "weak-signing-secret")
    assert proof.is_meant is not bool(env)
    assert ("is `SIGNING_KEY` another one" in proof.message) is bool(env)


@pytest.mark.slow
def test_a_hasher_that_fails_on_every_password_is_the_reason_for_having_no_users(
    tmp_path: Path,
) -> None:
    """Where passlib does not work with its bcrypt, that is told with its remedy, not the doors."""
    by_hand = (
        'return "sha$" + hashlib.pbkdf2_hmac("sha256", password.encode(), b"salt", 1000).hex()'
    )
    assert by_hand in APP
    broken = APP.replace(by_hand, 'return CryptContext(schemes=["bcrypt"]).hash(password)')
    told = examined(tmp_path, f"from passlib.context import CryptContext\n{broken}").not_tried
    (why,) = [note for note in told if "no user could be made who gets in" in note]
    assert "`main.hash_password` fails on every password: ValueError: password cannot be" in why
    assert "pin `bcrypt<5`" in why
    assert not any("fails on every password" in x for x in examined(tmp_path, APP).not_tried)
