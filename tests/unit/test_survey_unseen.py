"""What apps that nobody had seen do, and the survey once lost, each in its smallest form."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastwright.model.app import AppMap
from fastwright.survey import static
from fastwright.survey.values import Const, Pairs, Seq, Value


def read(**files: str) -> AppMap:
    """The map of a few modules given as text."""
    return static.read({PurePosixPath(f"{name}.py"): t.encode() for name, t in files.items()})


def test_a_recursion_whose_argument_grows_comes_to_an_end() -> None:
    """Each turn is given more than the one before: the sizes multiply, and are given up."""
    main = """
from fastapi import FastAPI
app = FastAPI()
class Clean:
    @classmethod
    def of(cls, value, name=None):
        if isinstance(value, dict):
            return {"key": cls.of(value["key"], name), "rest": cls.of({"in": value}, name)}
        if isinstance(value, list):
            return [cls.of([value, value], name), cls.text(cls.of((value, name), value), value)]
        return cls.text(value, name)
    @classmethod
    def text(cls, value, name=None):
        return cls.of({"text": value, "name": cls.of([value], name)}, value)
@app.get("/")
def home(raw: dict):
    return Clean.of({"a": raw, "b": [raw]}, "name")
"""
    assert [str(route) for route in read(main=main).routes] == ["GET /"]


def test_an_app_is_followed_into_functions_that_a_loop_calls() -> None:
    """``for configure in [add_routes, add_pages]: configure(app)`` calls each of them."""
    main = """
from fastapi import APIRouter, FastAPI
inner = FastAPI()
router = APIRouter()
@inner.get("/items")
def items(): ...
@router.get("/pages")
def pages(): ...
def add_routes(app: FastAPI):
    app.mount("/api", inner)
def add_pages(app: FastAPI):
    app.include_router(router)
def create_app():
    app = FastAPI()
    for configure in [add_routes, add_pages]:
        configure(app)
    return app
app = create_app()
"""
    app = read(main=main)
    assert app.app is not None
    assert app.app.target == "main:app"
    assert [str(r) for r in app.routes if r.reachable] == ["GET /api/items", "GET /pages"]


def test_routers_of_an_app_that_nobody_names_are_told_as_lost() -> None:
    """Routers that a class finds at run time are no routes, and their loss is told."""
    main = """
import importlib
from fastapi import FastAPI
class Register:
    def __init__(self, app: FastAPI) -> None:
        self.app = app
    def found(self, names):
        return [importlib.import_module(name).router for name in names]
    def register(self, names):
        for router in self.found(names):
            self.app.include_router(router=router)
def create_app():
    app = FastAPI()
    Register(app).register(open("names").read().split())
    return app
app = create_app()
"""
    (lost,) = read(main=main).unresolved
    assert lost.what == "self.app.include_router"


def test_a_middleware_says_under_which_test_it_is_added() -> None:
    """What only development adds is told from what serves."""
    main = """
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from conf import config
app = FastAPI()
if config.is_development:
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example"])
"""
    found = read(main=main, conf="config = object()\n").middleware
    assert [m.condition for m in found] == [None, "config.is_development"]


def test_a_dependency_that_judges_the_rank_of_its_caller_is_a_permission() -> None:
    """Also where it reads the token itself; a 403 for a bad token alone makes none."""
    main = """
import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
scheme = OAuth2PasswordBearer(tokenUrl="login")
class User: ...
def get_current_user(token: str = Depends(scheme)) -> User:
    if not jwt.decode(token, "k", algorithms=["HS256"]):
        raise HTTPException(status_code=403)
    return User()
def get_current_super_admin(token: str = Depends(scheme)):
    user = get_current_user(token)
    if not user.is_superadmin:
        raise HTTPException(status_code=403)
    return user
app = FastAPI()
@app.get("/me")
def me(user=Depends(get_current_user)): ...
@app.get("/all")
def every(user=Depends(get_current_super_admin)): ...
"""
    roles = {r.path: {g.role for g in r.guards} for r in read(main=main).routes}
    assert roles == {"/me": {"principal", "scheme"}, "/all": {"permission", "scheme"}}


def test_a_folder_of_relative_imports_is_a_package() -> None:
    """``from .items import router`` in ``app/main.py`` runs as ``app.main``, init file or not."""
    files = {
        "app/main.py": "from fastapi import FastAPI\nfrom .items import router\n"
        "app = FastAPI()\napp.include_router(router)\n",
        "app/items.py": "from fastapi import APIRouter\nrouter = APIRouter()\n"
        "@router.get('/items')\ndef items(): ...\n",
    }
    app = static.read({PurePosixPath(p): text.encode() for p, text in files.items()})
    assert app.app is not None
    assert app.app.target == "app.main:app"
    assert [r.handler for r in app.routes] == ["app.items.items"]


def test_of_two_applications_the_one_whose_paths_are_known_is_taken() -> None:
    """An app below a prefix that only the settings know says less than the app itself."""
    main = """
import os
from fastapi import FastAPI
def create_app():
    app = FastAPI()
    @app.get("/items")
    def items(): ...
    if os.environ.get("BASE"):
        outer = FastAPI()
        outer.mount(os.environ["BASE"], app)
        return outer
    return app
app = create_app()
"""
    assert [str(r) for r in read(main=main).routes] == ["GET /items"]


def test_what_a_container_gives_is_no_body() -> None:
    """``FromDishka[Service]`` comes from dishka, and the body is what is left."""
    main = """
from dishka.integrations.fastapi import FromDishka
from fastapi import FastAPI
from pydantic import BaseModel
class Note(BaseModel):
    text: str
class Notes: ...
app = FastAPI()
@app.get("/notes")
def read(notes: FromDishka[Notes]): ...
@app.post("/notes")
def add(note: Note, notes: FromDishka[Notes]): ...
"""
    assert [r.body_model for r in read(main=main).routes] == [None, "main.Note"]


def test_what_holds_itself_twice_over_and_over_is_not_walked_as_often() -> None:
    """A list of two of the last, eighty times, has 2**80 ends; it is hashed by its parts."""
    value: Value = Const.of("end")
    for _ in range(80):
        value = Pairs((((value,), (Seq(((value,), (value,))),)),))
    assert len({value, value}) == 1
