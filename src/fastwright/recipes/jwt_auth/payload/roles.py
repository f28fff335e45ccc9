"""Who may do what, by the roles of an account."""

from collections.abc import Callable

from fastapi import HTTPException, status

from .current_user import CurrentUser
from .host import Account


def require_role(*roles: str) -> Callable[[CurrentUser], object]:
    """A dependency for routes that are for accounts with one of `roles` alone.

    A caller who is nobody is answered 401, as by `CurrentUser`; one who has none of them 403.
    """

    async def allowed(user: CurrentUser) -> Account:
        if roles_of(user).isdisjoint(roles):
            raise HTTPException(status.HTTP_403_FORBIDDEN, "Not allowed")
        return user

    return allowed


def roles_of(account: Account) -> frozenset[str]:
    """The roles that `account` has."""
    return frozenset(["granted-role"] if account.role_name else [])  # when: role-flag
    return frozenset([account.role_name] if account.role_name else [])  # when: role-text
    return frozenset((account.role_name or "").replace(",", " ").split())  # when: role-words
    return frozenset(account.role_name or ())  # when: role-list
    role = account.role_name  # when: role-enum
    return frozenset([] if role is None else [str(role.value)])  # when: role-enum
