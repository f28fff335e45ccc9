"""Who may call what: by live calls, and held to what a change promises of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest

from fastwright.lab.world import World
from fastwright.model.change import ChangeSet, Operation, Promise
from fastwright.model.finding import AccessMatrix, Caller
from fastwright.model.proof import Check, Verdict
from fastwright.prove import access
from fastwright.prove.side import Side
from fastwright.review.access import Seen, look
from fastwright.review.requests import Contract
from fastwright.survey import static
from fastwright.testing.samples import sample_app
from fastwright.workspace.project import Project

MAIN = PurePosixPath("diary/main.py")
DIARY = {
    "login": "POST /login",
    "protected": "GET /me",
    "table": "users",
    "login_field": "email",
    "login_column": "email",
    "hash_column": "password",
    "hash": "pbkdf2",
    "token": "cookie:diary_session",
    "carry": "cookie:diary_session",
}
ENTRY = "GET /entries/{entry_id}"
OWNED = b"    if entry is None or entry.user_id != user.id:\n"
Sides = Callable[[bytes], tuple[Side, Side]]


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[Sides]:
    """The diary as it is, and with another main module, each in a world of its own."""
    sample = sample_app("cookie_auth")
    spec = sample.spec(sample.copy(tmp_path), "newest")
    files = Project(tmp_path / sample.name).read()

    def side(tree: Mapping[PurePosixPath, bytes]) -> Side:
        world = stack.enter_context(World.open(replace(spec, files=dict(tree))))
        opened = Side(static.read(tree), tree, world)
        stack.callback(opened.close)
        return opened

    with ExitStack() as stack:
        yield lambda main: (side(files), side({**files, MAIN: main or files[MAIN]}))


def diary() -> bytes:
    """The diary's main module."""
    sample = sample_app("cookie_auth")
    return (Path(__file__).parents[2] / sample.path / MAIN).read_bytes()


def edited(old: bytes, new: bytes) -> bytes:
    """The diary's main module with one text replaced."""
    assert diary().count(old) == 1
    return diary().replace(old, new)


def changes(*promised: str, adds: tuple[Operation, ...] = ()) -> ChangeSet:
    """A change set that promises these cells, and knows the diary's login."""
    promise = Promise(access=promised, adds=adds, attacks=(("other-users-token", DIARY),))
    return ChangeSet("", (), "a change", promise=promise)


def said(check: Check) -> str:
    """All evidence of a check."""
    return "\n".join(seen.text for seen in check.evidence)


def test_the_matrix_tells_owner_from_other_user_and_nobody(sides: Sides) -> None:
    """An owner reads what is theirs, another user does not find it, nobody is turned away."""
    before, _ = sides(b"")
    seen = look(before.app, DIARY)
    rows = seen.matrix.outcomes
    assert rows[ENTRY] == {"anonymous": "401", "other user": "404", "owner": "200"}
    assert rows["GET /me"] == {"anonymous": "401", "other user": "200", "owner": "200"}
    assert rows["POST /login"] == {"anonymous": "204", "other user": "204", "owner": "204"}
    assert seen.notes == ()


def test_nobody_alone_calls_where_no_login_is_known(sides: Sides) -> None:
    """Without needs only anonymous cells stand in the matrix, and a note says so."""
    before, _ = sides(b"")
    seen = look(before.app, {})
    assert {c for row in seen.matrix.outcomes.values() for c in row} == {Caller.ANONYMOUS.value}
    assert seen.notes == ("nothing is known of a login: called as nobody alone",)


def test_a_lost_check_inside_a_handler_is_seen(sides: Sides) -> None:
    """A handler that forgets to ask whose entry it is changes no contract, and fails the gate."""
    before, after = sides(edited(OWNED, b"    if entry is None:\n"))
    check = access.run(before, after, changes())
    assert check.verdict is Verdict.FAILED
    assert f"`{ENTRY}` for other user: 404 → 200, which was not promised" in said(check)


def test_the_same_access_passes(sides: Sides) -> None:
    """Two trees that let the same callers in differ by nothing."""
    before, after = sides(edited(b"'/entries/{entry_id}'", b"'/entries/{entry_id}' "))
    check = access.run(before, after, changes())
    assert check.ok, said(check)
    assert check.before == check.after == "7 operations, 21 calls"


FAILS = b"    if entry is None or entry.user_id != user.id:\n        raise RuntimeError\n"


@pytest.mark.parametrize("is_mended", [True, False])
def test_an_error_that_becomes_a_refusal_needs_no_promise(sides: Sides, is_mended: bool) -> None:
    """Nobody gets in where the server failed and now refuses; the way back is a difference."""
    whole, failing = sides(edited(OWNED, FAILS + OWNED))
    before, after = (failing, whole) if is_mended else (whole, failing)
    check = access.run(before, after, changes())
    assert check.ok is is_mended, said(check)
    told = "500 → 404, fails no more" if is_mended else "404 → 500, which was not promised"
    assert f"`{ENTRY}` for other user: {told}" in said(check)


ADDED = b"\n\n@app.get('/count')\ndef count(user: CurrentUser):\n    return {'count': 0}\n"
COUNT = Operation("GET", "/count", (200,))


def test_an_added_operation_is_held_to_its_promise(sides: Sides) -> None:
    """What a new route was promised to be is what its callers meet."""
    before, after = sides(diary() + ADDED)
    promised = "GET /count: for whoever is logged in"
    check = access.run(before, after, changes(promised, adds=(COUNT,)))
    assert check.ok, said(check)
    assert "anonymous 401, other user 200, owner 200" in said(check)


EMPTYING = b"""

@app.delete('/everybody')
def empty(db: Database):
    for table in ('login_sessions', 'users'):
        db.execute(text(f'DELETE FROM {table}'))
    db.commit()
"""


def test_what_is_added_meets_users_that_nothing_was_done_to(sides: Sides) -> None:
    """An open route that deletes users does not make nobody of those who call what comes last."""
    emptying = edited(b"import select\n", b"import select, text\n") + EMPTYING
    _, after = sides(emptying + ADDED)
    seen = look(after.app, DIARY, last={"GET /count"})
    rows = seen.matrix.outcomes
    assert rows["DELETE /everybody"]["anonymous"] == "200", rows
    assert rows["GET /count"] == {"anonymous": "401", "other user": "200", "owner": "200"}


def test_a_promise_that_is_not_kept_fails(sides: Sides) -> None:
    """A guarded route that was promised to be open is refuted by its anonymous answer."""
    before, after = sides(diary() + ADDED)
    check = access.run(before, after, changes("GET /count: open to everybody", adds=(COUNT,)))
    assert check.verdict is Verdict.FAILED
    assert "open to everybody, and anonymous is answered 401" in said(check)


@pytest.mark.parametrize("status", ["500", "503", "no answer"])
def test_an_error_of_the_server_admits_nobody(status: str) -> None:
    """A promised route that ends in an error is not open, whoever calls it."""
    open_to_all = changes("GET /count: open to everybody", adds=(COUNT,))
    (broken,) = beyond("GET /count", {"anonymous": status}, open_to_all)
    assert status in broken


def test_an_error_that_was_promised_is_an_answer() -> None:
    """Readiness may say 503: who may call it is then not known, and not refuted."""
    ready = changes("GET /r: open to everybody", adds=(Operation("GET", "/r", (200, 503)),))
    assert beyond("GET /r", {"anonymous": "503"}, ready) == []
    assert beyond("GET /r", {"anonymous": "500"}, ready) != []


@pytest.mark.parametrize("status", ["404", "405", "422", "429", "400"])
def test_the_login_and_what_it_protects_let_users_in(status: str) -> None:
    """No other error than being turned away counts as being let in there; elsewhere it is told."""
    row = {"anonymous": "401", "owner": status}
    assert beyond("GET /me", row, changes("GET /me: for whoever is logged in")) != []
    assert beyond("POST /login", {"owner": status}, changes("POST /login: open to everybody")) != []
    counted = changes("GET /count: for whoever is logged in", adds=(COUNT,))
    assert beyond("GET /count", row, counted) == []
    (told,) = access._kept(counted, AccessMatrix({"GET /count": row}))
    assert "not known for owner" in told


def beyond(route: str, row: Mapping[str, str], held: ChangeSet) -> list[str]:
    """What goes beyond the promise where the new tree answers `route` so."""
    return list(access._beyond_promise(AccessMatrix(), AccessMatrix({route: row}), held))


def test_what_both_trees_lack_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither tree can be called, the reason for both is one sentence."""
    seen = Seen(AccessMatrix(), ("nothing to call it by",))
    monkeypatch.setattr(access, "_looked", lambda *_: (seen, seen))
    side = SimpleNamespace(refusal=None)
    check = access.run(side, side, changes())  # type: ignore[arg-type]
    assert check.skipped_because == "nothing to call it by"


def test_a_promise_that_cannot_be_read_fails(sides: Sides) -> None:
    """An outcome in other words than those of the gate is never taken for kept."""
    before, after = sides(diary() + ADDED)
    check = access.run(before, after, changes("GET /count: as usual", adds=(COUNT,)))
    assert check.verdict is Verdict.FAILED
    assert "“as usual” says nothing of anonymous" in said(check)


DOCUMENT = {
    "paths": {
        "/shelves/{shelf_id}": {
            "parameters": [{"name": "shelf_id", "in": "path", "required": True}],
            "post": {
                "parameters": [
                    {"name": "q", "in": "query", "required": True, "schema": {"type": "string"}},
                    {"name": "page", "in": "query", "schema": {"type": "integer"}},
                ],
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/s/Book"}}}
                },
            },
        }
    },
    "components": {
        "s": {
            "Book": {
                "type": "object",
                "required": ["title", "pages", "email", "kind", "author", "tags"],
                "properties": {
                    "title": {"type": "string", "minLength": 12, "maxLength": 14},
                    "pages": {"type": "integer", "exclusiveMinimum": 9},
                    "email": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
                    "kind": {"enum": ["new", "old"]},
                    "author": {"allOf": [{"$ref": "#/components/s/Author"}]},
                    "tags": {"type": "array", "minItems": 1, "items": {"type": "boolean"}},
                    "note": {"type": "string"},
                },
            },
            "Author": {
                "type": "object",
                "required": ["name", "twin"],
                "properties": {
                    "name": {"type": "string"},
                    "twin": {"$ref": "#/components/s/Author"},
                },
            },
        }
    },
}


def test_a_request_has_what_its_schema_requires() -> None:
    """Required parameters and fields are filled within their limits, and nothing else."""
    known = {"shelf_id": 7}
    made = Contract(DOCUMENT).request(
        "POST", "/shelves/{shelf_id}", lambda name, _: known.get(name)
    )
    body = json.loads(made.body)
    assert made.path == "/shelves/7?q=fastwright"
    assert made.headers == (("content-type", "application/json"),)
    assert 12 <= len(body.pop("title")) <= 14
    assert body.pop("author")["name"] == "fastwright"
    assert body == {"pages": 10, "email": "fw@example.com", "kind": "new", "tags": [True]}
