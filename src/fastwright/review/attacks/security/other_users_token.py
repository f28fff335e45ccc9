"""Is a token good for its own user alone?"""

from __future__ import annotations

from fastwright.review.attack import Needs, Strike, Target
from fastwright.review.attacks.assault import Assault


def other_users_token(target: Target, needs: Needs) -> Strike:
    """A token stands for the user who logged in with it, and for nobody else.

    Proves that two users who are logged in at the same time are told apart: the protected
    operation answers each token with its own user, in either order, repeatedly.

    Needs: ``login``, a ``protected`` operation that names who is calling, and a way to make
    accounts.

    Limits: says nothing of objects that belong to a user; the access matrix does.
    """
    assault = Assault(target, needs)
    ann, ben = assault.account(), assault.account()
    tokens = {who.login: assault.token(who) for who in (ann, ben)}
    assault.control(tokens[ann.login])
    for who, other in ((ann, ben), (ben, ann), (ann, ben)):
        answer = assault.call(tokens[who.login], f"the token of {who.login}")
        assault.judge(answer, f"the token of {who.login}")
        body = answer.body.decode("utf-8", "replace")
        if other.login in body:
            return assault.struck(f"the token of one user is answered as `{other.login}`")
        if not 200 <= answer.status < 300:
            return assault.struck("a second login takes the first user's token away")
        if who.login not in body:
            raise assault.cannot(f"{assault.doors['protected']} does not name who is calling")
    return assault.held("each of two tokens is answered as its own user")
