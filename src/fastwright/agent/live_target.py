"""A live app that is there again after a route has ended or hung it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fastwright.lab.boot import App
from fastwright.lab.boot_answer import Answer
from fastwright.model.errors import DoesNotLoad
from fastwright.review.attack import Client, Headers

MOST_BOOTS = 10
"""Times that an app is booted again; a further crash ends the examination."""

_OVER = f"the app was booted {MOST_BOOTS} times again; what would have come after was not tried"


class SturdyTarget:
    """What `review.live` is handed: an app that crashes or hangs is booted anew.

    The databases stay as they are, so users and rows outlive the process. `crashed` names each
    operation that ended it, in the words of a report.
    """

    def __init__(self, boot: Callable[[], App]) -> None:
        self._boot = boot
        self._app = boot()
        self._boots = 0
        self.crashed: dict[str, None] = {}

    @property
    def description(self) -> dict[str, Any]:
        """What the running app says of itself."""
        return self._app.description

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        json: Any = None,
        form: Mapping[str, str] | None = None,
        client: Client | None = None,
        timeout: float = 30.0,
    ) -> Answer:
        """Send one request; status 0 where the app ended or hung instead of answering."""
        if self._boots > MOST_BOOTS:
            return Answer(0)
        try:
            return self._app.request(
                method, path, timeout=timeout, headers=headers, body=body, json=json, form=form,
                client=client,
            )  # fmt: skip
        except DoesNotLoad:
            self.crashed[f"{method} {path.partition('?')[0]} ended the app or hung it"] = None
            self._again()
            return Answer(0)

    def together(
        self,
        count: int,
        method: str,
        path: str,
        *,
        headers: Headers = (),
        body: bytes = b"",
        timeout: float = 30.0,
    ) -> tuple[Answer, ...]:
        """Send the same request many times at once; no answers where the app ended or hung."""
        if self._boots > MOST_BOOTS:
            return ()
        try:
            return self._app.together(
                count, method, path, headers=headers, body=body, timeout=timeout
            )
        except DoesNotLoad:
            self.crashed[f"{method} {path.partition('?')[0]} at once ended the app or hung it"] = (
                None
            )
            self._again()
            return ()

    def _again(self) -> None:
        self._boots += 1
        self._app.close()
        if self._boots <= MOST_BOOTS:
            self._app = self._boot()
        else:
            self.crashed[_OVER] = None

    def evaluate(self, source: str, **arguments: Any) -> Any:
        """Run a probe in the app's process; raises as `App.evaluate`."""
        return self._app.evaluate(inspect.cleandoc(source), timeout=20.0, **arguments)

    def seed(self, table: str, **values: Any) -> dict[str, Any]:
        """Insert one row; raises as `App.seed`."""
        return self._app.seed(table, **values)

    def close(self) -> None:
        """End the app."""
        self._app.close()
