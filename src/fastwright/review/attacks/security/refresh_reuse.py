"""Is a refresh token good once?"""

from __future__ import annotations

from fastwright.review.attack import Answer, Needs, Strike, Target
from fastwright.review.attacks.assault import Assault, is_done


def refresh_reuse(target: Target, needs: Needs) -> Strike:
    """A refresh token works once; used again, it takes its whole family with it.

    Proves that a refresh gives a new refresh token, that the old one is refused afterwards, that
    this reuse revokes the newer one too, that other logins of the same user stay, and that a
    refresh token is not taken for an access token.

    Needs: ``login``, ``protected``, ``refresh`` and where the refresh token stands and goes.

    Limits: two uses at the same moment are not tried; nor is the lifetime of a family.
    """
    assault = Assault(target, needs)
    account = assault.account()
    assault.control(assault.token(account))
    first, elsewhere = _login(assault, account.login), _login(assault, account.login)
    if assault.believes(first, "a refresh token as access token"):
        return assault.struck("a refresh token is taken for an access token")
    answer = _refresh(assault, first, "first use")
    second = assault.token_in(answer, "refresh_token")
    if not 200 <= answer.status < 300 or assault.token_in(answer) is None:
        raise assault.cannot(f"a refresh was answered {answer.status}")
    if second is None or second == first:
        return assault.struck("a refresh does not change the refresh token")
    if _worked(assault, first, "second use of the same token"):
        return assault.struck("a refresh token works twice")
    if _worked(assault, second, "its successor, after the reuse"):
        return assault.struck("the reuse of a refresh token does not revoke its successor")
    if not _worked(assault, elsewhere, "another login of the same user"):
        return assault.struck("the reuse of a refresh token ends the user's other logins too")
    return assault.held("a refresh token works once, and its reuse revokes the family")


def _login(assault: Assault, login: str) -> str:
    answer = assault.log_in(login, assault.doors.password, what="right password")
    token = assault.token_in(answer, "refresh_token")
    if token is None:
        raise assault.cannot("a login gives no refresh token")
    return token


def _refresh(assault: Assault, token: str, what: str) -> Answer:
    operation = assault.doors.operation("refresh")
    assault.notes.hide(token)
    encoding = assault.doors.get("refresh_encoding", "json")
    if encoding == "carry":
        answer = assault.target.request(
            operation.method, operation.path, headers=assault.doors.carried(token)
        )
    elif encoding == "cookie":
        name = assault.doors.get("refresh_token").removeprefix("cookie:")
        answer = assault.target.request(
            operation.method, operation.path, headers=(("cookie", f"{name}={token}"),)
        )
    else:
        fields = {assault.doors.get("refresh_field", "refresh_token"): token}
        answer = assault.send(operation, fields, encoding=encoding)
    assault.notes.hide(assault.token_in(answer), assault.token_in(answer, "refresh_token"))
    assault.notes.exchange(what, operation, answer)
    return answer


def _worked(assault: Assault, token: str, what: str) -> bool:
    answer = _refresh(assault, token, what)
    assault.judge(answer, what)
    return is_done(answer)
