"""The tests that go with a login: which of them, and in which file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import MappingProxyType

from fastwright.model.app import AppMap
from fastwright.model.change import NewFile
from fastwright.recipes import payload
from fastwright.recipes.ensure.drafting import module_for
from fastwright.recipes.jwt_auth.draft import Draft
from fastwright.recipes.jwt_auth.render import rendered
from fastwright.recipes.jwt_auth.style import test_style
from fastwright.recipes.jwt_auth.suite import Suite
from fastwright.recipes.payload import Piece
from fastwright.source.import_header import Imported

_WHY = "each promised property has a test that fails without it"
_SQLALCHEMY = Imported("sqlalchemy.orm", "Session")
_SQLMODEL = Imported("sqlmodel", "Session")
_SHARED = frozenset({"Rows", "sign_in", "rows_app"})
_LATER = MappingProxyType(
    {
        "test_register": "test_whoever_registers_can_log_in",
        "test_roles": "test_a_role_opens_what_asks_for_it",
    }
)
"""Tests of what a login can be given later, by the name of one in each unit."""


def further_suite(app: AppMap, suite: Suite, *, registration: bool, roles: bool) -> Suite:
    """`suite`, with a file for the tests of what a login that is there is given now."""
    missing = _missing(app, registration=registration, roles=roles)
    if not _is_tested(app) or not missing:
        return suite
    name = "test_registration.py" if "test_register" in missing else "test_roles.py"
    path = suite.path.with_name(name)
    if path in app.files:
        return suite
    return replace(suite, path=path, module=module_for(app, path))


def written_tests(app: AppMap, draft: Draft) -> Iterator[NewFile]:
    """The file of tests that is new, if one is: of all there is, or of what comes later."""
    units = tuple(_shared_units(app, draft))
    if not _is_tested(app):
        units += tuple(_units(draft))
    else:
        later = tuple(_later_units(app, draft))
        if not later:
            return
        units += later
    path = draft.suite.path
    pieces = rendered(app, units, test_style(draft.style, draft.suite))
    main = next(u for u in ("test_login", "test_register", "test_roles") if u in units)
    text = payload.new_module(app, path, _of_one_session(pieces.values()), pieces[main].doc)
    yield NewFile(path, _marked(text, draft.suite), _WHY)


def _of_one_session(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The pieces without SQLAlchemy's `Session` where SQLModel's, which is one, has its name."""
    found = tuple(pieces)
    if not any(_SQLMODEL in piece.imported for piece in found):
        return found
    return tuple(
        replace(p, imported=tuple(i for i in p.imported if i != _SQLALCHEMY)) for p in found
    )


def _marked(text: str, suite: Suite) -> str:
    """The module with the mark as the suite calls it: on the loop that its fixtures are on."""
    kind = suite.mark.partition("(")[0]
    return text.replace(f"pytest.mark.{kind}\n", f"pytest.mark.{suite.mark}\n") if kind else text


def _is_tested(app: AppMap) -> bool:
    return any(set(module.names) >= _SHARED for module in app.modules.values())


def _missing(app: AppMap, *, registration: bool, roles: bool) -> frozenset[str]:
    known = {name for module in app.modules.values() for name in module.names}
    asked = {"test_register": registration, "test_roles": roles}
    return frozenset(unit for unit, test in _LATER.items() if asked[unit] and test not in known)


def _shared_units(app: AppMap, draft: Draft) -> Iterator[str]:
    suite = draft.suite
    if not suite.fixture:
        yield _client_unit(app, draft)
    elif suite.fixture != "client":
        yield "same_client"
    if not draft.bound.session.alias:
        yield "session_alias"
    yield from ("rows_app", "test_rows")
    if draft.paths.moves:
        yield "moving"


def _units(draft: Draft) -> Iterator[str]:
    flags, paths = draft.style.how.flags, draft.paths
    wanted = {
        "test_login": True,
        "test_guarded": paths.me,
        "test_inactive": "active-test" in flags,
        "test_stored": "stored-scheme" in flags,
        "test_upgraded": "upgrade" in flags,
        "test_lowercase": "lowercase" in flags,
        "test_refresh": paths.refresh,
        "test_refresh_guarded": paths.refresh and paths.me,
        "test_logout": paths.logout,
        "test_register": paths.registration,
        "doors_app": draft.bound.power is not None,
        "test_roles": draft.bound.power is not None,
        "test_register_roles": paths.registration and draft.bound.power is not None,
        "test_shared_limit": draft.settings.redis is not None,
    }
    yield from (unit for unit, holds in wanted.items() if holds)


def _later_units(app: AppMap, draft: Draft) -> Iterator[str]:
    roles = draft.bound.power is not None
    missing = _missing(app, registration=draft.paths.registration, roles=roles)
    wanted = {
        "test_register": "test_register" in missing,
        "doors_app": "test_roles" in missing,
        "test_roles": "test_roles" in missing,
        "test_register_roles": missing >= set(_LATER),
    }
    yield from (unit for unit, holds in wanted.items() if holds)


def _client_unit(app: AppMap, draft: Draft) -> str:
    """A client with a database of its own, where the app's drivers can make one in a file."""
    if not draft.bound.session.is_async:
        return "own_client"
    has_driver = "aiosqlite" in app.versions or any("aiosqlite" in m.names for m in app.manifests)
    return "own_async_client" if has_driver else "plain_client"
