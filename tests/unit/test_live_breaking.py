"""What a client may send and no validator stops is proven, and nothing of an app that foresees it.

The app runs on the lab's PostgreSQL, which refuses what SQLite takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fastwright.agent.live_target import SturdyTarget
from fastwright.lab.world import World, WorldSpec
from fastwright.model.finding import Caller, Finding, Grade
from fastwright.model.places import Span
from fastwright.model.routing import Route
from fastwright.review.attacks.notes import Notes
from fastwright.review.engine import find_all
from fastwright.review.live.breaking import broken, folded, is_outside
from fastwright.review.live.examine import Examined, examine
from fastwright.review.live.exchange import TWICE, UNCOMMITTED, Exchange
from fastwright.review.live.proof import Proof
from fastwright.review.live.telling import Shown, findings_of, standing
from fastwright.review.requests import Ready
from fastwright.review.rule import every_rule
from fastwright.source import edits, imports
from fastwright.survey import static
from fastwright.testing.samples import REPOSITORY, python_of

GOOD = REPOSITORY / "tests/apps/broken"
MAIN = PurePosixPath("main.py")
DATABASE = "postgresql+psycopg://broken:broken@localhost:5432/broken"
FAULTS = {
    "class Counted(BaseModel):\n    amount: Amount\n": (
        "class Counted(BaseModel):\n    amount: int\n"
    ),
    "class Priced(BaseModel):\n    price: float = Field(allow_inf_nan=False)\n": (
        "class Priced(BaseModel):\n    price: float\n"
    ),
    "class Remarked(BaseModel):\n    remark: Text = Field(max_length=2000)\n": (
        "class Remarked(BaseModel):\n    remark: str = Field(max_length=2000)\n"
    ),
    "class Labelled(BaseModel):\n    title: Text = Field(max_length=40)\n": (
        "class Labelled(BaseModel):\n    title: str\n"
    ),
    "    colour: Colour = Field(default=Colour.RED, examples=[\"RED\"])\n": (
        "    colour: str = Field(default=\"RED\")\n"
    ),
    "class Retitled(BaseModel):\n    title: Text = Field(max_length=40)\n": (
        "class Retitled(BaseModel):\n    title: Annotated[Text, Field(max_length=40)] | None\n"
    ),
    'password=f"sha${body.password[::-1]}"))\n    except IntegrityError as error:\n'
    "        raise HTTPException(409) from error\n": (
        'password=f"sha${body.password[::-1]}"))\n    except IntegrityError as error:\n'
        "        raise HTTPException(409, str(error)) from error\n"
    ),
    "    try:\n        stored(db, Rack(name=body.name))\n"
    "    except IntegrityError as error:\n        raise HTTPException(409) from error\n": (
        "    stored(db, Rack(name=body.name))\n"
    ),
    "    if db.get(Rack, body.rack_id) is None:\n        raise HTTPException(404)\n": "",
    'Depends(unit_of_work, scope="function")': "Depends(unit_of_work)",
    "offset: Annotated[int, Query(ge=0, le=10_000)] = 0": "offset: int = 0",
    "    if thing is None:\n        raise HTTPException(404)\n    if thing.owner_id": (
        "    if thing.owner_id"
    ),
    "count: Annotated[int, InPath(ge=1, le=1000)]": "count: str",
    "    return 1000 / count\n": "    return 1000 / int(count)\n",
    "text: Annotated[Text, Form(max_length=40)]": "text: Annotated[str, Form(max_length=40)]",
    "    stars: Annotated[int, Form(ge=1, le=5)],\n": "    stars: Annotated[int, Form()],\n",
    "x_count: Annotated[int, Header(ge=1, le=100)]": "x_count: Annotated[int, Header()]",
    '    name, _, version = x_client.partition("/")\n': '    name, version = x_client.split("/")\n',
    "{name.encode('ascii', 'replace').decode()}": "{name.encode('ascii').decode()}",
    "theme: Annotated[Text | None, Cookie(max": "theme: Annotated[str | None, Cookie(max",
    '    if "." not in name or not re.fullmatch(r"[\\w.-]{1,100}", name):\n'
    "        raise HTTPException(422)\n": "",
    '    kind = file.content_type or ""\n': "    kind = file.content_type\n",
    "        lines = file.file.read(10_000).decode().splitlines() or [\"\"]\n"
    "    except UnicodeDecodeError as error:\n": (
        "        lines = file.file.read(10_000).decode().splitlines()\n"
        "    except LookupError as error:\n"
    ),
    '(picture.filename or "").rpartition(".")[2]': "picture.filename.split('.')[1]",
    "    except jwt.PyJWTError as error:\n": "    except jwt.ExpiredSignatureError as error:\n",
    '(User, int(claims["sub"]))\n    if user is None:\n        raise HTTPException(401)\n': (
        '(User, int(claims["sub"]))\n'
    ),
    '    return {"users": 1}\n': '    return {"users": count_of_users}\n',
}  # fmt: skip


def faulty(text: str) -> str:
    """The good app with every fault in it."""
    for old, new in FAULTS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A scratch world that holds a copy of the app."""
    spec = WorldSpec(GOOD, python_of("newest"), env={"DATABASE_URL": DATABASE}, target="main:app")
    with World.open(spec) as opened:
        yield opened


def examined(world: World, text: str) -> Examined:
    """What comes of examining an app of that text, on an empty database."""
    world.overlay({MAIN: text.encode()})
    world.reset()
    app = static.read({MAIN: text.encode()})
    target = SturdyTarget(world.boot)
    try:
        return examine(target, app, find_all(app, every_rule().values()).findings, budget=120)
    finally:
        target.close()


@pytest.fixture(scope="module")
def bad(world: World) -> Examined:
    """The examination of the app with every fault."""
    return examined(world, faulty((GOOD / MAIN).read_text()))


@pytest.mark.slow
def test_nothing_is_proven_of_an_app_that_foresees_every_value(world: World) -> None:
    """Neither a 500 nor a question comes of all that was sent, and nothing of ours raised."""
    seen = examined(world, (GOOD / MAIN).read_text())
    assert [finding.message for finding in seen.findings] == []
    assert seen.faults == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "operation", "words"),
    [
        ("unforeseen-input", "POST /counts", "an integer beyond 32 bits"),
        ("unforeseen-input", "POST /prices", "`NaN`"),
        ("unforeseen-input", "POST /remarks", "a NUL character"),
        ("unforeseen-input", "POST /racks", "the same values twice"),
        ("unforeseen-input", "POST /loans", "an id that no row has"),
        ("unforeseen-input", "GET /things", "a negative number"),
        ("longer-than-column", "POST /labels", "a text longer than its column"),
        ("text-for-enum", "POST /paints", "a word that nobody foresaw"),
        ("null-into-not-null", "PATCH /things/{thing_id}", "null in `title`"),
        ("unchecked-none", "GET /things/{thing_id}", "an id that no row has"),
        ("unforeseen-input", "GET /averages/{count}", "permits in `count`"),
        ("failing-route", "GET /totals", "`NameError` at main.py"),
        ("unforeseen-input", "GET /me", "a token that is none"),
        ("unforeseen-input", "POST /feedback", "a NUL character in `text`"),
        ("unforeseen-input", "POST /feedback", "an integer beyond 32 bits"),
        ("unforeseen-input", "GET /greetings", "in `x-count`"),
        ("unforeseen-input", "GET /greetings", "an empty text"),
        ("unforeseen-input", "GET /greetings", "letters beyond ASCII"),
        ("unforeseen-input", "GET /greetings", "a NUL character in `theme`"),
        ("unforeseen-input", "POST /pictures", "a file without a name"),
        ("unforeseen-input", "POST /lists", "an empty file"),
        ("unforeseen-input", "POST /lists", "a file without a name"),
        ("unforeseen-input", "POST /lists", "a very long file name"),
        ("unforeseen-input", "POST /lists", "a NUL character in a file name"),
        ("unforeseen-input", "POST /lists", "a file without a type"),
        ("unforeseen-input", "POST /lists", "bytes that are no text"),
        ("unchecked-none", "GET /me", "a token of a user who is gone"),
    ],
)
def test_each_fault_is_proven(bad: Examined, rule: str, operation: str, words: str) -> None:
    """The proof names operation and value, and its answer is a 500."""
    proofs = [p for p in bad.proofs if p.rule == rule and operation in (p.operation, *p.beside)]
    assert [p for p in proofs if words in p.message] != [], [p.message for p in bad.proofs]
    assert all(exchange.status == 500 for p in proofs for exchange, _ in p.shown)


@pytest.mark.slow
def test_a_token_that_breaks_the_app_is_not_told_to_be_refused(bad: Examined) -> None:
    """What would have become of it is told to be unknown, also of one that nobody else can sign."""
    (told,) = [note for note in bad.not_tried if "which is no refusal" in note]
    assert told.startswith("whether `GET /me` refuses a token that is none, ")
    assert not [p for p in bad.proofs if p.rule in ("unverified-token", "weak-signing-secret")]


@pytest.mark.slow
def test_a_refusal_that_tells_of_the_database_is_proven(bad: Examined) -> None:
    """What the same values twice bring to light is proven, by a request that a test can send."""
    (proof,) = [p for p in bad.proofs if p.rule == "exception-text-to-client"]
    assert proof.operation == "POST /sign-up"
    assert proof.shown[0][0].staging == TWICE


@pytest.mark.slow
def test_a_success_before_its_commit_is_proven(bad: Examined) -> None:
    """The finding of the dependency is proven by the route that leaves the commit to it."""
    (found,) = [f for f in bad.findings if f.rule == "late-commit"]
    assert (found.symbol, found.grade) == ("main.unit_of_work", Grade.PROVEN)
    (proof,) = [p for p in bad.proofs if p.rule == "late-commit"]
    assert (proof.operation, proof.shown[0][0].staging) == ("POST /wishes", UNCOMMITTED)


@pytest.mark.slow
def test_what_a_rule_knew_of_is_its_own_finding(bad: Examined) -> None:
    """A field that a rule reported from source is proven there, and is not told a second time."""
    proven = {f.symbol: f.grade for f in bad.findings if f.rule == "longer-than-column"}
    assert proven == {"Labelled.title": Grade.PROVEN}
    known = [f for f in bad.findings if f.symbol == "main.totals"]
    assert [f.grade for f in known] == [Grade.PROVEN]


@pytest.mark.slow
def test_an_offset_that_breaks_is_proven_with_its_repair(bad: Examined) -> None:
    """What source holds for possible is flatly told once it ran, and keeps the fix."""
    (found,) = [f for f in bad.findings if f.symbol == "main.read_things:offset"]
    assert found.grade is Grade.PROVEN
    assert " may " not in found.message
    assert [fix.title for fix in found.fixes] == ["Bound `offset`"]


def outcomes(world: World, text: str, written: Mapping[str, str]) -> dict[str, str]:
    """How each written test goes on an app of that text, by pytest in the app's own world."""
    files = {PurePosixPath("review") / name: body.encode() for name, body in written.items()}
    world.overlay({MAIN: text.encode(), **files})
    world.reset()
    command = ("python", "-m", "pytest", "-q", "-rA", "--tb=line", "-p", "no:cacheprovider",
               "review")  # fmt: skip
    result = world.run(command, env={"PYTHONPATH": "."}, timeout=120)
    world.overlay(dict.fromkeys(files))
    rows = (re.match(r"(PASSED|FAILED|ERROR) review/(\w+)\.py", x) for x in result.out.splitlines())
    return {found[2]: found[1] for found in rows if found}


@pytest.mark.slow
def test_written_tests_fail_now_and_pass_after_the_repair(world: World, bad: Examined) -> None:
    """Each runs without us, fails by assertion on the faulty app, and passes on the good one."""
    text = (GOOD / MAIN).read_text()
    wanted = {name.removesuffix(".py") for name in bad.tests.files} - {"review_stage"}
    assert len(wanted) >= len(FAULTS) - 3
    assert outcomes(world, faulty(text), bad.tests.files) == dict.fromkeys(wanted, "FAILED")
    assert outcomes(world, text, bad.tests.files) == dict.fromkeys(wanted, "PASSED")


def mended(text: str, shown: Iterable[Shown]) -> str:
    """The app with every fix of what was shown, one after the other as a repair makes them."""
    files: Mapping[PurePosixPath, bytes] = {MAIN: text.encode()}
    for one in shown:
        app = static.read(files)
        for finding in standing(app, [one]):
            for fix in finding.fixes[:1]:
                files = edits.apply(files, imports.combine(app, fix.changes))
    return files[MAIN].decode()


@pytest.mark.slow
def test_what_has_one_remedy_is_mended_by_it(world: World, bad: Examined) -> None:
    """Run again, the app refuses what its columns do not hold, and serves the rest as before."""
    text = mended(faulty((GOOD / MAIN).read_text()), bad.shown)
    able = [one for one in bad.shown if one.finding.fixes]
    left = standing(static.read({MAIN: text.encode()}), able)
    assert [(f.message, f.fixes) for f in left] == [
        ("`GET /greetings` answers 500 to a negative number in `x-count`", ())
    ]
    after = examined(world, text)
    open_ = {p.message for p in after.proofs}
    gone = {p.message for p in bad.proofs} - open_
    for words in ("a NUL character in `t", "beyond 32 bits in `amount`, `stars`", "values twice"):
        assert any(words in message for message in gone), words
    for words in ("a NUL character in `t", "beyond 32 bits", "the same values twice"):
        assert not any(words in message for message in open_), words
    assert after.matrix.outcomes == bad.matrix.outcomes


@pytest.mark.slow
def test_what_has_no_one_remedy_names_the_decision(bad: Examined) -> None:
    """A finding without a fix says what has to be decided before there can be one."""
    told = {e.text for f in bad.findings if not f.fixes for e in f.evidence}
    for decision in (
        "whether an unknown `rack_id` is answered with 404 or with 422",
        "which values of `price` are refused, and with what answer",
    ):
        assert f"to decide: {decision}" in told


ROUTE = Route("POST", "/1", "main.add", body_model="main.A")


def exchange(operation: str, error: str) -> Exchange:
    """A request of the owner's that ended in an exception."""
    method, _, path = operation.partition(" ")
    return Exchange(Caller.OWNER, operation, method, Ready(path), 500, error=error)


def known(rule: str, symbol: str) -> Finding:
    """What a rule has found."""
    return Finding(rule, Span(MAIN, 0, 1), "found", symbol=symbol)


def traceback(text: str, line: int) -> str:
    """What the app's process says of an exception."""
    place = f'  File "/home/me/app/main.py", line {line}, in add\n    add()\n'
    return f"Traceback (most recent call last):\n{place}{text}\n"


@pytest.mark.parametrize(
    "text",
    [
        "httpx.ConnectError: [Errno -2] Name or service not known",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379",
        "FileNotFoundError: [Errno 2] No such file or directory: 'templates/a.html'",
    ],
)
def test_what_is_missing_in_the_lab_is_no_fault_of_the_app(text: str) -> None:
    """An exception of a network, a service or a file that is not there proves nothing."""
    assert is_outside(exchange("GET /a", traceback(text, 3)))
    assert not is_outside(exchange("GET /a", traceback("KeyError: 'a'", 3)))


@pytest.mark.parametrize(
    ("lines", "proofs"),
    [((3, 3, 3), 1), ((3, 4, 3), 2), ((3, 4, 5), 1)],
    ids=["one line", "two lines", "a habit"],
)
def test_one_cause_is_told_once(lines: tuple[int, ...], proofs: int) -> None:
    """The same exception at one line is one proof, and so is what breaks everywhere."""
    app = static.read({MAIN: b"from fastapi import FastAPI\napp = FastAPI()\n"})
    breaks = [
        broken(app, exchange(f"POST /{n}", traceback("ValueError: no", line)), "`NaN`", "a", ROUTE)
        for n, line in enumerate(lines)
    ]
    found = list(folded(breaks, ()))
    assert len(found) == proofs
    assert {o for p in found for o in (p.operation, *p.beside)} == {b.operation for b in breaks}


def test_a_field_that_a_rule_knows_is_no_habit() -> None:
    """What a rule has found of a field joins that finding, however many others break alike."""
    app = static.read({MAIN: b"from pydantic import BaseModel\nclass A(BaseModel):\n    t: str\n"})
    text = "sqlalchemy.exc.DataError: (x.StringDataRightTruncation) value too long for type"
    breaks = [
        broken(app, exchange(f"POST /{n}", traceback(text, n)), "a text", "t", ROUTE)
        for n in range(1, 4)
    ]
    (proof,) = folded(breaks, [known("longer-than-column", "A.t")])
    assert (proof.rule, proof.subject) == ("longer-than-column", "A.t")


def test_a_page_size_that_breaks_goes_with_what_is_known_and_proves_it_not() -> None:
    """A negative size is told with the missing bound, which only rows that are counted prove."""
    app = static.read({MAIN: b"from fastapi import FastAPI\napp = FastAPI()\n"})
    text = traceback("sqlalchemy.exc.DataError: LIMIT must not be negative", 3)
    broke = broken(app, exchange("GET /a", text), "a negative number", "limit", ROUTE)
    (proof,) = folded([broke], [known("unlimited-page-size", "main.add")])
    assert (proof.rule, proof.subject) == ("unlimited-page-size", "main.add")
    assert grade_of(proof) is Grade.CERTAIN
    assert grade_of(replace(proof, decides=True)) is Grade.PROVEN
    (other,) = folded([broke], ())
    assert other.rule == "unforeseen-input"
    assert other.decides


def grade_of(proof: Proof) -> Grade:
    """The grade of the finding of the source that `proof` joins."""
    span = Span(MAIN, 0, 1)
    finding = replace(known(proof.rule, proof.subject), at=span, structural=True)
    app = static.read({MAIN: b"from fastapi import FastAPI\napp = FastAPI()\n"})
    routes = {proof.operation: replace(ROUTE, span=span, handler=proof.subject)}
    (joined,) = findings_of([proof], [finding], app, routes, Notes())
    assert joined.message == finding.message
    return joined.grade


def test_a_number_that_no_row_has_is_an_unknown_row_however_large() -> None:
    """What is not looked at for `None` is told once, and not again for each size of number."""
    app = static.read({MAIN: b"from fastapi import FastAPI\napp = FastAPI()\n"})
    text = traceback("AttributeError: 'NoneType' object has no attribute 'id'", 3)
    breaks = [
        broken(app, exchange("GET /a/{key}", text), what, "key", ROUTE)
        for what in ("an id that no row has", "an integer beyond 32 bits")
    ]
    (proof,) = folded(breaks, ())
    assert proof.rule == "unchecked-none"
