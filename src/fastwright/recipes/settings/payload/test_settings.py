"""The app's settings come from its environment."""

from pathlib import Path

import pytest

from .host import Settings, get_settings


def test_an_env_file_may_hold_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` file is read, and what other programs keep in it is no error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("OF_ANOTHER_PROGRAM=1\n")
    assert Settings()


def test_settings_are_read_once() -> None:
    """Whoever asks for the settings gets the same ones."""
    assert get_settings() is get_settings()
