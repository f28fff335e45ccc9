"""What `jwt-auth` builds on the sample apps, without running them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import PurePosixPath

import pytest

from fastwright.agent.pricing import options
from fastwright.model.app import AppMap
from fastwright.model.change import AddDependency, Change, NewFile
from fastwright.model.errors import Refused, UsageError
from fastwright.model.plan import State, Step
from fastwright.recipes import choices, find, from_options, to_options
from fastwright.recipes.jwt_auth import JwtAuth
from fastwright.review.attack import every_attack
from fastwright.source import edits
from fastwright.survey import static
from fastwright.testing.samples import every_sample, sample_app

BOUND = [s.name for s in every_sample() if s.accounts and s.name != "cookie_auth"]
BUILT = [*BOUND, "shop_async"]


@cache
def map_of(name: str) -> AppMap:
    """The map of a sample app, by its source."""
    return static.read(sample_app(name).read())


def after(app: AppMap, changes: tuple[Change, ...]) -> AppMap:
    """The map of `app` with `changes` made."""
    return static.read(edits.apply(app.files, changes))


@pytest.mark.parametrize("name", BUILT)
def test_a_second_build_is_empty(name: str) -> None:
    """What was built is recognised by what it is, and nothing is added to it."""
    app = map_of(name)
    built = JwtAuth().build(app)
    assert not built.is_empty
    again = after(app, built.changes)
    assert JwtAuth().build(again).is_empty
    assert JwtAuth().detect(again).state is State.PRESENT


@pytest.mark.parametrize("name", BUILT)
def test_a_deleted_part_is_completed(name: str) -> None:
    """After one of its files was deleted, a build writes that file again and nothing else."""
    app = map_of(name)
    built = JwtAuth().build(app)
    files = edits.apply(app.files, built.changes)
    gone = next(c for c in built.changes if isinstance(c, NewFile) and c.path.stem == "tokens")
    del files[gone.path]
    again = JwtAuth().build(static.read(files))
    (new,) = (c for c in again.changes if isinstance(c, NewFile))
    assert again.paths() == (gone.path,)
    # Which quotes most of the app's strings have may be another by now.
    assert new.text.replace("'", '"') == gone.text.replace("'", '"')


@pytest.mark.parametrize("name", BUILT)
def test_a_moved_part_is_not_written_again(name: str) -> None:
    """A file that the person moved is found where it is now."""
    app = map_of(name)
    built = JwtAuth().build(app)
    files = edits.apply(app.files, built.changes)
    moved = next(c for c in built.changes if isinstance(c, NewFile) and "limits" in c.path.stem)
    files[moved.path.with_name("throttling.py")] = files.pop(moved.path)
    again = JwtAuth().build(static.read(files))
    assert [c.path for c in again.changes if isinstance(c, NewFile)] == []


@pytest.mark.parametrize("name", BUILT)
def test_every_mutation_fits_what_was_written(name: str) -> None:
    """Each promised property stands once in the new tree, and can be taken out there."""
    app = map_of(name)
    built = JwtAuth().build(app)
    files = edits.apply(app.files, built.changes)
    names = {mutation.name for mutation in built.promise.mutations}
    assert {"the signature is verified", "expiry is verified", "the password is compared"} <= names
    for mutation in built.promise.mutations:
        assert files[mutation.path].decode().count(mutation.old) == 1, mutation.name
        assert mutation.new != mutation.old


@pytest.mark.parametrize("name", BUILT)
def test_promised_attacks_exist(name: str) -> None:
    """A promise names attacks that there are, and tells them where the doors are."""
    promised = JwtAuth().build(map_of(name)).promise
    assert {attack for attack, _ in promised.attacks} <= set(every_attack())
    for _, needs in promised.attacks:
        assert needs["login"] == str(promised.adds[0])


@pytest.mark.parametrize("name", BUILT)
def test_no_secret_is_written(name: str) -> None:
    """The signing secret has no default in the code and no value in the example file."""
    app = map_of(name)
    built = JwtAuth().build(app)
    files = edits.apply(app.files, built.changes)
    variable = built.promise.settings[0]
    example = next(c for p, c in files.items() if p.name == ".env.example").decode()
    assert f"\n{variable}=\n" in f"\n{example}"
    assert variable.endswith("JWT_SECRET")


def test_tests_sign_with_a_value_of_their_app() -> None:
    """The secret of the written tests is another in each app, and the same at each build."""
    found = set()
    for name in ("bookshop", "shop_async"):
        app = map_of(name)
        values = [
            re.findall(rb"only-for-tests-\w+", b"".join(after(app, built.changes).files.values()))
            for built in (JwtAuth().build(app), JwtAuth().build(app))
        ]
        assert values[0] == values[1]
        found.update(values[0])
    assert len(found) == 2


def test_installed_packages_are_not_added() -> None:
    """Only what the app does not declare is added to its dependencies."""
    built = JwtAuth().build(map_of("bookshop"))
    added = {c.requirement for c in built.changes if isinstance(c, AddDependency)}
    assert {r.partition(">")[0] for r in added} == {"pyjwt", "pwdlib[argon2]", "python-multipart"}


def test_a_narrow_column_keeps_its_hashes() -> None:
    """Where an argon2 hash does not fit, stored hashes stay as they are, and it is said."""
    built = JwtAuth().build(map_of("legacy_forum"))
    assert any("stored, as they are" in decision.chose for decision in built.explains)
    assert "an older hash is replaced" not in {m.name for m in built.promise.mutations}


def test_the_login_is_the_column_that_the_code_looks_people_up_by() -> None:
    """Of two unique columns, the one that the app itself queries by is what people log in with."""
    needs = dict(JwtAuth().build(map_of("legacy_forum")).promise.attacks)["brute-force"]
    assert needs["login_column"] == "username"
    named = JwtAuth(login="email").build(map_of("legacy_forum"))
    assert dict(named.promise.attacks)["brute-force"]["login_column"] == "email"


def test_an_app_without_users_gets_a_table_and_a_migration() -> None:
    """Where nobody can log in yet, users, their migration and a command to make them are built."""
    built = JwtAuth().build(map_of("shop_async"))
    names = {c.path.name for c in built.changes if isinstance(c, NewFile)}
    assert {"models.py", "create_user.py"} <= names
    assert any("add_users" in name for name in names)
    assert built.promise.tables == ("users",)


@pytest.mark.parametrize("name", BUILT)
def test_the_plan_says_what_was_chosen(name: str) -> None:
    """Each option that is left to the app has the value that is built, with what speaks for it."""
    app = map_of(name)
    built = JwtAuth().build(app)
    told = {o.name: o for o in options(Step("jwt-auth", "asked"), app, built)}
    needs = dict(built.promise.attacks)["brute-force"]
    assert f"POST {told['--path'].value}" == needs["login"]
    assert told["--user-table"].value == needs["table"]
    assert told["--login"].value in (needs["login_column"], needs.get("login_field"))
    assert told["--limits"].value in ("memory", "redis")
    docs = {c.flag: c.doc for c in choices(JwtAuth)}
    for flag in ("--path", "--user-table", "--login", "--limits"):
        assert told[flag].because != docs[flag].replace("``", "`")
        assert told[flag].value not in told[flag].alternatives


def test_without_a_database_it_names_what_comes_first() -> None:
    """An app that keeps nothing is refused, with the recipe that it needs."""
    with pytest.raises(Refused, match=r"database session.*fastwright add database"):
        JwtAuth().build(map_of("notebook"))


def test_pydantic_1_is_refused() -> None:
    """The code is written for pydantic 2 and says so, instead of failing later."""
    with pytest.raises(Refused, match="pydantic 1"):
        JwtAuth().build(map_of("pydantic1"))


def test_another_login_is_already_there() -> None:
    """An app that logs people in its own way is told so, and gets no second way."""
    app = map_of("cookie_auth")
    found = JwtAuth().detect(app)
    assert found.state is State.PRESENT
    assert found.symbols
    assert JwtAuth().build(app).is_empty


def test_an_unknown_user_table_is_refused() -> None:
    """A table that the app does not have is refused with those that it has."""
    wrong = JwtAuth(user_table="people")
    for hold in (wrong.check, wrong.build):
        with pytest.raises(UsageError, match="`books`"):
            hold(map_of("bookshop"))


@pytest.mark.parametrize("login", ["hashed_password", "password_hash", "id", "nothing"])
def test_a_login_is_text_that_the_table_has(login: str) -> None:
    """The hash, a number and a column that is not there are no logins, and exit with 2."""
    app = map_of("bookshop")
    with pytest.raises(UsageError, match=f"{login}.*--login"):
        JwtAuth(login=login).build(app)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("path", "login"),
        ("path", "/a/"),
        ("path", "/a b"),
        ("path", '/x")\nimport os  #'),
        ("path", "/{user}/login"),
        ("path", "/login\n"),
        ("path", ""),
        ("access_minutes", 0),
        ("access_minutes", -5),
        ("access_minutes", 1441),
        ("access_minutes", "٣"),
        ("access_minutes", "9" * 5000),
    ],
)
def test_what_would_go_into_source_is_checked(option: str, value: object) -> None:
    """A path is plain segments and a lifetime is a day at most; else it is a usage error."""
    with pytest.raises(UsageError, match="--" + option.replace("_", "-")):
        from_options(JwtAuth, {option: value})


def test_paths_of_health_checks_are_checked() -> None:
    """Other recipes that write a path into source hold it to the same form."""
    with pytest.raises(UsageError, match="--ready-path"):
        from_options(find("health-checks"), {"ready_path": '/r"'})
    assert from_options(find("health-checks"), {"ready_path": "/v1/ready~x"})


def test_every_option_is_built() -> None:
    """No option is offered that a build refuses: each of them, taken, gives a change set."""
    switches = [c.name for c in choices(JwtAuth) if c.kind == "bool"]
    taken = from_options(JwtAuth, dict.fromkeys(switches, True))
    assert not taken.build(map_of("bookshop")).is_empty


@pytest.mark.parametrize(("days", "most"), [(7, 60), (90, 90)])
def test_refresh_tokens_last_as_asked(days: int, most: int) -> None:
    """As long as the person said where they are not used, and never beyond the login's own end."""
    built = JwtAuth(refresh=True, refresh_days=days).build(map_of("bookshop"))
    texts = [change.text for change in built.changes if isinstance(change, NewFile)]
    written = next(text for text in texts if "IDLE_DAYS" in text)
    assert f"\nIDLE_DAYS = {days}\nMOST_DAYS = {most}\n" in written


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (None, "POST /auth/login"),
        ("/login", "POST /login"),
        ("/auth/token", "POST /auth/token"),
        ("/api/v1/session", "POST /api/v1/session"),
    ],
)
def test_the_path_is_the_one_asked_for(path: str | None, expected: str) -> None:
    """The login is served at the path that the person gave."""
    built = JwtAuth(path=path).build(map_of("bookshop"))
    assert str(built.promise.adds[0]) == expected
    served = {str(r) for r in after(map_of("bookshop"), built.changes).routes if r.reachable}
    assert {str(operation) for operation in built.promise.adds} <= served


def test_a_prefix_of_the_settings_stays_theirs() -> None:
    """Where the prefix comes from the settings, the docs page follows it."""
    built = JwtAuth().build(map_of("tasks_sqlmodel"))
    text = next(c.text for c in built.changes if isinstance(c, NewFile) and "oauth2" in c.text)
    assert 'tokenUrl=f"{settings.API_PREFIX}/auth/login"' in text
    assert str(built.promise.adds[0]) == "POST /api/auth/login"


def test_options_survive_json() -> None:
    """Options read back from JSON make the same recipe."""
    recipe = JwtAuth(path="/login", access_minutes=30, me=False)
    assert from_options(find("jwt-auth"), to_options(recipe)) == recipe


def test_without_me_nothing_is_guarded() -> None:
    """Declining the route that says who is logged in leaves the login alone."""
    built = JwtAuth(me=False).build(map_of("bookshop"))
    assert [str(operation) for operation in built.promise.adds] == ["POST /auth/login"]
    assert JwtAuth(me=False).build(after(map_of("bookshop"), built.changes)).is_empty


def test_other_files_are_left_alone() -> None:
    """Only files that the change set names differ."""
    app = map_of("bookshop")
    built = JwtAuth().build(app)
    files = edits.apply(app.files, built.changes)
    changed = {path for path in files if files[path] != app.files.get(path)}
    assert changed == set(built.paths())
    assert PurePosixPath("bookshop/users/models.py") not in changed


def test_tests_of_the_app_stay_where_they_are() -> None:
    """A file that has the name of ours already is left alone: ours goes beside it."""
    app = map_of("bookshop")
    (first,) = JwtAuth().build(app).promise.tests
    taken = static.read({**app.files, first: b"def test_it() -> None: ...\n"})
    (second,) = JwtAuth().build(taken).promise.tests
    assert second.parent == first.parent
    assert second != first


def test_credentials_tell_what_people_log_in_with() -> None:
    """Where tests send an email with a password, that outweighs queries by another column."""
    app = map_of("legacy_forum")
    sent = b'CREDENTIALS = {"email": "ann@example.com", "password": "secret"}\n'
    told = static.read({**app.files, PurePosixPath("tests/test_old_login.py"): sent})
    needs = dict(JwtAuth().build(told).promise.attacks)["brute-force"]
    assert needs["login_column"] == "email"


def test_connections_without_an_orm_are_refused() -> None:
    """An app with a driver's own pool is told whose connections they are, and what would do."""
    with pytest.raises(Refused) as refusal:
        JwtAuth().build(map_of("rawpg"))
    assert "`sensors.pool.get_connection` gives asyncpg connections" in refusal.value.because
    assert "SQLAlchemy session" in refusal.value.do
