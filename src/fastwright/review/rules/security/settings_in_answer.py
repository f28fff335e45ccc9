"""FW543 settings-in-answer."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fastwright.model.app import AppMap, Setting
from fastwright.model.code import Flow
from fastwright.model.finding import Evidence, EvidenceKind, Finding, Severity
from fastwright.review.harm import is_secret_setting
from fastwright.review.rule import rule

_NUMBER = re.compile(r"(?:builtins\.)?(?:bool|int|float)\b|(?:datetime\.)?timedelta\b")


@rule(code="FW543", severity=Severity.HIGH)
def settings_in_answer(app: AppMap) -> Iterator[Finding]:
    """The environment of the process, or settings that hold secrets, in an answer.

    ## Why is this bad?
    Database passwords, signing keys and tokens of other services stand there: whoever reads one
    answer can be the app (CWE-497, OWASP API8:2023).

    ## Example
    ```python
    import os


    @app.get("/debug")
    def debug() -> dict[str, str]:
        return dict(os.environ)
    ```

    Use instead:
    ```python
    import os


    @app.get("/debug")
    def debug() -> dict[str, str]:
        return {"version": os.environ.get("APP_VERSION", "")}
    ```

    ## Fix safety
    There is no fix: which of the values a client needs is a decision. Name each of them.

    ## Known limits
    A route with a response model of its own is not reported, since the model takes out what it does
    not name. Fields of type `SecretStr` answer with asterisks and are not reported, nor are
    numbers: how many keys somebody may have is no key.
    """
    models = {route.handler: route.response_model for route in app.routes}
    seen = set()
    for flow in app.flows:
        if (
            flow.sanitizers
            or flow.kind != "answer"
            or flow.place not in ("environment", "settings")
        ):
            continue
        model = models.get(flow.handler) if flow.sink == "return" else None
        filtered = model is not None and any(schema.name in model for schema in app.schemas)
        what = "" if filtered else _what(app, flow)
        if what and flow.path[-1] not in seen:
            seen.add(flow.path[-1])
            yield Finding(
                "settings-in-answer", flow.path[-1], f"`{flow.handler}` answers with {what}",
                (Evidence(EvidenceKind.SOURCE, f"{flow.source} arrives in the answer"),), (), (),
                flow.handler, structural=not flow.doubts,
            )  # fmt: skip


def _what(app: AppMap, flow: Flow) -> str:
    """What of the settings is given away; empty where nothing of it is secret."""
    name = flow.name.strip("[]'\"")
    if flow.place == "environment":
        whole = name in ("", "…") or name.startswith("keys") or "[…]" in flow.name
        if whole:
            return "the whole environment of the process"
        return f"the variable `{name}`" if is_secret_setting(name) else ""
    fields = [s for s in app.settings if _is_of(s, flow.into) and _is_plain_secret(s)]
    if not name and fields:
        return f"all settings, `{fields[0].name}` among them"
    wanted = [s for s in fields if (s.attribute or "").rpartition(".")[2] == name]
    return f"the setting `{name}`" if wanted else ""


def _is_of(setting: Setting, owner: str) -> bool:
    return (setting.attribute or "").rpartition(".")[0] == owner


def _is_plain_secret(setting: Setting) -> bool:
    kind = setting.annotation or ""
    is_number = _NUMBER.match(kind) is not None
    return is_secret_setting(setting.name) and "Secret" not in kind and not is_number
