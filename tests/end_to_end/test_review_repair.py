"""Repairs of a review, proved by running the app: what is kept, what is left, what is undone."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.fixing import fix
from fastwright.agent.person import Wishes
from fastwright.agent.reviewing import Choices, Terms, judge, review
from fastwright.cli import main
from fastwright.model.app import AppMap
from fastwright.model.change import Safety
from fastwright.model.review import Objection, Review
from fastwright.review.rule import every_rule
from fastwright.review.settings import Settings
from fastwright.survey import static
from fastwright.testing.samples import python_of

pytestmark = pytest.mark.usefixtures("believed")

APP = """\
from fastapi import FastAPI
from sqlmodel import Field, Session, SQLModel, create_engine, select
from sqlalchemy.pool import StaticPool

engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
)


class One(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)


class Two(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)


SQLModel.metadata.create_all(engine)
app = FastAPI()


@app.get("/ones")
def ones(skip: int = 0) -> list[One]:
    with Session(engine) as session:
        return list(session.exec(select(One).offset(skip).limit(10)).all())


@app.get("/twos")
def twos(skip: int = 0) -> list[Two]:
    with Session(engine) as session:
        return list(session.exec(select(Two).offset(skip).limit(10)).all())
"""
TESTS = '''\
from pathlib import Path, PurePosixPath


def test_twos_are_written_as_they_are():
    """Whoever orders them breaks this."""
    assert "select(Two).offset(skip)" in Path("main.py").read_text()
'''
SELECTED = ("unstable-page-order", "unlimited-page-size")


class Agreeing:
    """Agrees to everything, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def agrees(self, question: str) -> bool:
        """Always."""
        self.asked.append(question)
        return True

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with an app that has two unordered pages, and a test that holds on to one."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "main.py").write_text(APP)
    (root / "test_main.py").write_text(TESTS)
    (root / "requirements.txt").write_text("fastapi\nsqlmodel\npytest\n")
    subprocess.run(("git", "init", "-q"), cwd=root, check=True)
    return root


def repaired(root: Path, safety: Safety, person: Agreeing) -> Review:
    """The review of a project with its repair."""
    wishes = Wishes(python=python_of("newest"))
    return review(root, person, wishes, Choices(select=SELECTED, repair=safety))


@pytest.mark.slow
def test_a_batch_that_fails_is_halved_and_the_rest_is_kept(project: Path) -> None:
    """The fix that breaks a test is left out by name, the other one is applied, and undone."""
    found = repaired(project, Safety.SAFE, Agreeing())
    assert found.repair is not None
    assert found.repair.titles == ("Order the rows by `One.id`",), found.repair.kept_out
    (left,) = found.repair.kept_out
    assert left.startswith("Order the rows by `Two.id`: the gate `tests` failed")
    written = (project / "main.py").read_text()
    assert "select(One).order_by(One.id)" in written
    assert "select(Two).offset" in written
    assert [o.finding.symbol for o in found.objections] == ["main.twos"]
    assert main(["undo", "--app", str(project)]) == 0
    assert (project / "main.py").read_text() == APP


@pytest.mark.slow
def test_what_changes_behaviour_is_told_with_its_difference(project: Path) -> None:
    """A fix that alters the contract is not safe: it is asked about, with what differs."""
    text = APP.replace("skip: int = 0) -> list[One]", "skip: int = 0, limit: int = 5) -> list[One]")
    text = text.replace(
        "select(One).offset(skip).limit(10)", "select(One).offset(skip).limit(limit)"
    )
    (project / "main.py").write_text(text)
    (project / "test_main.py").unlink()
    person = Agreeing()
    found = repaired(project, Safety.CHANGES_BEHAVIOUR, person)
    assert found.repair is not None
    assert "Bound `limit` to 100" in found.repair.titles
    assert any("limit" in line and "GET /ones" in line for line in found.repair.contract)
    assert any(q.startswith("Bound `limit` to 100 (differs: ") for q in person.asked)
    assert "limit: Annotated[int, Query(ge=1, le=100)] = 5" in (project / "main.py").read_text()
    assert found.objections == ()


@pytest.mark.slow
def test_an_app_that_does_not_boot_is_reviewed_and_left_alone(project: Path) -> None:
    """The findings are told, and that nothing was repaired, with the app's own reason."""
    (project / "main.py").write_text(
        APP.replace("app = FastAPI()", "app = FastAPI()\nraise OSError")
    )
    found = repaired(project, Safety.SAFE, Agreeing())
    assert found.repair is None
    assert any(note.startswith("nothing was repaired") for note in found.not_tried)
    assert len(found.objections) == 2
    assert not found.loads


def find(files: object) -> tuple[AppMap, tuple[Objection, ...]]:
    """Reads a tree and judges it by the rules of these tests."""
    app = static.read(files)  # type: ignore[arg-type]
    rules = tuple(rule for name, rule in every_rule().items() if name in SELECTED)
    return app, judge(app, Terms(Settings(), rules, ())).objections


def test_fixes_of_one_place_follow_each_other(tmp_path: Path) -> None:
    """Two rules that edit one handler are both applied, and a second run finds nothing."""
    text = APP.replace("skip: int = 0)", "skip: int = 0, limit: int = 5)").replace(
        "limit(10)", "limit(limit)"
    )
    files = {PurePosixPath("main.py"): text.encode()}
    done = fix(files, find, Safety.CHANGES_BEHAVIOUR)
    assert len(done.chosen) == 4
    assert find(done.files)[1] == ()
    assert fix(done.files, find, Safety.CHANGES_BEHAVIOUR).changes.is_empty


def test_safe_alone_leaves_what_changes_behaviour() -> None:
    """Of four fixes the two safe ones are taken, and one alone where only one is wanted."""
    text = APP.replace("skip: int = 0)", "skip: int = 0, limit: int = 5)").replace(
        "limit(10)", "limit(limit)"
    )
    files = {PurePosixPath("main.py"): text.encode()}
    safe = fix(files, find, Safety.SAFE)
    assert {one.handler for one in safe.chosen} == {"main.ones", "main.twos"}
    assert all(one.title.startswith("Order") for one in safe.chosen)
    one = fix(files, find, Safety.SAFE, only={safe.chosen[0].key})
    assert one.chosen == safe.chosen[:1]


UNIQUE = """\
from typing import Annotated

from fastapi import FastAPI, Header
from pydantic import BaseModel
from sqlmodel import Field, Session, SQLModel, create_engine
from sqlalchemy.pool import StaticPool

engine = create_engine(
    "sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool
)


class Tag(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)


class TagIn(BaseModel):
    name: str


SQLModel.metadata.create_all(engine)
app = FastAPI()


@app.post("/tags", status_code=201)
def add_tag(body: TagIn) -> None:
    with Session(engine) as session:
        session.add(Tag(name=body.name))
        session.commit()


@app.get("/tags/first")
def first_tag(x_kind: Annotated[str, Header()] = "name/first") -> str:
    return x_kind.split("/")[1]
"""


@pytest.mark.slow
def test_what_only_a_run_shows_is_repaired_too(project: Path) -> None:
    """A duplicate that ended in a 500 is proven, caught, applied with a proof, and told no more."""
    (project / "main.py").write_text(UNIQUE)
    (project / "test_main.py").unlink()
    wishes = Wishes(python=python_of("newest"))
    chosen = Choices(select=("unforeseen-input",), live=True, repair=Safety.CHANGES_BEHAVIOUR)
    found = review(project, Agreeing(), wishes, chosen)
    assert found.repair is not None
    assert found.repair.titles == ("Answer a duplicate in `POST /tags` with 409",)
    (replayed,) = found.repair.replayed
    proven = "`POST /tags`, as unforeseen-input was proven"
    assert replayed == f"{proven}: answered 500 before, 409 now"
    assert found.repair.proof is not None
    (check,) = [c for c in found.repair.proof.checks if c.gate == "replay"]
    assert dict(check.evidence[0].values) == {"before": "POST /tags → 500",
                                              "after": "POST /tags → 409"}  # fmt: skip
    written = (project / "main.py").read_text()
    assert "        except IntegrityError as error:\n            session.rollback()\n" in written
    kept = {o.finding.message: o.finding for o in found.objections}
    assert not any("the same values twice" in message for message in kept)
    (left,) = (f for message, f in kept.items() if message.startswith("`GET /tags/first` answers"))
    told = "to decide: which values of `x-kind` are refused, and with what answer"
    assert told in [evidence.text for evidence in left.evidence]
    again = review(project, Agreeing(), wishes, Choices(select=("unforeseen-input",), live=True))
    assert [o.finding.message for o in again.objections if "twice" in o.finding.message] == []
    assert main(["undo", "--app", str(project)]) == 0
    assert (project / "main.py").read_text() == UNIQUE
