"""The cells of the matrix say who may call, whatever an app demands beside its contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import cast

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Caller, Grade
from fastwright.review.live.examine import Examined, examine, vouched
from fastwright.review.live.exchange import Exchange
from fastwright.review.live.proof import Proof
from fastwright.review.live.reasons import reason
from fastwright.review.live.shaping import Shape
from fastwright.review.live.stage import Stage
from fastwright.review.requests import Ready
from fastwright.survey import static
from fastwright.testing.samples import python_of

MAIN = PurePosixPath("main.py")
APP = """
import os
import time
from typing import Annotated
from fastapi import Body, Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, field_validator
from sqlalchemy import ForeignKey, String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

engine = create_engine("sqlite:///cells.db", connect_args={"check_same_thread": False})
app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="login")
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str]
    is_admin: Mapped[bool] = mapped_column(default=False)
class Article(Base):
    __tablename__ = "articles"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
class Paper(Base):
    __tablename__ = "papers"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
class Team(Base):
    __tablename__ = "teams"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
class Rule(Base):
    __tablename__ = "rules"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
class Member(Base):
    __tablename__ = "members"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    league_id: Mapped[int] = mapped_column(ForeignKey("leagues.id"), primary_key=True)
class League(Base):
    __tablename__ = "leagues"
    id: Mapped[int] = mapped_column(primary_key=True)
class Season(Base):
    __tablename__ = "seasons"
    id: Mapped[int] = mapped_column(primary_key=True)
    league_id: Mapped[int] = mapped_column(ForeignKey("leagues.id"))
class Stage(Base):
    __tablename__ = "stages"
    id: Mapped[int] = mapped_column(primary_key=True)
    season_id: Mapped[int] = mapped_column(ForeignKey("seasons.id"))
class Round(Base):
    __tablename__ = "rounds"
    id: Mapped[int] = mapped_column(primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("stages.id"))
class Match(Base):
    __tablename__ = "matches"
    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"))
likes: set[tuple[int, int]] = set()
class Credentials(BaseModel):
    email: str
    password: str
class Login(BaseModel):
    username: str
    password: str
class Told(BaseModel):
    id: int
    email: str
    password: str
class Titled(BaseModel):
    title: str
    link: str | None = None
    @field_validator("link")
    @classmethod
    def known(cls, value):
        if value is not None and "example.org" not in value:
            raise ValueError("the host is not known")
        return value
class Message(BaseModel):
    kind: str
    email: str | None = None
    phone: str | None = None
    @field_validator("kind")
    @classmethod
    def one(cls, value):
        if value not in ("letter", "telegram"):
            raise ValueError("must be either letter or telegram")
        return value
def session():
    with Session(engine) as opened:
        yield opened
Db = Annotated[Session, Depends(session)]
def caller(db: Db, token: Annotated[str, Depends(scheme)]) -> User:
    user = db.get(User, int(token.removeprefix("token-"))) if token[6:].isdigit() else None
    if user is None:
        raise HTTPException(401)
    return user
Me = Annotated[User, Depends(caller)]
def admin(me: Me) -> User:
    if not me.is_admin:
        raise HTTPException(403)
    return me
@app.post("/sign-up", status_code=201)
def sign_up(body: Credentials, db: Db) -> Told:
    user = User(email=body.email, password="hash of " + body.password)
    db.add(user)
    db.commit()
    return Told(id=user.id, email=user.email, password=user.password)
@app.post("/login")
def login(body: Login, db: Db) -> dict[str, str]:
    user = db.scalar(select(User).where(User.email == body.username))
    if user is None:
        raise HTTPException(401, "nobody of that name")
    if user.password != "hash of " + body.password:
        raise HTTPException(401)
    return {"access_token": f"token-{user.id:04}"}
@app.get("/me")
def me(me: Me) -> int:
    return me.id
def article(article_id: int, db: Db) -> Article:
    found = db.get(Article, article_id)
    if found is None:
        raise HTTPException(404)
    return found
One = Annotated[Article, Depends(article)]
@app.get("/articles")
def articles(db: Db) -> list[str]:
    return list(db.scalars(select(Article.title).limit(50)))
@app.get("/articles/{article_id}")
def read_article(one: One) -> str:
    return one.title
@app.put("/articles/{article_id}")
def change_article(one: One, body: Titled, me: Me, db: Db) -> None:
    one.title = body.title
    db.commit()
@app.delete("/articles/{article_id}")
def remove_article(one: One, me: Me, db: Db) -> None:
    db.delete(one)
    db.commit()
@app.post("/articles/{article_id}/like")
def like(one: One, me: Me) -> None:
    likes.add((one.id, me.id))
@app.delete("/articles/{article_id}/like")
def unlike(one: One, me: Me) -> None:
    if (one.id, me.id) not in likes:
        raise HTTPException(400, "not liked")
    likes.discard((one.id, me.id))
@app.put("/papers/{paper_id}")
def change_paper(paper_id: int, body: Titled, me: Me, db: Db) -> None:
    one = db.get(Paper, paper_id)
    if one is None or one.owner_id != me.id:
        raise HTTPException(404)
    one.title = body.title
    db.commit()
@app.delete("/papers/{paper_id}")
def remove_paper(paper_id: int, me: Me, db: Db) -> None:
    db.delete(db.get(Paper, paper_id))
    db.commit()
@app.put("/users/{user_id}", dependencies=[Depends(admin)])
def change_user(user_id: int, email: Annotated[str, Body(embed=True)], db: Db) -> None:
    db.get(User, user_id).email = email
    db.commit()
@app.get("/users/{user_id}")
def read_user(user_id: int, me: Me) -> Told:
    if me.id != user_id:
        raise HTTPException(403)
    return Told(id=me.id, email=me.email, password=me.password)
@app.delete("/users/{user_id}")
def remove_user(user_id: int, me: Me, db: Db) -> None:
    if me.id == user_id:
        raise HTTPException(403)
    db.delete(db.get(User, user_id))
    db.commit()
@app.post("/messages")
def send(body: Message, me: Me) -> None:
    if body.email is None and body.phone is None:
        raise HTTPException(422, "email or phone is wanted")
@app.post("/teams")
def create_team(name: Annotated[str, Body(embed=True)], me: Me, db: Db) -> dict[str, bool]:
    team = Team(name=name)
    db.add(team)
    db.flush()
    db.add(Rule(team_id=team.id))
    db.commit()
    return {"success": True}
@app.get("/teams/{team_id}/rule")
def rule(team_id: int, me: Me, db: Db) -> int:
    return db.scalars(select(Rule.id).where(Rule.team_id == team_id)).one()
@app.get("/leagues/{league_id}/matches/{match_id}")
def match(league_id: int, match_id: int, me: Me, db: Db) -> int:
    chain = select(Match.id).join(Round).join(Stage).join(Season).where(
        Match.id == match_id, Season.league_id == league_id)
    if db.get(Member, (me.id, league_id)) is None or db.scalar(chain) is None:
        raise HTTPException(404)
    return match_id
@app.delete("/db_article/{id}", dependencies=[Depends(admin)])
def purge(id: int, db: Db) -> None:
    db.delete(article(id, db))
    db.commit()
@app.get("/a_crash")
def crash() -> None:
    os._exit(3)
@app.get("/a_loop")
def loop() -> None:
    while True:
        time.sleep(0.1)
@app.get("/broken")
def broken(me: Me) -> None:
    raise KeyError("of mine")
Base.metadata.create_all(engine)
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    """The examination of the app."""
    root: Path = tmp_path_factory.mktemp("cells")
    (root / "main.py").write_text(APP)
    with World.open(WorldSpec(root, python_of("newest"), target="main:app")) as world:
        target = SturdyTarget(world.boot)
        try:
            yield examine(target, static.read({MAIN: APP.encode()}), budget=120)
        finally:
            target.close()


def told(seen: Examined, operation: str) -> list[str]:
    """The statuses of an operation: nobody, owner, other user."""
    row = seen.matrix.outcomes[operation]
    return [row[c.value] for c in (Caller.ANONYMOUS, Caller.OWNER, Caller.OTHER_USER)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("PUT /articles/{article_id}", ["401", "200", "200"]),
        ("POST /messages", ["401", "200", "200"]),
        ("DELETE /articles/{article_id}/like", ["401", "200", "200"]),
        ("GET /teams/{team_id}/rule", ["401", "200", "200"]),
        ("DELETE /db_article/{id}", ["401", "200", "200"]),
        ("PUT /papers/{paper_id}", ["401", "200", "404"]),
        ("GET /leagues/{league_id}/matches/{match_id}", ["401", "200", "404"]),
    ],
)
def test_owners_are_served(seen: Examined, operation: str, statuses: list[str]) -> None:
    """Bodies that a validator wants, what is undone, rows that only the app makes, or far below."""
    assert told(seen, operation) == statuses


@pytest.mark.slow
def test_an_open_intent_is_one_question(seen: Examined) -> None:
    """A table that others write to, where nothing shows that they may not, is asked of once."""
    rule = "missing-owner-filter"
    asked = [f for f in seen.findings if f.rule == rule and f.grade is Grade.POSSIBLE]
    assert [f.message.partition(" change")[0] for f in asked] == [
        "`PUT /articles/{article_id}` and `DELETE /articles/{article_id}`"
    ]
    assert len(asked[0].related) == 1
    assert [dict(e.values)["status"] for e in asked[0].evidence] == ["200", "200"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "operation"),
    [
        ("missing-owner-filter", "DELETE /papers/{paper_id}"),
        ("missing-role-guard", "DELETE /users/{user_id}"),
        ("leaked-secret-field", "POST /sign-up"),
    ],
)
def test_what_is_closed_at_the_same_address_shows_what_is_meant(
    seen: Examined, rule: str, operation: str
) -> None:
    """Who may not change a row is not meant to delete it; and a hash is known by its name."""
    assert (rule, operation) in {(p.rule, p.operation) for p in seen.proofs if p.is_meant}


@pytest.mark.slow
def test_what_is_not_known_is_said_with_the_reason(seen: Examined) -> None:
    """An owner who is not served is named with the exception and its place in the app."""
    assert seen.not_tried == (
        "`GET /a_loop` was called once: it took 4 s and more",
        "only who is turned away is known of `GET /broken`: the owner is answered 500: "
        f"KeyError: 'of mine' (main.py:{line_of('KeyError')})",
    )


@pytest.mark.slow
def test_what_does_not_answer_is_called_once(seen: Examined) -> None:
    """An app that ends or runs on for ever costs one call, and everybody is still there."""
    assert seen.matrix.outcomes["GET /a_crash"] == {"anonymous": "no answer"}
    assert seen.matrix.outcomes["GET /a_loop"] == {"anonymous": "504"}
    assert told(seen, "GET /me") == ["401", "200", "200"]


@pytest.mark.slow
def test_who_logs_in_by_address_does_so_in_probes_and_tests(seen: Examined) -> None:
    """A field `username` that wants an address gets one, also for a wrong password."""
    assert "user-enumeration" in {p.rule for p in seen.proofs}
    assert re.search(r"username\W+email", seen.tests.files["review_stage.py"])


@pytest.mark.slow
def test_a_written_test_names_its_own_user_in_the_path(seen: Examined) -> None:
    """The key of a user of the examination is nobody's in the database that the test runs on."""
    text = seen.tests.files["test_leaked_secret_field_get_users_user_id.py"]
    assert "scene.send(\"GET\", f\"/users/{owner['row']['id']}\", owner)" in text


def line_of(text: str) -> int:
    """The first line of the app that holds a text."""
    return next(n for n, line in enumerate(APP.splitlines(), 1) if text in line)


def test_a_probe_that_raises_is_a_fault_of_ours_with_its_file() -> None:
    """What it had proven by then is kept, and the reason is told as that of a rule would be."""

    def broken() -> Iterator[Proof]:
        yield Proof("unlimited-login", "POST /login", "is endless", ())
        raise KeyError("of ours")

    stage = cast("Stage", SimpleNamespace(not_tried={}, faults=[]))
    assert len(list(vouched(stage, "broken", broken()))) == 1
    assert [(f.rule, f.because) for f in stage.faults] == [("broken", "KeyError: 'of ours'")]
    assert re.search(r"\.py:\d+$", stage.faults[0].where)


def refused(status: int, body: bytes, error: str = "") -> Exchange:
    """An exchange that ended in a refusal."""
    return Exchange(Caller.OWNER, "GET /", "GET", Ready("/"), status, body, error=error)


TRACEBACK = """  + Exception Group Traceback (most recent call last):
  |   File "/venv/starlette/errors.py", line 9, in call
  |   File "/home/me/app/main.py", line 7, in handler
    |     raise ValueError(text)
    | shop.errors.TooLong: 80 letters
    +------------------------------------
"""


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (refused(404, b'{"detail": "Not Found"}'), "404: Not Found"),
        (
            refused(422, b'{"detail": [{"loc": ["body", "kind"], "msg": "is no word"}]}'),
            "422: `kind` is no word",
        ),
        (refused(400, b"<h1>no</h1>"), "400"),
        (refused(500, b"", TRACEBACK), "500: TooLong: 80 letters (main.py:7)"),
    ],
)
def test_a_reason_is_the_apps_own_word(exchange: Exchange, words: str) -> None:
    """What is told to people in the answer, else what was raised and where in the app."""
    assert reason(exchange, static.read({MAIN: b""})) == words


def test_a_shape_leaves_out_and_puts_in_at_any_depth() -> None:
    """Fields are named by the way to them; what is no JSON stays as it is."""
    shape = Shape(True, frozenset({("a", "x")}), {("b",): "word"})
    assert shape.applied(b'{"a": {"x": 1, "y": 2}, "b": "?"}') == b'{"a": {"y": 2}, "b": "word"}'
    assert shape.applied(b"a=1") == b"a=1"
