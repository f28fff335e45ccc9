"""Routers that objects keep, because their constructors were given them."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.survey import static

KEPT = """
from fastapi import APIRouter, FastAPI
class Base:
    prefix = ""
    def __init__(self, service):
        self.router = APIRouter(prefix=self.prefix)
        self.set_up()
    def get_router(self): return self.router
class Documents(Base):
    prefix = "/documents"
    def set_up(self):
        @self.router.get("/{key}")
        async def read(key: int): ...
class Site:
    def __init__(self, config, documents):
        self.app = FastAPI()
        self.documents = documents
        self.set_up()
    def set_up(self):
        self.app.include_router(GIVEN, prefix="/v3")
def build(config):
    documents = Documents(1)
    return Site(config, ARGUMENT)
app = build({}).app
"""


def read(text: str) -> AppMap:
    """The map of one module."""
    return static.read({PurePosixPath("main.py"): text.encode()})


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ("self.documents.get_router()", "documents"),
        ("self.documents.router", "documents=Documents(2)"),
        ("self.documents", "documents.get_router()"),
        ("self.documents", "**{'documents': documents.get_router()}"),
    ],
)
def test_a_router_that_a_constructor_is_given_is_followed(given: str, argument: str) -> None:
    """What the one object of a class is made with is known in all of its methods."""
    text = KEPT.replace("GIVEN", given).replace("ARGUMENT", argument)
    app = read(text)
    assert [(str(r), r.reachable) for r in app.routes] == [("GET /v3/documents/{key}", True)]


def test_of_two_objects_of_a_class_neither_is_taken_for_the_other() -> None:
    """Where there are several, it is not known which of their routers a method includes."""
    text = KEPT.replace("GIVEN", "self.documents").replace("ARGUMENT", "documents.router")
    app = read(text + "other = Site({}, APIRouter(prefix='/other')).app\n")
    assert [r.reachable for r in app.routes] == [False]
