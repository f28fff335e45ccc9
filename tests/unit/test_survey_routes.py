"""Routes from source: every way in which apps put them together."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap, Place
from fastwright.survey import static


def read(files: dict[str, str], target: str | None = None) -> AppMap:
    """The map of a few files given as text."""
    content = {PurePosixPath(path): text.encode() for path, text in files.items()}
    return static.read(content, target=target)


def listed(app: AppMap) -> list[str]:
    """Reachable routes as ``GET /path handler``."""
    return [f"{r} {r.handler}" for r in app.routes if r.reachable]


ITEMS = """
from fastapi import APIRouter
router = APIRouter()
@router.get("/{item_id}")
def read_item(item_id: int): ...
"""

LAYOUTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "a list that grows, and a loop over it": (
        {
            "app/__init__.py": "",
            "app/items.py": ITEMS,
            "app/main.py": "from fastapi import FastAPI\nfrom app import items\napp = FastAPI()\n"
            "def include():\n"
            "    routers = []\n"
            "    try:\n"
            "        from app.items import router as others\n"
            "        routers.append((others, '/others', ['others']))\n"
            "    except ImportError:\n"
            "        raise\n"
            "    routers.extend([(items.router, '/items', [])])\n"
            "    for place in ('/more', '/most'):\n"
            "        routers.append((items.router, place, []))\n"
            "    for router, prefix, tags in routers:\n"
            "        app.include_router(router, prefix=prefix, tags=tags)\n"
            "    routers.append((items.router, '/too-late', []))\n"
            "include()\n",
        },
        [
            f"GET /{place}/{{item_id}} app.items.read_item"
            for place in ("others", "items", "more", "most")
        ],
    ),
    "classes whose base makes the router and asks each for its routes": (
        {
            "app/__init__.py": "",
            "app/base.py": "from fastapi import APIRouter\n"
            "class Routed:\n"
            "    def __init__(self, name):\n"
            "        self.name = name\n"
            "        self.router = APIRouter()\n"
            "        self.add_routes()\n"
            "    def add_routes(self): ...\n",
            "app/parts.py": "from app.base import Routed\n"
            "class Items(Routed):\n"
            "    def add_routes(self):\n"
            "        @self.router.get('/items')\n"
            "        def list_items(): ...\n"
            "class Users(Routed):\n"
            "    def add_routes(self):\n"
            "        @self.router.get('/users')\n"
            "        def list_users(): ...\n",
            "app/main.py": "from fastapi import FastAPI\nfrom app.parts import Items, Users\n"
            "class App:\n"
            "    def __init__(self, items: Items, users: Users):\n"
            "        self.app = FastAPI()\n"
            "        self.app.include_router(items.router, prefix='/v1')\n"
            "        self.app.include_router(users.router, prefix='/v1')\n"
            "app = App(Items('items'), Users('users')).app\n",
        },
        [
            "GET /v1/items app.parts.Items.add_routes.<locals>.list_items",
            "GET /v1/users app.parts.Users.add_routes.<locals>.list_users",
        ],
    ),
    "one file": (
        {"main.py": "import fastapi\napp = fastapi.FastAPI()\n@app.get('/')\ndef home(): ...\n"},
        ["GET / main.home"],
    ),
    "prefix at inclusion": (
        {
            "app/__init__.py": "",
            "app/items.py": ITEMS,
            "app/main.py": "from fastapi import FastAPI\nfrom app import items\napp = FastAPI()\n"
            "app.include_router(items.router, prefix='/items')\n",
        },
        ["GET /items/{item_id} app.items.read_item"],
    ),
    "prefix on the router, relative import, src layout": (
        {
            "src/app/__init__.py": "",
            "src/app/items.py": ITEMS.replace("APIRouter()", "APIRouter(prefix='/things')"),
            "src/app/main.py": "from fastapi import FastAPI\nfrom .items import router as r\n"
            "app = FastAPI()\napp.include_router(r)\n",
            "tests/test_a.py": "from app.main import app\n",
        },
        ["GET /things/{item_id} app.items.read_item"],
    ),
    "an app that a class keeps, made with arguments, and a router that registers in its own way": (
        {
            "main.py": "from fastapi import APIRouter, FastAPI\n\n"
            "class Slashed(APIRouter):\n    def add_api_route(self, path, *given, **named):\n"
            "        super().add_api_route(path, *given, **named)\n\n"
            "class Server:\n    def __init__(self, title):\n"
            "        self._app = FastAPI(title=title)\n        self.router = Slashed()\n"
            "        self.set_up()\n        self._app.include_router(self.router, prefix='/v1')\n\n"
            "    def set_up(self):\n"
            "        self.router.add_api_route('/beat', self.beat, methods=['GET'])\n\n"
            "    def beat(self): ...\n\nserver = Server('x')\n",
        },
        ["GET /v1/beat main.Server.beat"],
    ),
    "a decorator that is given the router's method, with options of its own": (
        {
            "guarding.py": "from fastapi import Depends\n\ndef who(): ...\n\n"
            "def guarded(method, path, scopes=None, **options):\n"
            "    def decorate(function):\n"
            "        options.setdefault('tags', [])\n"
            "        return method(path, dependencies=[Depends(who)], **options)(function)\n"
            "    return decorate\n",
            "main.py": "from fastapi import APIRouter, FastAPI\nfrom guarding import guarded\n"
            "router = APIRouter(prefix='/items')\n\n"
            "@guarded(router.get, '/{item_id}', ['read'])\ndef read_item(item_id: int): ...\n\n"
            "@guarded(router.post, '', status_code=201)\ndef add_item(): ...\n\n"
            "app = FastAPI()\napp.include_router(router)\n",
        },
        ["GET /items/{item_id} main.read_item", "POST /items main.add_item"],
    ),
    "namespace package": (
        {
            "app/items.py": ITEMS,
            "app/main.py": "from fastapi import FastAPI\nfrom app.items import router\n"
            "app = FastAPI()\napp.include_router(router, prefix='/i')\n",
        },
        ["GET /i/{item_id} app.items.read_item"],
    ),
    "prefix from a settings class and an f-string": (
        {
            "items.py": ITEMS,
            "config.py": "from pydantic_settings import BaseSettings\n"
            "class Settings(BaseSettings):\n    API: str = '/api'\n    VERSION: int = 2\n"
            "settings = Settings()\n",
            "main.py": "from fastapi import FastAPI\nimport items\nfrom config import settings\n"
            "app = FastAPI()\n"
            "app.include_router(items.router, prefix=f'{settings.API}/v{settings.VERSION}')\n",
        },
        ["GET /api/v2/{item_id} items.read_item"],
    ),
    "prefix from the environment without default": (
        {
            "items.py": ITEMS,
            "main.py": "import os\nfrom fastapi import FastAPI\nimport items\napp = FastAPI()\n"
            "app.include_router(items.router, prefix=os.environ['PREFIX'])\n",
        },
        ["GET {?}/{item_id} items.read_item"],
    ),
    "a factory that gets the router as a parameter": (
        {
            "items.py": ITEMS,
            "setup.py": "from fastapi import FastAPI, APIRouter\n"
            "def create(router: APIRouter, prefix='/p') -> FastAPI:\n"
            "    application = FastAPI()\n    application.include_router(router, prefix=prefix)\n"
            "    return application\n",
            "main.py": "from setup import create\nimport items\n"
            "app = create(router=items.router)\n",
        },
        ["GET /p/{item_id} items.read_item"],
    ),
    "the app as a parameter of a registering function": (
        {
            "items.py": ITEMS,
            "wire.py": "import items\ndef register(target):\n"
            "    for router, prefix in [(items.router, '/a'), (items.router, '/b')]:\n"
            "        target.include_router(router, prefix=prefix)\n",
            "main.py": "from fastapi import FastAPI\nfrom wire import register\n"
            "app = FastAPI()\nregister(app)\n",
        },
        ["GET /a/{item_id} items.read_item", "GET /b/{item_id} items.read_item"],
    ),
    "a dictionary of routers": (
        {
            "items.py": ITEMS,
            "main.py": "from fastapi import FastAPI\nimport items\n"
            "all_of = {'Items': items.router}\napp = FastAPI()\n"
            "for tag, router in all_of.items():\n"
            "    app.include_router(router, tags=[tag], prefix='/d')\n",
        },
        ["GET /d/{item_id} items.read_item"],
    ),
    "a router made by a factory, once for each call": (
        {
            "main.py": "from fastapi import FastAPI, APIRouter\n"
            "def crud(prefix):\n    router = APIRouter(prefix=prefix)\n"
            "    @router.get('')\n    def every(): ...\n    return router\n"
            "app = FastAPI()\napp.include_router(crud('/a'))\napp.include_router(crud('/b'))\n"
        },
        ["GET /a main.crud.<locals>.every", "GET /b main.crud.<locals>.every"],
    ),
    "add_api_route with several methods": (
        {
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\ndef both(): ...\n"
            "app.add_api_route('/x', both, methods=['GET', 'POST'])\n"
        },
        ["GET /x main.both", "POST /x main.both"],
    ),
    "a class-based view": (
        {
            "main.py": "from fastapi import FastAPI, Depends\nfrom fastapi_utils.cbv import cbv\n"
            "from fastapi_utils.inferring_router import InferringRouter\n"
            "router = InferringRouter()\ndef get_db(): ...\n"
            "@cbv(router)\nclass Items:\n    db = Depends(get_db)\n"
            "    @router.get('/items')\n    def every(self): ...\n"
            "app = FastAPI()\napp.include_router(router)\n"
        },
        ["GET /items main.Items.every"],
    ),
    "a websocket": (
        {
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"
            "@app.websocket('/ws')\nasync def talk(socket): ...\n"
        },
        ["WEBSOCKET /ws main.talk"],
    ),
    "a mounted application": (
        {
            "main.py": "from fastapi import FastAPI\napp = FastAPI()\napi = FastAPI()\n"
            "@api.get('/x')\ndef inner(): ...\napp.mount('/api', api)\n"
        },
        ["GET /api/x main.inner"],
    ),
    "an own subclass of the router": (
        {
            "kit.py": "from fastapi import APIRouter as Base\nclass Router(Base): ...\n",
            "main.py": "from fastapi import FastAPI\nfrom kit import Router\n"
            "r = Router(prefix='/k')\n@r.post('')\ndef make(): ...\n"
            "app = FastAPI()\napp.include_router(r)\n",
        },
        ["POST /k main.make"],
    ),
    "a router registered by the lifespan": (
        {
            "items.py": ITEMS,
            "main.py": "from fastapi import FastAPI\nimport items\nasync def life(app):\n"
            "    app.include_router(items.router, prefix='/late')\n    yield\n"
            "app = FastAPI(lifespan=life)\n",
        },
        ["GET /late/{item_id} items.read_item"],
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_routes_are_found_however_they_are_wired(layout: str) -> None:
    """Method, full path and handler are found for each way of wiring."""
    files, expected = LAYOUTS[layout]
    assert listed(read(files)) == expected


def test_a_span_begins_at_the_decorator_and_holds_the_handler() -> None:
    """The span of a route is the whole function with its decorators."""
    app = read(LAYOUTS["one file"][0])
    assert app.routes[0].span is not None
    assert app.text(app.routes[0].span) == "@app.get('/')\ndef home(): ..."


def test_a_router_that_nothing_includes_is_not_reachable() -> None:
    """Decorated is not served: the route is there, and says so."""
    app = read({"items.py": ITEMS, "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"})
    assert [(str(r), r.reachable) for r in app.routes] == [("GET /{item_id}", False)]


def test_a_router_of_another_package_is_listed_as_unresolved() -> None:
    """What source cannot show is told, with the reason."""
    text = (
        "from fastapi import FastAPI\nfrom fastapi_users import get_router\n"
        "app = FastAPI()\napp.include_router(get_router(), prefix='/auth')\n"
    )
    (row,) = read({"main.py": text}).unresolved
    assert row.what == "app.include_router"
    assert "fastapi_users.get_router" in row.why


def test_a_condition_is_kept() -> None:
    """A route under a test carries the test as written."""
    text = (
        "from fastapi import FastAPI\napp = FastAPI()\nDEBUG = False\n"
        "if DEBUG:\n    @app.get('/debug')\n    def debug(): ...\n"
    )
    assert read({"main.py": text}).routes[0].condition == "DEBUG"


def test_of_two_applications_the_one_asked_for_is_chosen() -> None:
    """`target` decides; without it the application with the most routes is taken."""
    text = (
        "from fastapi import FastAPI\none = FastAPI()\ntwo = FastAPI()\n"
        "@one.get('/a')\ndef a(): ...\n@two.get('/b')\ndef b(): ...\n@two.get('/c')\ndef c(): ...\n"
    )
    assert read({"main.py": text}).app == read({"main.py": text}, "main:two").app
    assert [str(r) for r in read({"main.py": text}, "main:one").routes] == ["GET /a"]


def test_a_factory_that_nothing_calls_is_the_target_itself() -> None:
    """``module:function`` with what it must be given."""
    text = "from fastapi import FastAPI\ndef make(settings, debug=False):\n    return FastAPI()\n"
    app = read({"main.py": text}).app
    assert app is not None
    assert (app.target, app.factory, app.parameters) == ("main:make", True, ("settings",))


def test_dependencies_say_where_they_are_attached() -> None:
    """App, router, inclusion, decorator and parameter dependencies are told apart."""
    text = """
from fastapi import FastAPI, APIRouter, Depends
def a(): ...
def b(): ...
def c(): ...
def d(): ...
def e(): ...
router = APIRouter(dependencies=[Depends(b)])
@router.get("/", dependencies=[Depends(d)])
def home(x=Depends(e)): ...
app = FastAPI(dependencies=[Depends(a)])
app.include_router(router, dependencies=[Depends(c)])
"""
    (route,) = read({"main.py": text}).routes
    assert {(d.call, d.place) for d in route.dependencies} == {
        ("main.a", Place.APP),
        ("main.b", Place.ROUTER),
        ("main.c", Place.INCLUSION),
        ("main.d", Place.DECORATOR),
        ("main.e", Place.PARAMETER),
    }


def test_aliases_scopes_and_instances_are_seen_through() -> None:
    """``Annotated`` aliases, ``Security`` scopes, callable instances and bare ``Depends()``."""
    text = """
from typing import Annotated
from fastapi import FastAPI, Depends, Security
from fastapi.security import OAuth2PasswordBearer
scheme = OAuth2PasswordBearer(tokenUrl="/login", auto_error=False)
class Pages:
    def __init__(self, limit: int = 10): ...
class Checker:
    def __init__(self, role): ...
    def __call__(self, token: Annotated[str, Depends(scheme)]) -> bool: ...
type User = Annotated[str, Security(Checker("admin"), scopes=["me", "all"])]
app = FastAPI()
@app.get("/")
def home(user: User, pages: Annotated[Pages, Depends()]): ...
"""
    (route,) = read({"main.py": text}).routes
    checker, pages = route.dependencies
    assert (checker.call, checker.name, checker.scopes) == ("main.Checker", "user", ("me", "all"))
    assert checker.children[0].scheme == "OAuth2PasswordBearer"
    assert ("auto_error", "False") in checker.children[0].options
    assert pages.call == "main.Pages"


def test_parameters_know_their_source() -> None:
    """Path, query, body, header, file, special and unknown."""
    text = """
from typing import Annotated
from fastapi import FastAPI, Header, Request, UploadFile
from pydantic import BaseModel
from elsewhere import Strange
class Item(BaseModel):
    name: str
app = FastAPI()
@app.post("/{key}", response_model=list[Item], status_code=201, tags=["t"])
async def make(key: str, item: Item, request: Request, photo: UploadFile, odd: Strange,
               token: Annotated[str, Header(max_length=9)], q: str | None = None): ...
"""
    (route,) = read({"main.py": text}).routes
    assert {p.name: p.source for p in route.parameters} == {
        "key": "path", "item": "body", "request": "special", "photo": "file", "odd": None,
        "token": "header", "q": "query",
    }  # fmt: skip
    assert (route.body_model, route.response_model) == ("main.Item", "list[main.Item]")
    assert (route.status_code, route.tags, route.is_async) == (201, ("t",), True)
    token = next(p for p in route.parameters if p.name == "token")
    assert token.constraints == (("max_length", "9"),)
    assert [p.name for p in route.parameters if not p.required] == ["q"]


def test_a_decorator_of_the_app_gives_its_dependencies_and_options_to_the_route() -> None:
    """What it writes itself counts, and so does what it hands on by ``**options``."""
    files, _ = LAYOUTS["a decorator that is given the router's method, with options of its own"]
    read_item, add_item = (r for r in read(files).routes if r.reachable)
    assert [node.call for node in read_item.dependencies] == ["guarding.who"]
    assert (read_item.status_code, add_item.status_code) == (None, 201)


def test_the_folder_that_imports_start_in_may_have_an_init() -> None:
    """An `__init__.py` in the folder that the app is started in makes no package of it."""
    app = static.read({
        PurePosixPath(path): text.encode()
        for path, text in {
            "svc/__init__.py": "",
            "svc/api/__init__.py": "from api.routes import router\n",
            "svc/api/routes.py": ROUTER_OF_API,
            "svc/main.py": (
                "from fastapi import FastAPI\nfrom api import router\n"
                "app = FastAPI()\napp.include_router(router)\n"
            ),
        }.items()
    })  # fmt: skip
    assert (str(app.roots.imports), app.app and app.app.target) == ("svc", "main:app")
    assert [str(route) for route in app.routes] == ["GET /things"]


ROUTER_OF_API = (
    "from fastapi import APIRouter\nrouter = APIRouter()\n"
    "@router.get('/things')\ndef things(): ...\n"
)


FACTORY = """
from fastapi import APIRouter
def make_router(prefix: str = "") -> APIRouter:
    router = APIRouter(prefix=prefix)
    @router.get("/ping")
    def ping(): ...
    return router
"""


def test_each_call_of_a_function_makes_another_router() -> None:
    """What is registered on one is not on the others, but for what the function registers."""
    files = {
        "app/__init__.py": "",
        "app/making.py": FACTORY,
        "app/items.py": "from app.making import make_router\nrouter = make_router()\n"
        "@router.get('/')\ndef items(): ...\n",
        "app/users.py": "from app.making import make_router\nrouter = make_router()\n"
        "@router.get('/')\ndef users(): ...\n",
        "app/main.py": "from fastapi import FastAPI\nfrom app import items, users\n"
        "app = FastAPI()\napp.include_router(items.router, prefix='/items')\n"
        "app.include_router(users.router, prefix='/users')\n",
    }
    assert sorted(listed(read(files))) == [
        "GET /items/ app.items.items",
        "GET /items/ping app.making.make_router.<locals>.ping",
        "GET /users/ app.users.users",
        "GET /users/ping app.making.make_router.<locals>.ping",
    ]


def test_a_router_that_a_function_only_hands_out_is_one() -> None:
    """It was made once, whoever calls the function."""
    files = {
        "app/__init__.py": "",
        "app/items.py": "from fastapi import APIRouter\nrouter = APIRouter()\n"
        "def get_router() -> APIRouter:\n    return router\n"
        "@router.get('/')\ndef items(): ...\n",
        "app/main.py": "from fastapi import FastAPI\nfrom app.items import get_router\n"
        "app = FastAPI()\napp.include_router(get_router(), prefix='/items')\n",
    }
    assert listed(read(files)) == ["GET /items/ app.items.items"]


def test_a_handler_called_as_what_it_depends_on_still_depends_on_that() -> None:
    """The default is read before the name is bound to the handler."""
    files = {
        "app/__init__.py": "",
        "app/deps.py": "from fastapi import HTTPException\nfrom fastapi.security import "
        "HTTPBearer\nfrom fastapi import Depends\n"
        "def current_user(token=Depends(HTTPBearer())):\n"
        "    if not token:\n        raise HTTPException(401)\n    return token\n",
        "app/main.py": "from fastapi import Depends, FastAPI\nfrom app.deps import current_user\n"
        "app = FastAPI()\n@app.get('/me')\n"
        "def current_user(user=Depends(current_user)): ...\n",
    }
    (route,) = (r for r in read(files).routes if r.reachable)
    assert [node.call for node in route.dependencies] == ["app.deps.current_user"]
    assert any(guard.name == "app.deps.current_user" for guard in route.guards)


def test_dependencies_may_be_set_on_a_router_that_is_there() -> None:
    """What a router's `dependencies` are set to counts as what it was made with."""
    text = """
from fastapi import APIRouter, Depends, FastAPI, HTTPException
def guard(): raise HTTPException(403)
inner = APIRouter(prefix="/inner")
outer = APIRouter(prefix="/outer")
outer.dependencies = [Depends(guard)]
@inner.get("/films")
def films(): ...
outer.include_router(inner)
app = FastAPI()
app.include_router(outer)
app.include_router(inner)
"""
    app = static.read({PurePosixPath("main.py"): text.encode()})
    found = {r.path: [g.name for g in r.guards] for r in app.routes}
    assert found == {"/outer/inner/films": ["main.guard"], "/inner/films": []}
