"""The model's JSON: what one process writes is the same value in another."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastwright import model
from fastwright.model.app import Dependency, Place
from fastwright.model.change import ChangeSet, Edit, Notice
from fastwright.model.finding import Evidence, EvidenceKind, Rule
from fastwright.model.places import Span
from fastwright.model.plan import Plan
from fastwright.model.wire import from_json, to_json

PATHS = st.lists(st.text("abc.é ", min_size=1, max_size=4).filter(str.strip), max_size=3).map(
    lambda parts: PurePosixPath(*parts)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)
DEPENDENCIES = st.recursive(
    st.builds(Dependency, call=st.text(max_size=5), place=st.sampled_from(Place)),
    lambda inner: st.builds(
        Dependency,
        call=st.text(max_size=5),
        children=st.lists(inner, max_size=2).map(tuple),
        span=st.none() | st.builds(Span, PATHS, st.integers(0), st.integers(0)),
    ),
    max_leaves=4,
)
st.register_type_strategy(PurePosixPath, PATHS)
st.register_type_strategy(object, JSON)
st.register_type_strategy(Dependency, DEPENDENCIES)
st.register_type_strategy(
    Sequence, lambda kind: st.lists(st.from_type(get_args(kind)[0]), max_size=3).map(tuple)
)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def model_types() -> list[type]:
    """Every frozen type of the model; a rule holds a function and stays in its process."""
    modules = [
        importlib.import_module(f"{model.__name__}.{found.name}")
        for found in pkgutil.iter_modules(model.__path__)
    ]
    return [
        kind
        for module in modules
        for _, kind in inspect.getmembers(module, dataclasses.is_dataclass)
        if kind.__module__ == module.__name__ and kind is not Rule
    ]


@pytest.mark.parametrize("kind", model_types(), ids=lambda kind: kind.__name__)
def test_every_value_survives_json(kind: type) -> None:
    """``from_json(type(x), to_json(x)) == x``, through real JSON text, for every type."""

    @settings(
        max_examples=20,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.from_type(kind))
    def survives(value: object) -> None:
        assert from_json(kind, json.loads(json.dumps(to_json(value)))) == value

    survives()


@pytest.mark.parametrize("kind", model_types(), ids=lambda kind: kind.__name__)
def test_every_type_is_frozen_and_slotted(kind: type) -> None:
    """No value of the model can be changed, and none holds a list."""
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert "__slots__" in vars(kind)
    assert not [f.name for f in dataclasses.fields(kind) if str(f.type).startswith("list")]


def test_members_of_a_union_keep_their_kind() -> None:
    """Two changes with the same fields are told apart by their ``kind``."""
    edit = Edit(Span(PurePosixPath("a.py"), 0, 0), "x", "because")
    changes = ChangeSet("", (edit, Notice("text")), "both")
    wired = to_json(changes)
    assert [change["kind"] for change in wired["changes"]] == ["edit", "notice"]
    assert from_json(ChangeSet, wired) == changes


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (Span, {"path": "a.py", "start": "zero", "end": 0}),
        (Span, [1, 2, 3]),
        (Plan, "login"),
        (Evidence, {"kind": "rumour", "text": "", "values": []}),
    ],
)
def test_another_shape_is_a_value_error(kind: type, wrong: object) -> None:
    """What is not the JSON of a type is refused, not half read."""
    with pytest.raises(ValueError):
        from_json(kind, wrong)


def test_fields_that_a_later_version_added_are_passed_over() -> None:
    """JSON with an unknown field is read without it, and absent fields take their defaults."""
    seen = from_json(Evidence, {"kind": "sql", "text": "SELECT 1", "colour": "red"})
    assert seen == Evidence(EvidenceKind.SQL, "SELECT 1")


def test_what_has_no_json_is_refused() -> None:
    """A value outside the model is a type error."""
    with pytest.raises(TypeError, match="no JSON form for complex"):
        to_json(1j)
