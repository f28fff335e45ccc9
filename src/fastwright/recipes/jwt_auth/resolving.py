"""What the options that nobody chose come to in one app, and what speaks for it."""

from __future__ import annotations

from collections.abc import Iterator

from fastwright.model.change import Resolved
from fastwright.recipes.jwt_auth.accounts import login_is_unique
from fastwright.recipes.jwt_auth.draft import Draft


def resolved(draft: Draft) -> Iterator[Resolved]:
    """Each option that is left to the app, with the value that it has there."""
    table, is_new = draft.bound.accounts.table, draft.bound.makes_users
    yield Resolved("path", draft.paths.full_login, _why_path(draft))
    yield Resolved("user_table", table.name, _why_table(draft))
    made = f"the new table `{table.name}` has it"
    yield Resolved("login", draft.bound.accounts.login, made if is_new else _why_login(draft))
    redis = draft.settings.redis
    yield (
        Resolved("limits", "redis", f"the app reaches one by `{redis.variable}`")
        if redis
        else Resolved("limits", "memory", "no setting of the app holds the URL of a Redis")
    )


def _why_path(draft: Draft) -> str:
    joined, paths = draft.layout.joined, draft.paths
    if paths.awaited is not None:
        return paths.awaited.because
    if joined is not None:
        return f"the router in `{joined.path}` is where it belongs"
    above = paths.outer + paths.prefix.removesuffix("/auth")
    return f"the app's other routes stand below `{above}`" if above else "no prefix stands above it"


def _why_table(draft: Draft) -> str:
    accounts = draft.bound.accounts
    if draft.bound.makes_users:
        return "no table of the app holds passwords, so that it is made"
    return f"`{accounts.model}` holds the hash in `{accounts.password}`"


def _why_login(draft: Draft) -> str:
    accounts = draft.bound.accounts
    kind = "a unique column" if login_is_unique(accounts) else "a column, not unique,"
    return f"{kind} of `{accounts.table.name}` that names a person"
