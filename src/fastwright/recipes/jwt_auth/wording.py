"""What the change set says beside its changes: decisions, what is left, what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fastwright.model.app import AppMap
from fastwright.model.change import Decision
from fastwright.recipes.jwt_auth.authority import ORDINARY, Power
from fastwright.recipes.jwt_auth.binding import Binding
from fastwright.recipes.jwt_auth.draft import Draft


def decisions(draft: Draft) -> Iterator[Decision]:
    """The architectural choices of this login."""
    bound, paths = draft.bound, draft.paths
    yield Decision(
        chose="short access tokens that name the account and its password's fingerprint",
        instead_of="a session in the database",
        because="a token is read without a session table, and still ends with its password",
        costs="one query by primary key for each guarded request; before it expires, one token "
        "alone cannot be ended",
    )
    yield _hashing(bound)
    yield Decision(
        chose="HS256 with one secret from the environment",
        instead_of="a key pair",
        because="the app that signs is the app that verifies",
        costs="every service that verifies tokens could also sign them",
    )
    yield _limits(draft)
    if paths.registration:
        yield _REGISTRATION
    if bound.power is not None:
        yield _roles(bound, bound.power)
    if paths.refresh:
        yield Decision(
            chose="opaque refresh tokens, kept as digests, good once",
            instead_of="refresh tokens that are JSON web tokens",
            because="a stolen one is noticed at its second use, which ends the whole login",
            costs="one table, and a write for each refresh",
        )
    if paths.me:
        yield Decision(
            chose=f"`GET {paths.full_me}`",
            instead_of="a login alone",
            because="without a guarded route the docs page has no Authorize button, and nothing "
            "shows that a forged token is refused"
            + ("" if paths.who == "/me" else f"; `{paths.usual_me}` is answered already"),
            costs="one operation more",
        )


_REGISTRATION = Decision(
    chose="409 for a login that is taken",
    instead_of="the same answer for every registration",
    because="without mail to tell the owner, whoever mistypes would wait for an account that is "
    "somebody else's; a login is hard to guess at 10 registrations and one more a minute for each "
    "address",
    costs="somebody who tries can learn whether one login is taken, which a login does not tell",
)


def _roles(bound: Binding, power: Power) -> Decision:
    table = bound.accounts.table.name
    column = f"`{table}.{power.attribute}`"
    return Decision(
        chose=f"a new column {column}" if power.is_new else f"the app's own {column}",
        instead_of="roles in the token",
        because="a role that is taken away is gone with the next request; no schema that a client "
        "sends has it",
        costs="nothing beyond the query that `CurrentUser` makes"
        + (", and one column" if power.is_new else ""),
    )


def _limits(draft: Draft) -> Decision:
    redis = draft.settings.redis
    if redis is None:
        return Decision(
            chose="limits on failed logins in memory, for each account and each address",
            instead_of="Redis",
            because="it needs no further service; a success is not counted",
            costs="each worker counts by itself and forgets at a restart; whoever keeps guessing "
            "at an account keeps its owner waiting up to a minute",
        )
    return Decision(
        chose=f"limits on failed logins in the Redis of `{redis.variable}`",
        instead_of="the memory of each worker",
        because="all workers count together, by one script in one round trip for each limit; "
        "keys are digests",
        costs="while Redis does not answer within 0.1 s, each worker counts by itself; whoever "
        "keeps guessing at an account keeps its owner waiting up to a minute",
    )


def _hashing(bound: Binding) -> Decision:
    accounts, scheme = bound.accounts, bound.scheme
    if bound.keeps_hashes:
        narrow = f"`{accounts.table.name}.{accounts.password}` is too narrow for an argon2 hash"
        return Decision(
            chose="the hashes that are stored, as they are",
            instead_of="argon2 at the next login",
            because=f"`{bound.verifies}` verifies them itself, and reads no argon2 hash"
            if bound.verifies
            else narrow,
            costs=f"passwords stay as strong as their old scheme; {_connection(bound)}",
        )
    if scheme.kind == "pwdlib":
        return Decision(
            chose=f"the app's own hasher, `{scheme.module}.{scheme.name}`, off the event loop",
            instead_of="a second one beside it",
            because="what it stores and what a login reads stay one, whatever it is set to",
            costs=f"its time and memory for each login; {_connection(bound)}",
        )
    return Decision(
        chose="argon2id through pwdlib, off the event loop",
        instead_of="hashing on the event loop" if scheme.kind == "argon2" else "bcrypt",
        because=f"it resists graphics cards; {scheme.because}"
        + (", and those hashes are replaced at the next login" if scheme.is_old else ""),
        costs="64 MiB and some 0.1 s of a core for each login, at most half of the cores at once; "
        + _connection(bound),
    )


def _connection(bound: Binding) -> str:
    """Who has the database connection while a password is hashed."""
    if not bound.session.is_held:
        return "the database connection goes back to the pool meanwhile"
    return (
        f"a login keeps its database connection meanwhile, for `{bound.session.dependency.name}` "
        "opens a transaction that only the end of the request may close: under load, let it yield "
        "a session alone"
    )


def not_done(app: AppMap, draft: Draft) -> Iterator[str]:
    """What a reader might expect and does not get."""
    bound, paths = draft.bound, draft.paths
    if bound.makes_users and not bound.maker:
        yield "no command that creates a user: the app makes sessions for requests alone"
    if paths.awaited is not None and paths.awaited.takes_json:
        yield (
            f"tests of the app send JSON to `{paths.full_login}`, and a login here takes the form "
            'that the docs page sends: let them post `data={"username": …, "password": …}`'
        )
    yield "no existing route asks for a token: add `user: CurrentUser` to those that should"
    yield _absent(draft)
    yield from _left(draft)
    if paths.refresh:
        yield "expired refresh tokens stay in their table: delete rows whose `ends_at` is past"
    if bound.scheme.is_old and not bound.keeps_hashes:
        yield (
            "until its next login, a wrong password for an account with an older hash is answered "
            "in that scheme's time"
        )
    if draft.settings.redis is None:
        yield "limits are counted in each process by itself: for several, `--limits redis`"
    habit = app.convention("error-format")
    if habit is not None and habit.value != "HTTPException":
        yield (
            f'a refused login is answered by FastAPI\'s `{{"detail": …}}`, not by `{habit.value}` '
            f"as {habit.count} of {habit.total} errors of the app are"
        )
    if paths.moves and not paths.expression:
        yield (
            f"the docs page logs in at `{paths.full_login}`: the prefix comes from a setting that "
            "the scheme cannot read"
        )


def _absent(draft: Draft) -> str:
    built = {
        "refresh tokens": draft.paths.refresh,
        "logout": draft.paths.logout,
        "registration": draft.paths.registration,
        "roles": draft.bound.power is not None,
    }
    absent = [name for name, is_built in built.items() if not is_built]
    return f"no {', '.join(absent)} or password reset" if absent else "no password reset"


def _left(draft: Draft) -> Iterator[str]:
    """What registration and roles leave."""
    joining, power = draft.bound.joining, draft.bound.power
    if joining is not None:
        yield "an address is not verified: whoever registers need not be able to read its mail"
        if not draft.bound.accounts.lowercase:
            table, login = draft.bound.accounts.table.name, draft.bound.accounts.login
            yield (
                "a registration looks for its login in any case, and so reads the whole table: an "
                f"index on `lower({login})` of `{table}` makes it quick"
            )
        for route in joining.others:
            yield f"`{route}` makes accounts as it did: without a limit, and hashed its own way"
    if power is not None:
        yield (
            "no existing route asks for a role: add "
            f'`dependencies=[Depends(require_role("{power.role}"))]` to those that should'
        )


def deploy(variable: str, draft: Draft, added: Sequence[str]) -> Iterator[str]:
    """What remains for the person, in order; `added` are the packages that the app lacked."""
    bound = draft.bound
    if added:
        yield f"install the new packages: {', '.join(added)}"
    yield (
        f"set `{variable}` to a secret of its own in every environment: "
        'python -c "import secrets; print(secrets.token_urlsafe(48))"'
    )
    yield (
        "behind a proxy, let the server take the caller's address from it "
        "(uvicorn --proxy-headers --forwarded-allow-ips=<proxy>): limits count by address"
    )
    yield from _for_roles(draft)
    if bound.scheme.is_old and not bound.accounts.room:
        yield (
            f"widen `{bound.accounts.table.name}.{bound.accounts.password}` to 255 characters, "
            "then run this again to have argon2"
        )
    elif bound.keeps_hashes:
        home = draft.layout.homes["passwords"]
        yield (
            f"for argon2, let `{bound.verifies}` verify by `check_password` of `{home}`, "
            "undo this, and build it again"
        )


def _for_roles(draft: Draft) -> Iterator[str]:
    """How the column comes into a database without migrations, and somebody to their role."""
    bound, power = draft.bound, draft.bound.power
    if power is None:
        return
    table, column = bound.accounts.table.name, power.attribute
    if bound.adds_role and not draft.has_migrations:
        yield (
            f"where the table `{table}` exists already, `create_all` leaves it as it is: ALTER "
            f"TABLE \"{table}\" ADD COLUMN {column} VARCHAR(20) DEFAULT '{ORDINARY}' NOT NULL"
        )
    if bound.maker:
        home = draft.layout.homes["grant_role"]
        yield f"make the first administrator: python -m {home} <login>"
    else:
        value = {"flag": "true", "text": f"'{power.role}'", "words": f"'{power.role}'"}
        shown = value.get(power.kind, f"what stands for {power.role}")
        yield (
            f"make the first administrator: in `{table}`, set `{column}` to {shown} for one "
            f"`{bound.accounts.login}`"
        )


def next_steps(draft: Draft) -> Iterator[str]:
    """What to improve after this."""
    yield "guard the routes that are for users alone with `CurrentUser`"
    if draft.settings.redis is None:
        yield "count failed logins in Redis once there is more than one worker"
