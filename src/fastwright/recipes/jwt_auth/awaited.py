"""The login that the app's own tests await: a path that they post credentials to, unserved yet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fastwright.model.app import AppMap
from fastwright.model.code import Call
from fastwright.recipes.ensure.suite import is_about
from fastwright.recipes.jwt_auth.layout import home_of
from fastwright.recipes.jwt_auth.schemes import is_test
from fastwright.recipes.jwt_auth.suite import rooted_at

_LOGIN = re.compile(r"(?i)log-?_?in|sign-?_?in|token|authenticate|/auth/?$|sessions?/?$")
_OTHER = re.compile(
    r"(?i)refresh|revoke|log-?_?out|sign-?_?out|reset|forgot|recover|verif|confirm|regist|"
    r"sign-?_?up|test-?_?token|\{"
)
_NAME = re.compile(r"(?i)[\"'\s(,](e-?_?mail|user_?name|login)[\"']?\s*[:=]")
_PASSWORD = re.compile(r"(?i)[\"'\s(,]password[\"']?\s*[:=]")
_TEXT = re.compile(r"""(f?)(["'])(.*)\2""", re.DOTALL)
_LEADING = re.compile(r"\{([\w.()]+)\}")


@dataclass(frozen=True, slots=True)
class Awaited:
    """A login that tests post to.

    Attributes:
        path: The whole path.
        at: The file and line of the first such post.
        count: How many posts of credentials go there, of `total` to any unserved login.
        takes_json: True where most of them send JSON.
        follows: True where the tests write the prefix by the setting that moves it.
    """

    path: str
    at: str
    count: int
    total: int
    takes_json: bool
    follows: bool

    @property
    def because(self) -> str:
        """The evidence, with its count."""
        posts = "post" if self.total == 1 else "posts"
        return f"`{self.at}` posts to it, {self.count} of {self.total} such {posts} in the tests"


@dataclass(frozen=True, slots=True)
class _Post:
    path: str
    call: Call
    follows: bool


def awaited_login(app: AppMap) -> Awaited | None:
    """The login that most posts of credentials in the tests go to; None where none is awaited."""
    posts = [post for post in _posts(app) if _is_open(app, post.path)]
    if not posts:
        return None
    path, count = Counter(post.path for post in posts).most_common(1)[0]
    mine = [post for post in posts if post.path == path]
    span = mine[0].call.span
    line = app.files[span.path][: span.start].count(b"\n") + 1
    as_json = sum(any(name == "json" for name, _ in post.call.keywords) for post in mine)
    follows = all(post.follows for post in mine)
    return Awaited(path, f"{span.path}:{line}", count, len(posts), as_json * 2 > count, follows)


def _is_open(app: AppMap, path: str) -> bool:
    """Nobody serves it, or a login that was written here does."""
    route = app.route("POST", path)
    home = home_of(app, "router")
    return route is None or (home is not None and route.handler.startswith(f"{home}."))


def _posts(app: AppMap) -> Iterator[_Post]:
    """Every post of credentials to what is named like a login, by place."""
    bodies = {function.name: function.span for function in app.functions}
    for call in sorted(app.calls, key=lambda c: (c.span.path, c.span.start)):
        if not (call.text.endswith(".post") and is_test(call.span.path)):
            continue
        found = _path(app, call.arguments[0]) if call.arguments else None
        if found is None or not _LOGIN.search(found[0]) or _OTHER.search(found[0]):
            continue
        around = app.text(bodies.get(call.caller, call.span))
        named = _NAME.search(around) and _PASSWORD.search(around)
        if named and is_about(app, call.span.path):
            yield _Post(_root(app, call, around) + found[0], call, found[1])


def _root(app: AppMap, call: Call, around: str) -> str:
    """The path that the client puts before: made in the test, or by a fixture of its name."""
    client = call.text.removesuffix(".post").rpartition(".")[2]
    makers = (f for f in app.functions if f.name.rpartition(".")[2] == client)
    texts = (around, *(app.text(f.span) for f in makers if is_test(f.span.path)))
    return next(filter(None, map(rooted_at, texts)), "")


def _path(app: AppMap, written: str) -> tuple[str, bool] | None:
    """The path that an argument names, and whether it begins with the value of a setting."""
    text = _TEXT.fullmatch(written.strip())
    if text is None:
        return None
    path, leading = text[3], _LEADING.match(text[3]) if text[1] else None
    if leading is not None:
        value = _value(app, leading[1])
        if value is None:
            return None
        path = value + path[leading.end() :]
    path = re.sub(r"^https?://[^/]+", "", path).partition("?")[0]
    return f"/{path.strip('/')}", leading is not None


def _value(app: AppMap, expression: str) -> str | None:
    """The default of the setting that an expression reads."""
    name = expression.rpartition(".")[2]
    for setting in app.settings:
        if setting.attribute and setting.attribute.rpartition(".")[2] == name and setting.default:
            text = _TEXT.fullmatch(setting.default.strip())
            return text[3] if text is not None and not text[1] else None
    return None
