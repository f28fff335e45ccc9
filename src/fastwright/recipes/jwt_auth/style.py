"""The style that the payload is rendered in, for one app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from fastwright.model.storage import Column
from fastwright.recipes.ensure.setting import Reader
from fastwright.recipes.jwt_auth import authority, joining
from fastwright.recipes.jwt_auth.accounts import Accounts
from fastwright.recipes.jwt_auth.binding import Binding
from fastwright.recipes.jwt_auth.layout import Layout
from fastwright.recipes.jwt_auth.paths import Paths
from fastwright.recipes.jwt_auth.reading import Reading, redis_text
from fastwright.recipes.jwt_auth.render import Style
from fastwright.recipes.jwt_auth.suite import Suite
from fastwright.recipes.payload import Rendering
from fastwright.source.import_header import Imported

STORED: Mapping[str, str] = MappingProxyType(
    {
        "bcrypt": "$2b$04$BQSPdGYMLB1smA4OB68EHew3RaZPv/pfPgzicKOUFwvrnlyMWvtam",
        "werkzeug": "pbkdf2:sha256:1000$c2FsdA$"
        "2debef2c0895da525bceb75c9130381d7c9145ac71e8448450a6120969da3714",
    }
)
"""A hash of the tests' password, for each scheme that needs no code of the app's to make one."""

_IN_TESTS = ("rows_app", "doors_app", "test_shared_limit")
_LOGIN = len("0123456789abcdef@example.com")
_CLIENTS = ("client", "self.client", "rows.client")
_TEST_PATHS = ("LOGIN", "ME", "REFRESH", "LOGOUT", "REGISTER")

_FOR_SAMPLES = (
    Imported("datetime", "datetime"),
    Imported("datetime", "timezone"),
    Imported("uuid", "uuid4"),
)

APP_UNITS = (
    "environment", "own_settings", "schemas", "stored_bcrypt", "stored_werkzeug",
    "stored_elsewhere", "passwords", "new_password", "tokens", "limit", "shared_limit",
    "limit_keys", "limits", "accounts", "service", "test_shared_limit", "session_alias", "texts",
    "current_user", "router", "me", "create_user", "rows_app", "refreshing", "refresh_router",
    "logout_router", "register_limits", "register_schemas", "registering", "register_router",
    "roles", "grant_role", "doors_app",
)  # fmt: skip
TEST_UNITS = (
    "moving", "test_rows", "test_login", "test_guarded", "test_inactive", "test_stored",
    "test_upgraded", "own_client", "plain_client", "same_client", "test_refresh",
    "test_refresh_guarded", "test_logout", "test_lowercase", "test_register", "test_roles",
    "test_register_roles",
)  # fmt: skip


def style_of(
    bound: Binding, layout: Layout, paths: Paths, suite: Suite, settings: Reading
) -> Style:
    """How every unit is rendered for this app."""
    asked = {**joining.flags(bound.joining), **authority.flags(bound.power)}
    further = frozenset(name for name, holds in asked.items() if holds)
    how = Rendering(
        flags=flags_of(bound, layout, paths, suite, settings) | further,
        names=_names(bound, layout, paths),
        host=_host(bound),
        strings=_strings(bound, layout, paths, suite) | {"PLACEHOLDER_": _env_prefix(settings)},
    )
    sync = frozenset(() if bound.session.is_async else APP_UNITS)
    sync |= frozenset(() if suite.is_async else TEST_UNITS)
    extra = _written_here(bound, layout, paths, settings.readers)
    words = _words(bound, layout, paths, settings)
    homes, of_app = _homes(layout, suite), bound.power.imports if bound.power else ()
    return Style(how=how, sync=sync, words=words, homes=homes, extra=extra, of_app=of_app)


def flags_of(
    bound: Binding, layout: Layout, paths: Paths, suite: Suite, settings: Reading
) -> frozenset[str]:
    """The flags that lines of the payload ask for."""
    accounts = bound.accounts
    chosen = {
        **_of_session(bound, paths),
        **_of_key(bound),
        **_of_hashes(bound),
        "active": accounts.has_switch,
        "active-test": bool(accounts.on or accounts.off),
        "new-users": bound.makes_users,
        "refresh": paths.refresh,
        "logout": paths.logout,
        "based": suite.is_rooted,
        "based-roles": suite.is_rooted and bound.power is not None,
        "mocked": suite.is_mocked,
        "some-hosts": bool(suite.host),
        "limited": suite.is_limited,
        "me": paths.me,
        "redis": settings.redis is not None,
        "own-redis": settings.redis is not None and bool(settings.unit),
        "anyio": suite.plugin == "anyio",
        "pytest-asyncio": suite.plugin == "pytest-asyncio",
        "async-client": suite.is_async,
        "sync-client": not suite.is_async,
        "own-router": layout.joined is None,
        "router-prefix": layout.place.prefix_at_creation and bool(paths.prefix),
        "router-tags": layout.place.tags_at_creation and layout.joined is None,
        "required": bool(required_columns(accounts)),
    }
    return frozenset(name for name, holds in chosen.items() if holds)


def _of_hashes(bound: Binding) -> Mapping[str, bool]:
    """The flags of lines that go by how passwords are hashed, and how they were before."""
    scheme, keeps = bound.scheme, bound.keeps_hashes
    return {
        scheme.kind: scheme.is_old,
        "current": scheme.kind in ("none", "argon2"),
        "own-hasher": scheme.kind == "pwdlib",
        "own-argon": not keeps and scheme.kind != "pwdlib",
        "stored-scheme": scheme.kind in STORED,
        "upgrade": scheme.kind in STORED and not keeps,
        "keep": keeps,
        "keep-bcrypt": keeps and scheme.kind == "bcrypt",
        "light-argon": not (keeps or scheme.makes_bcrypt),
        "light-bcrypt": scheme.makes_bcrypt,
    }


def _of_key(bound: Binding) -> Mapping[str, bool]:
    """The flags of lines that find an account by what a token names."""
    is_part, is_text = bound.accounts.is_part, bound.accounts.key_kind == "text"
    return {
        "text-key": is_text,
        "whole-key": not is_text and not is_part,
        "part-key": is_part,
        "part-key-exec": is_part and bound.session.has_exec,
        "part-key-not-exec": is_part and not bound.session.has_exec,
    }


def _of_session(bound: Binding, paths: Paths) -> Mapping[str, bool]:
    """The flags of lines that ask the session for something."""
    session, lowercase = bound.session, bound.accounts.lowercase
    return {
        "async": session.is_async,
        "sync": not session.is_async,
        "exec": session.has_exec,
        "released": not session.is_held,
        "commits": not session.is_held and not paths.refresh,
        "lowercase": lowercase,
        "any-case": not lowercase,
        "in-any-case": not lowercase and not session.has_exec,
        "in-any-case-exec": not lowercase and session.has_exec,
    }


def required_columns(accounts: Accounts) -> Mapping[str, str]:
    """Attributes that a row must have besides those of a login, and source text for each."""
    parts = {accounts.login, accounts.password, *accounts.on[:1], *accounts.off[:1]}
    found: dict[str, str] = {}
    for column in accounts.table.columns:
        optional = column.nullable or column.default is not None or column.attribute in parts
        counted = column.primary_key and accounts.key_kind == "int"
        if not optional and not counted:
            found[column.attribute] = _sample(column)
    return found


def _sample(column: Column) -> str:
    lowered = (column.type or "").lower()
    if "bool" in lowered:
        return "False"
    if "int" in lowered or "numeric" in lowered or "float" in lowered:
        return "0"
    if "uuid" in lowered:
        return "uuid4()"
    if "date" in lowered or "time" in lowered:
        # A driver refuses a time with a zone where the column keeps none.
        kept = "" if column.timezone or "tz" in lowered else ".replace(tzinfo=None)"
        return f"datetime.now(timezone.utc){kept}"
    if not column.unique:
        return '"x"'
    is_wide = column.length is None or column.length >= _LOGIN
    return "login" if is_wide else f"login[:{column.length}]"


def _names(bound: Binding, layout: Layout, paths: Paths) -> Mapping[str, str]:
    accounts = bound.accounts
    names = {
        "Given": "Pair" if paths.refresh else "str",
        "Answer": "TokenPair" if paths.refresh else "AccessToken",
        "ROUNDS": str(bound.scheme.rounds),
        "login_name": accounts.login,
        "stored_hash": accounts.password,
        **authority.names(bound.power),
    }
    if bound.makes_users:
        names["Account"] = "User"
    if accounts.key != "id":
        names["id"] = accounts.key
    if accounts.key_kind != "uuid":
        names["AccountKey"] = "int" if accounts.key_kind == "int" else "str"
    if layout.place.variable != "router":
        names["router"] = layout.place.variable
    return names


def _env_prefix(settings: Reading) -> str:
    return settings.secret.variable.removesuffix("JWT_SECRET")


def _host(bound: Binding) -> Mapping[str, str]:
    session, scheme = bound.session, bound.scheme
    module = "sqlmodel" if bound.accounts.table.mapper == "sqlmodel" else "sqlalchemy"
    host = {
        "Base": bound.base,
        "AsyncSession": session.kind.dotted,
        "get_session": session.dependency.dotted,
        "select": f"{module}.select",
        "app": bound.target,
    }
    if not bound.makes_users:
        host["Account"] = bound.accounts.model
    if bound.maker:
        host["make_session"] = bound.maker.dotted
    if session.alias:
        host["SessionDep"] = session.alias.dotted
    if bound.accounts.key_kind == "uuid":
        host["AccountKey"] = "uuid.UUID"
    if scheme.name:
        bound_to = "own_hasher" if scheme.kind == "pwdlib" else "verify_stored"
        host[bound_to] = f"{scheme.module}.{scheme.name}"
    return host


def _written_here(
    bound: Binding, layout: Layout, paths: Paths, readers: tuple[Reader, ...]
) -> tuple[Imported, ...]:
    """What is imported beside the host's names: it may stand in files only now being written."""
    names = [Imported(reader.module, reader.name) for reader in readers]
    if not bound.session.alias:
        names.append(Imported(layout.homes["session_alias"], "SessionDep"))
    if bound.makes_users:
        names.append(Imported(layout.homes["user_model"], "User"))
    if paths.expression:
        module, _, name = paths.expression[0].rpartition(".")
        names.append(Imported(module, name))
    names += bound.power.imports if bound.power else ()
    return tuple(dict.fromkeys(names))


def _homes(layout: Layout, suite: Suite) -> Mapping[str, str]:
    return {
        **layout.homes,
        **dict.fromkeys((*TEST_UNITS, *_IN_TESTS), suite.module),
    }


def test_style(style: Style, suite: Suite) -> Style:
    """`style` for the tests, which import nothing that is only now being written."""
    names = {old: new for old, new in style.how.names.items() if old != "router"}
    names["suite_client"] = suite.fixture
    homes = {**style.homes, "session_alias": suite.module}
    extra = (*_FOR_SAMPLES, *style.of_app)
    return replace(style, how=replace(style.how, names=names), homes=homes, extra=extra)


def _strings(bound: Binding, layout: Layout, paths: Paths, suite: Suite) -> dict[str, str]:
    address = f"http://{suite.host or 'testserver'}" if suite.is_rooted else ""
    return {
        "http://localhost": f"http://{suite.host}",
        "placeholder": bound.slug,
        "placeholder-logins:": f"{bound.slug}-logins:",
        "login_name": bound.accounts.login,
        "stored_hash": bound.accounts.password,
        "verify_and_update": "verify" if bound.keeps_hashes else "verify_and_update",
        "/auth": paths.prefix,
        "/login": paths.login,
        "auth/login": paths.full_login.removeprefix("/"),
        "/auth/login": address + paths.test_login,
        "/me": paths.who,
        "/auth/me": address + paths.test_me,
        "/auth/refresh": f"{address}{paths.test_prefix}/refresh",
        "/auth/logout": f"{address}{paths.test_prefix}/logout",
        "/auth/register": f"{address}{paths.test_prefix}/register",
        **authority.strings(bound.power),
        "accounts.id": f"{bound.accounts.table.name}.{bound.accounts.key_column}",
        "STORED-PLACEHOLDER": STORED.get(bound.scheme.kind, ""),
        "placeholder.limits": layout.homes["limits"],
        "placeholder.roles": layout.homes["roles"],
        "placeholder.tokens": layout.homes["tokens"],
        "placeholder.passwords": layout.homes["passwords"],
    }


def _words(bound: Binding, layout: Layout, paths: Paths, settings: Reading) -> Mapping[str, str]:
    secret, minutes = settings.secret, settings.minutes
    accounts = bound.accounts
    unwrapped = ".get_secret_value()" if secret.secret else ""
    words = {
        "settings.jwt_secret.get_secret_value()": f"{secret.expression}{unwrapped}",
        "settings.jwt_access_minutes": minutes.expression,
        "IDLE_DAYS = 14": f"IDLE_DAYS = {bound.refresh_days}",
        "MOST_DAYS = 60": f"MOST_DAYS = {max(60, bound.refresh_days)}",
        "str(settings.redis_url)": redis_text(settings.redis) if settings.redis else "",
        "not account.is_enabled": accounts.refused_when("account"),
        "JWT_SECRET must": f"{secret.variable} must",
        "placeholder.create_user": layout.homes["create_user"],
        "User as User": "User",
        "placeholder.grant_role": layout.homes["grant_role"],
        **joining.words(bound.joining, accounts.login),
        **authority.words(bound.power),
    }
    if not paths.moves:
        words |= {f"address({client}, {path})": path for client in _CLIENTS for path in _TEST_PATHS}
    if accounts.on:
        words["is_enabled=active"] = f"{accounts.on[0]}=active"
    elif accounts.off:
        words["is_enabled=active"] = f"{accounts.off[0]}=not active"
    rows = [f"{name}={value}" for name, value in required_columns(accounts).items()]
    words["required_columns=None"] = ",\n            ".join(rows)
    if paths.expression:
        shown = f"{paths.expression[0].rpartition('.')[2]}{paths.expression[1]}"
        relative = paths.full_login.removeprefix("/")
        for quote in ('"', "'"):
            moved = f"{{{shown}}}{paths.prefix}{paths.login}"
            words[f"tokenUrl={quote}{relative}{quote}"] = f"tokenUrl=f{quote}{moved}{quote}"
    return {**words, **_of_app(bound)}


def _of_app(bound: Binding) -> Mapping[str, str]:
    """Words that only some apps need: a narrow login, errors of their own, a hash that is none."""
    accounts, words = bound.accounts, dict[str, str]()
    wide = accounts.table.column(accounts.login)
    if wide is not None and wide.length is not None and wide.length < _LOGIN:
        short = f"uuid4().hex[:{wide.length}]"
        words |= {f"f{q}{{uuid4().hex[:16]}}@example.com{q}": short for q in ('"', "'")}
    if bound.problem:
        words["detail: str"] = "\n    ".join(f"{name}: {kind}" for name, kind in bound.problem)
    if accounts.nullable:
        words[f"claims.fit(account.{accounts.password})"] = (
            f'claims.fit(account.{accounts.password} or "")'
        )
    return words
