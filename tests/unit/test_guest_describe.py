"""What the guest says of a running app, on the oldest and the newest FastAPI supported."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fastwright.lab.world import World, WorldSpec
from fastwright.testing.environments import environment

LOCKS = Path(__file__).parents[1] / "locks"

APP = """
from typing import Annotated, Optional
from fastapi import APIRouter, Depends, FastAPI, Form, Header, Query, Request, Security, WebSocket
from fastapi.security import OAuth2PasswordBearer
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="shop_")
    limit: int = 5
    dsn: str = Field("sqlite://", validation_alias="SHOP_DATABASE")

settings = Settings()

class Base(DeclarativeBase):
    pass

class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(server_default=text("'new'"))
    items: Mapped[list["Item"]] = relationship(back_populates="owner")

class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column("owner", ForeignKey("users.id"))
    title: Mapped[Optional[str]] = mapped_column(index=True)
    owner: Mapped[User] = relationship(back_populates="items", lazy="joined")
    __table_args__ = (Index("both", "owner", "title"),)

class Draft(BaseModel):
    title: str

class Stored(Draft):
    id: int

scheme = OAuth2PasswordBearer(tokenUrl="/token", scopes={"write": "w"}, auto_error=False)

def by_app(): ...
def by_router(): ...
def by_inclusion(): ...
def by_decorator(): ...
async def current(token: Annotated[str, Depends(scheme)]) -> User: ...
class Limit:
    def __init__(self, most):
        self.most = most
    def __call__(self, x_key: Annotated[str, Header()]) -> int:
        return self.most

CurrentUser = Annotated[User, Depends(current)]
router = APIRouter(prefix="/items", dependencies=[Depends(by_router)], tags=["goods"])

@router.post("", status_code=201, response_model=Stored, dependencies=[Depends(by_decorator)])
async def create(draft: Draft, user: Annotated[User, Security(current, scopes=["write"])],
                 request: Request, q: Annotated[int, Query(ge=1, le=9)] = 3): ...

@router.get("/{item_id}")
def read(item_id: int, user: CurrentUser, limit: int = Depends(Limit(4))): ...

inner = APIRouter(prefix="/deep")

@inner.put("/end", include_in_schema=False)
def end(name: Annotated[str, Form()]): ...

router.include_router(inner)
app = FastAPI(dependencies=[Depends(by_app)])
app.include_router(router, prefix="/v1", dependencies=[Depends(by_inclusion)])
app.add_middleware(GZipMiddleware, minimum_size=10)

class Signed:
    def __init__(self, app, secret_key):
        self.app = app
    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)

app.add_middleware(Signed, secret_key="do-not-tell")

@app.websocket("/ws")
async def live(socket: WebSocket): ...

@app.exception_handler(KeyError)
async def on_key_error(request, error): ...

other = FastAPI()

@other.get("/status")
async def status(): ...

app.mount("/other", other)
app.mount("/files", StaticFiles(directory="."), name="files")
app.router.routes.append(Route("/plain", lambda request: PlainTextResponse("x")))
"""


@pytest.fixture(scope="module", params=["newest", "floor"])
def description(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The document of the app above, booted in a world on one of the locks."""
    tree = tmp_path_factory.mktemp("described")
    (tree / "main.py").write_text(textwrap.dedent(APP))
    python = environment(LOCKS / f"{request.param}.txt")
    with World.open(WorldSpec(tree, python)) as world, world.boot("main:app") as app:
        yield app.description


def route(description: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    """The one route of that method and path."""
    (found,) = (r for r in description["routes"] if (r["method"], r["path"]) == (method, path))
    return found


def test_nothing_failed(description: dict[str, Any]) -> None:
    """Every section of the document was read."""
    assert description["errors"] == {}
    assert description["openapi_error"] == ""


def test_routes_have_their_full_path(description: dict[str, Any]) -> None:
    """Prefixes of routers, inclusions and mounts are in the path, whatever kind the route is of."""
    told = {(r["method"], r["path"], r["kind"], r["app"]) for r in description["routes"]}
    assert {
        ("POST", "/v1/items", "api", ""),
        ("GET", "/v1/items/{item_id}", "api", ""),
        ("PUT", "/v1/items/deep/end", "api", ""),
        ("WEBSOCKET", "/ws", "websocket", ""),
        ("GET", "/other/status", "api", "/other"),
        ("GET", "/plain", "starlette", ""),
    } <= told
    mounts = {(m["path"], m["kind"]) for m in description["mounts"]}
    assert mounts == {("/other", "app"), ("/files", "static")}


def test_every_operation_of_the_contract_is_a_route(description: dict[str, Any]) -> None:
    """The routes in the schema are exactly the operations of the documents, mounted ones too."""
    documents = {"": description["openapi"], **description["openapi_mounted"]}
    operations = {
        (method.upper(), mount + path)
        for mount, document in documents.items()
        for path, item in document["paths"].items()
        for method in item
    }
    told = {(r["method"], r["path"]) for r in description["routes"] if r["in_schema"]}
    assert told == operations


def test_a_dependency_knows_where_it_was_attached(description: dict[str, Any]) -> None:
    """App, inclusion, router, decorator and parameter are told apart, in the order they run."""
    found = route(description, "POST", "/v1/items")["dependencies"]
    assert [(d["call"], d["place"]) for d in found] == [
        ("main.by_app", "app"),
        ("main.by_inclusion", "inclusion"),
        ("main.by_router", "router"),
        ("main.by_decorator", "decorator"),
        ("main.current", "parameter"),
    ]
    nested = route(description, "PUT", "/v1/items/deep/end")["dependencies"]
    assert [d["place"] for d in nested] == ["app", "inclusion", "router"]


def test_a_dependency_tells_scopes_scheme_and_result(description: dict[str, Any]) -> None:
    """The node has what `Security` asks for, its child the scheme with its options."""
    node = route(description, "POST", "/v1/items")["dependencies"][-1]
    assert (node["name"], node["scopes"], node["returns"]) == ("user", ["write"], "main.User")
    (scheme,) = node["children"]
    assert (scheme["scheme"], scheme["name"]) == ("OAuth2PasswordBearer", "token")
    assert scheme["options"]["auto_error"] == "False"
    assert scheme["options"]["tokenUrl"] == "/token"


def test_an_instance_as_a_dependency(description: dict[str, Any]) -> None:
    """A callable object goes by its class, with its own parameters and plain attributes."""
    node = route(description, "GET", "/v1/items/{item_id}")["dependencies"][-1]
    assert (node["call"], node["name"], node["returns"]) == ("main.Limit", "limit", "int")
    assert node["options"] == {"most": "4"}
    assert [(p["name"], p["source"]) for p in node["parameters"]] == [("x_key", "header")]


def test_a_handler_is_described(description: dict[str, Any]) -> None:
    """Models, status, tags, place in the file, and each parameter with source and limits."""
    found = route(description, "POST", "/v1/items")
    assert (found["handler"], found["status_code"], found["tags"]) == (
        "main.create",
        201,
        ["goods"],
    )
    assert (found["body_model"], found["response_model"]) == ("main.Draft", "main.Stored")
    assert (found["file"], found["is_async"]) == ("main.py", True)
    lines = textwrap.dedent(APP).splitlines()
    assert lines[found["line"] - 1].startswith("@router.post")
    told = {p["name"]: (p["source"], p["required"], p["default"]) for p in found["parameters"]}
    assert told == {
        "draft": ("body", True, None),
        "user": ("dependency", False, None),
        "request": ("special", False, None),
        "q": ("query", False, "3"),
    }
    assert found["parameters"][-1]["constraints"] == {"ge": "1", "le": "9"}
    form = route(description, "PUT", "/v1/items/deep/end")
    assert (form["parameters"][0]["source"], form["body_model"]) == ("form", None)


def test_tables_are_as_the_mapper_has_them(description: dict[str, Any]) -> None:
    """Columns under both names, keys, lengths, defaults, indexes and relationships."""
    tables = {t["name"]: t for t in description["tables"]}
    assert set(tables) == {"users", "items"}
    users = {c["name"]: c for c in tables["users"]["columns"]}
    assert (users["login"]["type"], users["login"]["length"]) == ("String(40)", 40)
    assert (users["login"]["unique"], users["login"]["nullable"]) == (True, False)
    assert users["state"]["default"] == "'new'"
    items = {c["name"]: c for c in tables["items"]["columns"]}
    assert items["owner"]["attribute"] == "owner_id"
    assert items["owner"]["foreign_key"] == "users.id"
    assert (items["title"]["index"], items["title"]["nullable"]) == (True, True)
    assert {"name": "both", "columns": ["owner", "title"], "unique": False} in tables["items"][
        "indexes"
    ]
    (owner,) = tables["items"]["relationships"]
    assert (owner["target"], owner["many"], owner["lazy"]) == ("main.User", False, "joined")
    assert tables["users"]["model"] == "main.User"


def test_settings_tell_their_variables(description: dict[str, Any]) -> None:
    """A prefix and an alias are in the variable's name; the instance is found by its module."""
    (found,) = description["settings"]
    assert (found["class"], found["instance"]) == ("main.Settings", "main.settings")
    assert {f["name"]: f["env"] for f in found["fields"]} == {
        "limit": "SHOP_LIMIT",
        "dsn": "SHOP_DATABASE",
    }


def test_middleware_is_outermost_first_and_keeps_secrets(description: dict[str, Any]) -> None:
    """What was added last runs first; a secret option is hidden, in the whole document."""
    told = description["middleware"]
    assert [m["name"].rpartition(".")[2] for m in told] == ["Signed", "GZipMiddleware"]
    assert told[0]["options"]["secret_key"] == "***"
    assert told[1]["options"]["minimum_size"] == "10"
    assert "do-not-tell" not in str(description)
    assert "KeyError" in description["exception_handlers"]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """An app whose contract cannot be made is still described, with its error."""
    (tmp_path / "main.py").write_text(
        "import fastapi\n"
        "app = fastapi.FastAPI()\n"
        "def openapi():\n"
        "    raise RuntimeError('no contract today')\n"
        "app.openapi = openapi\n"
        "@app.get('/here')\n"
        "def here(): ...\n"
    )
    spec = WorldSpec(tmp_path, environment(LOCKS / "newest.txt"))
    with World.open(spec) as world, world.boot("main:app") as app:
        assert app.description["openapi"] is None
        assert app.description["openapi_error"] == "RuntimeError: no contract today"
        assert route(app.description, "GET", "/here")["handler"] == "main.here"
