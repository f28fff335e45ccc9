"""Each attack holds against a good login, and strikes one with a single fault."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pytest

from fastwright.lab.boot import App
from fastwright.lab.world import World, WorldSpec
from fastwright.model.errors import UnknownName
from fastwright.review.attack import Strike, every_attack, find_attack
from fastwright.testing.samples import REPOSITORY, python_of

GOOD = REPOSITORY / "tests/apps/attacked"
MAIN = PurePosixPath("main.py")
LOCKS = os.environ.get("FASTWRIGHT_LOCKS", "newest floor").split()

FORM = {
    "login": "POST /login",
    "protected": "GET /me",
    "table": "users",
    "login_column": "email",
    "refresh": "POST /refresh",
    "secrets": "APP_SECRET",
    "sign_up": "POST /register",
    "sign_up_body": '{"email": "{login}", "password": "{password}"}',
    "bodies": '{"POST /refresh": {"refresh_token": "a{n}"},'
    ' "POST /register": {"email": "{login}", "password": "{password}"}}',
}
JSON = {**FORM, "login": "POST /sessions", "encoding": "json", "login_field": "email"}


@dataclass(frozen=True)
class Fault:
    """One property taken out of the good app; `told` is a part of what the strike says."""

    attack: str
    old: str
    new: str
    told: str
    needs: Mapping[str, str] = field(default_factory=lambda: FORM)


FAULTS = {
    "other-status": Fault(
        "login-enumeration",
        "    return user if user and matches else None\n",
        "    if user is None:\n        raise HTTPException(404, 'No such user')\n"
        "    return user if matches else None\n",
        "differ in status (401, 404), body",
    ),
    "other-header": Fault(
        "login-enumeration",
        "    return user if user and matches else None\n",
        "    if user and not matches:\n"
        "        raise HTTPException(401, 'Wrong address or password', {'X-Tries': '4'})\n"
        "    return user if user else None\n",
        "differ in headers",
    ),
    "no-decoy": Fault(
        "login-enumeration",
        "    matches = passwords.verify(password, user.password_hash if user else DECOY)\n",
        "    matches = user and passwords.verify(password, user.password_hash)\n",
        "an unknown user costs 0 password hashes, a wrong password 1",
    ),
    "slow-path": Fault(
        "login-enumeration",
        "    return user if user and matches else None\n",
        "    if user and not matches:\n        time.sleep(0.05)\n"
        "    return user if user and matches else None\n",
        "times as long as an unknown one",
        {**FORM, "clocks": "yes"},
    ),
    "alg-none": Fault(
        "token-forgery",
        "    try:\n        claims = jwt.decode(\n",
        "    if jwt.get_unverified_header(token)['alg'].lower() == 'none':\n"
        "        claims = jwt.decode(token, options={'verify_signature': False})\n"
        "        return db.get(User, int(claims['sub']))\n"
        "    try:\n        claims = jwt.decode(\n",
        "`alg` none, `alg` None, `alg` NONE, `alg` nOnE",
    ),
    "signature-unread": Fault(
        "token-forgery",
        'options={"require": REQUIRED}',
        'options={"require": REQUIRED, "verify_signature": False}',
        "another subject, old signature, no signature, half a signature",
    ),
    "default-secret": Fault(
        "token-forgery",
        '"jb7oCP2yA0pYwqkzGZzTP1t3VfXl0yQx"',
        '"changethis"',
        "signed with `changethis`",
    ),
    "title-as-secret": Fault(
        "token-forgery",
        '"jb7oCP2yA0pYwqkzGZzTP1t3VfXl0yQx"',
        '"Attacked"',
        "signed with `Attacked`",
    ),
    "expiry-unread": Fault(
        "token-forgery",
        'options={"require": REQUIRED}',
        'options={"require": REQUIRED, "verify_exp": False}',
        "tokens are believed that do not hold: expired",
    ),
    "expiry-not-required": Fault(
        "token-forgery",
        '"aud", "exp", "jti"',
        '"aud", "jti"',
        "tokens are believed that do not hold: no expiry",
    ),
    "audience-unread": Fault(
        "token-forgery",
        "            audience=AUDIENCE,\n            issuer=ISSUER,\n            options={",
        '            issuer=ISSUER,\n            options={"verify_aud": False, ',
        "for a foreign audience",
    ),
    "issuer-unread": Fault(
        "token-forgery", "            issuer=ISSUER,\n", "", "from a foreign issuer"
    ),
    "token-outlives-password": Fault(
        "token-after-password-change",
        ' or claims["pwd"] != stamp(user)',
        "",
        "a token works on after",
    ),
    "no-rotation": Fault(
        "refresh-reuse",
        "    fresh = refresh_token(db, user.id, stored.family)\n",
        "    fresh = refresh_token_\n",
        "does not change the refresh token",
    ),
    "reuse-works": Fault(
        "refresh-reuse", "    stored.used = True\n", "", "a refresh token works twice"
    ),
    "family-stays": Fault(
        "refresh-reuse",
        "        db.execute(update(Refresh).where(Refresh.family == stored.family)"
        ".values(revoked=True))\n",
        "",
        "does not revoke its successor",
    ),
    "every-family-goes": Fault(
        "refresh-reuse",
        ".where(Refresh.family == stored.family)",
        ".where(Refresh.user_id == stored.user_id)",
        "the user's other logins",
    ),
    "nan-in-the-body": Fault(
        "hostile-input",
        '"msg": e["msg"]}',
        '"msg": e["msg"], "input": e["input"]}',
        "the password NaN: 500",
        JSON,
    ),
    "nul-to-the-hash": Fault(
        "hostile-input",
        "    if not (storable(email) and storable(password)):\n        return None\n",
        "    assert '\\0' not in password, 'as bcrypt had it'\n",
        "a password with NUL: 500",
        JSON,
    ),
    "sql-by-hand": Fault(
        "hostile-input",
        "    user = db.scalar(select(User).where(User.email == email))\n",
        "    from sqlalchemy import text\n"
        "    user = db.scalar(select(User).from_statement("
        "text(f\"SELECT * FROM users WHERE email = '{email}'\")))\n",
        "login \"' OR",
    ),
    "nan-at-the-refresh": Fault(
        "hostile-bodies",
        '"msg": e["msg"]}',
        '"msg": e["msg"], "input": e["input"]}',
        "POST /refresh, `refresh_token` NaN: 500",
    ),
    "registration-stores-anything": Fault(
        "hostile-bodies",
        "    if not (storable(wanted.email) and storable(wanted.password)):\n"
        "        raise HTTPException(422, 'Not to be stored')\n".replace("'", '"'),
        "    wanted.email.encode('ascii')\n",
        "POST /register, `email` ",
    ),
    "hash-of-the-new": Fault(
        "open-registration",
        'return {"id": user.id, "email": user.email}\n\n\n@app.get("/me")',
        'return {"id": user.id, "hash": user.password_hash}\n\n\n@app.get("/me")',
        "a registration answers with its hash",
    ),
    "plain-password": Fault(
        "open-registration",
        "password_hash=passwords.hash(wanted.password))",
        "password_hash=wanted.password)",
        "a password is stored as it is",
    ),
    "capitals-tell-apart": Fault(
        "open-registration",
        "    email = wanted.email.lower()\n",
        "    email = wanted.email\n",
        "a login that is taken, in other case can be registered again",
    ),
    "taken-is-overwritten": Fault(
        "open-registration",
        '        raise HTTPException(409, "Taken")\n',
        "        db.execute(User.__table__.delete().where(User.email == email))\n",
        "a login that is taken can be registered again",
    ),
    "role-from-the-body": Fault(
        "open-registration",
        "    user = User(email=email, password_hash=passwords.hash(wanted.password))\n",
        "    user = User(email=email, password_hash=passwords.hash(wanted.password), "
        "**wanted.model_extra)\n",
        "a registration sets `id`, `role`, `is_staff`",
    ),
    "no-limit-of-registrations": Fault(
        "open-registration",
        "    wait = registrations.wait(request.client.host)\n",
        "    wait = 0\n",
        "30 registrations from one address meet no limit",
    ),
    "no-account-limit": Fault(
        "brute-force",
        " or by_account.wait(digest(email.lower()))",
        "",
        "(one account, ever new addresses) meet no limit: the last was answered 401",
    ),
    "no-address-limit": Fault(
        "brute-force",
        "by_address.wait(address) or ",
        "",
        "(ever new accounts, one address) meet no limit: the last was answered 401",
    ),
    "forwarded-for": Fault(
        "brute-force",
        "    address = request.client.host\n",
        "    address = request.headers.get('x-forwarded-for', request.client.host)\n",
        "a forged `x-forwarded-for` opens a closed address",
    ),
    "no-retry-after": Fault(
        "brute-force",
        'headers={"Retry-After": str(wait)})\n    user = authenticate(',
        ")\n    user = authenticate(",
        "429 comes without the seconds to wait",
    ),
    "everybody-locked-out": Fault(
        "brute-force",
        "    address = request.client.host\n",
        "    address = 'proxy'\n",
        "cannot log in either",
        {**FORM, "tries": "40"},
    ),
    "hash-in-a-list": Fault(
        "secret-leak",
        '"email": user.email} for user',
        '"email": user.email, "hash": user.password_hash} for user',
        "GET /users for nobody shows a password hash",
    ),
    "traceback-in-an-answer": Fault(
        "secret-leak",
        'app = FastAPI(title="Attacked")\n',
        'app = FastAPI(title="Attacked")\n'
        "@app.exception_handler(404)\n"
        "def missing(request, error):\n"
        "    import traceback\n"
        "    try:\n        raise error\n"
        "    except Exception:\n"
        "        return JSONResponse({'trace': traceback.format_exc()}, 404)\n",
        "a 404 shows a traceback",
    ),
    "traceback-of-the-guard": Fault(
        "secret-leak",
        'app = FastAPI(title="Attacked")\n',
        'app = FastAPI(title="Attacked", debug=True)\n'
        "@app.middleware('http')\n"
        "async def broken(request, call_next):\n"
        "    if request.url.path == '/me' and 'authorization' not in request.headers:\n"
        "        raise ValueError('broken')\n"
        "    return await call_next(request)\n",
        "GET /me for nobody shows a traceback",
    ),
    "secret-in-the-contract": Fault(
        "secret-leak",
        'app = FastAPI(title="Attacked")',
        'app = FastAPI(title="Attacked", description=f"signed with {SECRET}")',
        "the contract shows the setting `APP_SECRET`",
    ),
    "token-of-the-first-user": Fault(
        "other-users-token",
        '    user = db.get(User, int(claims["sub"]))\n',
        '    user = db.get(User, current.setdefault("sub", int(claims["sub"])))\n',
        "the token of one user is answered as",
    ),
}


UUID_KEYS = {
    "import time\n": "import time\nimport uuid\n",
    "    id: Mapped[int] = mapped_column(primary_key=True)\n": (
        "    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)\n"
    ),
    "user_id: Mapped[int]": "user_id: Mapped[uuid.UUID]",
    '"id": user.id': '"id": str(user.id)',
    'int(claims["sub"])': 'uuid.UUID(claims["sub"])',
}


@pytest.fixture(scope="module", params=LOCKS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A scratch world with the good app, on each lock."""
    spec = WorldSpec(GOOD, python_of(request.param), target="main:app")
    with World.open(spec) as opened:
        yield opened


BREAKING = {
    "token-forgery": ('["sub", "iss", "aud", "exp", "jti", "pwd"]', '["iss", "aud", "exp"]'),
    "token-after-password-change": (
        ' or claims["pwd"] != stamp(user):',
        ":\n        raise HTTPException(401)\n    if claims['pwd'] != stamp(user):\n"
        "        raise ValueError('of a password before')\n    if False:",
    ),
    "refresh-reuse": (
        "    try:\n        claims = jwt.decode(\n",
        "    assert token.count('.') == 2\n    try:\n        claims = jwt.decode(\n",
    ),
}
"""What makes the good app fail at a token that it refused."""


def boot(world: World, fault: Fault | None) -> App:
    """The good app, or the same with one fault."""
    text = (GOOD / MAIN).read_text()
    if fault is not None:
        assert text.count(fault.old) == 1
        text = text.replace(fault.old, fault.new)
        if fault.attack == "other-users-token":
            text = text.replace("bearer = ", "current = {}\nbearer = ")
        if "model_extra" in fault.new:
            text = text.replace("class Registration(BaseModel", "class Registration(Loose")
            text = text.replace(
                "class Credentials",
                "class Loose(BaseModel, extra='allow'):\n    pass\n\n\nclass Credentials",
            )
    world.overlay({MAIN: text.encode()})
    own_default = fault is not None and fault.attack == "token-forgery"
    return world.boot(
        env={} if own_default else {"APP_SECRET": "of-the-scratch-world-7Qx2Lm9Zr4Tb"}
    )


def attacked(world: World, fault: Fault | None, attack: str, needs: Mapping[str, str]) -> Strike:
    """How `attack` goes on a freshly booted app."""
    with boot(world, fault) as app:
        return find_attack(attack).run(app, needs)


@pytest.mark.parametrize("needs", [FORM, JSON], ids=["form", "json"])
@pytest.mark.parametrize("name", sorted(every_attack()))
def test_a_good_login_holds(world: World, name: str, needs: Mapping[str, str]) -> None:
    """Every attack is carried out on the good app, by form and by JSON, and held."""
    strike = attacked(world, None, name, needs)
    assert strike.could_not == ""
    assert strike.held, strike.because
    assert strike.evidence


@pytest.mark.parametrize("name", ["token-after-password-change", "other-users-token"])
def test_users_with_uuid_keys_are_told_apart(world: World, name: str) -> None:
    """A key that JSON has no form for finds its row again."""
    text = (GOOD / MAIN).read_text()
    for old, new in UUID_KEYS.items():
        assert old in text
        text = text.replace(old, new)
    world.overlay({MAIN: text.encode(), PurePosixPath("attacked.db"): None})
    with world.boot(env={"APP_SECRET": "of-the-scratch-world-7Qx2Lm9Zr4Tb"}) as app:
        strike = find_attack(name).run(app, FORM)
    world.overlay({PurePosixPath("attacked.db"): None})
    assert strike.could_not == ""
    assert strike.held, strike.because


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_struck(world: World, name: str) -> None:
    """Each single fault is found by its attack, which says what it saw."""
    fault = FAULTS[name]
    strike = attacked(world, fault, fault.attack, fault.needs)
    assert strike.could_not == ""
    assert not strike.held
    assert fault.told in strike.because


@pytest.mark.parametrize("name", ["brute-force", "login-enumeration", "hostile-input"])
def test_a_refusal_that_is_answered_200_lets_nobody_in(world: World, name: str) -> None:
    """Whoever gets no token is not in, whatever the status says."""
    kind = Fault(
        "", 'raise HTTPException(401, "Wrong address or password")',
        'return {"error": "Wrong address or password"}', "",
    )  # fmt: skip
    strike = attacked(world, kind, name, FORM)
    assert strike.could_not == ""
    assert strike.held, strike.because


def test_a_limit_that_lets_one_more_through_holds(world: World) -> None:
    """What a limit opens by itself, at its own pace, was not opened by what came in just then."""
    slow = Fault(
        "", "60 if count >= self.most else 0", "60 * (count >= self.most and count % 4)", ""
    )
    strike = attacked(world, slow, "brute-force", FORM)
    assert strike.could_not == ""
    assert strike.held, strike.because


@pytest.mark.parametrize("attack", BREAKING)
def test_a_failure_is_neither_a_refusal_nor_a_belief(world: World, attack: str) -> None:
    """Where a token that does not hold ends in a 500, the attack says so and holds nothing."""
    strike = attacked(world, Fault(attack, *BREAKING[attack], ""), attack, FORM)
    assert not strike.held
    assert "which is no refusal" in strike.could_not


def test_a_token_that_is_believed_is_told_beside_one_that_breaks(world: World) -> None:
    """What is proven is not lost where another token ends in a 500."""
    both = Fault(
        "token-forgery", '["sub", "iss", "aud", "exp", "jti", "pwd"]', '["iss", "aud"]', ""
    )
    strike = attacked(world, both, "token-forgery", FORM)
    assert strike.could_not == ""
    assert "believed that do not hold: no expiry; GET /me fails" in strike.because
    assert "which is no refusal: no subject" in strike.because


def test_a_traceback_of_another_route_is_told_alone(world: World) -> None:
    """What an app in debug mode shows of a broken route of its own is no fault of the login."""
    title = 'app = FastAPI(title="Attacked"'
    broken = "@app.get('/broken')\ndef broken():\n    raise ValueError('broken')\n"
    debugging = Fault("", f"{title})\n", f"{title}, debug=True)\n{broken}", "")
    strike = attacked(world, debugging, "secret-leak", FORM)
    assert strike.held, strike.because
    assert "GET /broken for nobody shows a traceback of the app's own" in repr(strike.evidence)


def test_evidence_holds_no_secret(world: World) -> None:
    """Neither passwords, tokens nor hashes stand in what an attack reports."""
    strike = attacked(world, None, "token-forgery", FORM)
    shown = repr(strike.evidence)
    assert "GET /me (expired) → 401" in shown
    assert "Fw-attack-password-7" not in shown
    assert "eyJ" not in shown
    assert "$argon2" not in shown


def test_an_attack_that_cannot_be_carried_out_does_not_hold(world: World) -> None:
    """Where the login does not work at all, nothing is claimed to have been withstood."""
    strike = attacked(world, None, "token-forgery", {**FORM, "login": "POST /nowhere"})
    assert not strike.held
    assert strike.could_not == "a login with the right password was answered 404"


def test_every_attack_says_its_limits() -> None:
    """Each attack's docstring says what it proves, what it needs and where it ends."""
    for attack in every_attack().values():
        assert all(f"{word}" in attack.doc for word in ("Proves", "Needs:", "Limits:")), attack.name
        assert attack.area == "security"


def test_names_are_found_with_hyphens_or_underscores() -> None:
    """A promise may write an attack's name either way; another name is refused."""
    assert find_attack("brute_force") == find_attack("brute-force")
    with pytest.raises(UnknownName):
        find_attack("brute-farce")
