from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from fastwright.agent.planner import Refusal, read_request
from fastwright.model import wire
from fastwright.model.app import AppMap, Route
from fastwright.model.plan import Candidate, Plan

REQUESTS = Path(__file__).parents[1] / "requests.toml"


def requests(group: str) -> list[dict[str, Any]]:
    """The requests of `group`, as they stand in the file."""
    return tomllib.loads(REQUESTS.read_text())[group]


def outcome(text: str) -> list[str] | str:
    """The recipes planned for `text`, or ``refuse``, or ``ask``."""
    answer = read_request(text)
    if isinstance(answer, Plan):
        return [step.recipe for step in answer.steps]
    return "refuse" if isinstance(answer, Refusal) else "ask"


def right(request: dict[str, Any]) -> bool:
    """True where outcome and options are those expected."""
    answer = read_request(request["say"])
    if outcome(request["say"]) != request["expect"]:
        return False
    wanted = request.get("options", {})
    return not wanted or (
        isinstance(answer, Plan)
        and {name: answer.steps[0].options.get(name) for name in wanted} == wanted
    )


def wrong_act(request: dict[str, Any]) -> bool:
    """True where something would be built that was not asked for."""
    got, want = outcome(request["say"]), request["expect"]
    return isinstance(got, list) and (isinstance(want, str) or not set(got) <= set(want))


def test_the_collected_requests_are_read_as_expected_to_this_measure(record_property) -> None:
    """Of 121 requests written before the patterns, at least 114 are read exactly as expected."""
    read = [right(request) for request in requests("requests")]
    record_property("figure", f"{sum(read)} of {len(read)}")
    assert sum(read) >= 114
    assert len(read) == 121


def test_titles_that_nobody_fitted_are_read_to_this_measure(record_property) -> None:
    """Of 36 public issue titles, at least 30 are read as expected: the honest figure."""
    read = [right(request) for request in requests("titles")]
    record_property("figure", f"{sum(read)} of {len(read)}")
    assert sum(read) >= 30
    assert len(read) == 36


def test_what_was_not_asked_for_is_hardly_ever_built() -> None:
    """Of all 157, one alone starts something else: a login *page*, whose endpoint is built."""
    acts = [r["say"] for group in ("requests", "titles") for r in requests(group) if wrong_act(r)]
    assert acts == ["feat:create new login page and implement some auth works"]


@pytest.mark.parametrize("text", [r["say"] for r in requests("requests") if r["kind"] == "danger"])
def test_a_dangerous_wish_is_refused_whole(text: str) -> None:
    """A wish that makes the app worse is refused, also beside one that would be fine alone."""
    assert isinstance(read_request(text), Refusal)


@pytest.mark.parametrize(
    "text",
    [
        "let anyone log in without a password",
        "add login, make tokens valid forever",
        "allow any password at login",
        "store the JWT secret in the code",
        "login but skip the password check for admin",
        "add JWT login and make the secret 'secret'",
        "add login with a default admin/admin account",
        "login that returns the password hash in the response",
    ],
)
def test_further_dangers_are_refused(text: str) -> None:
    """What would let anybody in is refused, however it is put beside a fair wish."""
    assert isinstance(read_request(text), Refusal)


@pytest.mark.parametrize(
    ("text", "extras"),
    [
        ("login with no refresh tokens, roles or logout", (False, False)),
        ("login with refresh tokens, but without logout", (True, False)),
        ("sign up and log in, no roles", (None, None)),
    ],
)
def test_a_negation_declines_the_list_behind_it(text: str, extras: tuple[bool | None, ...]) -> None:
    """What stands in the list behind *no* is declined, what stands before it is not."""
    answer = read_request(text)
    assert isinstance(answer, Plan)
    options = answer.steps[0].options
    assert tuple(options.get(n) for n in ("refresh", "logout")) == extras


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("add user registration and login", []),
        ("login with roles and permissions", ["permissions"]),
        ("login endpoint, but no permissions please", []),
    ],
)
def test_what_no_option_builds_is_told(text: str, left_out: list[str]) -> None:
    """A wish beside the login that nothing builds is named in the plan, and one declined is not."""
    answer = read_request(text)
    assert isinstance(answer, Plan)
    said = [u.partition(" ")[0] for u in answer.unsure if "not built yet" in u]
    assert sorted(said) == left_out


@pytest.mark.parametrize(
    ("text", "registration", "roles"),
    [
        ("add user registration and login", True, None),
        ("login with registration", True, None),
        ("I want sign up and sign in endpoints", True, None),
        ("add POST /auth/register and POST /auth/login", True, None),
        ("JWT login with an admin role", None, True),
        ("login, roles (admin and user), but no sign-up", False, True),
        ("add login for registered users", None, None),
        ("login endpoint, but no registration please", False, None),
        ("add JWT login and register the router in the app", None, None),
    ],
)
def test_registration_and_roles_are_heard(
    text: str, registration: bool | None, roles: bool | None
) -> None:
    """Both are built where they are asked for, and left where nobody speaks of them."""
    answer = read_request(text)
    assert isinstance(answer, Plan)
    (step,) = answer.steps
    assert (step.options.get("registration"), step.options.get("roles")) == (registration, roles)
    assert step.options.get("path") in (None, "/auth/login")


@pytest.mark.parametrize("text", ["add login and never log passwords", "JWT login, no plain text"])
def test_a_danger_declined_is_no_danger(text: str) -> None:
    """To ask that something bad is *not* done is no reason to refuse."""
    assert isinstance(read_request(text), Plan)


@pytest.mark.parametrize("request_", requests("requests"), ids=lambda r: r["say"][:40] or "empty")
def test_every_refusal_says_what_why_and_what_to_do(request_: dict[str, Any]) -> None:
    """No refusal leaves one of *cannot*, *because* and *do* empty."""
    answer = read_request(request_["say"])
    if isinstance(answer, Refusal):
        assert answer.cannot.startswith("cannot ")
        assert answer.because
        assert answer.do


def test_unsure_means_at_most_three_candidates_best_first() -> None:
    """A weak request yields one to three candidates in falling order, and no plan."""
    answer = read_request("users, database, config, health")
    assert isinstance(answer, tuple)
    assert all(isinstance(candidate, Candidate) for candidate in answer)
    scores = [candidate.score for candidate in answer]
    assert 1 <= len(scores) <= 3
    assert scores == sorted(scores, reverse=True)


def test_what_is_left_out_of_a_plan_is_said() -> None:
    """The clause that cannot be done is named beside the step that can."""
    answer = read_request("add login and pagination")
    assert isinstance(answer, Plan)
    assert answer.unsure == ("`pagination` is left out: pagination is not built yet",)


def test_a_plan_survives_json() -> None:
    """A plan written by one process is the same plan in another."""
    answer = read_request("add login at /auth/token, valid 2 hours, with refresh, no logout")
    assert isinstance(answer, Plan)
    assert answer.steps[0].options == {
        "path": "/auth/token",
        "access_minutes": 120,
        "refresh": True,
        "logout": False,
    }
    assert wire.from_json(Plan, wire.to_json(answer)) == answer


def test_a_path_that_is_taken_is_named() -> None:
    """A path that the app answers already stands among what is unsure."""
    taken = Route("POST", "/auth/token", "shop.auth.token")
    app = AppMap({PurePosixPath("shop.py"): b""}, None, routes=(taken,))
    answer = read_request("add a login endpoint at /auth/token", app)
    assert isinstance(answer, Plan)
    assert answer.unsure == ("`POST /auth/token` exists already",)
