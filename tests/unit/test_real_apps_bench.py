"""The bench of real apps: what it compares are the same tests, operations and guards."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

import pytest

from fastwright.lab.boot_answer import Answer
from fastwright.lab.boot_tests import Outcome, TestRun
from fastwright.model.app import AppMap
from fastwright.model.routing import Guard, Route
from fastwright.review.guarding import Guarding
from fastwright.testing.samples import REPOSITORY


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The bench as a module; the pieces that it consists of stand beside it."""
    folder = REPOSITORY / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    spec = importlib.util.spec_from_file_location("real_apps", folder / "real_apps.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "real_apps", module)
    spec.loader.exec_module(module)
    return module


def test_a_test_has_one_name_inside_and_outside(bench: ModuleType) -> None:
    """The node id becomes the name in a JUnit report; what differs is told."""
    tests = bench.real_tests
    ended = ("tests/api/test_a.py::TestB::test_c[GET-/x::y]", "test_d.py::test_e")
    run = TestRun(tuple(Outcome(test, "passed") for test in ended), 0, 1.0)
    named = {"tests.api.test_a.TestB::test_c[GET-/x::y]": "passed", "test_d::test_e": "passed"}
    plain = tests.Outside(named)
    assert tests.compared(run, run, (plain, plain)).same
    failed = tests.Outside({**named, "test_d::test_e": "failed"})
    other = tests.compared(run, run, (plain, failed))
    assert other.notes == ("`test_d::test_e`: passed inside, outside again failed",)


def test_operations_of_mounted_apps_count(bench: ModuleType) -> None:
    """What the contracts of mounted apps tell is an operation; a page of documentation is none."""
    description = {
        "routes": [
            {"method": "GET", "path": "/a", "handler": "shop.main.a"},
            {"method": "GET", "path": "/docs", "handler": "fastapi.applications.swagger_ui_html"},
        ],
        "openapi": {"paths": {"/a": {"get": {}}}},
        "openapi_mounted": {"/sub": {"paths": {"/b": {"post": {}, "parameters": []}}}},
    }
    wanted = bench.operations(description)
    assert wanted == {("GET", "/a"): "shop.main.a", ("POST", "/sub/b"): ""}
    app = AppMap({}, None, routes=(Route("GET", "/a", "main.a"), Route("POST", "/b", "main.b")))
    assert bench.found_in(app, wanted) == {("GET", "/a")}


@pytest.mark.parametrize(
    ("guarded", "refuses", "status", "verdict"),
    [
        (True, (), 401, "agree"),
        (False, (), 200, "agree"),
        (True, (), 200, "disagreements"),
        (False, (), 403, "disagreements"),
        (True, (), 422, "undecided"),
        (False, (401,), 401, "agree"),
        (False, (401,), 200, "undecided"),
    ],
)
def test_a_guard_is_held_against_an_answer(
    bench: ModuleType, guarded: bool, refuses: tuple[int, ...], status: int, verdict: str
) -> None:
    """Turned away or let in tells; an answer from before the guard leaves it undecided."""
    guards = (Guard("current_user", "principal"),) if guarded else ()
    route = Route("GET", "/a", "main.a", guards=guards, refuses=refuses)
    found = bench.Guards()
    found.take(route, Guarding(AppMap({}, None, routes=(route,))), Answer(status))
    told = {"agree": found.agree, "disagreements": len(found.disagreements),
            "undecided": len(found.undecided)}  # fmt: skip
    assert {name for name, count in told.items() if count} == {verdict}
