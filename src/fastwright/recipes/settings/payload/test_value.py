"""The app's settings come from its environment."""

from pathlib import Path

import pytest

from .test_settings import declared


def test_values_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins over the `.env` file, and that over the default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("THE_VARIABLE", raising=False)
    (tmp_path / ".env").write_text("THE_VARIABLE=from the file\nOF_ANOTHER_PROGRAM=1\n")
    assert declared().Settings().the_field == "from the file"
    monkeypatch.setenv("THE_VARIABLE", "from the environment")
    assert declared().Settings().the_field == "from the environment"
