"""What stands in code that nothing runs is only possible, and the same in code that runs is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fastwright.model.finding import Finding, Grade
from fastwright.review.engine import find_all
from fastwright.review.rule import find_rule
from fastwright.survey import static

MAIN = """\
from fastapi import FastAPI

from items import router

app = FastAPI()
app.include_router(router)
"""
ITEMS = """\
import random

from fastapi import APIRouter

router = APIRouter()


@router.get("/items")
async def list_items() -> int:
    return 0
"""
RESETS = """\
import random

from fastapi import APIRouter

router = APIRouter()


@router.post("/reset")
async def make_reset_code() -> str:
    return "".join(random.choices("0123456789", k=8))
"""
MAKES = """

def make_reset_code() -> str:
    return "".join(random.choices("0123456789", k=8))
"""
USES: Mapping[str, tuple[str, Grade]] = {
    "nobody": ("", Grade.POSSIBLE),
    "called": ("\n\nCODE = make_reset_code()\n", Grade.CERTAIN),
    "named in a string": ('\n\nJOB = "items.make_reset_code"\n', Grade.CERTAIN),
}
SENDER = """

class Sender:
    def make_reset_code(self) -> str:
        return "".join(random.choices("0123456789", k=8))

    def send(self) -> str:
        return self.make_reset_code()

    def make_reset_code(self) -> str:
        return ""
"""
EITHER = """

if router.prefix:
    def make_reset_code() -> str:
        return "".join(random.choices("0123456789", k=8))
else:
    def make_reset_code() -> str:
        return ""
"""


def found(**modules: str) -> Finding:
    """The code that can be foretold in an app of these modules."""
    files = {PurePosixPath(f"{name}.py"): text.encode() for name, text in modules.items()}
    (finding,) = find_all(static.read(files), [find_rule("guessable-code")]).findings
    return finding


def test_a_router_that_no_application_includes() -> None:
    """It is unsure until the router is included."""
    finding = found(main=MAIN, items=ITEMS, resets=RESETS)
    assert finding.grade is Grade.POSSIBLE
    assert finding.evidence[-1].text == "no application includes the router of `make_reset_code`"
    included = f"{MAIN}\nfrom resets import router as resets\n\napp.include_router(resets)\n"
    assert found(main=included, items=ITEMS, resets=RESETS).grade is Grade.CERTAIN


@pytest.mark.parametrize("where", ["main", "items"])
def test_in_an_application_that_cannot_be_imported(where: str) -> None:
    """Nothing of it runs; one that has been run all the same is judged as ever."""
    texts = {"main": MAIN.replace("items", "resets"), "resets": RESETS, "items": ITEMS}
    texts[where] = f"from resets import Unheard\n{texts[where]}"
    grade = Grade.POSSIBLE if where == "main" else Grade.CERTAIN
    assert found(**texts).grade is grade
    files = {PurePosixPath(f"{name}.py"): text.encode() for name, text in texts.items()}
    app = replace(static.read(files), contract={})
    assert find_all(app, [find_rule("guessable-code")]).findings[0].grade is Grade.CERTAIN


def test_where_one_inclusion_cannot_be_followed_any_router_may_be_served() -> None:
    """Nobody can say of a router that it is not among those of `unknown()`."""
    main = f"{MAIN}\nfor one in unknown():\n    app.include_router(one)\n"
    assert found(main=main, items=ITEMS, resets=RESETS).grade is Grade.CERTAIN


@pytest.mark.parametrize("use", USES)
def test_a_function_that_nothing_names(use: str) -> None:
    """A call and a string are uses alike: a scheduler may find it by its name."""
    text, grade = USES[use]
    assert found(main=MAIN, items=ITEMS + MAKES + text).grade is grade


def test_a_method_that_is_defined_again_further_down() -> None:
    """The last definition in a class is the one that runs."""
    finding = found(main=MAIN, items=ITEMS + SENDER)
    assert finding.grade is Grade.POSSIBLE
    assert finding.evidence[-1].text.startswith("a later definition of `make_reset_code`")
    renamed = SENDER.replace("def make_reset_code", "def make_token", 1)
    assert found(main=MAIN, items=ITEMS + renamed).grade is Grade.CERTAIN


def test_either_arm_of_a_test_may_define_what_runs() -> None:
    """Definitions in two blocks do not take each other's place."""
    text = f"{EITHER}\n\nCODE = make_reset_code()\n"
    assert found(main=MAIN, items=ITEMS + text).grade is Grade.CERTAIN


@pytest.mark.parametrize(
    ("test", "grade"),
    [("False and router", Grade.POSSIBLE), ("router", Grade.CERTAIN), ("0 < 1", Grade.CERTAIN)],
)
def test_under_a_test_that_is_never_true(test: str, grade: Grade) -> None:
    """What is switched off in the source runs no more."""
    made = MAKES.replace("    return", f"    if {test}:\n        return")
    assert found(main=MAIN, items=f"{ITEMS}{made}\n\nCODE = make_reset_code()\n").grade is grade


def test_a_route_that_another_hides() -> None:
    """No request gets to it; a second path of its own would."""
    resets = RESETS.replace(
        '@router.post("/reset")\n',
        '@router.post("/{kind}")\nasync def make(kind: str) -> str:\n    return kind\n\n\n'
        '@router.post("/reset")\n',
    )
    main = f"{MAIN}\nfrom resets import router as resets\n\napp.include_router(resets)\n"
    finding = found(main=main, items=ITEMS, resets=resets)
    assert finding.grade is Grade.POSSIBLE
    assert finding.evidence[-1].text == "a route above this one answers each of its paths"
    second = resets.replace(
        '@router.post("/reset")', '@router.post("/a/b")\n@router.post("/reset")'
    )
    assert found(main=main, items=ITEMS, resets=second).grade is Grade.CERTAIN


@pytest.mark.parametrize(
    ("read", "grade"), [('body["n"]', Grade.POSSIBLE), ("body.n", Grade.CERTAIN)]
)
def test_behind_what_always_raises(read: str, grade: Grade) -> None:
    """A model has no items: the code is never made."""
    resets = RESETS.replace("import random", "import random\n\nfrom pydantic import BaseModel")
    resets = resets.replace(
        '@router.post("/reset")\nasync def make_reset_code() -> str:\n',
        'class Wanted(BaseModel):\n    n: int\n\n\n@router.post("/reset")\n'
        f"async def make_reset_code(body: Wanted) -> str:\n    print({read})\n",
    )
    included = f"{MAIN}\nfrom resets import router as resets\n\napp.include_router(resets)\n"
    assert found(main=included, items=ITEMS, resets=resets).grade is grade


@pytest.mark.parametrize(
    ("decorator", "grade"),
    [("dev_only", Grade.POSSIBLE), ("guards.only_in_debug", Grade.POSSIBLE),
     ("logged", Grade.CERTAIN), ("device_only", Grade.CERTAIN)],
)  # fmt: skip
def test_a_decorator_that_keeps_a_route_for_development(decorator: str, grade: Grade) -> None:
    """In production nobody gets there."""
    marked = RESETS.replace('@router.post("/reset")\n', f'@router.post("/reset")\n@{decorator}\n')
    resets = f"from marks import {decorator.partition('.')[0]}\n{marked}"
    included = f"{MAIN}\nfrom resets import router as resets\n\napp.include_router(resets)\n"
    assert found(main=included, items=ITEMS, resets=resets).grade is grade


FAILING = """
def failing() -> None:
    return lacking


"""
BEHIND: Mapping[str, tuple[str, Grade]] = {
    "what it calls raises": ("    failing()\n", Grade.POSSIBLE),
    "swallowed, and it goes on": (
        "    try:\n        failing()\n    except Exception:\n        pass\n", Grade.CERTAIN),
    "swallowed, and it ends": (
        "    try:\n        failing()\n    except Exception:\n        return ''\n", Grade.POSSIBLE),
    "in one arm": ("    if router.prefix:\n        failing()\n", Grade.CERTAIN),
    "foreseen": (
        "    try:\n        failing()\n    except KeyError:\n        return ''\n", Grade.POSSIBLE),
}  # fmt: skip


@pytest.mark.parametrize("how", BEHIND)
def test_behind_a_call_of_what_always_raises(how: str) -> None:
    """The failure of a function is that of its callers, as far as no `except` lets them go on."""
    written, grade = BEHIND[how]
    start = '@router.post("/reset")\nasync def make_reset_code() -> str:\n'
    resets = RESETS.replace(start, f"{FAILING}{start}{written}")
    included = f"{MAIN}\nfrom resets import router as resets\n\napp.include_router(resets)\n"
    assert found(main=included, items=ITEMS, resets=resets).grade is grade


def test_behind_a_mistake_in_the_same_arm() -> None:
    """What stands there runs as little as the rest of the arm."""
    inner = '    if router.prefix:\n        print(lacking)\n        return "".join('
    resets = RESETS.replace('    return "".join(', inner)
    included = f"{MAIN}\nfrom resets import router as resets\n\napp.include_router(resets)\n"
    assert found(main=included, items=ITEMS, resets=resets).grade is Grade.POSSIBLE


CHECKING = """
async def make_reset_code(code: str) -> str:
    return "".join(random.choices("0123456789", k=8))


@router.post("/check")
async def answer() -> str:
    found = {call}
    return found.upper()


@router.post("/again")
async def again(body: str) -> str:
    {again}
    return body
"""


@pytest.mark.parametrize(
    ("call", "again", "grade"),
    [
        ("make('1')", "make(body)", Grade.POSSIBLE),
        ("make('1')", "await make(body)", Grade.CERTAIN),
        ("make('1')", "kept = make", Grade.CERTAIN),
        ("await make('1', 2)", "await make()", Grade.POSSIBLE),
        ("await make('1')", "await make()", Grade.CERTAIN),
    ],
)
def test_what_no_call_runs(call: str, again: str, grade: Grade) -> None:
    """A coroutine that nobody awaits does nothing, and a call that does not fit never begins."""
    text = CHECKING.format(call=call, again=again)
    text = re.sub(r"\bmake\b", "make_reset_code", text)
    items = ITEMS.replace("from fastapi", "import random\n\nfrom fastapi")
    assert found(main=MAIN, items=items + text).grade is grade


@pytest.mark.parametrize(
    ("read", "grade"),
    [("made.upper()", Grade.POSSIBLE), ("made", Grade.CERTAIN), ("made.close()", Grade.CERTAIN)],
)
def test_behind_what_reads_a_coroutine(read: str, grade: Grade) -> None:
    """It has none of the attributes of its result."""
    items = (
        f"{ITEMS}\nimport random\nasync def make() -> str: ...\n\n\n"
        '@router.post("/reset")\nasync def make_reset_code() -> str:\n'
        f'    made = make()\n    {read}\n    return "".join(random.choices("0123456789", k=8))\n'
    )
    assert found(main=MAIN, items=items).grade is grade


@pytest.mark.parametrize(
    ("before", "grade"),
    [("unheard_of", Grade.POSSIBLE), ("print", Grade.CERTAIN),
     ("print or unheard_of", Grade.CERTAIN), ("unheard_of or print", Grade.POSSIBLE)],
)  # fmt: skip
def test_what_only_code_behind_a_failure_calls(before: str, grade: Grade) -> None:
    """The only call of a function stands behind a name that nothing binds."""
    items = f"import random\n{ITEMS}{MAKES}".replace(
        "    return 0",
        f"""    {before}
    return make_reset_code()""",
    )
    assert found(main=MAIN, items=items).grade is grade


GUARDED = """\
import random

from fastapi import APIRouter, Depends

router = APIRouter()


class Keys:
    def __init__(self) -> None:
        self.made = 0


keys = Keys()


def get_key() -> int:
    return keys()


def get_late() -> int:
    yield 1
    keys()


@router.post("/reset")
async def make_reset_code(key: int = Depends(get_key)) -> str:
    return "".join(random.choices("0123456789", k=8))
"""


def test_a_handler_whose_dependency_always_raises() -> None:
    """FastAPI never comes to it, unless the dependency gives something first, or is replaced."""
    finding = found(main=MAIN, items=GUARDED)
    assert finding.grade is Grade.POSSIBLE
    assert finding.evidence[-1].text == "a dependency of each of its routes raises before"
    late = GUARDED.replace("Depends(get_key)", "Depends(get_late)")
    assert found(main=MAIN, items=late).grade is Grade.CERTAIN
    replaced = f"{MAIN}\napp.dependency_overrides[list] = dict\n"
    assert found(main=replaced, items=GUARDED).grade is Grade.CERTAIN
