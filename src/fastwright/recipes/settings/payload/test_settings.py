"""The app's settings come from its environment."""

from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError


def declared() -> Any:
    """The module of the settings."""
    assert find_spec("placeholder.settings"), "the app declares no settings"
    return import_module("placeholder.settings")


def test_an_env_file_may_hold_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` file is read, and what other programs keep in it is no error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OF_ANOTHER_PROGRAM=1\n")
    read = None
    with suppress(ValidationError):
        read = declared().Settings()
    assert read, "a foreign variable is an error"


def test_settings_are_read_once() -> None:
    """Whoever asks for the settings gets the same ones."""
    assert declared().get_settings() is declared().get_settings()
