"""Jobs that no recipe does, asked for in plain words."""

from __future__ import annotations

import pytest

from fastwright.agent.planner import Refusal, read_request
from fastwright.model.plan import Candidate, Plan


def steps(text: str) -> list[tuple[str, dict[str, object]]]:
    """The steps of the plan for `text` with their options; none where there is no plan."""
    answer = read_request(text)
    return [(s.recipe, dict(s.options)) for s in answer.steps] if isinstance(answer, Plan) else []


@pytest.mark.parametrize(
    "text",
    [
        "My user profile endpoint is running slowly, can you help optimize the database queries?",
        "The orders list takes ten seconds and is slow, could you speed it up?",
        "can you make GET /books faster?",
        "can you look for performance problems",
        "find slow queries",
    ],
)
def test_what_is_slow_is_tuned(text: str) -> None:
    """However politely it is said, and with the order behind the complaint."""
    assert steps(text) == [("tune", {})]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("review my code", {}),
        ("Can you review my code?", {}),
        ("what's wrong with my code?", {}),
        ("Find bugs in the orders service", {}),
        ("check my app for security problems", {"area": "security"}),
        ("please do a thorough security audit of this backend", {"area": "security"}),
        ("is my app secure?", {"area": "security"}),
        ("Is my API vulnerable to SQL injection?", {"area": "security"}),
        ("pentest my API", {"area": "security", "live": True}),
        ("fix all issues in my app", {"fix": True}),
        ("Please fix the security holes in this project.", {"area": "security", "fix": True}),
        ("fix the login vulnerabilities", {"area": "security", "fix": True}),
    ],
)  # fmt: skip
def test_a_review_is_heard_with_what_it_shall_do(text: str, options: dict[str, object]) -> None:
    """As an order or a question, since it changes nothing unless a repair is asked for."""
    assert steps(text) == [("review", options)]


@pytest.mark.parametrize(
    "text",
    [
        "add a review endpoint so users can rate books",
        "add an endpoint that lists issues",
        "create a reviews table",
        "fix the bug in login",
        "login returns 500",
        "review the code and disable auth",
        "how does the login work?",
    ],
)
def test_what_only_sounds_like_a_review_starts_none(text: str) -> None:
    """Things to build that are called reviews or issues, one certain fault, a dangerous wish."""
    assert steps(text) == []


def test_a_review_beside_an_order_is_told_to_be_its_own() -> None:
    """The order is planned, and the review is not silently dropped."""
    answer = read_request("add login and review my code")
    assert isinstance(answer, Plan)
    assert [step.recipe for step in answer.steps] == ["jwt-auth"]
    assert answer.unsure == ("`review my code` is a job of its own: ask for it alone",)


@pytest.mark.parametrize("text", ["secure my API", "secure my app"])
def test_a_vague_wish_for_security_has_two_readings(text: str) -> None:
    """A review, or a login: the person chooses."""
    answer = read_request(text)
    assert not isinstance(answer, Plan | Refusal)
    assert all(isinstance(candidate, Candidate) for candidate in answer)
    assert {candidate.recipe for candidate in answer} == {"review", "jwt-auth"}


@pytest.mark.parametrize(
    "text", ["fix the login bug", "fix the auth issue", "login is broken", "fix our sign-in error"]
)
def test_a_fault_of_the_login_is_answered_by_what_can_be_done(text: str) -> None:
    """No review of the whole app: the attacks on the login, and a live review, are named."""
    answer = read_request(text)
    assert isinstance(answer, Refusal)
    assert "only you have seen" in answer.because
    assert "`fastwright add jwt-auth` attacks the login that is there" in answer.do
    assert "--live" in answer.do


def test_a_fault_at_a_named_place_is_no_review_of_all() -> None:
    """Where words name the place, nothing else is reviewed or mended instead."""
    answer = read_request("fix the orders bug")
    assert isinstance(answer, Refusal)
    assert "fastwright review --live" in answer.do


@pytest.mark.parametrize(
    ("text", "declined"),
    [
        ("without a database, add login", ("database",)),
        ("add a login without a database", ("database",)),
        ("add login, no database", ("database",)),
        ("add a login, we have no database yet", ()),
        ("add login with a database, not sqlite", ()),
    ],
)
def test_what_is_declined_is_kept_in_the_plan(text: str, declined: tuple[str, ...]) -> None:
    """What is said no to is known to who would put it before a step, and nothing else is."""
    answer = read_request(text)
    assert isinstance(answer, Plan)
    assert [step.recipe for step in answer.steps] == ["jwt-auth"]
    assert answer.declined == declined
