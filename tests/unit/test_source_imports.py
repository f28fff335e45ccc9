"""Imports are added the way that the file's own are written."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import Edit
from fastwright.model.wire import from_json, to_json
from fastwright.source import edits
from fastwright.source.imports import combine, ensure_import

PATH = PurePosixPath("shop/api/main.py")


def added(source: str, *wanted: tuple[str, ...]) -> tuple[str, list[str]]:
    """The file with all of `wanted` imported, and the local names."""
    app = AppMap(files={PATH: source.encode()}, app=None)
    bound = [ensure_import(app, PATH, *want) for want in wanted]
    changes = combine(app, [edit for one in bound for edit in one.edits])
    return edits.apply(app.files, changes)[PATH].decode(), [one.local for one in bound]


def test_a_name_joins_its_module_in_sorted_place() -> None:
    """A sorted from-import stays sorted: constants, classes, then the rest."""
    text, names = added("from fastapi import APIRouter, status\n", ("fastapi", "Depends"))
    assert text == "from fastapi import APIRouter, Depends, status\n"
    assert names == ["Depends"]


def test_an_unsorted_list_gets_it_at_its_end() -> None:
    """Where the author does not sort, nothing is sorted."""
    text, _ = added("from fastapi import status, APIRouter\n", ("fastapi", "Depends"))
    assert text == "from fastapi import status, APIRouter, Depends\n"


def test_a_long_line_is_broken_one_name_a_line() -> None:
    """A line beyond 88 columns becomes one name a line, with a comma behind the last."""
    before = (
        "from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Response, status\n"
    )
    text, _ = added(before.replace(", Response", ""), ("fastapi", "WebSocketDisconnect"))
    assert text.startswith("from fastapi import (\n    APIRouter,\n")
    assert text.endswith("    WebSocketDisconnect,\n    status,\n)\n")


def test_rows_keep_their_comments() -> None:
    """One name a line gets one line more, and the comments stay where they are."""
    before = "from .users import (\n    a,  # first\n    c,\n)\n"
    text, _ = added(before, ("shop.api.users", "b"), ("shop.api.users", "d"))
    assert text == "from .users import (\n    a,  # first\n    b,\n    c,\n    d,\n)\n"


def test_rows_without_a_last_comma_go_on_without() -> None:
    """A last row without a comma gets one, and the new last row has none."""
    text, _ = added("from .users import (\n    a\n)\n", ("shop.api.users", "b"))
    assert text == "from .users import (\n    a,\n    b\n)\n"


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pathlib", "import os\nfrom pathlib import X\n\nfrom fastapi"),
        ("sqlalchemy", "from fastapi import FastAPI\nfrom sqlalchemy import X\n\nfrom shop"),
        ("shop.db", "from shop.core import config\nfrom shop.db import X\n"),
    ],
)
def test_a_new_module_takes_its_sorted_place(module: str, line: str) -> None:
    """Standard library, third parties and the project's own each have their section."""
    before = "import os\n\nfrom fastapi import FastAPI\n\nfrom shop.core import config\n"
    assert line in added(before, (module, "X"))[0]


def test_sections_are_parted_by_a_blank_line() -> None:
    """Two new sections at once are parted from each other and from what follows."""
    text, _ = added("def f(): ...\n", ("fastapi", "Depends"), ("shop.db", "a"), ("os", ""))
    assert text == (
        "import os\n\nfrom fastapi import Depends\n\nfrom shop.db import a\n\n\ndef f(): ...\n"
    )


def test_the_docstring_and_the_future_stay_first() -> None:
    """Nothing goes before a module's docstring or its future imports."""
    before = '"""Doc."""\n\nfrom __future__ import annotations\n\nimport os\n'
    text, _ = added(before, ("abc", "ABC"))
    assert text == before + "from abc import ABC\n"


def test_siblings_with_dots_get_a_sibling_with_dots() -> None:
    """Where the file imports its own project relatively, so does the new line."""
    text, _ = added("from .users import a\n", ("shop.db", "get_db"))
    assert text == "from ..db import get_db\nfrom .users import a\n"


def test_what_is_there_is_used_under_its_name() -> None:
    """An import that is there is not repeated, and its alias is the answer."""
    before = "from shop.health import router as health\nimport os as system\n"
    text, names = added(before, ("shop.health", "router"), ("os", ""))
    assert text == before
    assert names == ["health", "system"]


def test_a_taken_name_gives_way() -> None:
    """A name that the file has for something else is imported under another."""
    text, names = added("router = 1\n", ("shop.health", "router"))
    assert names == ["health_router"]
    assert "from shop.health import router as health_router\n" in text


def test_a_name_for_types_alone_is_not_enough() -> None:
    """An import below ``if TYPE_CHECKING`` does not serve at run time."""
    before = (
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from shop.db import Session\n"
    )
    text, names = added(before, ("shop.db", "Session"))
    assert names == ["Session"]
    assert text.count("from shop.db import Session") == 2


def test_the_files_own_names_need_no_import() -> None:
    """A name that the file itself defines is used as it is."""
    text, names = added("def get_db(): ...\n", ("shop.api.main", "get_db"))
    assert (text, names) == ("def get_db(): ...\n", ["get_db"])


def test_one_wish_twice_is_one_import() -> None:
    """Two steps that need the same name import it once."""
    text, _ = added("import os\n", ("fastapi", "Depends"), ("fastapi", "Depends"))
    assert text.count("Depends") == 1


def test_line_ends_and_the_byte_order_mark_stay() -> None:
    """A file of CRLF lines gets a CRLF line, behind the mark."""
    text, _ = added("\ufeffimport os\r\nx = 1\r\n", ("abc", "ABC"))
    assert text == "\ufeffimport os\r\nfrom abc import ABC\r\nx = 1\r\n"


def test_an_import_is_told_as_a_plain_edit() -> None:
    """A finding that was kept is told with the same fix as one that was just made."""
    made = ensure_import(AppMap(files={PATH: b"import os\n"}, app=None), PATH, "json", "loads")
    (edit,) = made.edits
    told = to_json(edit)
    assert to_json(from_json(Edit, told)) == told


def test_what_starlette_lends_is_not_imported_twice() -> None:
    """A response of `starlette.responses` is the one of `fastapi.responses`."""
    source = "from starlette.responses import JSONResponse\n"
    assert added(source, ("fastapi.responses", "JSONResponse")) == (source, ["JSONResponse"])
