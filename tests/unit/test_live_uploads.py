"""An upload whose name climbs out of its folder is proven, and one that is renamed is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Grade
from fastwright.review.engine import find_all
from fastwright.review.live.examine import Examined, examine
from fastwright.review.rule import every_rule
from fastwright.survey import static
from fastwright.testing.samples import python_of

pytestmark = pytest.mark.slow
MAIN = PurePosixPath("main.py")
BAD = """
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, Form, HTTPException, UploadFile

FOLDER = Path("files")
FOLDER.mkdir(exist_ok=True)
app = FastAPI()


def read(file: UploadFile) -> bytes:
    content = file.file.read(100_001)
    if len(content) > 100_000 or not (file.filename or "").endswith(".txt"):
        raise HTTPException(422)
    return content


@app.post("/climbing")
def climbing(file: UploadFile) -> None:
    (FOLDER / "sub" / ".." / file.filename).write_bytes(read(file))


@app.post("/absolute")
def absolute(file: UploadFile, title: str = Form()) -> str:
    content = read(file)
    path = FOLDER / file.filename.replace("..", "")
    path.write_bytes(content)
    return title


@app.post("/renamed")
def renamed(file: UploadFile) -> str:
    name = uuid4().hex
    (FOLDER / name).write_bytes(read(file))
    return name


@app.post("/last-part")
def last_part(file: UploadFile) -> str:
    name = Path(file.filename or "none").name
    (FOLDER / name).write_bytes(read(file))
    return name
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examined]:
    """The examination of the app."""
    root: Path = tmp_path_factory.mktemp("uploads")
    (root / "files" / "sub").mkdir(parents=True)
    (root / "files" / "sub" / "kept.txt").write_text("kept")
    (root / MAIN).write_text(BAD)
    app = static.read({MAIN: BAD.encode()})
    with World.open(WorldSpec(root, python_of("newest"), target="main:app")) as world:
        target = SturdyTarget(world.boot)
        try:
            yield examine(target, app, find_all(app, every_rule().values()).findings, budget=60)
        finally:
            target.close()


def test_a_name_that_climbs_and_one_that_is_absolute_are_proven(seen: Examined) -> None:
    """Each of the two uploads is proven by a file that stands in the temporary folder."""
    proofs = {p.operation: p for p in seen.proofs if p.rule == "path-from-client"}
    assert set(proofs) == {"POST /climbing", "POST /absolute"}
    assert all("is there afterwards" in proof.shown[0][1] for proof in proofs.values())
    assert b'filename="../../' in proofs["POST /climbing"].shown[0][0].request.body


def test_what_the_rule_knows_is_proven(seen: Examined) -> None:
    """The proofs join the findings of the rule, which says where the name becomes a path."""
    found = [f for f in seen.findings if f.rule == "path-from-client"]
    assert {f.symbol for f in found} == {"main.climbing", "main.absolute"}
    assert all(f.grade is Grade.PROVEN for f in found)
    assert any("takes its path from" in f.message for f in found)
