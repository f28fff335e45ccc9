"""Does a token outlive the password that it was given for?"""

from __future__ import annotations

from fastwright.review.attack import Needs, Strike, Target
from fastwright.review.attacks.assault import Assault

CHANGED = "Fw-another-password-8"


def token_after_password_change(target: Target, needs: Needs) -> Strike:
    """A token is worth nothing once its user's password has been changed.

    Proves that the protected operation refuses the old token after the stored hash was changed,
    that a login with the old password fails, and that one with the new password works.

    Needs: ``login``, ``protected``, and a ``table`` of accounts: the hash is changed in its row,
    as a password change or reset would do.

    Limits: an app that keeps a user in a cache may accept the token for as long as that lives; the
    attack asks at once.
    """
    assault = Assault(target, needs)
    account = assault.account()
    token = assault.token(account)
    assault.control(token)
    assault.set_password(account, CHANGED)
    if assault.believes(token, "the token of before the change"):
        return assault.struck("a token works on after its user's password was changed")
    if assault.token_in(assault.log_in(account.login, account.password, what="old password")):
        return assault.struck("the old password works on")
    if not assault.token_in(assault.log_in(account.login, CHANGED, what="new password")):
        raise assault.cannot("the new password does not log in, so that nothing was shown")
    return assault.held("after a password change the old token and password are refused")
