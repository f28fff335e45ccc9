"""What a request does not order: what it asks, declines, or puts in words that nothing reads."""

from __future__ import annotations

import dataclasses

import pytest

from fastwright.agent.planner import Refusal, read_request
from fastwright.model.plan import Plan
from fastwright.recipes.recipe import find, from_options


def plan(text: str) -> Plan:
    """The plan for `text`; fails where there is none."""
    answer = read_request(text)
    assert isinstance(answer, Plan), answer
    return answer


@pytest.mark.parametrize(
    "text",
    [
        "I don't want login",
        "I don't want to have a login for my users",
        "we don't need auth",
        "no auth please",
        "never add authentication",
        "don't build health checks for the login",
    ],
)
def test_what_is_not_wanted_is_not_built(text: str) -> None:
    """A request that declines the one thing it names is refused, and is told why."""
    answer = read_request(text)
    assert isinstance(answer, Refusal)
    assert answer.because == "it says what is not wanted, and nothing that is"


def test_what_stands_before_a_no_is_wanted() -> None:
    """An order is one whatever is declined behind it, however plainly that is named."""
    steps = plan("add login without health checks").steps
    assert [step.recipe for step in steps] == ["jwt-auth"]


@pytest.mark.parametrize(
    "text",
    [
        "do we have a login?",
        "do we have a login",
        "can users log in?",
        "should I add a login?",
        "why don't we have login?",
        "login?",
    ],
)
def test_a_question_builds_nothing(text: str) -> None:
    """What asks is refused with the command that answers."""
    answer = read_request(text)
    assert isinstance(answer, Refusal)
    assert "`fastwright survey`" in answer.do


@pytest.mark.parametrize(
    "text",
    [
        "Create a login endpoint but don't use JWT",
        "add a login but no tokens, use sessions",
        "add a login, use cookies for it",
        "login endpoint without JWT",
        "add login with sessions instead of tokens",
    ],
)
def test_a_login_without_tokens_is_refused_with_what_there_is(text: str) -> None:
    """Sessions, cookies and *no JWT* are foreign work; the refusal says how a login answers."""
    answer = read_request(text)
    assert isinstance(answer, Refusal)
    assert answer.because.startswith("a login here answers with a signed token")


@pytest.mark.parametrize(
    "text",
    [
        "is it possible to add a login endpoint?",
        "Can we have a login endpoint?",
        "could you add authentication?",
        "don't forget to add login",
        "there is no login, please add one",
        "add login for users who are not registered yet",
        "requests without a token get 401, add login",
        "add login with no refresh tokens",
        "add login without cookies",
        "add login for mobile app, without email verification",
    ],
)
def test_polite_and_negative_words_around_an_order_leave_it_one(text: str) -> None:
    """A negation of something else, a lack, or a polite question is still an order."""
    assert [step.recipe for step in plan(text).steps] == ["jwt-auth"]


def test_what_is_declined_beside_an_order_is_left_out_alone() -> None:
    """*But no login* takes away the login, and not the health checks."""
    found = plan("add health checks but no login")
    assert [step.recipe for step in found.steps] == ["health-checks"]
    assert found.unsure == ()


@pytest.mark.parametrize(
    ("text", "minutes", "days", "told"),
    [
        ("add login with refresh tokens valid for 30 days", None, 30, ""),
        ("add login with refresh tokens, valid for 12 hours", None, None, "`12 hours` is not"),
        ("access tokens valid 20 minutes and refresh tokens 9 days, login", 20, 9, ""),
        ("people log in, and stay logged in for a month", None, 30, ""),
        ("login with refresh tokens good for 2 years", None, None, "`2 years` is not taken"),
        ("add a login endpoint and delete all orders older than 30 days", None, None, "older than"),
        ("add JWT login that expires after 7 days", None, None, "`7 days` is not taken"),
        ("add JWT login, tokens valid for 1 year", None, None, "`1 year` is not taken"),
        ("add login, valid for an hour", 60, None, ""),
        ("login whose tokens last 24 hours", 1440, None, ""),
    ],
)
def test_a_duration_belongs_to_the_token_nearest_to_it(
    text: str, minutes: int | None, days: int | None, told: str
) -> None:
    """A lifetime that its token may have is taken, and any other is told."""
    found = plan(text)
    assert found.steps[0].options.get("access_minutes") == minutes
    assert found.steps[0].options.get("refresh_days") == days
    assert any(told in unsure for unsure in found.unsure) == bool(told)


@pytest.mark.parametrize(
    "text",
    [
        "login that never expires",
        "a login whose token doesn't expire",
        "log in users without checking passwords",
        "add a login that does not check the password",
        "add a login that accepts any user",
        "add login, skip token verification",
        "add login with unsigned tokens",
    ],
)
def test_a_login_that_guards_nothing_is_refused(text: str) -> None:
    """What would let anybody in, or for ever, is a danger however it is put."""
    answer = read_request(text)
    assert isinstance(answer, Refusal)
    assert answer.do.startswith("ask for the job without it")


@pytest.mark.parametrize("path", ["/auth/../../etc/passwd", "../auth/login", "/a//login", "/%2e"])
def test_a_path_that_leads_astray_is_refused(path: str) -> None:
    """A path with ``..``, an empty part or an escape is refused whole, never cut to what fits."""
    answer = read_request(f"add a login endpoint at {path}")
    assert isinstance(answer, Refusal)
    assert path in answer.cannot


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("add login and make me a coffee", "`make me a coffee` is not in the plan"),
        ("add login with RS256", "signing with rs256 is left out"),
        ("add login with a retina scan", "`with a retina scan` is not in the plan"),
        ("add login and do not add tests", "`do not add tests` is not followed"),
        ("add login and config", "`config` is not acted on: it may mean settings"),
        ("add login and require auth on all routes", "no route that is there is guarded"),
        ("make GET /users require login", "no route that is there is guarded"),
        ("add login. Do we have a user table?", "`do we have a user table?` is not answered"),
        ("health check with logging", "`with logging` is not in the plan"),
    ],
)
def test_no_clause_vanishes(text: str, told: str) -> None:
    """Every part of a request that the plan does not hold is said in it, once."""
    (unsure,) = plan(text).unsure
    assert unsure.startswith(told) or told in unsure


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("add login, limits in redis", {"limits": "redis"}),
        ("add login with limits in memory", {"limits": "memory"}),
        ("add login with user table accounts", {"user_table": "accounts"}),
        (
            "add login against the Accounts table at /Auth/Login",
            {"user_table": "Accounts", "path": "/Auth/Login"},
        ),
        ("add login at /enter", {"path": "/enter"}),
        ("add health check at /status", {"live_path": "/status"}),
        ("implement /healthz and /readyz", {"live_path": "/healthz", "ready_path": "/readyz"}),
        ("set up a database with alembic migrations", {"migrations": True}),
        ("set up an sqlite database", {"server": "sqlite"}),
    ],
)
def test_particulars_become_options_that_the_recipe_has(
    text: str, options: dict[str, object]
) -> None:
    """Limits, tables and paths are read as written, and the recipe takes each of them."""
    (step,) = plan(text).steps
    assert step.options == options
    recipe = from_options(find(step.recipe), step.options)
    assert {name: dataclasses.asdict(recipe)[name] for name in options} == options
    assert plan(text).unsure == ()


@pytest.mark.parametrize(
    ("text", "refresh"),
    [
        ("users log in and stay signed in", True),
        ("add login with a remember-me", True),
        ("login without a remember-me", False),
    ],
)
def test_staying_logged_in_is_what_refresh_tokens_are_for(text: str, refresh: bool) -> None:
    """Said in a person's words, it is the same option; and declined likewise."""
    assert plan(text).steps[0].options.get("refresh", False) is refresh
