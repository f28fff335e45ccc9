"""What a map knows of expressions that raise whenever they run."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.survey import static

MODELS = b"""
import enum
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase): ...
class Color(enum.Enum):
    RED = 1
class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    def rename(self, name): ...
class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
"""

USES = b"""
from models import Color, Item, Strict
from db import session
class Items:
    def get(self, key: int) -> Item | None:
        return session.query(Item).filter(Item.id == key).first()
    def lied(self, key: int) -> Item | None:
        return session.query(Color).first()
def colors():
    return Color.RED, Color.BLUE, Color.RED.value
def rows():
    found = Items().get(1)
    return found.rename("x"), found.price
def lied():
    return Items().lied(1).price
def strict():
    return Strict(name="x"), Strict(name="x", size=1), Strict()
def set_before(found: Item):
    found.extra = 1
    return found.id, found.extra
def handed(found: Item):
    return found.rename("y"), found.missing
def handed_a_plugin(found: Item):
    return found.instance
"""


def _told(**files: bytes) -> list[str]:
    app = static.read({PurePosixPath(f"{name}.py"): text for name, text in files.items()})
    return [f"{app.text(m.at)}: {m.error}" for m in app.mistakes]


def test_mistakes_are_told_of_classes_rows_and_schemas() -> None:
    """What is not there, by the classes of the project; a wrong annotation is not believed."""
    assert _told(models=MODELS, uses=USES) == [
        "Color.BLUE: AttributeError",
        "found.price: AttributeError",
        "found.missing: AttributeError",
        "Strict: ValidationError",
        "Strict: ValidationError",
    ]


def test_a_row_that_a_dependency_gives_is_one_whatever_its_annotation_says() -> None:
    """Also where one name holds the result first and then its row."""
    injected = b"""
from fastapi import Depends
from sqlalchemy import select
from models import Item
from db import session
def current():
    found = session.execute(select(Item))
    found = found.scalar_one_or_none()
    if found is None:
        return None
    return found
def anything():
    return session.thing()
def read(item=Depends(current), named: dict = Depends(current), other=Depends(anything)):
    return item.price, named.rank, other.price
"""
    assert _told(models=MODELS, injected=injected) == [
        "item.price: AttributeError", "named.rank: AttributeError",
    ]  # fmt: skip


def test_a_test_suite_makes_no_mistakes() -> None:
    """What a test does on purpose is no mistake of the app."""
    assert _told(models=MODELS, test_uses=USES) == []


def test_an_optional_field_of_the_older_pydantic_need_not_be_given() -> None:
    """Without a sign of pydantic 2, a type that may be `None` is a default."""
    older = b"""
from pydantic import BaseModel
class Item(BaseModel):
    name: str
    note: str | None
def make():
    return Item(name="x"), Item(note="x")
"""
    assert _told(older=older) == ["Item: ValidationError"]
    assert len(_told(older=older.replace(b"BaseModel\n", b"BaseModel, ConfigDict\n", 1))) == 2


def test_names_that_nothing_binds() -> None:
    """A name is bound in its file, by a star of ours, or not at all."""
    stars = b"from words import *\ndef f(x):\n    return x, one, two\n"
    assert _told(words=b"one = 1\n", stars=stars) == ["two: NameError"]
    assert _told(stars=b"from os import *\n" + stars) == []
    opened = b"def f():\n    with (a if b else c) as d:\n        return lambda e, *g: (d, e, g)\n"
    assert _told(opened=opened) == ["a: NameError", "b: NameError", "c: NameError"]
    classes = b"class A:\n    size = 1\n    def f(self):\n        return size\n"
    assert _told(classes=classes) == ["size: NameError"]
    assert (
        _told(local=b"def f[T](x: T) -> T:\n    y: unknown = x\n    return {T: y for T in x}\n")
        == []
    )


def test_an_import_inside_a_function_of_what_a_module_lacks() -> None:
    """A module of ours that binds no such name ends the function that imports it."""
    lazy = b"def f():\n    from words import one, two\n    return one, two\n"
    assert _told(words=b"one = 1\n", lazy=lazy) == ["two: ImportError"]
    assert _told(words=b"one = 1\ndef __getattr__(name): ...\n", lazy=lazy) == []


def test_a_task_that_is_called_takes_what_its_function_does() -> None:
    """`task().delay(x)` calls it first; what is bound or another broker's may take other things."""
    tasks = b"""
from celery import Celery, shared_task
from huey import SqliteHuey
from broker import app as other
celery, huey = Celery("x"), SqliteHuey()
app = Celery("y")
@app.task()
def resize(path): ...
@shared_task
def send(path): ...
@app.task(bind=True)
def bound(self, path): ...
@huey.task()
def queued(path): ...
@other.task
def unknown(path): ...
"""
    uses = b"""
from tasks import bound, queued, resize, send, unknown
def run(path):
    resize().delay(path)
    send()
    resize.delay(path)
    resize(path)
    bound(path)
    queued()
    unknown()
"""
    assert _told(tasks=tasks, uses=uses) == ["resize: TypeError", "send: TypeError"]
