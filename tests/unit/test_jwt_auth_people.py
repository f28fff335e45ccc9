"""What `jwt-auth` builds for people who register themselves, and for roles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from fastwright.model.app import AppMap
from fastwright.model.change import ChangeSet, NewFile
from fastwright.model.errors import Refused
from fastwright.recipes import find, from_options, to_options
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.source import edits
from fastwright.survey import static
from fastwright.testing.samples import LOCKS, python_of, sample_app

RUFF = Path(sys.executable).with_name("ruff")
BOTH = JwtAuth(registration=True, roles=True)
BUILT = ["bookshop", "tasks_sqlmodel", "legacy_forum", "factory_api", "createall", "shop_async"]
MODELS = PurePosixPath("models.py")
EMAIL = "    email: Mapped[str] = mapped_column(unique=True)\n"
HASH = "    hashed_password: Mapped[str]\n"
NAME = "name: Mapped[str] = mapped_column(String(40))"
STRING = ("import ForeignKey", "import ForeignKey, String")


@cache
def map_of(name: str) -> AppMap:
    """The map of a sample app, by its source."""
    return static.read(sample_app(name).read())


def with_models(*changed: tuple[str, str]) -> AppMap:
    """The sample `createall` with its models changed: each text by another."""
    files = dict(map_of("createall").files)
    text = files[MODELS].decode()
    for old, new in changed:
        assert old in text
        text = text.replace(old, new, 1)
    return static.read({**files, MODELS: text.encode()})


def column(*lines: str) -> tuple[str, str]:
    """The change that gives the users of `createall` columns more."""
    return HASH, "".join((HASH, *(f"    {line}\n" for line in lines)))


def texts(changes: ChangeSet) -> str:
    """Everything that is newly written."""
    return "\n".join(c.text for c in changes.changes if isinstance(c, NewFile))


def after(app: AppMap, changes: ChangeSet) -> AppMap:
    """The map of `app` with `changes` made."""
    return static.read(edits.apply(app.files, changes.changes))


@pytest.mark.parametrize("name", BUILT)
def test_a_second_build_is_empty(name: str) -> None:
    """Registration and roles are recognised by what they are, the new column among them."""
    app = map_of(name)
    built = BOTH.build(app)
    again = after(app, built)
    assert BOTH.build(again).is_empty
    for mutation in built.promise.mutations:
        assert again.files[mutation.path].decode().count(mutation.old) == 1, mutation.name
        assert mutation.new != mutation.old


@pytest.mark.parametrize("name", ["bookshop", "legacy_forum", "createall"])
def test_a_login_that_is_there_gets_them_later(name: str) -> None:
    """Built in two steps, the second adds one operation, and tests in a file of their own."""
    app = map_of(name)
    first = JwtAuth().build(app)
    login = after(app, first)
    later = BOTH.build(login)
    assert [o.path.rpartition("/")[2] for o in later.promise.adds] == ["register"]
    assert [p.name for p in later.promise.tests] == ["test_registration.py"]
    assert not set(later.promise.tests) & set(first.promise.tests)
    assert BOTH.build(after(login, later)).is_empty


@pytest.mark.parametrize("name", ["tasks_sqlmodel", "shop_async", "createall"])
def test_what_is_written_is_clean_and_known_after_formatting(name: str, tmp_path: Path) -> None:
    """A linter has nothing to say of it, and a formatter in between gives a second run no work."""
    built = BOTH.build(map_of(name))
    for path, content in edits.apply(map_of(name).files, built.changes).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    new = [str(c.path) for c in built.changes if isinstance(c, NewFile) and c.path.suffix == ".py"]
    for command in (
        ["check", "--line-length", "100", "--select", "E,F,I,W,UP,SIM,RET,PIE,C4,BLE", *new],
        ["format", "-q", "--line-length", "110", "."],
    ):
        ran = subprocess.run(
            [RUFF, *command, "--isolated"], cwd=tmp_path, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
    formatted = {path: (tmp_path / path).read_bytes() for path in map_of(name).files}
    formatted |= {path: (tmp_path / path).read_bytes() for path in built.paths()}
    assert BOTH.build(static.read(formatted)).is_empty


def test_what_comes_later_goes_where_the_login_is() -> None:
    """Files that the person has moved are found, and gain what is new."""
    app = map_of("createall")
    files = edits.apply(app.files, JwtAuth().build(app).changes)
    for old, new in (("router", "endpoints"), ("limits", "throttling"), ("service", "work")):
        files[PurePosixPath(f"auth/{new}.py")] = files.pop(PurePosixPath(f"auth/{old}.py"))
        for path in files:
            if path.suffix == ".py":
                text = files[path].replace(f"auth.{old} ".encode(), f"auth.{new} ".encode())
                files[path] = text.replace(f"from .{old} ".encode(), f"from .{new} ".encode())
    written = {path.name for path in BOTH.build(static.read(files)).paths()}
    assert {"endpoints.py", "throttling.py", "work.py"} <= written
    assert not {"router.py", "limits.py", "service.py", "auth.py"} & written


def test_registration_is_promised() -> None:
    """It is one operation, open to everybody, and each of its properties can be taken out."""
    promise = JwtAuth(registration=True).build(map_of("bookshop")).promise
    register = next(o for o in promise.adds if o.path == "/auth/register")
    assert (register.method, 201 in register.status_codes) == ("POST", True)
    assert "POST /auth/register: open to everybody" in promise.access
    names = {mutation.name for mutation in promise.mutations}
    assert "registrations are limited for each address" in names
    assert "a login that is taken is a conflict" in names
    assert {"open-registration", "hostile-bodies"} <= {name for name, _ in promise.attacks}


def test_refreshing_is_promised_to_refuse_a_made_up_token() -> None:
    """The route is there for everybody, and a token that was never given out opens nothing."""
    promise = JwtAuth(refresh=True, logout=True).build(map_of("bookshop")).promise
    (told,) = [text for text in promise.access if text.startswith("POST /auth/refresh: ")]
    assert all(f"{caller} 401" in told for caller in ("anonymous", "owner", "other user"))
    (needs,) = [needs for name, needs in promise.attacks if name == "hostile-bodies"]
    assert list(json.loads(needs["bodies"])) == ["POST /auth/refresh", "POST /auth/logout"]


def test_a_role_column_of_the_app_is_bound_to() -> None:
    """No table is touched where it says already who may do what."""
    for name, read in (("factory_api", "account.role"), ("legacy_forum", "account.is_admin")):
        built = JwtAuth(roles=True).build(map_of(name))
        assert read in texts(built)
        assert built.promise.tables == ()


def test_a_new_role_column_has_its_migration() -> None:
    """With Alembic there is a revision with a default for the rows that exist."""
    app = map_of("bookshop")
    built = JwtAuth(roles=True).build(app)
    new = [c for c in built.changes if isinstance(c, NewFile)]
    (revision,) = (c for c in new if "versions" in c.path.parts)
    assert "op.add_column(" in revision.text
    assert 'server_default="user"' in revision.text
    assert 'op.drop_column("users", "role")' in revision.text
    assert built.promise.tables == ("users",)
    role = after(app, built).table("users").column("role")  # type: ignore[union-attr]
    assert role is not None
    assert (role.nullable, role.length) == (False, 20)


def test_without_migrations_the_statement_is_told() -> None:
    """`create_all` leaves a table that exists as it is: whoever deploys is given the statement."""
    told = "\n".join(JwtAuth(roles=True).build(map_of("createall")).deploy)
    assert 'ALTER TABLE "user" ADD COLUMN role' in told
    assert "grant_role" in told


def test_what_was_not_chosen_is_named() -> None:
    """Registration and roles stand among what was not done until they are built."""
    app = map_of("createall")
    assert any("registration, roles" in text for text in JwtAuth().build(app).not_done)
    left = BOTH.build(app).not_done
    assert not any("roles or password reset" in text for text in left)
    assert any("`POST /users` makes accounts as it did" in text for text in left)
    assert any("no existing route asks for a role" in text for text in left)


def test_what_a_row_needs_is_asked_for_or_filled_in() -> None:
    """Names are asked for; what the app decides is never a field that a client can send."""
    app = with_models(column(NAME, "is_vip: Mapped[bool]"), STRING)
    text = texts(JwtAuth(registration=True).build(app))
    asked = text.partition("class Registration")[2].partition("@field_validator")[0]
    assert "name: str = Field(min_length=1, max_length=40)" in asked
    assert "is_vip" not in asked
    assert "is_vip=False" in text


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ((EMAIL, "    email: Mapped[str]\n"), "not unique"),
        ((HASH, HASH.replace("\n", " = mapped_column(String(40))\n")), "40 characters"),
        (column('team: Mapped[int] = mapped_column(ForeignKey("team.id"))'), "refers to `team.id`"),
        (column("plan: Mapped[str]"), "not for whoever registers to choose"),
        (column("is_active: Mapped[bool] = mapped_column(default=False)"), "could log in"),
    ],
    ids=["login", "hash", "reference", "plan", "switch"],
)
def test_a_table_that_nobody_can_join_is_refused(changed: tuple[str, str], because: str) -> None:
    """Where a row cannot be made of what people tell of themselves, it is said why."""
    with pytest.raises(Refused) as refusal:
        JwtAuth(registration=True).build(with_models(changed, STRING))
    assert refusal.value.cannot == "cannot let people register themselves"
    assert because in refusal.value.because
    assert refusal.value.do


def test_a_registration_of_the_app_is_not_doubled() -> None:
    """Where the path is the app's own already, that is said, and another path will do."""
    files = dict(map_of("createall").files)
    main = PurePosixPath("main.py")
    files[main] = files[main].replace(b'@app.post("/users"', b'@app.post("/auth/register"')
    with pytest.raises(
        Refused, match=r"`POST /auth/register` is there already, in `main\.register`"
    ):
        JwtAuth(registration=True).build(static.read(files))
    assert not JwtAuth(registration=True, path="/in/login").build(static.read(files)).is_empty


@pytest.mark.parametrize(
    "line",
    [
        "role: Mapped[int]",
        'role_id: Mapped[int] = mapped_column(ForeignKey("role.id"))',
        'roles: Mapped[list["Role"]] = relationship()',
    ],
)
def test_roles_that_cannot_be_read_are_refused(line: str) -> None:
    """Numbers and rows of other tables are roles whose names only the app knows."""
    with pytest.raises(Refused, match=r"cannot tell the roles of `user`.*--roles"):
        JwtAuth(roles=True).build(with_models(column(line)))


def test_a_role_that_a_client_could_send_is_refused() -> None:
    """A route whose body is the table's own class would let whoever calls it choose a role."""
    files = dict(map_of("tasks_sqlmodel").files)
    router = PurePosixPath("app/routers/users.py")
    files[router] = files[router].replace(b"body: UserCreate", b"body: User")
    with pytest.raises(Refused, match="would be seen, or chosen"):
        JwtAuth(roles=True).build(static.read(files))


def test_options_survive_json() -> None:
    """Options read back from JSON make the same recipe."""
    assert from_options(find("jwt-auth"), to_options(BOTH)) == BOTH


IMPORT = "from sqlalchemy import"
SHAPES = {
    "enum": (
        column("role: Mapped[Role] = mapped_column(default=Role.USER)"),
        ("class Base", "class Role(Enum):\n    ADMIN = 'boss'\n    USER = 'user'\n\n\nclass Base"),
        (IMPORT, f"from enum import Enum\n\n{IMPORT}"),
    ),
    "uuid": (
        ("id: Mapped[int] =", "id: Mapped[UUID] ="),
        (IMPORT, f"from uuid import UUID\n\n{IMPORT}"),
    ),
    "words": (column('scopes: Mapped[str | None] = mapped_column(default="")'),),
    "flag": (column("is_staff: Mapped[bool] = mapped_column(default=False)"),),
    "list": (
        column("roles: Mapped[list[str]] = mapped_column(JSON, default=list)"),
        (IMPORT, f"{IMPORT} JSON,"),
    ),
    "required": (
        column(
            NAME,
            "is_vip: Mapped[bool]",
            "phone: Mapped[str] = mapped_column(String(6), unique=True)",
            "created_at: Mapped[datetime]",
        ),
        STRING,
        (IMPORT, f"from datetime import datetime\n\n{IMPORT}"),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_written_tests_pass_on_other_tables(shape: str, tmp_path: Path) -> None:
    """Roles in whatever shape are read, and rows with more columns are made."""
    app = with_models(*SHAPES[shape])
    built = BOTH.build(app)
    for path, content in edits.apply(app.files, built.changes).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    tests = [str(tmp_path / path) for path in built.promise.tests]
    command = [str(python_of(LOCKS[0])), "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    chosen = [*command, *tests, "-k", "regist or role or taken"]
    ran = subprocess.run(
        chosen, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-2000:]
    assert BOTH.build(after(app, built)).is_empty
