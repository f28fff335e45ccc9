"""The app's own tests: where they stand, and how they call the app."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from fastwright.model.app import Application, AppMap
from fastwright.model.code import Function
from fastwright.recipes.ensure.drafting import counted, module_for

_CLIENTS = ("TestClient", "AsyncClient")
_MARK = re.compile(r"pytest\.mark\.((?:anyio|asyncio)\b(?:\([^()\n]*\))?)")
_BASE_URL = re.compile(r"base_url\s*=\s*(?:(?P<name>[A-Za-z_]\w*)|f?[\"'](?P<url>[^\"']*)[\"'])")
_ORIGIN = re.compile(r"https?://(?:\{[^}]*\}|[^/{]+)(?::\{[^}]*\})?")
_NAMED = re.compile(r"\bname\s*=\s*[\"'](\w+)[\"']")


@dataclass(frozen=True, slots=True)
class Suite:
    """How the project tests its app.

    Attributes:
        folder: Where a new test file goes.
        fixture: The shared fixture that yields a client; ``None`` where a file makes its own.
        is_async: True where that client is awaited.
        mark: ``anyio`` or ``asyncio``, where asynchronous tests are marked so, as it is called.
        origin: What the paths of tests must begin with; empty but where the client puts a path
            of its own before them.
        app: Dotted name of the app object that tests import; ``None`` for a factory.
        because: What was learnt, with the count of its evidence.
    """

    folder: PurePosixPath
    fixture: str | None
    is_async: bool
    mark: str
    origin: str
    app: str | None
    because: str

    def file(self, app: AppMap, subject: str) -> PurePosixPath:
        """The path of a new test file about `subject`, free in `app`."""
        names = (f"test_{subject}.py", f"test_{subject}_endpoints.py", f"test_new_{subject}.py")
        more = (f"test_{subject}_{number}.py" for number in itertools.count(2))
        every = itertools.chain(names, more)
        return next(self.folder / n for n in every if self.folder / n not in app.files)


def accepted_host(app: AppMap) -> str:
    """A host name that the app answers to, where it answers to some alone; else empty."""
    for middleware in app.middleware:
        if middleware.name.endswith("TrustedHostMiddleware"):
            written = dict(middleware.options).get("allowed_hosts", "")
            names = re.findall(r"[\"']([^\"']+)[\"']", written)
            if {"*", "testserver"} & set(names):
                return ""
            return next((n for n in names if "*" not in n), "localhost")
    return ""


def learn_suite(app: AppMap) -> Suite:
    """How this app is tested; a project without tests gets them beside its app."""
    every = [p for p in app.files if re.fullmatch(r"test_\w+\.py|\w+_test\.py", p.name)]
    # Without tests of its own, an app gets them beside those of what it is imported with.
    tests = [p for p in every if is_about(app, p)] or [
        p for p in every if p.is_relative_to(app.roots.imports)
    ]
    folders = Counter(p.parent for p in tests)
    fixture = _client_fixture(app)
    is_async = fixture is not None and _is_async_client(app, fixture)
    folder = folders.most_common(1)[0][0] if folders else _beside_imports(app)
    called = _called(app, fixture) if fixture else None
    said = f"through the fixture `{called}`" if called else "with a client of their own"
    return Suite(
        folder=folder,
        fixture=called,
        is_async=is_async,
        mark=async_mark(app, tests) if is_async else "",
        origin=_origin(app, fixture) if fixture else "",
        app=_app_symbol(app),
        because=f"in `{folder}`, {counted(folders[folder], len(tests), 'test files')}, {said}"
        if tests
        else "the project has no tests yet",
    )


def _origin(app: AppMap, fixture: Function) -> str:
    module = app.files[fixture.span.path].decode("utf-8", "replace")
    rooted = is_rooted(module, app.text(fixture.span))
    return f"http://{accepted_host(app) or 'testserver'}" if rooted else ""


def is_rooted(module: str, written: str) -> bool:
    """Whether a client puts a path of its own before those that it is asked for.

    `written` is where it is made, in the text `module`, at the top of which its base URL may stand.
    """
    base = _BASE_URL.search(written)
    name = base["name"] if base else None
    text = rf"(?m)^{name}\s*(?::[^=\n]+)?=\s*f?[\"'](?P<url>[^\"'\n]*)[\"']"
    found = re.search(text, module) if name else base
    return found is not None and bool(_ORIGIN.sub("", found["url"], count=1).strip("/"))


def is_tested(app: AppMap, path: str) -> bool:
    """True where a test asks for `path`: a call of a client with it as its first argument."""
    return any(
        _in_tests(call.span.path) and is_about(app, call.span.path)
        for call in app.calls
        if call.arguments[:1] and _ORIGIN.sub("", call.arguments[0].strip("\"'")) == path
    )


def is_about(app: AppMap, path: PurePosixPath) -> bool:
    """Whether a file of tests is about this app, where a repository has several.

    It is where it, or else the nearest ``conftest.py`` above it that imports any of them, imports
    this one; and where none does, it belongs to the app that it stands nearest to.
    """
    chosen = app.app
    others = [a for a in app.applications if chosen and a.path != chosen.path and not a.mounted_at]
    if chosen is None or not others:
        return True
    mine = _module(chosen)
    theirs = {_module(a) for a in others}
    for file in (path, *(folder / "conftest.py" for folder in path.parents)):
        said = [] if mine in theirs else _imported(app, file)
        if any(_is_in(name, mine) for name in said):
            return True
        if any(_is_in(name, other) for name in said for other in theirs):
            return False
    return _shared(path, chosen.path) >= max(_shared(path, a.path) for a in others)


def _module(application: Application) -> str:
    return application.target.partition(":")[0]


def _imported(app: AppMap, path: PurePosixPath) -> list[str]:
    module = app.module_at(path)
    return list(module.imports.values()) if module is not None else []


def _is_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _shared(one: PurePosixPath, other: PurePosixPath) -> int:
    """How many folders two paths have in common."""
    pairs = zip(one.parts, other.parts, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _in_tests(path: PurePosixPath) -> bool:
    return path.name.startswith(("test_", "conftest")) or path.stem.endswith("_test")


def _client_fixture(app: AppMap) -> Function | None:
    """The fixture of a ``conftest.py`` that yields a client, preferring the plain name."""
    found = [
        function
        for function in app.functions
        if function.span.path.name == "conftest.py"
        and is_about(app, function.span.path)
        and any("fixture" in decorator for decorator in function.decorators)
        and _client_kind(app, function)
    ]
    return min(found, key=lambda f: (len(f.span.path.parts), len(f.name)), default=None)


def _called(app: AppMap, fixture: Function) -> str:
    span = fixture.span
    written = app.files[span.path][span.start : span.end].decode("utf-8", "replace")
    return fixture_name(fixture.name.rpartition(".")[2], written.partition("def ")[0])


def fixture_name(function: str, decorators: str) -> str:
    """What tests ask for: the name that a decorator gives the fixture, else its function's."""
    given = _NAMED.search(decorators)
    return given[1] if given else function


def _client_kind(app: AppMap, fixture: Function) -> str:
    """``TestClient`` or ``AsyncClient``, by what the fixture says or makes; else nothing."""
    made = [call.text for call in app.calls if call.caller == fixture.name]
    for written in (fixture.returns or "", *made):
        for kind in _CLIENTS:
            if kind in written:
                return kind
    return ""


def _is_async_client(app: AppMap, fixture: Function) -> bool:
    return _client_kind(app, fixture) == "AsyncClient"


def async_mark(app: AppMap, tests: Iterable[PurePosixPath]) -> str:
    """The mark that asynchronous tests carry; none where pytest is configured to take them all.

    With what it is called with: ``loop_scope`` says on which loop the fixtures of a suite are.
    """
    found: Counter[str] = Counter()
    for path in tests:
        text = app.files[path].decode("utf-8", "replace")
        found.update(_MARK.findall(text)[:1])
    return found.most_common(1)[0][0] if found else ""


def _app_symbol(app: AppMap) -> str | None:
    target = app.app
    if target is None or target.factory:
        return None
    module, _, name = target.target.partition(":")
    return f"{module}.{name}"


def _beside_imports(app: AppMap) -> PurePosixPath:
    """The folder that the app's modules are imported from, so that a test there finds them."""
    if app.app is None:
        return app.roots.imports
    path = app.app.path
    depth = len(module_for(app, path).split("."))
    parents = path.parents
    at = depth if path.name == "__init__.py" else depth - 1
    return parents[min(at, len(parents) - 1)]
